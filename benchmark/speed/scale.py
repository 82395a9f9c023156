"""How search grows: numbers of photos in, what an index of each costs out.

For each number of photos, the product's own vector stores are filled with synthetic fingerprints
(`synthetic`) in a scratch folder, as indexing fills them, and opened anew in a fresh process, which
measures what they hold in memory and how long candidates take. The scratch folder needs about
5 kB a photo for as long as a size is measured.
"""

import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from json import dumps, loads
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.speed.synthetic import Prints, SyntheticPhotos
from imagematch.kernels import hashes, normalisation
from imagematch.records import Bytes, Floats
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.services.status import how_searched
from imagematch.settings import DEFAULTS
from imagematch.stages.search import BATCH
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.vectors import Ids, Neighbours, VectorKind

#: Photos added to a full index, to see what that costs.
ADDED = 10_000

#: Queries asked alone, after a few that warm up.
_SINGLE, _WARM = 400, 20

#: Batches of photos looked for at once, as indexing does, and photos for which it is told how many
#: copies are found.
_BATCHES, _RECALLED = 4, 1024

#: Views of a query: the picture, its panels and 18 crops. Here, as many near ones of one photo.
_VIEWS = 20

#: Queries that are compared with every photo, for the truth.
_COMPARED = 200

#: The exact nearest ones that should be found.
_TOP = 10

_KINDS: Mapping[VectorKind, int] = {"float": 512, "binary": hashes.PDQ_BYTES}


@dataclass(frozen=True, slots=True)
class Recall:
    """Which share was found of what there is, 0-1; NaN where there was nothing to find.

    Attributes:
        copies: originals of new copies, by embedding or hash.
        by_embedding, by_hash: by one of them alone. `by_hash_near`: within 31 bits.
        candidates: of the exact ten nearest embeddings, those that are candidates: nearer than
            photos that have nothing to do with the query, by `search.min_margin`.
        neighbours: of the exact ten nearest embeddings, whatever they are.
    """

    copies: float
    by_embedding: float
    by_hash: float
    by_hash_near: float
    candidates: float
    neighbours: float


@dataclass(frozen=True, slots=True)
class ScalePoint:
    """What an index of some size costs. Times are wall time, s, unless said otherwise.

    Attributes:
        photos: with one embedding and one hash each.
        build_seconds, build_cpu_seconds: to fill it, batch by batch; making photos is not counted.
        disk_bytes: a photo, all files.
        resident_bytes: a photo, anonymous memory after opening and after all queries, less that
            before. Pages of mapped files, which the system drops when it needs memory, are apart.
        mapped_bytes: a photo, those pages after all queries.
        open_seconds: both stores.
        single_p50, single_p99: one query's candidates: 20 views and a hash in eight orientations.
        upright_p50, upright_p99: the same with one view.
        batch_per_second: photos, one view and eight orientations each, asked as indexing asks.
        batch_cpu_seconds: processor time of one of these photos.
        deep, shallow: what queries find, and what indexing finds.
        add_seconds: to add 10,000 photos.
        added_bytes: written for each photo added, merging included.
        load: of the machine when queries began, the one-minute average; NaN where unknown.
        searches: how the stores chose to search, by kind, in words.
    """

    photos: int
    build_seconds: float
    build_cpu_seconds: float
    disk_bytes: float
    resident_bytes: float
    mapped_bytes: float
    open_seconds: float
    single_p50: float
    single_p99: float
    upright_p50: float
    upright_p99: float
    batch_per_second: float
    batch_cpu_seconds: float
    deep: Recall
    shallow: Recall
    add_seconds: float
    added_bytes: float
    load: float
    searches: Mapping[str, str]


def measure_scale(
    sizes: Sequence[int],
    scratch: Path,
    seed: int,
    watch: Monitor | None = None,
    real: Prints | None = None,
) -> tuple[ScalePoint, ...]:
    """Build an index of each size, and measure it.

    Args:
        sizes: numbers of photos, in any order; at least 1,000 for a meaningful recall.
        scratch: a folder for the stores; what this makes in it is deleted again.
        seed: the same seed makes the same photos.
        watch: is told how many photos were stored of those of all sizes, and may stop the run.
        real: fingerprints of real photos that the synthetic ones are to resemble.

    Raises:
        OSError: the disk is full.
        Stopped: as asked through the monitor.
    """
    watch = watch or Unwatched()
    watch.stage("scale", sum(sizes))
    photos = SyntheticPhotos(seed, real)
    points = []
    for size in sorted(sizes):
        place = scratch / f"scale-{size}"
        place.mkdir(parents=True)
        try:
            points.append(_measured(photos, size, place, watch))
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return tuple(points)


