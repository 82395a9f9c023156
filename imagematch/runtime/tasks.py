"""Tasks for worker processes, and what became of each: a result, or the reason for its lack."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imagematch.records import Failure
from imagematch.runtime.failures import failure_from

type ChunkFunction[T, R] = Callable[[Sequence[T]], Sequence[R]]
type Check[T, R] = Callable[[T, R], object]


@dataclass(frozen=True, slots=True)
class Outcome[T, R]:
    """What became of one task: a result, or the reason why there is none.

    Attributes:
        failure: code "timeout", "memory" or "crashed" where its worker was lost, "internal" where
            the function raised or returned nonsense; None where there is a result.
    """

    task: T
    result: R | None
    failure: Failure | None


def settle[T, R](
    attempt: Callable[[Sequence[T]], Sequence[R] | Failure],
    chunk: Sequence[T],
    check: Check[T, R] | None,
) -> list[Outcome[T, R]]:
    """Try a chunk, and if that fails its tasks one by one, so that only the guilty ones fail."""
    answer = attempt(chunk)
    if isinstance(answer, Failure) and len(chunk) > 1:
        return [outcome for task in chunk for outcome in settle(attempt, [task], check)]
    if isinstance(answer, Failure) and answer.code == "crashed":
        # Somebody else may have killed the worker, such as the kernel when memory is short.
        answer = attempt(chunk)
    if isinstance(answer, Failure):
        return [Outcome(chunk[0], None, answer)]
    return [_checked(task, result, check) for task, result in zip(chunk, answer, strict=True)]


def _checked[T, R](task: T, result: R | Failure, check: Check[T, R] | None) -> Outcome[T, R]:
    if isinstance(result, Failure):
        return Outcome(task, None, result)
    try:
        if check is not None:
            check(task, result)
    except Exception as error:  # noqa: BLE001 - nonsense may raise anything when it is looked at
        return Outcome(task, None, failure_from(error))
    return Outcome(task, result, None)
