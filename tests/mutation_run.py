"""Runs broken files through all that a worker does with a photo, and says what came of each.

python -m tests.mutation_run COUNT [FIRST]       files made by `tests.mutations`
python -m tests.mutation_run FOLDER              files that are there
"""

import hashlib
import os
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from imagematch.errors import PhotoError
from imagematch.kernels import decode, views
from imagematch.presets import with_preset
from imagematch.records import FAILURE_CODES, Bytes, Failure
from imagematch.runtime.executors import Executor, ProcessExecutor
from imagematch.settings import DEFAULTS, WorkerSettings
from imagematch.stages.fingerprints import describe_files, describe_queries, file_outside, warm_up
from imagematch.stages.geometry import PairTask, verify_pairs
from imagematch.stages.thumbnails import _thumbnail
from tests.kernels.pictures import scene
from tests.mutations import mutated

_SETTINGS = with_preset(DEFAULTS, "hashes")
#: Two, so that a run on a small machine leaves room for others.
WORKERS = WorkerSettings(count=2, seconds_per_file=30, memory_mb=2048)

#: A file can be bad in these ways; "crashed" and whatever is raised are ours.
EXPECTED = frozenset({"described", *FAILURE_CODES}) - {"crashed", "internal"}

type Source = int | str


def outcomes(sources: Iterable[Source]) -> Iterator[tuple[Source, str]]:
    """What came of each file: "described", the code of a failure, or a traceback.

    Args:
        sources: seeds of `tests.mutations`, or paths.
    """
    executor: Executor
    with ProcessExecutor(WORKERS, _warm_up) as executor:
        for outcome in executor.run(examine, sources):
            if outcome.failure is not None:
                yield outcome.task, outcome.failure.code
            else:
                yield outcome.task, str(outcome.result)


def _warm_up() -> None:
    warm_up(_SETTINGS.describe)


def examine(chunk: Sequence[Source]) -> list[str]:
    """Run a chunk of files through all."""
    return [_examined(source) for source in chunk]


def _examined(source: Source) -> str:
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(source, int):
            path = Path(folder, "photo")
            path.write_bytes(mutated(source))
        else:
            path = Path(source)
        try:
            return _run(path, Path(folder))
        except Exception:  # noqa: BLE001 - that is what is looked for
            return traceback.format_exc()


def _run(path: Path, folder: Path) -> str:
    data = path.read_bytes()
    task = file_outside(path, hashlib.sha256(data).hexdigest())
    decoding, describing = _SETTINGS.decode, _SETTINGS.describe
    [described] = describe_files(decoding, describing, [task], keep=True)
    [asked] = describe_queries(decoding, describing, [task], crops=True)
    if isinstance(asked, Failure) and asked.code not in EXPECTED:
        return f"as a query: {asked.code}\n{asked.traceback}"
    _thumbnail(decoding, task)
    if isinstance(described, Failure):
        return described.code
    rgb = _decoded(data)
    parts = views.find_views(rgb)
    for view in (*parts, *views.further_views(rgb, parts)):
        view.cut(rgb)
    other = folder / "other.png"
    scene(200, 150).save(other)
    sound = file_outside(other, hashlib.sha256(other.read_bytes()).hexdigest())
    pairs = [PairTask(task, sound, len(parts), 0, high_recall=True), PairTask(sound, task, 0, 0)]
    verify_pairs(decoding, _SETTINGS.verify, pairs)
    return "described"


def _decoded(data: bytes) -> Bytes:
    try:
        return decode.decode(data, _SETTINGS.decode).rgb
    except PhotoError as error:
        raise AssertionError(f"described, and then {error.code}") from error


def main(words: Sequence[str]) -> int:
    """Report what came of all files, and name those that nobody foresaw."""
    sources: list[Source]
    if Path(words[0]).is_dir():
        sources = [
            str(Path(top, name)) for top, _, names in os.walk(words[0]) for name in sorted(names)
        ]
    else:
        first = int(words[1]) if len(words) > 1 else 0
        sources = list(range(first, first + int(words[0])))
    counts: Counter[str] = Counter()
    unforeseen = 0
    for source, came in outcomes(sources):
        counts[came if came in FAILURE_CODES or came in EXPECTED else "raised"] += 1
        if came not in EXPECTED:
            unforeseen += 1
            sys.stdout.write(f"{source}: {came}\n")
    sys.stdout.write(f"{counts.total()} files, {unforeseen} unforeseen: {dict(counts)}\n")
    return int(unforeseen > 0)


if __name__ == "__main__":
    # Workers import what they run by its name, which `__main__` is not.
    from tests import mutation_run

    sys.exit(mutation_run.main(sys.argv[1:]))
