"""What an index directory consists of, and the steps that make it or change its embedder.

Each step can be repeated, so that a killed run is taken up where it was.
"""

import json
import re
import shutil
import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path

from imagematch import settings as settings_module
from imagematch.errors import (
    IndexDamaged,
    IndexMissing,
    IndexUnavailable,
    SettingsError,
    UsageError,
)
from imagematch.kernels.embeddings import EmbedderIdentity
from imagematch.presets import PRESETS, with_preset
from imagematch.records import PDQ_BYTES
from imagematch.settings import Settings, current_preset
from imagematch.stores import postgresql
from imagematch.stores.catalogue import Catalogue, Place, Purpose
from imagematch.stores.directory import catalogue_path, owner_path, settings_path
from imagematch.stores.durable import write_atomic
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.photos import PhotoStore
from imagematch.stores.vectors import VectorKind

#: Names of directories of vector stores. Anything else beside them is not ours to delete.
_STORE_NAME = re.compile(r"pdq|embedding-[0-9a-f]*-\d+")

#: Name of the directory of the pictures that are kept of photos.
PICTURES = "pictures"

#: Key in the catalogue: the embedder that a change, killed or under way, leads to; "" otherwise.
CHANGING = "embedder_wanted"


@dataclass(frozen=True, slots=True)
class EmbedderRecord:
    """Which embedder an index was made with.

    Attributes:
        preset: its name, or the file name of a model of the user's own.
        dimensions: of a vector; 0 without an embedder.
    """

    preset: str
    identity: EmbedderIdentity
    dimensions: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "EmbedderRecord":
        fields = json.loads(text)
        preset = current_preset(fields["preset"])
        return cls(preset, EmbedderIdentity(**fields["identity"]), fields["dimensions"])

    @property
    def directory(self) -> str:
        """Name of the vector store's directory; another one for each model."""
        return f"embedding-{self.identity.sha256[:12]}-{self.identity.side}"


def store_kinds(embedder: EmbedderRecord) -> list[tuple[str, VectorKind, int]]:
    """Directory name, kind and width of each vector store of an index."""
    kinds: list[tuple[str, VectorKind, int]] = [("pdq", "binary", PDQ_BYTES)]
    if embedder.dimensions:
        kinds.append((embedder.directory, "float", embedder.dimensions))
    return kinds


def make_stores(directory: Path, embedder: EmbedderRecord) -> None:
    """Make the vector stores that are not there yet, empty."""
    for name, kind, width in store_kinds(embedder):
        FaissVectorStore.open(
            directory / "vectors" / name, kind, width, writable=True, merge_shards=2
        ).close()


def drop_stores(directory: Path, keep: Collection[str]) -> None:
    """Delete the vector stores of an index, such as those of an embedder that it had before."""
    vectors = directory / "vectors"
    for store in vectors.iterdir() if vectors.is_dir() else ():
        if store.name not in keep and _STORE_NAME.fullmatch(store.name):
            shutil.rmtree(store, ignore_errors=True)


def finish_change(directory: Path, catalogue: Catalogue, settings: Settings) -> Settings:
    """Take the steps of a noted change of the embedder, from whichever a killed run had reached.

    Returns:
        The settings that name the new embedder.
    """
    noted = catalogue.get(CHANGING)
    if not noted:
        return settings
    wanted = EmbedderRecord.from_json(noted)
    make_stores(directory, wanted)
    PhotoStore(catalogue).forget_fingerprints()
    catalogue.put("embedder", noted)
    settings = with_embedder(settings, wanted)
    save_settings(directory, settings)
    catalogue.put(CHANGING, "")
    return settings


def with_embedder(settings: Settings, embedder: EmbedderRecord) -> Settings:
    """Settings of an embedder's preset; a model of the user's own is named by them already."""
    return with_preset(settings, embedder.preset) if embedder.preset in PRESETS else settings


def _catalogue_place(directory: Path) -> Place:
    path = catalogue_path(directory)
    if path.is_file():
        return path
    named = settings_module.load(settings_path(directory)).store.catalogue
    if named:
        return postgresql.parse(named)
    if owner_path(directory).is_file():
        raise SettingsError(
            f"{directory / 'settings.toml'} does not name the database with the catalogue of this "
            f"index any more; put store.catalogue back. To make a new index here, delete "
            f"{owner_path(directory)}"
        )
    return path


def index_exists(directory: Path) -> bool:
    """Whether there is an index: its catalogue comes last, when all else is there.

    Raises:
        SettingsError: where its catalogue would be can't be read from its settings.
        IndexUnavailable: the database that they name can't be asked.
    """
    return Catalogue.exists(_catalogue_place(directory))


def create_catalogue(directory: Path, embedder: EmbedderRecord) -> None:
    """Make the catalogue of a new index, where its saved settings want it."""
    place = _catalogue_place(directory)
    owner = ""
    if not isinstance(place, Path):
        owner = uuid.uuid4().hex
        write_atomic(owner_path(directory), owner.encode())
    Catalogue.create(place, embedder.to_json(), owner)


def open_catalogue(directory: Path, purpose: Purpose) -> Catalogue:
    """Open the catalogue of an index.

    Raises:
        IndexMissing: there is no index.
        IndexUnavailable: its database can't be used, or is another index's.
        And as `Catalogue.open`.
    """
    place = _catalogue_place(directory)
    if not Catalogue.exists(place):
        raise missing_index(directory)
    catalogue = Catalogue.open(place, purpose)
    try:
        if not isinstance(place, Path):
            _require_own(directory, catalogue)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def _require_own(directory: Path, catalogue: Catalogue) -> None:
    path = owner_path(directory)
    ours = path.read_text(encoding="utf-8") if path.is_file() else None
    if catalogue.get("owner") != ours:
        raise IndexUnavailable(
            f"the database that {directory / 'settings.toml'} names has the catalogue of the index "
            f"in another directory; give each index a database or a schema of its own"
        )


def load_settings(directory: Path) -> Settings:
    """The settings of an index.

    Raises:
        SettingsError: they can't be read, or want the catalogue to be elsewhere.
    """
    settings = settings_module.load(settings_path(directory))
    if settings.store.catalogue and catalogue_path(directory).is_file():
        raise SettingsError(
            f"{directory / 'settings.toml'} names a database, but the catalogue of this index is "
            f"{catalogue_path(directory)}, and can't be moved: take store.catalogue out, or make "
            f"a new index elsewhere"
        )
    return settings


def missing_index(directory: Path) -> IndexMissing:
    """What to raise where there is no index."""
    return IndexMissing(
        f"there is no index in {directory}; make one with `imagematch index FOLDER --index "
        f"{directory}`, or name another with --index or IMAGEMATCH_INDEX"
    )


def closed_index(directory: Path) -> UsageError:
    """What to raise where an index that stayed open was closed."""
    return UsageError(f"the index {directory} was closed; open it again")


def embedder_of(catalogue: Catalogue) -> EmbedderRecord:
    """Which embedder an index was made with.

    Raises:
        IndexDamaged: the catalogue does not say it, or not in a way that can be understood.
    """
    text = catalogue.get("embedder")
    if text is None:
        raise IndexDamaged("the catalogue does not say which embedder the index was made with")
    try:
        return EmbedderRecord.from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(f"the catalogue's note of its embedder is damaged: {text!r}") from error


def save_settings(directory: Path, settings: Settings) -> None:
    """Write the settings of an index, durably."""
    write_atomic(settings_path(directory), settings_module.to_toml(settings).encode())
