"""Work of which a part may cost a worker: tasks in, outcomes out, without that part where need be.

Further views are sought by native code in pictures of strangers. A file on which that dies, hangs
or fills the memory loses these views, and not its fingerprint or its answer.
"""

from collections.abc import Callable, Iterable, Iterator

from imagematch.runtime.tasks import Outcome

#: Failures by which a worker was lost, or nearly so.
_LOST = frozenset({"timeout", "memory", "crashed"})


def run[T, R](
    work: Callable[[Iterable[T]], Iterator[Outcome[T, R]]],
    tasks: Iterable[T],
    spare: Callable[[T], T | None],
) -> Iterator[Outcome[T, R]]:
    """Yield one outcome a task, in the order of the tasks, as `Executor.run` does.

    Args:
        work: `Executor.run` with its function.
        spare: a task without what may be left out of it; None where there is nothing. Asked for
            tasks that cost a worker; an outcome has the task that was run last.
    """
    for outcome in work(tasks):
        spared = spare(outcome.task) if _is_lost(outcome) else None
        if spared is None:
            yield outcome
        else:
            yield from work([spared])


def _is_lost[T, R](outcome: Outcome[T, R]) -> bool:
    return outcome.failure is not None and outcome.failure.code in _LOST
