"""The pictures that are kept of photos, one file each: `pictures/ab/abcdef....jpg` by SHA-256.

A picture is on the disk before the row that says "described" commits, and off it before its row
goes. So what a killed run leaves is a picture of a photo that is still to be described, which the
next run replaces, or which `Index.compare` finds. A missing or damaged one merely counts as gone.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imagematch.stores.durable import fsync_directory, write_all

_GROUP = re.compile(r"[0-9a-f]{2}")
_PICTURE = re.compile(r"([0-9a-f]{64})\.jpg")

#: Larger files are none of ours, bytes; four times what 512 x 512 px take without any packing.
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class PictureStats:
    """What is kept."""

    count: int
    bytes: int


class PictureStore:
    """The pictures of one index; the directory is made with the first of them.

    Temporary files lie in the directory itself, so that its owner has one place to sweep.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, sha256: str) -> Path:
        """Where the picture of a photo is, if it has one."""
        return self.directory / sha256[:2] / f"{sha256}.jpg"

    def replace(self, pictures: Mapping[str, bytes]) -> None:
        """Keep these pictures, durably; a photo whose picture is empty loses the one it had.

        Args:
            pictures: JPEGs as `kernels.kept_picture` makes them, by SHA-256 of the photo.

        Raises:
            OSError: the disk is full or the file system refuses.
        """
        self.discard(sha256 for sha256, jpeg in pictures.items() if not jpeg)
        files = {self.path(sha256): jpeg for sha256, jpeg in pictures.items() if jpeg}
        if not files:
            return
        if missing := {path.parent for path in files if not path.parent.is_dir()}:
            for group in missing:
                group.mkdir(parents=True, exist_ok=True)
            fsync_directory(self.directory)
            fsync_directory(self.directory.parent)
        write_all(files, self.directory)

    def discard(self, photos: Iterable[str]) -> None:
        """Delete the pictures of some photos, durably; those that have none are passed over.

        Args:
            photos: SHA-256, hex.
        """
        touched = set()
        for path in map(self.path, photos):
            with suppress(FileNotFoundError):
                path.unlink()
                touched.add(path.parent)
        for group in touched:
            fsync_directory(group)

    # --- looking -------------------------------------------------------------------------------

    def groups(self) -> Iterator[tuple[str, list[str]]]:
        """The SHA-256 of photos with a picture, ascending, in groups that share the first digits.

        A group is small enough to be held in memory, however many pictures there are.
        """
        for group in self._groups():
            if found := sorted(sha256 for sha256, _ in _pictures(group)):
                yield group.name, found

    def damaged(self) -> Iterator[str]:
        """Read all pictures; the SHA-256 of photos whose picture is not what was kept."""
        for group in self._groups():
            for sha256, entry in sorted(_pictures(group)):
                if not _is_sound(entry, sha256):
                    yield sha256

    def stats(self) -> PictureStats:
        """How many pictures there are, and how large they are together."""
        sizes = []
        for group in self._groups():
            for _, entry in _pictures(group):
                with suppress(FileNotFoundError):  # a writer has deleted it meanwhile
                    sizes.append(entry.lstat().st_size)
        return PictureStats(len(sizes), sum(sizes))

    def _groups(self) -> list[Path]:
        if not self.directory.is_dir():
            return []
        found = (path for path in self.directory.iterdir() if _GROUP.fullmatch(path.name))
        return sorted(path for path in found if path.is_dir())


def _pictures(group: Path) -> Iterator[tuple[str, Path]]:
    """SHA-256 and path of each picture; anything else is not ours to touch."""
    with os.scandir(group) as entries:
        for entry in entries:
            match = _PICTURE.fullmatch(entry.name)
            if match is None or not match[1].startswith(group.name):
                continue
            if not entry.is_dir(follow_symlinks=False):
                yield match[1], Path(entry.path)


def _is_sound(path: Path, sha256: str) -> bool:
    try:
        found = path.lstat()
        # What is no regular file may never end.
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
            return False
        from imagematch.kernels import kept_picture

        return kept_picture.is_sound(path.read_bytes(), sha256)
    except FileNotFoundError:  # a writer has deleted it meanwhile
        return True
    except OSError:
        return False
