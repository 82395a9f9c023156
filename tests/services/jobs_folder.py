"""What tests of scheduled passes start from: photos in files, and a place for a fast index."""

from pathlib import Path

from tests import world


def photo(path: Path, seed: int, quality: int = 90) -> None:
    """Write a JPEG; one seed is one photo, whatever the quality."""
    world.save(world.photo(seed), path, quality=quality)


def hashes_index(directory: Path) -> None:
    """A place for an index without embeddings and with one worker, so that passes start fast."""
    directory.mkdir()
    (directory / "settings.toml").write_text(
        '[describe]\npreset = "hashes"\n[workers]\ncount = 1\n', encoding="utf-8"
    )
