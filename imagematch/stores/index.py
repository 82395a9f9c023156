"""An index: one directory with the catalogue, the vectors, the log and the settings.

A run holds the index's lock for as long as it is open. What people decide and who reads need none:
a decision is a transaction of its own, and a reader sees the state of one moment, in the catalogue
and in the vectors. The two kinds of store can differ only where a writer was killed between making
vectors durable and committing their rows: opening for writing settles that.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import batched
from pathlib import Path
from typing import Self

import numpy as np

from imagematch.amounts import agreeing, counted
from imagematch.errors import IndexTooOld, IndexUnavailable, PresetMismatch
from imagematch.records import Floats
from imagematch.settings import Settings
from imagematch.stores.ads import AdStore
from imagematch.stores.audit import AuditLog
from imagematch.stores.catalogue import Catalogue, which_file
from imagematch.stores.collections import CollectionStore
from imagematch.stores.decision_history import DecisionStore
from imagematch.stores.directory import catalogue_path
from imagematch.stores.durable import sweep_partials
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.identifiers import IdentifierStore
from imagematch.stores.kept_pictures import PictureStore
from imagematch.stores.kept_traces import TraceStore
from imagematch.stores.known_files import KnownFiles
from imagematch.stores.layout import (
    CHANGING,
    PICTURES,
    closed_index,
    create_catalogue,
    drop_stores,
    embedder_of,
    finish_change,
    index_exists,
    load_settings,
    make_stores,
    missing_index,
    open_catalogue,
    save_settings,
    store_kinds,
    with_embedder,
)
from imagematch.stores.layout import EmbedderRecord as EmbedderRecord
from imagematch.stores.lock import write_lock
from imagematch.stores.matches import MatchStore
from imagematch.stores.photos import PhotoStore, photo_of, vector_id
from imagematch.stores.references import KnownReferences, References
from imagematch.stores.repair import repair
from imagematch.stores.shards import last_written
from imagematch.stores.sightings import SightingStore
from imagematch.stores.vectors import Ids, StoreStats, VectorStore

_PDQ, _EMBEDDING = "PDQ", "embedding"

#: PDQ vectors put back at a time, so that they make few shards.
_RESTORED = 100_000


class Index:
    """An open index. Make one with `Index.create`, `Index.write`, `Index.decide`, `Index.read` or
    `HeldIndex.state`."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        catalogue: Catalogue,
        embedder: EmbedderRecord,
        stores: Mapping[str, VectorStore],
        actor: str = "",
        references: KnownReferences | None = None,
    ) -> None:
        """Args:
        actor: who changes it, for the audit log; "" for the account on this machine.
        references: as they were last read, if they were.
        """
        self.directory = directory
        self.settings = settings
        self.catalogue = catalogue
        self.embedder = embedder
        self.collections = CollectionStore(catalogue)
        self.sightings = SightingStore(catalogue)
        self.known = KnownFiles(catalogue)
        self.photos = PhotoStore(catalogue)
        self.matches = MatchStore(catalogue)
        self.decisions = DecisionStore(catalogue)
        self.ads = AdStore(catalogue)
        self.identifiers = IdentifierStore(catalogue)
        self.traces = TraceStore(catalogue)
        self.pictures = PictureStore(directory / PICTURES)
        self.audit = AuditLog(directory / "audit.jsonl", actor)
        #: What opening for writing had to settle, in plain words.
        self.settled: list[str] = []
        self._stores: dict[str, VectorStore] = dict(stores)
        self._references = references or KnownReferences()

    # --- opening -------------------------------------------------------------------------------

    @classmethod
    @contextmanager
    def read(cls, directory: Path) -> Iterator["Index"]:
        """Open an index to look at it as it is now; many may.

        Raises:
            IndexMissing, IndexDamaged, IndexTooNew, IndexTooOld: it can't be used.
            SettingsError: its settings.toml is off.
        """
        with closing(HeldIndex(directory)) as held, held.state() as index:
            yield index

    @classmethod
    @contextmanager
    def decide(cls, directory: Path, actor: str = "") -> Iterator[Self]:
        """Open an existing index for what people decide, in transactions that wait for no run.

        It has no vectors.

        Raises:
            As `write` where an older imagematch wrote the index, which is brought up to date first.
            And as `read`.
        """
        try:
            catalogue = open_catalogue(directory, "decide")
        except IndexTooOld:
            with cls.write(directory, "imagematch"):
                pass
            catalogue = open_catalogue(directory, "decide")
        with closing(catalogue):
            embedder = embedder_of(catalogue)
            yield cls(directory, load_settings(directory), catalogue, embedder, {}, actor)

    @classmethod
    @contextmanager
    def write(cls, directory: Path, purpose: str, actor: str = "") -> Iterator[Self]:
        """Open an existing index for a run over photos.

        Args:
            purpose: the command, for those who find the index locked.

        Raises:
            IndexLocked: another process has a run.
            And as `read`.
        """
        if not index_exists(directory):
            raise missing_index(directory)
        with write_lock(directory, purpose), cls._opened_to_write(directory, actor) as index:
            yield index

    @classmethod
    @contextmanager
    def create(
        cls,
        directory: Path,
        purpose: str,
        settings: Settings,
        embedder: EmbedderRecord,
        actor: str = "",
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
            if not index_exists(directory):
                # Vectors without a catalogue mean nothing, and might even be damaged.
                drop_stores(directory, keep=set())
                # The catalogue comes last: without one, the index does not exist yet.
                save_settings(directory, settings)
                make_stores(directory, embedder)
                create_catalogue(directory, embedder)
            with cls._opened_to_write(directory, actor) as index:
                yield index

    @classmethod
    @contextmanager
    def _opened_to_write(cls, directory: Path, actor: str) -> Iterator[Self]:
        """Open an index that this process has locked, and settle what a killed run left."""
        with closing(open_catalogue(directory, "run")) as catalogue:
            settings = load_settings(directory)
            if catalogue.get(CHANGING):
                settings = finish_change(directory, catalogue, settings)
            embedder = embedder_of(catalogue)
            sweep_partials(directory)
            sweep_partials(directory / PICTURES)
            drop_stores(directory, keep={name for name, _, _ in store_kinds(embedder)})
            stores = _open_stores(directory, embedder, settings)
            index = cls(directory, settings, catalogue, embedder, stores, actor)
            try:
                index._settle_and_log()
                yield index
            finally:
                index._close_stores()

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
        """Embeddings of photos and their views; None with the preset `hashes`."""
        return self._stores.get(_EMBEDDING)

    def references(self) -> References:
        """Photos of galleries and of the ignore list, as the catalogue has them now."""
        return self._references.of(self.catalogue)

    # --- keeping the stores together -----------------------------------------------------------

    def add_vectors(
        self, hashed: Sequence[int], pdqs: np.ndarray, embeddings: Mapping[int, Floats]
    ) -> None:
        """Make the vectors of some photos durable, before their rows are committed.

        Args:
            hashed: ids of photos, N of them.
            pdqs: theirs, shape (N, 32), uint8.
            embeddings: by the id of a photo, shape (views, D), float32; views may be 0.
        """
        if len(hashed):
            self.pdq.add(np.array([vector_id(photo) for photo in hashed], np.int64), pdqs)
        ids = [
            vector_id(photo, view)
            for photo, vectors in embeddings.items()
            for view in range(len(vectors))
        ]
        if self.embeddings is not None and ids:
            self.embeddings.add(np.array(ids, np.int64), np.concatenate([*embeddings.values()]))

    def remove_vectors(self, photo_ids: Sequence[int]) -> None:
        """Forget the vectors of photos whose rows are gone or pending."""
        for store in self._stores.values():
            alive = store.ids()
            store.remove(alive[np.isin(alive // vector_id(1), np.array(photo_ids, np.int64))])

    def settle(self) -> list[str]:
        """Bring vectors and catalogue together after a killed run; returns what was done.

        A vector without a row is forgotten, and a photo without its vectors is described again.
        """
        expected = dict(zip((_PDQ, _EMBEDDING), self.photos.count_vectors(), strict=True))
        if all(store.stats().vectors == expected[name] for name, store in self._stores.items()):
            return []
        return self.compare(repair=True)

    def _settle_and_log(self) -> None:
        self.settled = self.settle() + self._drop_traces()
        if self.settled:
            self.audit.record("settled", found=self.settled)

    def _drop_traces(self) -> list[str]:
        """Delete the traces of an index that is to keep none any more."""
        if self.settings.store.keep_traces:
            return []
        count = self.traces.clear()
        deleted = counted(count, "trace is", "traces are")
        return [f"{deleted} deleted, because store.keep_traces is off"] if count else []

    def compare(self, *, repair: bool) -> list[str]:
        """Compare every id of the catalogue with every id of the vector stores.

        Returns:
            The differences in plain words; with `repair` they are gone afterwards.
        """
        found = []
        missing: dict[str, Ids] = {}
        for name, (orphans, missing[name]) in self.differences().items():
            if len(orphans):
                belong = counted(len(orphans), f"{name} vector belongs", f"{name} vectors belong")
                found.append(f"{belong} to no described photo")
                if repair:
                    self._stores[name].remove(orphans)
            if len(missing[name]):
                lacking = len(missing[name])
                found.append(
                    f"{counted(lacking, f'{name} vector')} of described photos "
                    f"{agreeing(lacking, 'is', 'are')} missing"
                )
        if repair:
            self._restore(missing)
        if unwanted := self._unwanted_pictures():
            belong = counted(len(unwanted), "kept picture belongs", "kept pictures belong")
            found.append(f"{belong} to no described photo")
            if repair:
                self.pictures.discard(unwanted)
        return found

    def _unwanted_pictures(self) -> list[str]:
        """SHA-256 of photos that are not described, but have a picture."""
        return [
            sha256
            for prefix, found in self.pictures.groups()
            for sha256 in sorted(set(found) - self.photos.described_hashes(prefix))
        ]

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
        from imagematch.kernels import hashes

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

    def adopt(self, settings: Settings, embedder: EmbedderRecord) -> None:
        """Make settings the index's own that name another preset with the same model.

        Raises:
            PresetMismatch: it is another model.
        """
        self.require_embedder(embedder)
        if settings != self.settings:
            save_settings(self.directory, settings)
            self.settings = settings
        if embedder != self.embedder:
            self.catalogue.put("embedder", embedder.to_json())
            self.audit.record("preset", before=self.embedder.preset, now=embedder.preset)
            self.embedder = embedder

    def change_embedder(self, wanted: EmbedderRecord) -> None:
        """Make another embedder the index's own; every photo is to be described again.

        Vectors of the old one stay until the index is opened for writing again, for the sake of
        readers that are about to open them.
        """
        self.catalogue.put(CHANGING, wanted.to_json())
        self.settings = finish_change(self.directory, self.catalogue, self.settings)
        self._close_stores()
        self.embedder = wanted
        self._stores.update(_open_stores(self.directory, wanted, self.settings))
        self.settle()


class HeldIndex:
    """An index that stays open to be read, for many threads: each state is one moment of it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._file: object = None  # which file the catalogue was opened from
        self._stores: dict[str, FaissVectorStore] = {}
        self._files: object = None  # which vectors were opened, and how
        self._references = KnownReferences()
        self._closed = False

    @contextmanager
    def state(self) -> Iterator[Index]:
        """The index as it is now, whatever is written while the block runs; for one thread.

        Raises:
            UsageError: it was closed.
            And as `Index.read`.
        """
        opened, references = self._opened()
        with opened.pinned() as catalogue:
            embedder, settings = embedder_of(catalogue), load_settings(self._directory)
            if catalogue.get(CHANGING):
                settings = with_embedder(settings, embedder)
            stores = self._opened_stores(embedder, settings)
            yield Index(
                self._directory, settings, catalogue, embedder, stores, references=references
            )

    def close(self) -> None:
        """Let go of all files; what is being read goes on to its end."""
        with self._lock:
            self._closed = True
            catalogue, self._catalogue = self._catalogue, None
            self._stores, self._files = {}, None
        if catalogue is not None:
            catalogue.close()

    def _opened(self) -> tuple[Catalogue, KnownReferences]:
        file = which_file(catalogue_path(self._directory))
        with self._lock:
            self._check_open()
            if self._catalogue is None or file != self._file:
                opened, before = open_catalogue(self._directory, "read"), self._catalogue
                self._catalogue, self._file = opened, file
                self._references = KnownReferences()
                if before is not None:
                    before.close()
            return self._catalogue, self._references

    def _opened_stores(
        self, embedder: EmbedderRecord, settings: Settings
    ) -> Mapping[str, VectorStore]:
        """The vectors, opened again where a run has written to them since.

        Those of before are not closed: another thread may be searching them.
        """
        with self._lock:
            self._check_open()
            files = (
                settings.store,
                [(place, last_written(place)) for place in _places(self._directory, embedder)],
            )
            if files != self._files:
                self._stores = _open_stores(self._directory, embedder, settings, self._stores)
                self._files = files
            return self._stores

    def _check_open(self) -> None:
        """Or what is opened now stayed open for good."""
        if self._closed:
            raise closed_index(self._directory)


def _places(directory: Path, embedder: EmbedderRecord) -> list[Path]:
    return [directory / "vectors" / name for name, _, _ in store_kinds(embedder)]


def _open_stores(
    directory: Path,
    embedder: EmbedderRecord,
    settings: Settings,
    before: Mapping[str, FaissVectorStore] | None = None,
) -> dict[str, FaissVectorStore]:
    """Open the vector stores of an index.

    Args:
        before: as they were opened to read before; None: to write.
    """
    stores = {}
    for name, kind, width in store_kinds(embedder):
        what = _PDQ if kind == "binary" else _EMBEDDING
        stores[what] = FaissVectorStore.open(
            directory / "vectors" / name,
            kind,
            width,
            writable=before is None,
            merge_shards=settings.store.merge_shards,
            ivf_min_vectors=settings.store.ivf_min_vectors,
            before=(before or {}).get(what),
        )
    return stores


def repair_vectors(directory: Path, purpose: str) -> list[str]:
    """Drop vector shards that are damaged, so that the index opens again.

    What they held is described again by the next run, because `Index.write` misses it.

    Returns:
        What was found, in plain words.

    Raises:
        IndexLocked, IndexMissing, IndexDamaged (the catalogue itself): nothing can be done.
    """
    if not index_exists(directory):
        raise missing_index(directory)
    with write_lock(directory, purpose):
        with closing(open_catalogue(directory, "run")) as catalogue:
            embedder = embedder_of(catalogue)
        return [
            problem
            for name, kind, width in store_kinds(embedder)
            for problem in repair(directory / "vectors" / name, kind, width).problems
        ]