def _measured(photos: SyntheticPhotos, size: int, place: Path, watch: Monitor) -> ScalePoint:
    asked = photos.copies(_BATCHES * BATCH, size)
    truth = _Truth(asked.embeddings[:_COMPARED])
    built = _build(photos, size, place, truth, watch)
    np.savez(
        place / _ASKED,
        embeddings=asked.embeddings,
        pdqs=asked.pdqs,
        originals=asked.originals,
        bits=asked.bits,
        true_ids=truth.ids,
        true_cosines=truth.cosines,
    )
    # A process of its own: what building leaves in memory would hide what an open index takes.
    child = subprocess.run(
        [sys.executable, "-m", "benchmark.speed.scale", str(place), str(size)],
        check=True,
        stdout=subprocess.PIPE,
    )
    found = loads(child.stdout)
    found["deep"], found["shallow"] = Recall(**found["deep"]), Recall(**found["shallow"])
    return ScalePoint(photos=size, **built, **found, **_add(photos, size, place))


#: The file that hands queries and truth to the process which asks.
_ASKED = "asked.npz"


class _Truth:
    """The exact nearest embeddings of queries, of all that it was shown."""

    def __init__(self, queries: Floats) -> None:
        self._queries = queries
        self.cosines = np.full((len(queries), normalisation.LAST), -np.inf, np.float32)
        self.ids = np.full(self.cosines.shape, -1, np.int64)

    def look(self, ids: Ids, embeddings: Floats) -> None:
        cosines = np.concatenate([self.cosines, self._queries @ embeddings.T], axis=1)
        names = np.concatenate([self.ids, np.broadcast_to(ids, (len(cosines), len(ids)))], axis=1)
        some = np.argpartition(-cosines, normalisation.LAST - 1)[:, : normalisation.LAST]
        order = np.argsort(-np.take_along_axis(cosines, some, axis=1), axis=1)
        best = np.take_along_axis(some, order, axis=1)
        self.cosines = np.take_along_axis(cosines, best, axis=1)
        self.ids = np.take_along_axis(names, best, axis=1)


def _build(
    photos: SyntheticPhotos, size: int, place: Path, truth: _Truth, watch: Monitor
) -> dict[str, Any]:
    wall = cpu = 0.0
    with _stores(place, writable=True) as stores:
        for ids, prints in photos.blocks(size):
            started, worked = time.perf_counter(), time.process_time()
            _add_to(stores, ids, prints)
            wall += time.perf_counter() - started
            cpu += time.process_time() - worked
            truth.look(ids, prints.embeddings)
            watch.advance(len(ids))
            watch.check()
    used = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    return {"build_seconds": wall, "build_cpu_seconds": cpu, "disk_bytes": used / size}


def _add(photos: SyntheticPhotos, size: int, place: Path) -> dict[str, Any]:
    new = photos.others(ADDED)
    before = {path for path in place.rglob("*") if path.is_file()}
    with _stores(place, writable=True) as stores:
        started = time.perf_counter()
        _add_to(stores, np.arange(size + 1, size + 1 + len(new)), new)
        seconds = time.perf_counter() - started
    after = {path for path in place.rglob("*") if path.is_file()}
    written = sum(path.stat().st_size for path in after - before)
    return {"add_seconds": seconds, "added_bytes": written / len(new)}


def _add_to(stores: "_Stores", ids: Ids, prints: Prints) -> None:
    stores["float"].add(ids, prints.embeddings)
    stores["binary"].add(ids, prints.pdqs)


type _Stores = dict[VectorKind, FaissVectorStore]


@contextmanager
def _stores(place: Path, *, writable: bool) -> Iterator[_Stores]:
    """The stores of an index with the default settings."""
    settings = DEFAULTS.store
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(
                closing(
                    FaissVectorStore.open(
                        place / kind,
                        kind,
                        width,
                        writable=writable,
                        merge_shards=settings.merge_shards,
                        ivf_min_vectors=settings.ivf_min_vectors,
                    )
                )
            )
            for kind, width in _KINDS.items()
        }


# --- in a process of its own -------------------------------------------------------------------


