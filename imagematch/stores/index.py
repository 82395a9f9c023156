"""An index: one directory with the catalogue, the vectors, the log and the settings.

A writer holds the index's lock for as long as it is open; readers need none and see the last
committed state. The two kinds of store can differ only where a writer was killed between making
vectors durable and committing their rows: opening for writing settles that.
"""

import json
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import batched
from pathlib import Path
from typing import Self

import numpy as np

from imagematch import settings as settings_module
from imagematch.errors import IndexDamaged, IndexMissing, IndexUnavailable, PresetMismatch
from imagematch.kernels import hashes
from imagematch.kernels.embeddings import HASHES, PRESETS, EmbedderIdentity
from imagematch.records import Floats
from imagematch.settings import Settings
from imagematch.stores.audit import AuditLog
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.durable import sweep_partials, write_atomic
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.lock import write_lock
from imagematch.stores.matches import MatchStore
from imagematch.stores.photos import PhotoStore, photo_of, vector_id
from imagematch.stores.sightings import SightingStore
from imagematch.stores.vectors import Ids, StoreStats, VectorKind, VectorStore

_PDQ, _EMBEDDING = "PDQ", "embedding"

#: PDQ vectors put back at a time, so that they make few shards.
_RESTORED = 100_000

#: Names of directories of vector stores. Anything else beside them is not ours to delete.
_STORE_NAME = re.compile(r"pdq|embedding-[0-9a-f]*-\d+")

#: Key in the catalogue: the embedder that a change, killed or under way, leads to; "" otherwise.
_CHANGING = "embedder_wanted"


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


