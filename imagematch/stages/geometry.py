"""What a worker process does with a candidate pair: two files in, a `Geometry` out.

Most candidates have nothing in common, or show the same things in other photos. A coarse check of
small pictures rejects most of these for a tenth of the price, first by keypoints alone, then by the
aligned pixels. So a pair gets a full check only where its hashes or the coarse check give it a
chance.

Everything here runs in a worker that a hostile file may kill.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from imagematch.errors import PhotoError
from imagematch.kernels import comparison, keypoints, traces, views, whole
from imagematch.kernels.decode import DecodedPhoto
from imagematch.kernels.hashes import CONFIDENT_PDQ
from imagematch.kernels.keypoints import Features
from imagematch.kernels.panels import Box
from imagematch.records import Geometry
from imagematch.runtime.failures import is_out_of_memory
from imagematch.settings import DecodeSettings, VerifySettings
from imagematch.stages.fingerprints import FileTask, open_photo

#: What a worker keeps for the next pair: views with all their keypoints, about 0.3 MB each, views
#: with coarse ones, 0.1 MB each, and decoded photos, at most 3 MB each by default.
_KEPT, _KEPT_COARSE, _OPEN = 48, 64, 8

#: With less closeness, pixels that differ may only lack details, as squares do that a photo was
#: turned into; and the largest PDQ distance of pictures that are compared without keypoints, bits.
_NOT_CLOSE, _LIKE_PDQ = 0.9, 64

#: The views of both sides to compare, by their numbers, and what was seen of them.
type _Way = tuple[tuple[FileTask, int], tuple[FileTask, int]]
type _Sides = tuple["_Seen", "_Seen"]
type _Seens = OrderedDict[tuple[str, int], "_Seen"]


@dataclass(frozen=True, slots=True)
class PairTask:
    """A pair to verify.

    Attributes:
        query_view, photo_view: those that look most alike; 0 is the whole picture.
        high_recall: check fully where a coarse check may have missed a soft copy, as a query does.
        pdq_distance: bits; None where hashes say nothing.
    """

    query: FileTask
    photo: FileTask
    query_view: int
    photo_view: int
    high_recall: bool = False
    pdq_distance: int | None = None

    @property
    def likely(self) -> bool:
        """Whether hashes say so much that a coarse check would hardly ever say no."""
        return self.pdq_distance is not None and self.pdq_distance <= CONFIDENT_PDQ

    @property
    def may_be_whole(self) -> bool:
        """Whether both whole pictures may be one, as far as hashes say."""
        return self.pdq_distance is None or self.pdq_distance <= _LIKE_PDQ


def of_whole_pictures(task: PairTask) -> PairTask | None:
    """The pair without its views, see `stages.fallback`; None where it has none."""
    if not (task.query_view or task.photo_view):
        return None
    return replace(task, query_view=0, photo_view=0)


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

    def view(self, view: int) -> tuple[DecodedPhoto, Box]:
        """The photo, and the box of a view by its number.

        One that the picture does not have means the whole picture: it was given when the photo was
        decoded at another size. What is kept of a photo has no further views, because it may have
        a part more or less, and their numbers would mean other places.
        """
        self.boxes += islice(self.further, max(0, view + 1 - len(self.boxes)))
        return self.photo, self.boxes[view] if view < len(self.boxes) else self.boxes[0]


def verify_pairs(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[PairTask]
) -> list[Geometry | None]:
    """Verify a chunk of pairs, by the trace of a photo where its file is gone.

    Returns:
        None where that can't be done either.
    """
    return [_verified(task, decoding, settings) for task in tasks]


def _verified(
    task: PairTask, decoding: DecodeSettings, settings: VerifySettings
) -> Geometry | None:
    try:
        return _looked_at(task, decoding, settings)
    except PhotoError:
        return _by_trace(task, _Viewer(decoding, settings), settings)
    except MemoryError:
        return None
    except Exception as error:
        if is_out_of_memory(error):
            return None
        raise


def _looked_at(task: PairTask, decoding: DecodeSettings, settings: VerifySettings) -> Geometry:
    viewer = _Viewer(decoding, settings)
    geometry = _laid_over(task, viewer, settings)
    if not _saw_little(geometry) or not task.may_be_whole:
        return geometry
    query, photo = viewer.whole(task.query), viewer.whole(task.photo)
    found = whole.compare(*_features((query, photo)))
    if found is None or found.plain_closeness <= geometry.plain_closeness:
        return geometry
    return replace(found, kept=query.kept or photo.kept)


def _saw_little(geometry: Geometry) -> bool:
    """Whether a pair may be two whole pictures that keypoints can't tell to be one."""
    return geometry.plain_closeness < _NOT_CLOSE


def _laid_over(task: PairTask, viewer: "_Viewer", settings: VerifySettings) -> Geometry:
    """What keypoints and the pixels that they align say."""
    # A small part leaves few keypoints in the whole picture: it is looked at in its own size, too.
    numbers = dict.fromkeys([(0, 0), (task.query_view, task.photo_view)])
    ways = [((task.query, query), (task.photo, photo)) for query, photo in numbers]
    if not task.likely:
        coarse = _coarse_result(ways, viewer, settings, high_recall=task.high_recall)
        if coarse is not None:
            return coarse
    first = _told(comparison.compare, viewer.seen(ways[0]), settings)
    if _is_plain(first) or len(ways) == 1:
        return first
    return max(first, _told(comparison.compare, viewer.seen(ways[1]), settings), key=_says)


