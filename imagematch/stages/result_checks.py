"""Whether what a worker returned can be what it was asked for, before anything is stored.

A library that is broken may return nonsense instead of raising. Here it is found where it still
belongs to one file or pair; in a store it would spoil a whole batch, or every later search.

Each check raises ValueError, which says what was found and what was wanted.
"""

import math
import re
from dataclasses import fields

import numpy as np

from imagematch.kernels import views
from imagematch.records import PDQ_BYTES, PHASH_BYTES, Drawing, Fingerprint, Geometry, Judgement
from imagematch.stages.fingerprints import FileTask, QueryPrint

_SHA256, _PHASH, _PDQ = 64, 2 * PHASH_BYTES, 2 * PDQ_BYTES  # hex digits
_GATES = frozenset({"", "flat", "tiny", "drawn"})
_ORIENTATIONS = 8
#: How far the length of an embedding may be from 1.
_UNIT = 1e-3

#: Numbers of a geometry that lie between these; all others only have to be finite.
_SHARES = (
    "overlap",
    "cover_query",
    "cover_photo",
    "agreement",
    "closeness",
    "plain_agreement",
    "plain_closeness",
    "compared",
    "contradiction",
    "exchanged",
    "detail",
    "shared_detail",
)


def fingerprint(task: FileTask, found: object, dimensions: int | None = None) -> None:
    """Check a fingerprint.

    Args:
        dimensions: of the embeddings in the index; None where there is no index.
    """
    if not isinstance(found, Fingerprint):
        raise _wrong("the result", found, "a fingerprint")
    _check_hex("sha256", found.sha256, _SHA256)
    _check_hex("pixel_sha256", found.pixel_sha256, _SHA256)
    _check_hex("phash", found.phash, _PHASH)
    _check_hex("pdq", found.pdq, _PDQ)
    if task.sha256 not in ("", found.sha256):
        raise _wrong("sha256", found.sha256, f"that of the photo, {task.sha256}")
    for name in ("width", "height", "frames"):
        _check_count(name, getattr(found, name), low=1)
    _check_count("pdq_quality", found.pdq_quality, low=0, high=100)
    if not isinstance(found.truncated, bool):
        raise _wrong("truncated", found.truncated, "yes or no")
    if not isinstance(found.format, str) or not found.format:
        raise _wrong("format", found.format, "a name")
    if found.gate not in _GATES:
        raise _wrong("gate", found.gate, f"one of {sorted(_GATES)}")
    if not isinstance(found.picture, bytes):
        raise _wrong("picture", found.picture, "bytes")
    _check_vectors("embeddings", found.embeddings, dimensions)
    if len(found.embeddings) > 1 + views.MOST_INDEXED:
        raise _wrong("embeddings", found.embeddings, f"{1 + views.MOST_INDEXED} rows at most")
    if not all(_is_finite(seconds) for seconds in found.seconds.values()):
        raise _wrong("seconds", found.seconds, "times")


def query_print(task: FileTask, found: object, dimensions: int | None = None) -> None:
    """Check what a query photo is looked up with; see `fingerprint`."""
    if not isinstance(found, QueryPrint):
        raise _wrong("the result", found, "a query's fingerprint")
    fingerprint(task, found.fingerprint, dimensions)
    wanted = (_ORIENTATIONS, PDQ_BYTES)
    turned: object = found.orientations
    if not isinstance(turned, np.ndarray) or turned.shape != wanted or turned.dtype != np.uint8:
        raise _wrong("orientations", turned, f"uint8 of shape {wanted}")
    _check_vectors("views", found.views, dimensions)
    if len(found.views) < len(found.fingerprint.embeddings):
        raise _wrong("views", found.views, "the embeddings and more")


def geometry(_task: object, found: object) -> None:
    """Check what was seen of a pair; None stands for a file that is gone."""
    if found is None:
        return
    if not isinstance(found, Geometry):
        raise _wrong("the result", found, "a geometry")
    _check_count("inliers", found.inliers, low=0)
    for part in fields(Geometry):
        value = getattr(found, part.name)
        if part.type in (float, "float") and not _is_finite(value):
            raise _wrong(part.name, value, "a number")
    for name in _SHARES:
        if not -_UNIT <= getattr(found, name) <= 1 + _UNIT:
            raise _wrong(name, getattr(found, name), "0 to 1")
    if not isinstance(found.reason, str):
        raise _wrong("reason", found.reason, "a word")
    if found.transform is not None and not _is_square(found.transform):
        raise _wrong("transform", found.transform, "three rows of three numbers")


def judgement(found: object) -> None:
    """Check what the rules say of a pair."""
    if not isinstance(found, Judgement):
        raise _wrong("the result", found, "a judgement")
    if found.kind not in ("exact", "copy", "part", "scene"):
        raise _wrong("kind", found.kind, "a kind of match")
    if not _is_finite(found.confidence) or not 0 <= found.confidence <= 1:
        raise _wrong("confidence", found.confidence, "0 to 1")
    if found.evidence.cosine is not None and not _is_finite(found.evidence.cosine):
        raise _wrong("cosine", found.evidence.cosine, "a number")


def drawing(_task: object, found: object) -> None:
    """Check the drawing of a match; None stands for one that can't be made."""
    if found is not None and not isinstance(found, Drawing):
        raise _wrong("the result", found, "a drawing")


def jpeg(_task: object, found: object) -> None:
    """Check a small picture; None stands for one that can't be made."""
    if found is not None and not (isinstance(found, bytes) and found.startswith(b"\xff\xd8")):
        raise _wrong("the result", found, "a JPEG")


def _wrong(name: str, found: object, wanted: str) -> ValueError:
    """What was found, without the data itself where it may show a photo."""
    if isinstance(found, np.ndarray):
        text = f"{found.dtype} of shape {found.shape}"
    elif isinstance(found, str | int | float | None):
        text = repr(found)[:100]
    else:
        text = type(found).__name__
    return ValueError(f"{name}: found {text}, wanted {wanted}")


def _check_hex(name: str, found: object, digits: int) -> None:
    if not isinstance(found, str) or not re.fullmatch(f"[0-9a-f]{{{digits}}}", found):
        raise _wrong(name, found, f"{digits} hex digits")


def _check_count(name: str, found: object, *, low: int, high: int = 2**31 - 1) -> None:
    if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
        raise _wrong(name, found, f"a whole number from {low} to {high}")


def _check_vectors(name: str, found: object, dimensions: int | None) -> None:
    if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype != np.float32:
        raise _wrong(name, found, "float32 of shape (V, D)")
    if len(found) and dimensions not in (None, found.shape[1]):
        raise _wrong(name, found, f"vectors of {dimensions} dimensions")
    if not np.all(np.abs(np.linalg.norm(found, axis=1) - 1) < _UNIT):  # not for NaN either
        raise _wrong(name, found, "rows of length 1")


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_square(rows: tuple[tuple[float, ...], ...]) -> bool:
    return len(rows) == 3 and all(
        len(row) == 3 and all(_is_finite(value) for value in row) for row in rows
    )
