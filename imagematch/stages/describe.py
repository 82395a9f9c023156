"""Describe: photos without a fingerprint in, fingerprints and vectors in the stores out.

The work is done in worker processes; this side makes vectors and kept pictures durable first and
commits their rows after, a batch at a time, so that a killed run loses one batch at most. Photos
that a scan has just read come with their bytes, so that no file is read twice.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from imagematch import __version__
from imagematch.errors import KeepsFailing, SourceUnavailable, Stopped
from imagematch.kernels import hashes
from imagematch.records import Failure, Fingerprint
from imagematch.runtime.executors import Executor
from imagematch.runtime.memory import trim_memory
from imagematch.runtime.monitor import Monitor
from imagematch.runtime.tasks import Outcome
from imagematch.stages import fallback, result_checks
from imagematch.stages.fingerprints import FileTask, describe_files, without_further_views
from imagematch.stages.installation import installation
from imagematch.stores.index import Index
from imagematch.stores.photos import Described, NewPhoto, PendingPhoto

#: Bytes of photos that were read already and that workers have or wait for. What would be more is
#: read again by the worker, most likely from the memory of the system.
_MOST_HELD = 256 * 2**20


@dataclass(slots=True)
class DescribeReport:
    """What describing did; photos unless it says otherwise.

    Attributes:
        partly_seen: described photos whose files hold further pictures, which were not.
        spent: seconds by part; "decode", "hash" and "embed" add up over the workers, "store" is
            this process's.
    """

    described: int = 0
    failed: int = 0
    partly_seen: int = 0
    spent: dict[str, float] = field(default_factory=dict)


def run(
    index: Index, executor: Executor, root_id: int, run_id: int, monitor: Monitor
) -> DescribeReport:
    """Describe the photos of a root that have no fingerprint yet.

    Raises:
        Stopped: as asked through the monitor; what was committed is kept.
        KeepsFailing: as `Executor.run`; what was described before is kept, too.
    """
    monitor.stage("describe", index.photos.count_pending(root_id))
    waiting = (NewPhoto(photo, b"") for photo in index.photos.pending(root_id))
    return run_new(index, executor, waiting, run_id, monitor)


def run_new(
    index: Index, executor: Executor, photos: Iterable[NewPhoto], run_id: int, monitor: Monitor
) -> DescribeReport:
    """Describe photos as they come, as steps of the stage that the monitor is in.

    Args:
        photos: in the catalogue, without a fingerprint; taken a bounded number ahead, in this
            thread. What they raise is raised here.

    Raises:
        Stopped, KeepsFailing: as `run`.
    """
    report = DescribeReport()
    batch: list[tuple[PendingPhoto, Fingerprint | Failure]] = []
    try:
        for outcome in _outcomes(index, executor, photos, monitor):
            batch.append(outcome)
            if len(batch) == index.settings.store.batch:
                _store(index, batch, run_id, report)
                batch.clear()
            monitor.check()
    except (Stopped, KeepsFailing, SourceUnavailable):
        # A batch of a slow model takes minutes: who asks to stop should not wait for it to fill.
        _store(index, batch, run_id, report)
        raise
    _store(index, batch, run_id, report)
    return report


def _outcomes(
    index: Index, executor: Executor, photos: Iterable[NewPhoto], monitor: Monitor
) -> Iterator[tuple[PendingPhoto, Fingerprint | Failure]]:
    """Fingerprints in the order of the photos."""
    waiting: deque[PendingPhoto] = deque()
    held = 0

    def tasks() -> Iterator[FileTask]:
        nonlocal held
        for photo, read in photos:
            data = read if held + len(read) <= _MOST_HELD else b""
            held += len(data)
            waiting.append(photo)
            yield FileTask(photo.locators, photo.sha256, data=data or None)

    settings = index.settings
    function = partial(
        describe_files,
        settings.decode,
        settings.describe,
        keep=settings.store.keep_pictures,
        trace=settings.store.keep_traces,
    )
    check = partial(result_checks.fingerprint, dimensions=index.embedder.dimensions)
    outcome: Outcome[FileTask, Fingerprint | Failure]
    work = partial(executor.run, function, check=check)
    for outcome in fallback.run(work, tasks(), without_further_views):
        held -= len(outcome.task.data or b"")
        monitor.advance()
        result = outcome.result if outcome.failure is None else outcome.failure
        assert result is not None  # an outcome has one or the other
        yield waiting.popleft(), result


def _store(
    index: Index,
    batch: Sequence[tuple[PendingPhoto, Fingerprint | Failure]],
    run_id: int,
    report: DescribeReport,
) -> None:
    start = time.perf_counter()
    failed = [(photo.id, result) for photo, result in batch if isinstance(result, Failure)]
    done = [
        Described(photo.id, result, len(result.embeddings))
        for photo, result in batch
        if isinstance(result, Fingerprint)
    ]
    # A photo that is described without a picture, or not at all, must not keep one of before.
    index.pictures.replace(
        {
            photo.sha256: result.picture if isinstance(result, Fingerprint) else b""
            for photo, result in batch
        }
    )
    # Gated photos match only exactly, so they have no place in a search by likeness; but for pages
    # that show photos, which those find.
    hashed = [entry for entry in done if not entry.fingerprint.gate]
    index.add_vectors(
        [entry.photo_id for entry in hashed],
        hashes.pack_hex([entry.fingerprint.pdq for entry in hashed]),
        {entry.photo_id: entry.fingerprint.embeddings for entry in done if entry.views},
    )
    index.photos.save_described(done, __version__)
    index.photos.save_failed(failed, installation() if failed else "", run_id)
    report.described += len(done)
    report.failed += len(failed)
    report.partly_seen += sum(entry.fingerprint.unseen > 0 for entry in done)
    for entry in done:
        for part, seconds in entry.fingerprint.seconds.items():
            _add(report.spent, part, seconds)
    trim_memory()
    _add(report.spent, "store", time.perf_counter() - start)


def _add(spent: dict[str, float], part: str, seconds: float) -> None:
    spent[part] = spent.get(part, 0.0) + seconds