def _by_trace(task: PairTask, viewer: "_Viewer", settings: VerifySettings) -> Geometry | None:
    """Compare the photo that is there with the trace of the one that is gone."""
    sides = (task.query, task.query_view), (task.photo, task.photo_view)
    for (here, view), (gone, _) in (sides, sides[::-1]):
        trace = traces.read(gone.trace)
        if trace is None:
            continue
        try:
            seen = [viewer.one(here, number) for number in dict.fromkeys((0, view))]
        except PhotoError:
            continue
        found = [_against_trace(one, trace, settings) for one in seen]
        best = max(found, key=traces.says)
        return best if gone is task.photo else comparison.reverse(best)
    return None


def _against_trace(seen: _Seen, trace: traces.Trace, settings: VerifySettings) -> Geometry:
    return replace(traces.compare(seen.features, trace, settings), kept=seen.kept)


def _coarse_result(
    ways: Sequence[_Way], viewer: "_Viewer", settings: VerifySettings, *, high_recall: bool
) -> Geometry | None:
    """What a coarse check says of a pair that deserves no more; None where it may."""
    if not settings.min_coarse_inliers:
        return None
    both = [viewer.coarse(way) for way in ways]
    enough = [
        sides
        for sides in both
        if comparison.has_enough_keypoints(*_features(sides), high_recall=high_recall)
    ]
    if not enough:
        return None
    found = [_told(comparison.coarse_check, sides, settings) for sides in enough]
    most = max(found, key=lambda geometry: geometry.inliers)
    if len(found) == len(ways) and most.inliers < settings.min_coarse_inliers:
        return most
    both = [viewer.on_photographs(way) for way in ways]
    if not any(comparison.has_enough_on_photographs(*_features(sides)) for sides in both):
        return None
    looked = [_told(comparison.coarse_pixel_check, sides, settings) for sides in both]
    if any(comparison.deserves_full_check(geometry) for geometry in looked):
        return None
    best = max(looked, key=_says)
    # It may pass for a copy by what is asked of a full look, which this was not.
    return replace(best, reason="pixels_differ") if best.reason == "accepted" else best


def _features(sides: _Sides) -> tuple[Features, Features]:
    return sides[0].features, sides[1].features


def _told(
    compare: Callable[[Features, Features, VerifySettings], Geometry],
    sides: _Sides,
    settings: VerifySettings,
) -> Geometry:
    query, photo = sides
    geometry = compare(*_features(sides), settings)
    return replace(geometry, kept=query.kept or photo.kept)


def _is_plain(geometry: Geometry) -> bool:
    """Whether a closer look could not say anything else."""
    return geometry.reason == "accepted" and geometry.plain_closeness >= _NOT_CLOSE


def _says(geometry: Geometry) -> tuple[bool, float]:
    """How much a comparison says for a copy."""
    return geometry.reason == "accepted", geometry.plain_closeness


class _Viewer:
    """Takes views of photos; a worker process remembers the latest."""

    def __init__(self, decoding: DecodeSettings, settings: VerifySettings) -> None:
        self._decoding = decoding
        self._settings = settings

    def seen(self, way: _Way) -> _Sides:
        """Both sides with all their keypoints."""
        return self._side(_seen, *way[0]), self._side(_seen, *way[1])

    def whole(self, task: FileTask) -> "_Seen":
        """A whole picture without keypoints; hardly any pair asks for it, so none is remembered."""
        opened = self._open(task)
        features = keypoints.without_keypoints(opened.photo.rgb, opened.photo.width, self._settings)
        return _Seen(features, opened.kept)

    def one(self, task: FileTask, view: int) -> "_Seen":
        """One side with all its keypoints."""
        return self._side(_seen, task, view)

    def coarse(self, way: _Way) -> _Sides:
        """Both sides with coarse keypoints."""
        return self._side(_coarse, *way[0]), self._side(_coarse, *way[1])

    def on_photographs(self, way: _Way) -> _Sides:
        """Both sides with coarse keypoints, where they are photographs."""
        return self._side(_on_photographs, *way[0]), self._side(_on_photographs, *way[1])

    def _side(self, cache: _Seens, task: FileTask, view: int) -> "_Seen":
        def make() -> _Seen:
            opened = self._open(task)
            photo, box = opened.view(view)
            if cache is _on_photographs:
                coarse = self._side(_coarse, task, view).features
                return _Seen(keypoints.on_photographs(coarse, photo.rgb, box), opened.kept)
            take = keypoints.extract if cache is _seen else keypoints.extract_coarse
            return _Seen(take(photo.rgb, photo.width, self._settings, box), opened.kept)

        most = _KEPT if cache is _seen else _KEPT_COARSE
        return _remembered(cache, (task.sha256, view), most, make)

    def _open(self, task: FileTask) -> "_Opened":
        return _remembered(_opened, task.sha256, _OPEN, lambda: _open(task, self._decoding))


_seen: _Seens = OrderedDict()
_coarse: _Seens = OrderedDict()
_on_photographs: _Seens = OrderedDict()
_opened: OrderedDict[str, _Opened] = OrderedDict()


def _open(task: FileTask, decoding: DecodeSettings) -> _Opened:
    photo, kept = open_photo(task, decoding)
    return _Opened(photo, kept, views.boxes(photo.rgb, further=not kept))


def _remembered[K, V](cache: OrderedDict[K, V], key: K, most: int, make: Callable[[], V]) -> V:
    """The value of a key, made where it is not among the `most` that were asked for last."""
    if key not in cache:
        cache[key] = make()
        if len(cache) > most:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]
