"""How galleries scale: numbers of references in, what opening them and each query cost out.

    python -m benchmark.speed.galleries 10000,100000 --scratch FOLDER

An index of made-up ads (`synthetic`) gets a gallery of each size, and is held open as a program
does. Queries are copies of references. What the gallery adds is told by the same index with the
gallery's photos as ads. Recall is measured against looking at all references. The scratch folder
needs about 4 kB a photo.
"""

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.speed.synthetic import Copies, SyntheticPhotos
from imagematch.kernels import hashes, normalisation
from imagematch.kernels.embeddings import EmbedderIdentity
from imagematch.records import Fingerprint, FoundFile, SightingInfo
from imagematch.settings import DEFAULTS
from imagematch.stages.search import _VECTORS, Finder, QueryFeatures
from imagematch.stores.index import EmbedderRecord, HeldIndex, Index
from imagematch.stores.layout import save_settings
from imagematch.stores.photos import Described, vector_id
from imagematch.stores.scan_inserts import ScannedFile
from imagematch.stores.schema import collections

#: Ads beside each gallery, queries that are asked, and views of each: the picture and its crops.
_ADS, _QUERIES, _VIEWS = 100_000, 60, 20

#: Copies that recall is measured with, margins by which a reference is nearer than the background,
#: and references looked at together.
_COPIES, _MARGINS, _BLOCK = 1000, (0.0, 0.06, 0.12), 2**14

_NO_HASH = np.empty((0, hashes.PDQ_BYTES), np.uint8)

_MODEL = EmbedderRecord("balanced", EmbedderIdentity("made-up", "ab" * 32, 288), 512)


def make(directory: Path, references: int) -> None:
    """Make an index of ads and of one gallery, a photo with one view in each file."""
    photos = SyntheticPhotos(0)
    # Merged once, at the end: each merge on the way would make lists.
    unmerged = replace(DEFAULTS.store, ivf_min_vectors=0, merge_shards=10_000)
    with Index.create(directory, "benchmark", replace(DEFAULTS, store=unmerged), _MODEL) as index:
        cuts = [0, _ADS, _ADS + references]
        for (kind, name), (first, end) in zip(
            (("ads", "ads"), ("gallery", "refs")), pairwise(cuts), strict=True
        ):
            collection = index.collections.ensure(name, kind)
            root_id = index.collections.ensure_root(collection, Path(f"/{name}"))
            run_id = index.catalogue.start_run("index", "", f"/{name}")
            for ids, prints in photos.blocks(cuts[-1]):
                some = (ids > first) & (ids <= end)
                names = [f"{number:064x}" for number in ids[some].tolist()]
                _store(index, (root_id, run_id), names, prints.embeddings[some], prints.pdqs[some])
            index.sightings.finish_scan(root_id, run_id, [], {})
    merged = replace(DEFAULTS.store, merge_shards=2)
    save_settings(directory, replace(DEFAULTS, store=merged))
    with Index.write(directory, "benchmark") as index:  # one reference more, and shards are merged
        last = prints.embeddings[-1:], prints.pdqs[-1:]
        _store(index, (root_id, run_id), [f"{cuts[-1] + 1:064x}"], *last)
    save_settings(directory, DEFAULTS)


def _store(
    index: Index, root_and_run: tuple[int, int], names: Sequence[str], embeddings: Any, pdqs: Any
) -> None:
    if not names:
        return
    files = [
        ScannedFile(FoundFile(f"{name}.jpg", 1, 1, (SightingInfo(),)), f"{name}.jpg", name, None)
        for name in names
    ]
    ids = list(index.sightings.add_files(*root_and_run, files, []).photos.values())
    index.add_vectors(ids, pdqs, {id_: row[None] for id_, row in zip(ids, embeddings, strict=True)})
    hexes = [pdq.tobytes().hex() for pdq in pdqs]
    index.photos.save_described(
        [
            Described(
                id_,
                Fingerprint(name, name, 640, 480, "JPEG", 1, False, name[:16], pdq, 100, "", row),
                1,
            )
            for id_, name, pdq, row in zip(ids, names, hexes, embeddings, strict=True)
        ],
        "made up",
    )


def ask(directory: Path, references: int, count: int = _QUERIES) -> dict[str, Any]:
    """Hold the index open; times in s, of the first query and of the median one, and the
    references that each query finds."""
    asked = SyntheticPhotos(0).copies(2048, _ADS + references)
    queries = _queries(asked, np.flatnonzero(asked.originals > _ADS)[:count])
    with closing(HeldIndex(directory)) as held:
        # The first query reads which photos are references.
        taken, found = zip(*(_asked(held, query) for query in [queries[0], *queries]), strict=True)
    wall, cpu = zip(*taken, strict=True)
    return {
        "first": wall[0],
        "first_cpu": cpu[0],
        "query": statistics.median(wall[1:]),
        "query_cpu": statistics.median(cpu[1:]),
        "found": [[photo for photo in near if photo > _ADS] for near in found[1:]],
    }