class Index:
    """An open index. Make one with `Index.create`, `Index.write` or `Index.read`."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        catalogue: Catalogue,
        embedder: EmbedderRecord,
        *,
        writable: bool,
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.catalogue = catalogue
        self.embedder = embedder
        self.sightings = SightingStore(catalogue)
        self.photos = PhotoStore(catalogue)
        self.matches = MatchStore(catalogue)
        self.audit = AuditLog(directory / "audit.jsonl")
        self._writable = writable
        self._stores: dict[str, VectorStore] = {}
        self._open_stores()

    # --- opening -------------------------------------------------------------------------------

    @classmethod
    @contextmanager
    def read(cls, directory: Path) -> Iterator[Self]:
        """Open an index to look at it; many may.

        Raises:
            IndexMissing, IndexDamaged, IndexTooNew: it can't be used.
            SettingsError: its settings.toml is off.
        """
        with cls._opened(directory, writable=False) as index:
            yield index

    @classmethod
    @contextmanager
    def write(cls, directory: Path, purpose: str) -> Iterator[Self]:
        """Open an existing index to change it.

        Args:
            purpose: the command, for those who find the index locked.

        Raises:
            IndexLocked: another process writes to it.
            And as `read`.
        """
        if not _catalogue_path(directory).is_file():
            raise _missing(directory)
        with write_lock(directory, purpose), cls._opened(directory, writable=True) as index:
            index._settle_and_log()
            yield index

    @classmethod
    @contextmanager
    def create(
        cls, directory: Path, purpose: str, settings: Settings, embedder: EmbedderRecord
    ) -> Iterator[Self]:
        """Open an index to change it, making it where there is none.

        Args:
            settings, embedder: of a new index; an existing one keeps its own.

        Raises:
            IndexUnavailable: the directory can't be made.
            And as `write`.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IndexUnavailable(
                f"the index directory {directory} can't be made: {error.strerror}; name another "
                f"with --index or IMAGEMATCH_INDEX"
            ) from error
        with write_lock(directory, purpose):
            if not _catalogue_path(directory).is_file():
                # Vectors without a catalogue mean nothing, and might even be damaged.
                _drop_stores(directory, keep=set())
                # The catalogue comes last: without one, the index does not exist yet.
                _save_settings(directory, settings)
                _make_stores(directory, embedder)
                Catalogue.create(_catalogue_path(directory), embedder.to_json())
            with cls._opened(directory, writable=True) as index:
                index._settle_and_log()
                yield index

    @classmethod
    @contextmanager
    def _opened(cls, directory: Path, *, writable: bool) -> Iterator[Self]:
        if not _catalogue_path(directory).is_file():
            raise _missing(directory)
        with ExitStack() as stack:
            catalogue = Catalogue.open(_catalogue_path(directory), writable=writable)
            stack.callback(catalogue.close)
            changing = catalogue.get(_CHANGING)
            settings = settings_module.load(directory / "settings.toml")
            if changing and writable:
                settings = _finish_change(directory, catalogue, settings)
            embedder = _embedder_of(catalogue)
            if changing:
                settings = _naming(settings, embedder)
            if writable:
                sweep_partials(directory)
                _drop_stores(directory, keep={name for name, _, _ in _store_kinds(embedder)})
            index = cls(directory, settings, catalogue, embedder, writable=writable)
            stack.callback(index._close_stores)
            yield index

    def _open_stores(self) -> None:
        for name, kind, width in _store_kinds(self.embedder):
            self._stores[_PDQ if kind == "binary" else _EMBEDDING] = FaissVectorStore.open(
                self.directory / "vectors" / name,
                kind,
                width,
                writable=self._writable,
                merge_shards=self.settings.store.merge_shards,
            )

    def _close_stores(self) -> None:
        for store in self._stores.values():
            store.close()
        self._stores.clear()

    @property
    def pdq(self) -> VectorStore:
        """PDQ hashes of whole photos."""
        return self._stores[_PDQ]

    @property
    def embeddings(self) -> VectorStore | None:
        """Embeddings of photos and their panels; None with the preset `hashes`."""
        return self._stores.get(_EMBEDDING)

    # --- keeping the stores together -----------------------------------------------------------

    def add_vectors(
        self, photo_ids: Sequence[int], pdqs: np.ndarray, embeddings: Sequence[Floats]
    ) -> None:
        """Make the vectors of some photos durable, before their rows are committed.

        Args:
            pdqs: shape (N, 32), uint8.
            embeddings: for each photo shape (views, D), float32; views may be 0.
        """
        self.pdq.add(np.array([vector_id(photo) for photo in photo_ids], np.int64), pdqs)
        if self.embeddings is not None and any(len(views) for views in embeddings):
            ids = [
                vector_id(photo, view)
                for photo, views in zip(photo_ids, embeddings, strict=True)
                for view in range(len(views))
            ]
            self.embeddings.add(np.array(ids, np.int64), np.concatenate(embeddings))

    def remove_vectors(self, photo_ids: Sequence[int]) -> None:
        """Forget the vectors of photos whose rows are gone or pending."""
        for store in self._stores.values():
            alive = store.ids()
            store.remove(alive[np.isin(alive // vector_id(1), np.array(photo_ids, np.int64))])

    def settle(self) -> list[str]:
        """Bring vectors and catalogue together after a killed run; returns what was done.

        A vector without a row is forgotten, and a photo without its vectors is described again.
        """
        counts = self.photos.counts()
        expected = {_PDQ: counts["hashed"], _EMBEDDING: counts["views"]}
        if all(store.stats().vectors == expected[name] for name, store in self._stores.items()):
            return []
        return self.compare(repair=True)

    def _settle_and_log(self) -> None:
        if found := self.settle():
            self.audit.record("settled", found=found)

    def compare(self, *, repair: bool) -> list[str]:
        """Compare every id of the catalogue with every id of the vector stores.

        Returns:
            The differences in plain words; with `repair` they are gone afterwards.
        """
        found = []
        missing: dict[str, Ids] = {}
        for name, (orphans, missing[name]) in self.differences().items():
            if len(orphans):
                found.append(f"{len(orphans)} {name} vectors belong to no described photo")
                if repair:
                    self._stores[name].remove(orphans)
            if len(missing[name]):
                found.append(f"{len(missing[name])} {name} vectors of described photos are missing")
        if repair:
            self._restore(missing)
        return found

    def differences(self) -> dict[str, tuple[Ids, Ids]]:
        """For each vector store, by name: ids that no row wants, and ids of rows that it lacks."""
        wanted = dict(zip((_PDQ, _EMBEDDING), self.photos.vector_ids(), strict=True))
        found: dict[str, tuple[Ids, Ids]] = {}
        for name, store in self._stores.items():
            alive, expected = store.ids(), np.array(wanted[name], np.int64)
            found[name] = np.setdiff1d(alive, expected), np.setdiff1d(expected, alive)
        return found

    def _restore(self, missing: Mapping[str, Ids]) -> None:
        """Put PDQ vectors back, which the catalogue has too; other photos become pending."""
        again = {photo_of(int(vector)) for vector in missing.get(_EMBEDDING, ())}
        if again:
            # Pending first: a run killed here leaves vectors without rows, which settles.
            self.photos.forget_fingerprints(sorted(again))
            self.remove_vectors(sorted(again))
        hashed = [photo_of(int(vector)) for vector in missing[_PDQ]]
        for some in batched((photo for photo in hashed if photo not in again), _RESTORED):
            facts = self.photos.facts(some).values()
            ids = np.array([vector_id(photo.id) for photo in facts], np.int64)
            self.pdq.add(ids, hashes.pack_hex([photo.pdq for photo in facts]))

    def store_stats(self) -> dict[str, StoreStats]:
        """What each vector store holds."""
        return {name: store.stats() for name, store in self._stores.items()}

    def store_problems(self) -> list[str]:
        """Read all vectors and list what is wrong."""
        return [
            f"{name} vectors: {problem}"
            for name, store in self._stores.items()
            for problem in store.verify()
        ]

    # --- the embedder --------------------------------------------------------------------------

    def require_embedder(self, wanted: EmbedderRecord) -> None:
        """Refuse to mix the vectors of two models.

        Raises:
            PresetMismatch: the index was made with another embedder.
        """
        if wanted.identity != self.embedder.identity:
            raise PresetMismatch(
                f"{self.directory} was made with preset {self.embedder.preset!r} "
                f"({self.embedder.identity}), not {wanted.preset!r} ({wanted.identity}); vectors "
                f"of two models can't be compared. Leave out --preset to go on as before, or give "
                f"--redescribe to describe all photos anew"
            )

    def change_embedder(self, wanted: EmbedderRecord) -> None:
        """Make another embedder the index's own; every photo is to be described again.

        Vectors of the old one stay until the index is opened for writing again, for the sake of
        readers that are about to open them.
        """
        self.catalogue.put(_CHANGING, wanted.to_json())
        self.settings = _finish_change(self.directory, self.catalogue, self.settings)
        self._close_stores()
        self.embedder = wanted
        self._open_stores()
        self.settle()


def repair_vectors(directory: Path, purpose: str) -> list[str]:
    """Drop vector shards that are damaged, so that the index opens again.

    What they held is described again by the next run, because `Index.write` misses it.

    Returns:
        What was found, in plain words.

    Raises:
        IndexLocked, IndexMissing, IndexDamaged (the catalogue itself): nothing can be done.
    """
    if not _catalogue_path(directory).is_file():
        raise _missing(directory)
    with write_lock(directory, purpose):
        catalogue = Catalogue.open(_catalogue_path(directory), writable=True)
        try:
            embedder = _embedder_of(catalogue)
        finally:
            catalogue.close()
        return [
            problem
            for name, kind, width in _store_kinds(embedder)
            for problem in FaissVectorStore.repair(
                directory / "vectors" / name, kind, width
            ).problems
        ]


def _store_kinds(embedder: EmbedderRecord) -> list[tuple[str, VectorKind, int]]:
    """Directory name, kind and width of each vector store of an index."""
    kinds: list[tuple[str, VectorKind, int]] = [("pdq", "binary", hashes.PDQ_BYTES)]
    if embedder.dimensions:
        kinds.append((embedder.directory, "float", embedder.dimensions))
    return kinds


def _make_stores(directory: Path, embedder: EmbedderRecord) -> None:
    for name, kind, width in _store_kinds(embedder):
        FaissVectorStore.open(
            directory / "vectors" / name, kind, width, writable=True, merge_shards=2
        ).close()


def _drop_stores(directory: Path, keep: Collection[str]) -> None:
    """Delete the vector stores of an index, such as those of an embedder that it had before."""
    vectors = directory / "vectors"
    for store in vectors.iterdir() if vectors.is_dir() else ():
        if store.name not in keep and _STORE_NAME.fullmatch(store.name):
            shutil.rmtree(store, ignore_errors=True)


def _finish_change(directory: Path, catalogue: Catalogue, settings: Settings) -> Settings:
    """Take the steps of a noted change of the embedder, from whichever a killed run had reached.

    Returns:
        The settings that name the new embedder.
    """
    noted = catalogue.get(_CHANGING)
    if not noted:
        return settings
    wanted = EmbedderRecord.from_json(noted)
    _make_stores(directory, wanted)
    PhotoStore(catalogue).forget_fingerprints()
    catalogue.put("embedder", noted)
    settings = _naming(settings, wanted)
    _save_settings(directory, settings)
    catalogue.put(_CHANGING, "")
    return settings


def _naming(settings: Settings, embedder: EmbedderRecord) -> Settings:
    """Settings that name an embedder; a model of the user's own is named by them already."""
    if embedder.preset not in (*PRESETS, HASHES):
        return settings
    describe = replace(settings.describe, preset=embedder.preset, model="", model_sha256="")
    return replace(settings, describe=describe)


def _catalogue_path(directory: Path) -> Path:
    return directory / "catalogue.sqlite"


def _missing(directory: Path) -> IndexMissing:
    return IndexMissing(
        f"there is no index in {directory}; make one with `imagematch index FOLDER --index "
        f"{directory}`, or name another with --index or IMAGEMATCH_INDEX"
    )


def _embedder_of(catalogue: Catalogue) -> EmbedderRecord:
    text = catalogue.get("embedder")
    if text is None:
        raise IndexDamaged("the catalogue does not say which embedder the index was made with")
    try:
        return EmbedderRecord.from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexDamaged(f"the catalogue's note of its embedder is damaged: {text!r}") from error


def _save_settings(directory: Path, settings: Settings) -> None:
    write_atomic(directory / "settings.toml", settings_module.to_toml(settings).encode())
