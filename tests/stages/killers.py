"""Functions that stand in for the work of a stage and do to their worker what a bad file may do."""

import os
from collections.abc import Sequence

from imagematch.records import Failure, Fingerprint
from imagematch.settings import DecodeSettings, DescribeSettings
from imagematch.stages.fingerprints import FileTask, describe_files


def describe_or_die(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    keep: bool,
    trace: bool,
) -> list[Fingerprint | Failure]:
    """Describe photos, unless one is named like something that kills."""
    if any(path.endswith("kills.jpg") for task in tasks for path in task.paths):
        os._exit(9)
    return describe_files(decoding, describing, tasks, keep=keep, trace=trace)
