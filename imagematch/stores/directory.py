"""Where things are in the directory of an index. It loads no database, so that looking is cheap."""

from pathlib import Path


def catalogue_path(directory: Path) -> Path:
    """Where the catalogue of an index is, unless its settings name a database."""
    return directory / "catalogue.sqlite"


def owner_path(directory: Path) -> Path:
    """Ties an index to its database: without it, two directories could share one by mistake."""
    return directory / "catalogue.id"


def settings_path(directory: Path) -> Path:
    """What differs from the defaults."""
    return directory / "settings.toml"
