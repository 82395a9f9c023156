"""The bare kernels: what workers did in a run, done again in a tight loop with nothing around it.

Run as a program, this calls the same functions with the same tasks as the workers of a run that was
recorded, in as many processes, and throws the results away: no scan, no catalogue, no vectors, no
order, no pipes. What indexing takes beyond that is the price of the pipeline. Nothing is imported
here but what the functions need.
"""

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched, islice
from pathlib import Path
from typing import Any

_MODULE = "benchmark.speed.bare"  # also where it runs as a program


@dataclass(frozen=True, slots=True)
class Work:
    """One use of the workers: a function, and the tasks that it got in chunks."""

    function: Callable[[Sequence[Any]], Sequence[Any]]
    tasks: list[Any]


@dataclass(frozen=True, slots=True)
class Tape:
    """All that the workers of a run were asked to do.

    Attributes:
        work: in the order of the run; the first is describing.
    """

    warm_up: Callable[[], object] | None
    chunk: int
    work: list[Work]

    def save(self, path: Path, *, first_only: bool = False) -> Path:
        """Write it for the program; `first_only`: the describing alone."""
        work = self.work[:1] if first_only else self.work
        # Plain tuples, since this module has another name where it runs as a program.
        content = (self.warm_up, self.chunk, [(one.function, one.tasks) for one in work])
        path.write_bytes(pickle.dumps(content))
        return path


def command(tape: Path, processes: int) -> list[str]:
    """The command line that does it again."""
    return [sys.executable, "-m", _MODULE, str(tape), "--of", str(processes)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the work of a tape again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tape", type=Path)
    parser.add_argument("--of", type=int, required=True, help="processes")
    parser.add_argument("--share", type=int, help="of one process; without it, start them all")
    asked = parser.parse_args(arguments)
    if asked.share is None:
        _start_all(asked.tape, asked.of)
    else:
        _do_share(asked.tape, asked.share, asked.of)


def _start_all(tape: Path, of: int) -> None:
    from imagematch.runtime.worker_pool import NATIVE  # the program has no use for it

    environment = {**os.environ, **NATIVE}
    running = [
        subprocess.Popen([*command(tape, of), "--share", str(share)], env=environment)
        for share in range(of)
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(2)


def _do_share(tape: Path, share: int, of: int) -> None:
    """Every n-th chunk, about as a pool hands them out."""
    warm_up, chunk_size, work = pickle.loads(tape.read_bytes())  # noqa: S301 - from ourselves
    if warm_up is not None:
        warm_up()
    for function, tasks in work:
        for chunk in islice(batched(tasks, chunk_size), share, None, of):
            function(chunk)


if __name__ == "__main__":
    main()
