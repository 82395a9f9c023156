"""Functions that stand in for the work of a stage, with kernels that misbehave for some photos.

Workers are processes of their own, where a test can patch nothing: it puts one of these in the
place of what they are asked to do. Which photos are meant is written behind the picture in the file
(`marked`), or in the file's name.
"""

import functools
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Never

import numpy as np

from imagematch.kernels import comparison, decode, views
from imagematch.kernels.decode import DecodedPhoto
from imagematch.kernels.keypoints import Features
from imagematch.records import Drawing, Failure, Fingerprint, Geometry
from imagematch.settings import DecodeSettings, DescribeSettings, VerifySettings
from imagematch.stages import fingerprints, geometry
from imagematch.stages.explain import DrawingTask
from imagematch.stages.fingerprints import FileTask, QueryPrint
from imagematch.stages.geometry import PairTask

_MARK = b"misbehave:"

#: What a photo can make the kernels do.
RAISING = ("raise", "raise odd", "exit", "interrupt")
DYING = ("die", "segfault", "abort")
HANGING = ("hang",)
NONSENSE = ("nothing", "no pixels", "no hash", "other photo")
BROKEN_LISTS = ("short list", "no list", "none in list", "nan")


def marked(path: Path, what: str) -> Path:
    """Write behind the picture in a file what the kernels are to do; decoders pass over it."""
    with path.open("ab") as file:
        file.write(_MARK + what.encode())
    return path


def _mark_of(data: bytes) -> str:
    _, found, what = data[-40:].rpartition(_MARK)
    return what.decode() if found else ""


def describe_misbehaving(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    **wanted: bool,
) -> list[Fingerprint | Failure]:
    """Describe photos with kernels that do what is written in them."""
    _install()
    found: Any = fingerprints.describe_files(decoding, describing, tasks, **wanted)
    marks = [_mark_of(Path(str(task.locators[0])).read_bytes()) for task in tasks]
    if "short list" in marks:
        return found[1:]
    if "no list" in marks:
        return None  # type: ignore[return-value]
    return [_spoilt(one, mark) for one, mark in zip(found, marks, strict=True)]


def _spoilt(found: Any, mark: str) -> Any:
    if mark == "none in list":
        return None
    if mark == "nan":
        # Past the slots of a frozen record, as a kernel that is broken would give it.
        object.__setattr__(found, "embeddings", np.full((1, 4), np.nan, np.float32))
    return found


def query_misbehaving(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    crops: bool,
) -> list[QueryPrint | Failure]:
    """Describe queries with kernels that do what is written in them."""
    _install()
    return fingerprints.describe_queries(decoding, describing, tasks, crops=crops)


def verify_misbehaving(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[PairTask]
) -> list[Geometry | None]:
    """Verify pairs, with a kernel that does what the name of a photo of the pair says."""
    return [_verified_misbehaving(decoding, settings, task) for task in tasks]


def _verified_misbehaving(
    decoding: DecodeSettings, settings: VerifySettings, task: PairTask
) -> Geometry | None:
    names = " ".join(map(str, task.query.locators + task.photo.locators))
    before = comparison.compare
    if "raises" in names:
        comparison.compare = _compare_in_vain  # type: ignore[assignment]
    try:
        (found,) = geometry.verify_pairs(decoding, settings, [task])
    finally:
        comparison.compare = before
    if "nonsense" in names:
        return "a geometry"  # type: ignore[return-value]
    if "dies" in names:
        os._exit(9)
    return found


def _compare_in_vain(_one: Features, _two: Features, _settings: VerifySettings) -> Geometry:
    raise ZeroDivisionError("a pair that nobody foresaw")


def draw_in_vain(
    _decoding: DecodeSettings, _settings: VerifySettings, _tasks: Sequence[DrawingTask]
) -> list[Drawing | None]:
    raise ValueError("a drawing that nobody foresaw")


def draw_nonsense(
    _decoding: DecodeSettings, _settings: VerifySettings, tasks: Sequence[DrawingTask]
) -> list[Drawing | None]:
    return ["a drawing"] * len(tasks)  # type: ignore[list-item]


def thumbnails_in_vain(_settings: DecodeSettings, _tasks: Sequence[FileTask]) -> list[bytes | None]:
    raise ValueError("a thumbnail that nobody foresaw")


def fail_always(
    _decoding: DecodeSettings,
    _describing: DescribeSettings,
    _tasks: Sequence[FileTask],
    **_: bool,
) -> list[Any]:
    """What a broken installation does."""
    raise AttributeError("module 'cv2' has no attribute 'resize'")


def describe_or_die(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    **wanted: bool,
) -> list[Fingerprint | Failure]:
    """Describe photos, unless one is named like something that kills."""
    if any(place.path.endswith("kills.jpg") for task in tasks for place in task.locators):
        os._exit(9)
    return fingerprints.describe_files(decoding, describing, tasks, **wanted)


@functools.cache
def _install() -> None:
    """Have the decoder of this process misbehave from now on."""
    decode.decode = functools.partial(_misbehaving, decode.decode)


def _misbehaving(
    decoder: Callable[[bytes, DecodeSettings], DecodedPhoto], data: bytes, settings: DecodeSettings
) -> DecodedPhoto:
    match _mark_of(data):
        case "raise":
            raise ZeroDivisionError("a photo that nobody foresaw")
        case "raise odd":
            raise type("Odd", (Exception,), {"__str__": lambda _: 1 / 0})
        case "exit":
            raise SystemExit(0)
        case "interrupt":
            raise KeyboardInterrupt
        case "die":
            os._exit(0)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "abort":
            os.abort()
        case "hang":
            time.sleep(600)
        case "nothing":
            return None  # type: ignore[return-value]
        case "no pixels":
            photo = decoder(data, settings)
            object.__setattr__(photo, "rgb", np.full((4, 4), np.nan))
            return photo
        case "no hash":
            photo = decoder(data, settings)
            object.__setattr__(photo, "width", float("nan"))
            return photo
        case "other photo":
            photo = decoder(data, settings)
            object.__setattr__(photo, "format", None)
            return photo
    return decoder(data, settings)


def describe_and_die_of_views(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    **wanted: bool,
) -> list[Fingerprint | Failure]:
    """Describe photos, but die where further views would be sought in one named like a killer."""
    _die_of_views(tasks)
    return fingerprints.describe_files(decoding, describing, tasks, **wanted)


def query_and_die_of_views(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    crops: bool,
) -> list[QueryPrint | Failure]:
    """The same for queries."""
    _die_of_views(tasks)
    return fingerprints.describe_queries(decoding, describing, tasks, crops=crops)


def _die_of_views(tasks: Sequence[FileTask]) -> None:
    if any(
        task.further and place.path.endswith("kills.jpg")
        for task in tasks
        for place in task.locators
    ):
        os._exit(9)


def query_and_die_of_frames(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    crops: bool,
) -> list[QueryPrint | Failure]:
    """Look for frames in a way that kills, wherever they are sought."""
    views.find_outlines = _die  # type: ignore[attr-defined, assignment]
    return fingerprints.describe_queries(decoding, describing, tasks, crops=crops)


def verify_and_die_of_views(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[PairTask]
) -> list[Geometry | None]:
    """Verify pairs, but die where a view of one is to be cut out."""
    if any(task.query_view or task.photo_view for task in tasks):
        os._exit(9)
    return geometry.verify_pairs(decoding, settings, tasks)


def _die(*_: object) -> Never:
    os._exit(9)
