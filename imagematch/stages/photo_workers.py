"""Worker processes that are ready to look at photos: for everything that stages have done there."""

from functools import partial

from imagematch import presets
from imagematch.runtime.executors import Executor, open_executor
from imagematch.runtime.worker import warm_up_at_low_priority
from imagematch.settings import DescribeSettings, Settings


def photo_workers(settings: Settings, *, embedding: bool = True, nice: int = 0) -> Executor:
    """Worker processes that start with their first task, and end when the executor is closed.

    Args:
        embedding: load the embedder in each.
        nice: how far they stand back for other programs.
    """
    describing = settings.describe if embedding else DescribeSettings(preset=presets.HASHES)
    prepare = partial(warm_up_at_low_priority, nice, partial(_warm_up, describing))
    return open_executor(settings.workers, prepare)


def _warm_up(describing: DescribeSettings) -> None:
    """Have a worker load what looks at pictures, which this process need not wait for."""
    from imagematch.stages.fingerprints import warm_up

    warm_up(describing)
