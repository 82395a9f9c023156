"""What an index directory consists of, and the steps that make it or change its embedder.

Each step can be repeated, so that a killed run is taken up where it was.
"""

import json
import re
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from imagematch import settings as settings_module
from imagematch.errors import IndexDamaged, IndexMissing
from imagematch.kernels import hashes
from imagematch.kernels.embeddings import HASHES, PRESETS, EmbedderIdentity
from imagematch.settings import Settings
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.durable import write_atomic
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.photos import PhotoStore
from imagematch.stores.vectors import VectorKind

#: Names of directories of vector stores. Anything else beside them is not ours to delete.
_STORE_NAME = re.compile(r"pdq|embedding-[0-9a-f]*-\d+")

#: Key in the catalogue: the embedder that a change, killed or under way, leads to; "" otherwise.
CHANGING = "embedder_wanted"


@dataclass(frozen=True, slots=True)
class EmbedderRecord:
    """Which embedder an index was made with; `dimensions` is 0 without one."""

    preset: str
    identity: EmbedderIdentity
    dimensions: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "EmbedderRecord":
        fields = json.loads(text)
        return cls(fields["preset"], EmbedderIdentity(**fields["identity"]), fields["dimensions"])

    @property
    def directory(self) -> str:
        """Name of the vector store's directory; another one for each model."""
        return f"embedding-{self.identity.sha256[:12]}-{self.identity.side}"


def store_kinds(embedder: EmbedderRecord) -> list[tuple[str, VectorKind, int]]:
    """Directory name, kind and width of each vector store of an index."""
    kinds: list[tuple[str, VectorKind, int]] = [("pdq", "binary", hashes.PDQ_BYTES)]
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
    settings = naming(settings, wanted)
    save_settings(directory, settings)
    catalogue.put(CHANGING, "")
    return settings


def naming(settings: Settings, embedder: EmbedderRecord) -> Settings:
    """Settings that name an embedder; a model of the user's own is named by them already."""
    if embedder.preset not in (*PRESETS, HASHES):
        return settings
    describe = replace(settings.describe, preset=embedder.preset, model="", model_sha256="")
    return replace(settings, describe=describe)


def catalogue_path(directory: Path) -> Path:
    """Where the catalogue of an index is; an index exists when this file does."""
    return directory / "catalogue.sqlite"


def missing_index(directory: Path) -> IndexMissing:
    """What to raise where there is no index."""
    return IndexMissing(
        f"there is no index in {directory}; make one with `imagematch index FOLDER --index "
        f"{directory}`, or name another with --index or IMAGEMATCH_INDEX"
    )


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
    write_atomic(directory / "settings.toml", settings_module.to_toml(settings).encode())
