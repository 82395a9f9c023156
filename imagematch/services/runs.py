"""A run in the catalogue around a block of work: when it began, how it ended, what it counted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from imagematch.errors import Stopped
from imagematch.stores.index import Index


@dataclass(slots=True)
class RunInProgress:
    """A run that has begun; what it has counted when the block ends is kept with it."""

    id: int
    counts: Mapping[str, object] = field(default_factory=dict)


@contextmanager
def recorded_run(
    index: Index, what: str, job: str = "", folder: str = ""
) -> Iterator[RunInProgress]:
    """Have the catalogue know of a run, also of one that is stopped or fails.

    Args:
        what: the command, in a word.
        job: name of a scheduled job; "" outside of one.
        folder: that is indexed; "" for none.
    """
    run = RunInProgress(index.catalogue.start_run(what, job, folder))
    try:
        yield run
    except BaseException as error:
        state = "stopped" if isinstance(error, (Stopped, KeyboardInterrupt)) else "failed"
        index.catalogue.finish_run(run.id, state, {}, str(error))
        raise
    index.catalogue.finish_run(run.id, "done", run.counts)
