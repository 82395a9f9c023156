"""What was measured as plain data for programs."""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imagematch.surrogates import encodable


def plain(value: Any, below: Sequence[Path] = (), without: Collection[str] = frozenset()) -> Any:
    """Records as dictionaries, sequences as lists, and what JSON can't hold as null or text.

    Args:
        below: folders that paths are given relative to, where they are below one.
        without: fields of records that are left out.
    """
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value) if field.name not in without)
        return {name: plain(getattr(value, name), below, without) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(inner, below, without) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, below, without) for inner in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Path):
        folder = next((folder for folder in below if value.is_relative_to(folder)), None)
        return encodable(str(value.relative_to(folder) if folder else value))
    if isinstance(value, str):
        return encodable(value)
    return value
