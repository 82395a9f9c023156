"""A session: an index that stays open, the workers that look at its photos, and who works with it.

Recipes are given one and open nothing themselves. Many threads may share it: each call reads one
state of the index, runs over photos take turns, and worker processes stay for the next call.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from imagematch import settings as settings_module
from imagematch.errors import SettingsError
from imagematch.records import Content
from imagematch.runtime.executors import Executor
from imagematch.settings import DescribeSettings, Settings, WorkerSettings
from imagematch.stages.photo_workers import photo_workers
from imagematch.stores.audit import account
from imagematch.stores.directory import settings_path

if TYPE_CHECKING:  # a database and FAISS, for which workers need not wait to start
    from imagematch.stores.index import HeldIndex
    from imagematch.stores.index import Index as Stores

#: Photos that were looked up and are remembered.
_REMEMBERED = 10_000


class Session:
    """What recipes work with. A context manager; leaving it stops all work and closes all files.

    Attributes:
        directory: of the index.
        actor: who works with it, for decisions and the audit log.
        asked: photos that were looked up last, so that a match with one of them can be decided,
            which the index itself does not know.
    """

    def __init__(self, directory: Path, *, actor: str = "", nice: bool = False) -> None:
        """Args:
        actor: "" for the account on this machine.
        nice: workers stand back for other programs, as far as `workers.nice` says.
        """
        self.directory = directory
        self.actor = actor or account()
        self.asked: deque[Content] = deque(maxlen=_REMEMBERED)
        self._nice = nice
        self._held: HeldIndex | None = None
        self._lock = threading.Lock()
        self._executors: dict[tuple[WorkerSettings, DescribeSettings | None], Executor] = {}
        self._closed = False

    def reading(self) -> "AbstractContextManager[Stores]":
        """The stores as they are now, for one thread.

        Raises:
            UsageError: the session has ended.
            And as `Index.read`.
        """
        from imagematch.stores.index import HeldIndex

        with self._lock:
            self._check_open()
            self._held = self._held or HeldIndex(self.directory)
            return self._held.state()

    def deciding(self, actor: str = "") -> "AbstractContextManager[Stores]":
        """The stores for what people decide, beside any run.

        Args:
            actor: who decides; "" for the one of the session.

        Raises:
            UsageError: the session has ended.
            And as `Index.decide`.
        """
        from imagematch.stores.index import Index as Stores

        with self._lock:
            self._check_open()
        return Stores.decide(self.directory, actor or self.actor)

    @contextmanager
    def running(
        self, purpose: str, *, preset: str | None = None, redescribe: bool = False
    ) -> "Iterator[Stores]":
        """The stores for a run over photos, made where there is no index.

        Args:
            purpose, preset, redescribe: see `opening.open_for_writing`.

        Raises:
            UsageError: the session has ended.
            IndexLocked: a run is under way, in this process or another.
            And as `opening.open_for_writing`.
        """
        from imagematch.services.opening import open_for_writing

        with self._lock:
            self._check_open()
        with open_for_writing(
            self.directory, purpose, self.actor, preset=preset, redescribe=redescribe
        ) as index:
            yield index

    def start_worker(self) -> None:
        """Have a first worker get ready while this process is still loading what it needs.

        It goes by the settings of the index as they are written. Where they turn out to be others,
        as while its embedder is being changed, it is started in vain.
        """
        with suppress(SettingsError):  # said by the call that reads them next
            settings = settings_module.load(settings_path(self.directory))
            self.workers(settings).start(1)

    def workers(self, settings: Settings, *, embedding: bool = True) -> Executor:
        """Worker processes, which start with their first task and stay until the session ends.

        Args:
            embedding: with the embedder, unless no work needs it.

        Raises:
            UsageError: the session has ended.
        """
        full = settings.workers, settings.describe
        key = full if embedding else (settings.workers, None)
        with self._lock:
            self._check_open()
            if full in self._executors:  # they can do all that the others can
                return self._executors[full]
            if key not in self._executors:
                nice = settings.workers.nice if self._nice else 0
                self._executors[key] = photo_workers(settings, embedding=embedding, nice=nice)
            return self._executors[key]

    def _check_open(self) -> None:
        if self._closed:
            from imagematch.stores.layout import closed_index

            raise closed_index(self.directory)

    def close(self) -> None:
        """Stop all work of all threads, and let go of all files."""
        with self._lock:
            self._closed = True
            executors = list(self._executors.values())
            self._executors.clear()
        for executor in executors:
            executor.close()
        if self._held is not None:
            self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
