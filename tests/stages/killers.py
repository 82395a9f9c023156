"""Functions that stand in for the work of a stage and do to their worker what a bad file may do."""

import os
from collections.abc import Sequence
from typing import Never

from imagematch.kernels import views
from imagematch.records import Failure, Fingerprint, Geometry
from imagematch.settings import DecodeSettings, DescribeSettings, VerifySettings
from imagematch.stages.fingerprints import FileTask, QueryPrint, describe_files, describe_queries
from imagematch.stages.geometry import PairTask, verify_pairs


def describe_or_die(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    keep: bool,
) -> list[Fingerprint | Failure]:
    """Describe photos, unless one is named like something that kills."""
    if any(path.endswith("kills.jpg") for task in tasks for path in task.paths):
        os._exit(9)
    return describe_files(decoding, describing, tasks, keep=keep)


def describe_and_die_of_views(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    keep: bool,
) -> list[Fingerprint | Failure]:
    """Describe photos, but die where further views would be sought in one named like a killer."""
    _die_of_views(tasks)
    return describe_files(decoding, describing, tasks, keep=keep)


def query_and_die_of_views(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    crops: bool,
) -> list[QueryPrint | Failure]:
    """The same for queries."""
    _die_of_views(tasks)
    return describe_queries(decoding, describing, tasks, crops=crops)


def _die_of_views(tasks: Sequence[FileTask]) -> None:
    if any(task.further and path.endswith("kills.jpg") for task in tasks for path in task.paths):
        os._exit(9)


def query_and_die_of_frames(
    decoding: DecodeSettings,
    describing: DescribeSettings,
    tasks: Sequence[FileTask],
    *,
    crops: bool,
) -> list[QueryPrint | Failure]:
    """Look for frames in a way that kills, wherever they are sought."""
    views.find_frames = _die  # type: ignore[assignment]
    return describe_queries(decoding, describing, tasks, crops=crops)


def verify_and_die_of_views(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[PairTask]
) -> list[Geometry | None]:
    """Verify pairs, but die where a view of one is to be cut out."""
    if any(task.query_view or task.photo_view for task in tasks):
        os._exit(9)
    return verify_pairs(decoding, settings, tasks)


def _die(*_: object) -> Never:
    os._exit(9)
