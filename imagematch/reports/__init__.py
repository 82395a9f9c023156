"""What was found, as files for people and programs: HTML, JSON, CSV and GEXF.

Records come in, text goes out; `save` alone touches the disk, and only the file that was asked for.
"""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from imagematch.errors import UsageError


def save(path: Path, text: str) -> None:
    """Write a report as UTF-8, whole or not at all: a reader never sees half a file.

    Args:
        path: an existing file is replaced; a device or pipe, such as /dev/stdout, is written to.

    Raises:
        UsageError: the folder is missing, or the file can't be written.
    """
    save_bytes(path, text.encode("utf-8"))


def save_bytes(path: Path, data: bytes) -> None:
    """As `save`, for pictures."""
    _save(path, (data,))


def save_parts(path: Path, parts: Iterable[str]) -> None:
    """As `save`, for a text that comes in parts and is never in memory as a whole."""
    _save(path, (part.encode("utf-8") for part in parts))


def _save(path: Path, parts: Iterable[bytes]) -> None:
    try:
        # Renaming over a device or a pipe would replace it instead of writing to it.
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(parts)
        else:
            _replace(path.resolve(), parts)
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror}. Name a file in a folder that exists and "
            "that you may write to."
        ) from error


def _replace(path: Path, parts: Iterable[bytes]) -> None:
    part = path.with_name(f".imagematch-{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