def _queries(asked: Copies, rows: np.ndarray) -> list[QueryFeatures]:
    """Each a copy of a reference, with crops that show others."""
    return [
        QueryFeatures(
            "",
            hashes.orientations(asked.pdqs[row : row + 1])[0],
            np.roll(asked.embeddings, -row, axis=0)[:_VIEWS],
        )
        for row in rows
    ]


def _asked(held: HeldIndex, query: QueryFeatures) -> tuple[tuple[float, float], list[int]]:
    """Wall and processor time, and the photos found."""
    started, worked = time.perf_counter(), time.process_time()
    with held.state() as index:
        finder = Finder(index, index.settings.search.min_margin_query)
        [near] = finder.find([query])
    taken = time.perf_counter() - started, time.process_time() - worked
    return taken, [photo.photo_id for photo in near]


def recall(directory: Path, references: int, copies: int = _COPIES) -> dict[float, float]:
    """Which share of made-up copies finds the reference nearest to it, by how much nearer that is
    than the background of the copy."""
    asked = SyntheticPhotos(0).copies(copies, _ADS + references)
    queried = [QueryFeatures("", _NO_HASH, row[None]) for row in asked.embeddings]
    with closing(HeldIndex(directory)) as held, held.state() as index:
        found = Finder(index, index.settings.search.min_margin_query).find(queried)
        nearest, cosines = _nearest_reference(index, asked.embeddings)
        background = _backgrounds(index, asked.embeddings)
    proposed = [{near.photo_id for near in some} for some in found]
    shares = {}
    for margin in _MARGINS:
        rows = np.flatnonzero(cosines >= background + margin)
        hits = [int(nearest[row]) in proposed[row] for row in rows]
        shares[margin] = float(np.mean(hits)) if hits else 1.0
    return shares


def _nearest_reference(index: Index, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By looking at all of them: ids of photos and cosines, shape (Q,)."""
    assert index.embeddings is not None  # the model has vectors
    photos = index.references().photos
    nearest = np.zeros(len(queries), np.int64)
    cosines = np.full(len(queries), -1.0, np.float32)
    for start in range(0, len(photos), _BLOCK):
        some = photos[start : start + _BLOCK]
        vectors = index.embeddings.get(np.array([vector_id(int(photo)) for photo in some]))
        products = queries @ np.asarray(vectors, np.float32).T
        place, best = products.argmax(axis=1), products.max(axis=1)
        nearest = np.where(best > cosines, some[place], nearest)
        cosines = np.maximum(cosines, best)
    return nearest, cosines


def _backgrounds(index: Index, queries: np.ndarray) -> np.ndarray:
    assert index.embeddings is not None  # the model has vectors
    # As many as a query asks for: lists give a smaller background where fewer are wanted.
    found = index.embeddings.search(queries, _VECTORS * normalisation.LAST)
    return normalisation.backgrounds(found.scores)


def as_kind(directory: Path, kind: str) -> None:
    """Have the gallery be something else."""
    with Index.write(directory, "benchmark") as index, index.catalogue.change() as connection:
        gallery = collections.c.name == "refs"
        connection.execute(collections.update().where(gallery).values(kind=kind))


def measured(
    directory: Path, references: int, count: int = _QUERIES
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Costs with the gallery, and with its photos as ads."""
    for kind in ("gallery", "ads"):
        as_kind(directory, kind)
        yield kind, ask(directory, references, count)
    as_kind(directory, "gallery")


def main() -> None:
    """Make, measure and delete an index for each number of references."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("references", help="numbers, with commas between")
    parser.add_argument("--scratch", type=Path, required=True)
    asked = parser.parse_args()
    for references in map(int, asked.references.split(",")):
        directory = asked.scratch / f"gallery-{references}"
        make(directory, references)
        try:
            shares = {
                f"{margin:.2f}": share for margin, share in recall(directory, references).items()
            }
            sys.stdout.write(json.dumps({"references": references, "recall": shares}) + "\n")
            for kind, costs in measured(directory, references):
                found = sum(map(bool, costs.pop("found"))) / _QUERIES
                sys.stdout.write(json.dumps({"references": references, "as": kind, **costs}))
                sys.stdout.write(f" found {found:.2f}\n")
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()