def _ask(place: Path, size: int) -> dict[str, Any]:
    """Open the stores and ask; the fields of a `ScalePoint` that this tells."""
    with np.load(place / _ASKED) as saved:
        asked = dict(saved)
    turned = hashes.orientations(asked["pdqs"])
    anonymous, _ = _resident()
    started = time.perf_counter()
    with _stores(place, writable=False) as stores:
        opened = time.perf_counter() - started
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else math.nan
        views = [_some(asked["embeddings"], number, _VIEWS) for number in range(_SINGLE + _WARM)]
        one = [_some(asked["embeddings"], number, 1) for number in range(_SINGLE + _WARM)]
        single = _latencies(stores, views, turned)
        upright = _latencies(stores, one, turned)
        holds, mapped = _resident()
        started, worked = time.perf_counter(), time.process_time()
        for first in range(0, len(turned), BATCH):
            some = slice(first, first + BATCH)
            _candidates(stores, asked["embeddings"][some], turned[some], high_recall=False)
        batch, batch_cpu = time.perf_counter() - started, time.process_time() - worked
        return {
            "open_seconds": opened,
            "single_p50": float(np.quantile(single, 0.5)),
            "single_p99": float(np.quantile(single, 0.99)),
            "upright_p50": float(np.quantile(upright, 0.5)),
            "upright_p99": float(np.quantile(upright, 0.99)),
            "batch_per_second": len(turned) / batch,
            "batch_cpu_seconds": batch_cpu / len(turned),
            "resident_bytes": (holds - anonymous) / size,
            "mapped_bytes": mapped / size,
            "deep": asdict(_recall(stores, asked, turned, high_recall=True)),
            "shallow": asdict(_recall(stores, asked, turned, high_recall=False)),
            "load": load,
            "searches": {kind: how_searched(store.stats()) for kind, store in stores.items()},
        }


def _some(embeddings: Floats, number: int, count: int) -> Floats:
    """Views of a query; from photos that have nothing in common, which is the most work."""
    rows = (number * count + np.arange(count)) % len(embeddings)
    return np.ascontiguousarray(embeddings[rows])


def _latencies(stores: _Stores, views: Sequence[Floats], turned: Bytes) -> list[float]:
    taken = []
    for number, some in enumerate(views):
        pdqs = turned[number % len(turned)][None]
        started = time.perf_counter()
        _candidates(stores, some, pdqs, high_recall=True)
        taken.append(time.perf_counter() - started)
    return taken[_WARM:]


def _candidates(
    stores: _Stores, views: Floats, turned: Bytes, *, high_recall: bool
) -> tuple[Neighbours, Neighbours]:
    """What `stages.search` asks the stores for, of views and of hashes in eight orientations."""
    search = DEFAULTS.search
    return (
        stores["float"].search(views, max(search.top, normalisation.LAST), high_recall=high_recall),
        stores["binary"].search(
            turned.reshape(-1, turned.shape[2]),
            search.top,
            limit=search.max_pdq_distance,
            high_recall=high_recall,
        ),
    )


def _recall(stores: _Stores, asked: dict[str, Any], turned: Bytes, *, high_recall: bool) -> Recall:
    told = slice(0, _RECALLED)
    turned, bits = turned[told], asked["bits"][told]
    near, alike = _candidates(stores, asked["embeddings"][told], turned, high_recall=high_recall)
    original = asked["originals"][told, None]
    by_embedding = (near.ids == original).any(axis=1)
    by_hash = (alike.ids.reshape(len(turned), -1) == original).any(axis=1)
    ids, cosines = asked["true_ids"], asked["true_cosines"]
    least = normalisation.backgrounds(cosines) + DEFAULTS.search.min_margin
    found = (ids[:, :_TOP, None] == near.ids[: len(ids), None, :]).any(axis=2)
    there = ids[:, :_TOP] >= 0
    wanted = there & (cosines[:, :_TOP] >= least[:, None])
    return Recall(
        copies=float((by_embedding | by_hash).mean()),
        by_embedding=float(by_embedding.mean()),
        by_hash=float(by_hash.mean()),
        by_hash_near=_share(by_hash[bits <= hashes.CONFIDENT_PDQ]),
        candidates=_share(found[wanted]),
        neighbours=_share(found[there]),
    )


def _share(found: np.ndarray) -> float:
    return float(found.mean()) if found.size else math.nan


def _resident() -> tuple[float, float]:
    """Bytes in memory, anonymous and of mapped files; NaN where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return math.nan, math.nan
    sizes = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    return 1024.0 * int(sizes["RssAnon"][0]), 1024.0 * int(sizes["RssFile"][0])


if __name__ == "__main__":
    sys.stdout.write(dumps(_ask(Path(sys.argv[1]), int(sys.argv[2]))))
