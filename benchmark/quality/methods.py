"""The methods that one would pick instead of imagematch: photos and queries in, ranked hits out.

Each makes one fingerprint of a photo, compares that of a query with all of them, and has no second
look. All read the same pixels, decoded once.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np

from benchmark.quality.cases import Case, Hit, MethodRun
from imagematch.errors import PhotoError
from imagematch.kernels import decode, embeddings, hashes
from imagematch.presets import HASHES, PRESETS
from imagematch.records import Bytes, Floats, Locator
from imagematch.runtime.executors import Executor, open_executor
from imagematch.runtime.monitor import Monitor
from imagematch.settings import DEFAULTS, DecodeSettings, DescribeSettings
from imagematch.sources.reading import read_bytes
from imagematch.stages.fingerprints import warm_up

#: Photos that a method names for a query.
_TOP = 20


@dataclass(frozen=True, slots=True)
class Method:
    """A fingerprint and how two are compared.

    Attributes:
        name: as tables show it.
        photo: RGB pixels to the fingerprint of an indexed photo, shape (1, B).
        query: RGB pixels to those of a query, shape (O, B), one for each way to turn it.
        likeness: fingerprints of a query and of N photos, shape (N, B), to scores, shape (N,).
        preset: whose model it needs, if any.
    """

    name: str
    photo: Callable[[Bytes], np.ndarray]
    query: Callable[[Bytes], np.ndarray]
    likeness: Callable[[np.ndarray, np.ndarray], Floats]
    preset: str = HASHES


@dataclass(frozen=True, slots=True)
class _Prints:
    """Fingerprints of one picture, and the processor time that each took, decoding included, s."""

    rows: Mapping[str, np.ndarray]
    seconds: Mapping[str, float]


def run(
    methods: Sequence[str],
    folder: Path,
    photos: Sequence[str],
    cases: Sequence[Case],
    monitor: Monitor,
) -> list[MethodRun]:
    """Ask all cases of some methods.

    Args:
        methods: keys of `METHODS`.
        folder: that the paths of the photos are relative to.
        photos: that are indexed; those that can't be decoded are not found.

    Raises:
        Stopped: as asked through the monitor.
    """
    if not methods:
        return []
    with open_executor(DEFAULTS.workers, partial(_prepare, tuple(methods))) as executor:
        paths = [folder / path for path in photos]
        monitor.stage("Fingerprinting photos for other methods", len(paths))
        indexed = _described(executor, methods, paths, as_query=False, monitor=monitor)
        monitor.stage("Fingerprinting queries for other methods", len(cases))
        asked = _described(
            executor, methods, [case.path for case in cases], as_query=True, monitor=monitor
        )
    return [_ranked(key, photos, indexed, cases, asked) for key in methods]


def _ranked(
    key: str,
    photos: Sequence[str],
    indexed: Sequence[_Prints | None],
    cases: Sequence[Case],
    asked: Sequence[_Prints | None],
) -> MethodRun:
    known = [(path, print_) for path, print_ in zip(photos, indexed, strict=True) if print_]
    names = [path for path, _ in known]
    rows = np.concatenate([print_.rows[key] for _, print_ in known]) if known else np.empty((0, 0))
    before = time.process_time()
    hits = {
        case.name: _nearest(METHODS[key].likeness(print_.rows[key], rows), names)
        for case, print_ in zip(cases, asked, strict=True)
        if print_ and names
    }
    searching = (time.process_time() - before) / max(1, len(hits))
    return MethodRun(
        METHODS[key].name,
        hits,
        _mean([print_.seconds[key] for _, print_ in known]),
        _mean([print_.seconds[key] for print_ in asked if print_]) + searching,
    )


def _nearest(scores: Floats, names: Sequence[str]) -> tuple[Hit, ...]:
    # Photos come by path, so that equal scores always have one order.
    best = np.argsort(-scores, kind="stable")[:_TOP]
    return tuple(Hit(names[at], float(scores[at])) for at in best)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


# --- in worker processes -------------------------------------------------------------------------


def _described(
    executor: Executor,
    methods: Sequence[str],
    paths: Sequence[Path],
    *,
    as_query: bool,
    monitor: Monitor,
) -> list[_Prints | None]:
    function = partial(_fingerprints, tuple(methods), as_query, DEFAULTS.decode)
    found = []
    for outcome in executor.run(function, paths):
        found.append(outcome.result)
        monitor.advance()
        monitor.check()
    return found


def _prepare(methods: Sequence[str]) -> None:
    """Import and load all that the first photo would have to wait for."""
    blank = np.zeros((64, 64, 3), np.uint8)
    for key in methods:
        warm_up(DescribeSettings(preset=METHODS[key].preset))
        METHODS[key].query(blank)


def _fingerprints(
    methods: Sequence[str], as_query: bool, decoding: DecodeSettings, paths: Sequence[Path]
) -> list[_Prints | None]:
    return [_printed(methods, as_query, decoding, path) for path in paths]


def _printed(
    methods: Sequence[str], as_query: bool, decoding: DecodeSettings, path: Path
) -> _Prints | None:
    start = time.process_time()
    try:
        rgb = decode.decode(read_bytes(Locator.outside(path), decoding.max_bytes), decoding).rgb
    except PhotoError:
        return None
    decoded = time.process_time() - start
    rows, seconds = {}, {}
    for key, fingerprint in _functions(methods, as_query):
        start = time.process_time()
        rows[key] = fingerprint(rgb)
        seconds[key] = decoded + time.process_time() - start
    return _Prints(rows, seconds)


def _functions(
    methods: Sequence[str], as_query: bool
) -> Iterator[tuple[str, Callable[[Bytes], np.ndarray]]]:
    for key in methods:
        yield key, METHODS[key].query if as_query else METHODS[key].photo


# --- the methods ---------------------------------------------------------------------------------


def _phash(rgb: Bytes) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(hashes.phash(rgb)), np.uint8)[None]


def _pdq(rgb: Bytes) -> np.ndarray:
    return hashes.pack_hex([hashes.pdq(rgb)[0]])


def _pdq_turned(rgb: Bytes) -> np.ndarray:
    return hashes.pdq_dihedral(rgb)[0]


def _embedded(preset: str, rgb: Bytes) -> np.ndarray:
    embedder = embeddings.load(DescribeSettings(preset=preset))
    assert embedder is not None
    return embedder.embed([rgb])


def _equal_bits(query: np.ndarray, photos: np.ndarray) -> Floats:
    """Share of the bits that agree, 0-1, in the best of the ways to turn the query."""
    bits = 8 * photos.shape[1]
    fewest = np.min([hashes.hamming(row, photos) for row in query], axis=0)
    return np.asarray(1 - fewest / bits, np.float32)


def _cosine(query: np.ndarray, photos: np.ndarray) -> Floats:
    return np.asarray((photos @ query.T).max(axis=1), np.float32)


def _sscd(name: str, model: str) -> Method:
    preset = next(name for name, preset in PRESETS.items() if preset.embedder == model)
    embed = partial(_embedded, preset)
    return Method(name, embed, embed, _cosine, preset)


#: By the name that the command line knows them by.
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "phash": Method("imagehash phash", _phash, _phash, _equal_bits),
        "pdq": Method("PDQ, 8 orientations", _pdq, _pdq_turned, _equal_bits),
        "sscd-small": _sscd("SSCD small, one view", "sscd-small"),
        "sscd-full": _sscd("SSCD full, one view", "sscd"),
    }
)
