"""The worker processes of a run: there when there is work, gone at its end."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Self

from imagematch import presets
from imagematch.settings import DescribeSettings, Settings
from imagematch.stores.executors import Executor, open_executor
from imagematch.stores.worker import standing_back


@contextmanager
def workers(settings: Settings, *, embedding: bool = True, nice: int = 0) -> Iterator[Executor]:
    """Worker processes that start with their first task.

    Args:
        embedding: load the embedder in each.
        nice: how far they stand back for other programs.
    """
    describing = settings.describe if embedding else DescribeSettings(preset=presets.HASHES)
    prepare = partial(standing_back, nice, partial(_warm_up, describing))
    with open_executor(settings.workers, prepare) as executor:
        yield executor


def _warm_up(describing: DescribeSettings) -> None:
    """Have a worker load what looks at pictures, which this process need not wait for."""
    from imagematch.stages.fingerprints import warm_up

    warm_up(describing)


class Staff:
    """Workers of a run that may have nothing to do: not even imports are paid for until they are
    called."""

    def __init__(self, settings: Settings, nice: int) -> None:
        self._settings = settings
        self._nice = nice
        self._stack = ExitStack()
        self._executor: Executor | None = None

    def executor(self) -> Executor:
        """The workers, from here on until the end of the run."""
        if self._executor is None:
            self._executor = self._stack.enter_context(workers(self._settings, nice=self._nice))
        return self._executor

    def call(self) -> None:
        """Have them start in the background, so that they are ready when the first task is."""
        if self._executor is None:
            self.executor().start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
