"""Small pictures for reports: photo files in, JPEGs out, made in worker processes."""

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import cv2
import numpy as np
from PIL import Image

from imagematch.errors import KeepsFailing, PhotoError
from imagematch.runtime.executors import Executor
from imagematch.settings import DecodeSettings, Settings
from imagematch.stages import result_checks
from imagematch.stages.fingerprints import FileTask, open_photo

#: Longer side of a thumbnail, px; twice what a report shows, for sharp screens.
_SIDE = 400
_QUALITY = 72


def run(executor: Executor, settings: Settings, tasks: Mapping[str, FileTask]) -> dict[str, bytes]:
    """Make a thumbnail for each task; what is broken, or gone with nothing kept, is left out."""
    function = partial(_thumbnails, settings.decode)
    found: dict[str, bytes] = {}
    with suppress(KeepsFailing):  # a report is worth having without pictures
        outcomes = executor.run(function, tasks.values(), result_checks.jpeg, urgent=True)
        for name, outcome in zip(tasks, outcomes, strict=True):
            if outcome.result is not None:
                found[name] = outcome.result
    return found


def _thumbnails(settings: DecodeSettings, tasks: Sequence[FileTask]) -> list[bytes | None]:
    return [_thumbnail(settings, task) for task in tasks]


def _thumbnail(settings: DecodeSettings, task: FileTask) -> bytes | None:
    try:
        photo, _ = open_photo(task, settings)
    except (PhotoError, MemoryError):
        return None
    rgb = photo.rgb
    scale = min(1.0, _SIDE / max(rgb.shape[:2]))
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    jpeg = io.BytesIO()
    Image.fromarray(small).save(jpeg, "JPEG", quality=_QUALITY)
    return jpeg.getvalue()
