"""What a worker process does with a candidate pair: two files in, a `Geometry` out.

Most candidates have nothing in common, which coarse keypoints tell for a fifth of the price of fine
ones. So those come first, and a pair gets a full look only where they give it a chance.

Everything here runs in a worker that a hostile file may kill.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from imagematch.errors import PhotoError
from imagematch.kernels import comparison, keypoints, views
from imagematch.kernels.decode import DecodedPhoto
from imagematch.kernels.keypoints import Features
from imagematch.kernels.panels import Box
from imagematch.records import Geometry
from imagematch.settings import DecodeSettings, VerifySettings
from imagematch.stages.fingerprints import FileTask, is_out_of_memory, open_photo

#: Views whose keypoints a worker keeps for the next pair, about 0.5 MB each, and photos that it
#: keeps decoded for the next view, at most 3 MB each by default.
_KEPT, _OPEN = 48, 8

#: Correlation and agreement from which on the whole pictures have said it all.
_CLEAR = 0.9

type _Key = tuple[str, int, bool]


@dataclass(frozen=True, slots=True)
class PairTask:
    """A pair to verify; the views are those that look most alike, 0 is the whole picture."""

    query: FileTask
    photo: FileTask
    query_view: int
    photo_view: int


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A view of a photo; `kept` where its file was gone."""

    features: Features
    kept: bool


@dataclass(slots=True, eq=False)
class _Opened:
    """A decoded photo, and the boxes of its views as far as they were asked for."""

    photo: DecodedPhoto
    kept: bool
    further: Iterator[Box]
    boxes: list[Box] = field(default_factory=list)

    def box(self, view: int) -> Box:
        """The box of a view by its number.

        One that the picture does not have means the whole picture: it was given when the photo was
        decoded at another size.
        """
        self.boxes += islice(self.further, max(0, view + 1 - len(self.boxes)))
        return self.boxes[view] if view < len(self.boxes) else self.boxes[0]


def verify_pairs(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[PairTask]
) -> list[Geometry | None]:
    """Verify a chunk of pairs; None where a file is gone and nothing was kept of it."""
    return [_verified(task, decoding, settings) for task in tasks]


def _verified(
    task: PairTask, decoding: DecodeSettings, settings: VerifySettings
) -> Geometry | None:
    try:
        return _looked_at(task, decoding, settings)
    except (PhotoError, MemoryError):
        return None
    except Exception as error:
        if is_out_of_memory(error):
            return None
        raise


def _looked_at(task: PairTask, decoding: DecodeSettings, settings: VerifySettings) -> Geometry:
    def seen(way: tuple[int, int], *, coarse: bool) -> tuple[_Seen, _Seen]:
        return (
            _features(task.query, way[0], decoding, settings, coarse=coarse),
            _features(task.photo, way[1], decoding, settings, coarse=coarse),
        )

    # A small part leaves few keypoints in the whole picture: it is looked at in its own size, too.
    ways = list(dict.fromkeys([(0, 0), (task.query_view, task.photo_view)]))
    if (glance := _glanced((seen(way, coarse=True) for way in ways), settings)) is not None:
        return glance
    whole = _compared(*seen(ways[0], coarse=False), settings)
    if _is_plain(whole) or len(ways) == 1:
        return whole
    return max(whole, _compared(*seen(ways[1], coarse=False), settings), key=_says)


def _glanced(sides: Iterator[tuple[_Seen, _Seen]], settings: VerifySettings) -> Geometry | None:
    """What coarse keypoints say of a pair that is not worth more; None where it may be."""
    if not settings.min_coarse_inliers:
        return None
    found = []
    for query, photo in sides:
        glance = comparison.glance(query.features, photo.features, settings)
        if glance is not None:
            if glance.inliers >= settings.min_coarse_inliers:
                return None
            found.append(replace(glance, kept=query.kept or photo.kept))
    return max(found, key=lambda glance: glance.inliers, default=None)


def _compared(query: _Seen, photo: _Seen, settings: VerifySettings) -> Geometry:
    geometry = comparison.compare(query.features, photo.features, settings)
    return replace(geometry, kept=query.kept or photo.kept)


def _is_plain(geometry: Geometry) -> bool:
    """Whether a closer look could not say anything else."""
    return geometry.reason == "accepted" and min(geometry.correlation, geometry.agreement) >= _CLEAR


def _says(geometry: Geometry) -> tuple[bool, float]:
    """How much a comparison says for a copy."""
    return geometry.reason == "accepted", geometry.correlation + geometry.agreement


_seen: OrderedDict[_Key, _Seen] = OrderedDict()
_opened: OrderedDict[str, _Opened] = OrderedDict()


def _features(
    task: FileTask, view: int, decoding: DecodeSettings, settings: VerifySettings, *, coarse: bool
) -> _Seen:
    """Keypoints of a view of a photo; a worker process remembers the latest."""

    def make() -> _Seen:
        opened = _remembered(_opened, task.sha256, _OPEN, lambda: _open(task, decoding))
        photo, box = opened.photo, opened.box(view)
        features = keypoints.extract(photo.rgb, photo.width, settings, box, coarse=coarse)
        return _Seen(features, opened.kept)

    return _remembered(_seen, (task.sha256, view, coarse), _KEPT, make)


def _open(task: FileTask, decoding: DecodeSettings) -> _Opened:
    photo, kept = open_photo(task, decoding)
    return _Opened(photo, kept, views.boxes(photo.rgb))


def _remembered[K, V](cache: OrderedDict[K, V], key: K, most: int, make: Callable[[], V]) -> V:
    """The value of a key, made where it is not among the `most` that were asked for last."""
    if key not in cache:
        cache[key] = make()
        if len(cache) > most:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]
