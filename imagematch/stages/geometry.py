"""What a worker process does with a candidate pair: two files in, a `Geometry` out.

Everything here runs in a worker that a hostile file may kill.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagematch.errors import PhotoError
from imagematch.kernels import comparison, keypoints, views
from imagematch.kernels.keypoints import Features
from imagematch.records import Geometry
from imagematch.settings import DecodeSettings, VerifySettings
from imagematch.stages.fingerprints import FileTask, is_out_of_memory, open_photo

#: Photos whose keypoints a worker keeps for the next pair, about 0.5 MB each.
_KEPT = 48

#: Correlation and agreement from which on the whole pictures have said it all.
_CLEAR = 0.9


@dataclass(frozen=True, slots=True)
class PairTask:
    """A pair to verify; the views are those that look most alike, 0 is the whole picture."""

    query: FileTask
    photo: FileTask
    query_view: int
    photo_view: int


def verify_pairs(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[PairTask]
) -> list[Geometry | None]:
    """Verify a chunk of pairs; None where a file is gone and nothing was kept of it."""
    return [_verified(task, decoding, settings) for task in tasks]


def _verified(
    task: PairTask, decoding: DecodeSettings, settings: VerifySettings
) -> Geometry | None:
    try:
        query = _features(task.query, 0, decoding, settings)
        photo = _features(task.photo, 0, decoding, settings)
        geometry = _compared(query, photo, settings)
        if _is_plain(geometry) or not (task.query_view or task.photo_view):
            return geometry
        # A small part leaves few keypoints in the whole picture: look at it in its own size.
        closer = _compared(
            _features(task.query, task.query_view, decoding, settings),
            _features(task.photo, task.photo_view, decoding, settings),
            settings,
        )
    except (PhotoError, MemoryError):
        return None
    except Exception as error:
        if is_out_of_memory(error):
            return None
        raise
    return max(geometry, closer, key=_says)


def _is_plain(geometry: Geometry) -> bool:
    """Whether a closer look could not say anything else."""
    return geometry.reason == "accepted" and min(geometry.correlation, geometry.agreement) >= _CLEAR


def _says(geometry: Geometry) -> tuple[bool, float]:
    """How much a comparison says for a copy."""
    return geometry.reason == "accepted", geometry.correlation + geometry.agreement


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A view of a photo; `kept` where its file was gone."""

    features: Features
    kept: bool


def _compared(query: _Seen, photo: _Seen, settings: VerifySettings) -> Geometry:
    geometry = comparison.compare(query.features, photo.features, settings)
    return replace(geometry, kept=query.kept or photo.kept)


_cache: OrderedDict[tuple[str, int], _Seen] = OrderedDict()


def _features(
    task: FileTask, view: int, decoding: DecodeSettings, settings: VerifySettings
) -> _Seen:
    """Keypoints of a view of a photo; a worker process remembers the latest."""
    key = (task.sha256, view)
    if key in _cache:
        _cache.move_to_end(key)
        return _cache[key]
    photo, kept = open_photo(task, decoding)
    box = views.view_box(photo.rgb, view)
    seen = _Seen(keypoints.extract(photo.rgb, photo.width, settings, box), kept)
    _cache[key] = seen
    if len(_cache) > _KEPT:
        _cache.popitem(last=False)
    return seen
