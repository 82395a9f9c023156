"""What a worker process does with one photo file: bytes in, fingerprint out.

Everything here runs in a worker that a hostile file may kill; what is raised for a file comes back
as a `Failure`.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from os import PathLike
from pathlib import Path

import cv2
import numpy as np

from imagematch.errors import PhotoError
from imagematch.kernels import decode, embeddings, hashes, kept_picture, traces, views
from imagematch.kernels.decode import DecodedPhoto
from imagematch.kernels.sizes import Sizes, sizes
from imagematch.records import Bytes, Failure, Fingerprint, Floats, Locator
from imagematch.runtime.failures import failure_from, stops_run
from imagematch.settings import DecodeSettings, DescribeSettings
from imagematch.sources.reading import check_size, read_bytes


@dataclass(frozen=True, slots=True)
class FileTask:
    """A photo to describe.

    Attributes:
        locators: any of which should have the bytes; the first readable one is used.
        sha256: that the bytes must have, hex; "" for any.
        data: the bytes, where they are at hand and have this hash: then no file is opened.
        kept: where the picture kept of it would be, see `open_photo`; None for a file from outside.
        trace: that was kept of it; empty where there is none.
        further: whether its further views may be sought, where settings want them.
    """

    locators: tuple[Locator, ...]
    sha256: str
    kept: Path | None = None
    trace: bytes = b""
    further: bool = True
    data: bytes | None = field(default=None, repr=False)


def file_outside(path: str | PathLike[str], sha256: str = "") -> FileTask:
    """The task for a file that belongs to no index."""
    return FileTask((Locator.outside(path),), sha256)


def without_further_views(task: FileTask) -> FileTask:
    """The task with less that can go wrong, see `stages.fallback`."""
    return replace(task, further=False)


@dataclass(frozen=True, slots=True)
class QueryPrint:
    """The fingerprint of a query, with the views that every query gets.

    Attributes:
        orientations: shape (8, 32), uint8; PDQ of the eight flips and rotations.
        views: shape (V, D), float32; the fingerprint's embeddings, then the further views that it
            does not have, where `search.crops` wants them. Of a drawn picture that shows photos,
            the picture and its parts.
    """

    fingerprint: Fingerprint
    orientations: Bytes
    views: Floats


def warm_up(settings: DescribeSettings) -> None:
    """Load what is slow before the clock of any file runs."""
    cv2.setNumThreads(1)
    embeddings.load(settings)


def read_photo(task: FileTask, settings: DecodeSettings) -> tuple[bytes, str]:
    """The bytes of a photo and their hash, from the first file that has them.

    Raises:
        PhotoError: "unreadable", "too_large", or "changed" when no file has the bytes any more.
    """
    if task.data is not None:
        check_size(len(task.data), settings.max_bytes)
        return task.data, task.sha256
    trouble = PhotoError("unreadable", "the file is gone")
    for locator in task.locators:
        try:
            data = read_bytes(locator, settings.max_bytes)
        except PhotoError as error:
            trouble = error
            continue
        sha256 = hashlib.sha256(data).hexdigest()
        if task.sha256 in ("", sha256):
            return data, sha256
        trouble = PhotoError("changed", "the file was changed while it was being indexed")
    raise trouble


def open_photo(task: FileTask, settings: DecodeSettings) -> tuple[DecodedPhoto, bool]:
    """Decode a photo from its file, or from what was kept of it where no file has the bytes.

    Returns:
        The photo, and whether it is what was kept.

    Raises:
        PhotoError: as `read_photo` and `kernels.decode`.
    """
    try:
        data, _ = read_photo(task, settings)
    except PhotoError:
        if photo := _kept_photo(task, settings):
            return photo, True
        raise
    return decode.decode(data, settings), False


def _kept_photo(task: FileTask, settings: DecodeSettings) -> DecodedPhoto | None:
    if task.kept is None:
        return None
    try:
        data = read_bytes(Locator.outside(task.kept), settings.max_bytes)
        return kept_picture.decode(data, task.sha256, settings)
    except PhotoError:
        return None


def describe_files(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    keep: bool = False,
    trace: bool = False,
) -> list[Fingerprint | Failure]:
    """Describe a chunk of photos; `keep`: with the picture to keep of each; `trace`: with that."""
    describe = partial(_described, keep=keep, trace=trace)
    return [_guarded(describe, task, decoding, describing) for task in tasks]


def describe_queries(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    crops: bool,
) -> list[QueryPrint | Failure]:
    """Describe a chunk of query photos; `crops`: with further views of each, such as its crops."""
    describe = partial(_described_query, crops=crops)
    return [_guarded(describe, task, decoding, describing) for task in tasks]


def _guarded[R](
    describe: Callable[[FileTask, DecodeSettings, DescribeSettings], R],
    task: FileTask,
    decoding: DecodeSettings,
    describing: DescribeSettings,
) -> R | Failure:
    try:
        return describe(task, decoding, describing)
    except Exception as error:
        if stops_run(error):
            raise
        return failure_from(error)


def _described(
    task: FileTask,
    decoding: DecodeSettings,
    describing: DescribeSettings,
    *,
    keep: bool,
    trace: bool,
) -> Fingerprint:
    fingerprint, photo = _fingerprint(task, decoding, describing)
    # A gated photo matches by its pixels alone, and a checksum of those is kept anyway.
    if trace and not fingerprint.gate:
        seconds = dict(fingerprint.seconds)
        with _timed(seconds, "trace"):
            found = traces.make(photo.rgb, photo.width)
        fingerprint = replace(fingerprint, trace=found, seconds=seconds)
    if keep:
        picture = kept_picture.encode(photo.rgb, fingerprint.sha256, photo.width, photo.height)
        fingerprint = replace(fingerprint, picture=picture)
    return fingerprint


def _described_query(
    task: FileTask, decoding: DecodeSettings, describing: DescribeSettings, *, crops: bool
) -> QueryPrint:
    fingerprint, photo = _fingerprint(task, decoding, describing)
    orientations, _ = hashes.pdq_dihedral(photo.rgb)
    vectors = fingerprint.embeddings
    embedder = embeddings.load(describing)
    if crops and task.further and embedder is not None:
        if fingerprint.gate == "drawn":
            vectors = _of_page(photo.rgb, _all_views(photo.rgb), embedder, describing)
        elif len(vectors):
            missing = [view.cut(photo.rgb) for view in _all_views(photo.rgb)[len(vectors) - 1 :]]
            vectors = np.concatenate([vectors, embedder.embed(missing)])
    return QueryPrint(fingerprint, orientations, vectors)


def _all_views(rgb: Bytes) -> tuple[views.View, ...]:
    parts = views.find_views(rgb)
    return (*parts, *views.further_views(rgb, parts))


def _of_page(
    rgb: Bytes,
    parts: Sequence[views.View],
    embedder: embeddings.Embedder,
    settings: DescribeSettings,
) -> Floats:
    """A page and its parts, shape (V, D); V is 0 where no part is a photo."""
    cuts = [view.cut(rgb) for view in parts]
    gates = [hashes.quality_gate(sizes(cut), cut.shape[1], cut.shape[0], settings) for cut in cuts]
    if all(gates):
        return np.empty((0, embedder.dimensions), np.float32)
    return embedder.embed([rgb, *cuts])


def _fingerprint(
    task: FileTask, decoding: DecodeSettings, describing: DescribeSettings
) -> tuple[Fingerprint, DecodedPhoto]:
    seconds: dict[str, float] = {}
    with _timed(seconds, "decode"):
        data, sha256 = read_photo(task, decoding)
        photo = decode.decode(data, decoding)
    with _timed(seconds, "hash"):
        phash = hashes.phash(photo.rgb)
        reduced = sizes(photo.rgb)
        pdq, quality = hashes.pdq(reduced.middle)
        pixels = hashes.pixel_sha256(photo.rgb, photo.width, photo.height)
        gate = hashes.quality_gate(reduced, photo.width, photo.height, describing)
    with _timed(seconds, "embed"):
        vectors = _embedded(reduced, gate, describing, further=task.further)
    return Fingerprint(
        sha256,
        pixels,
        photo.width,
        photo.height,
        photo.format,
        photo.frames,
        photo.truncated,
        phash,
        pdq,
        quality,
        gate,
        vectors,
        seconds,
        unseen=photo.unseen,
    ), photo


def _embedded(photo: Sizes, gate: str, settings: DescribeSettings, *, further: bool) -> Floats:
    """The whole picture and its views, shape (V, D); V is 0 where nothing is to be embedded."""
    embedder = embeddings.load(settings)
    if embedder is None or gate not in ("", "drawn"):
        return np.empty((0, embedder.dimensions if embedder else 0), np.float32)
    parts = views.views_of(photo)
    if gate:
        vectors = _of_page(photo.whole, parts, embedder, settings)
    else:
        whole = embedder.embed([photo.whole])
        most = embedder.further_views(whole[0]) if settings.crops and further else 0
        more = views.further_views(photo.whole, parts, most) if most else ()
        found = (*parts, *more)[: views.MOST_INDEXED]
        cuts = embedder.embed([view.cut(photo.whole) for view in found])
        vectors = np.concatenate([whole, cuts])
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        raise PhotoError("unsupported", "the embedding model gives no usable vector for it")
    return vectors


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[part] = time.perf_counter() - start
