"""Drawings of what a query or a comparison found: matches in, pictures with the evidence out.

Photos are decoded and compared in worker processes that a hostile file may kill.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from imagematch import formatting, wording
from imagematch.errors import KeepsFailing, PhotoError
from imagematch.kernels import match_drawing, overlap
from imagematch.kernels.overlap import Side
from imagematch.records import Comparison, Drawing, Judgement, QueryMatch, QueryResult
from imagematch.reports import drawings
from imagematch.runtime.executors import Executor
from imagematch.runtime.failures import is_out_of_memory
from imagematch.settings import DecodeSettings, Settings, VerifySettings
from imagematch.stages import result_checks
from imagematch.stages.fingerprints import FileTask, file_outside, open_photo
from imagematch.stores.index import Index


@dataclass(frozen=True, slots=True)
class DrawingTask:
    """A match to draw; the labels say whose photos they are.

    Attributes:
        names: what a sentence calls the two photos.
    """

    query: FileTask
    photo: FileTask
    query_label: str
    photo_label: str
    judgement: Judgement
    names: tuple[str, str] = ("query", "indexed")


def run(
    index: Index, executor: Executor, results: Iterable[QueryResult]
) -> Iterator[tuple[str, QueryMatch, Drawing | None]]:
    """Draw what a query found, a drawing for each different photo, best first.

    Returns:
        The query's path, the first sighting of the photo, and the drawing: None where one of the
        files is gone with nothing kept of it, or can't be drawn, whatever the reason.
    """
    waiting: deque[tuple[str, QueryMatch]] = deque()

    def tasks() -> Iterator[DrawingTask]:
        for result in results:
            matches = _photos(result)
            locators = index.photos.locators_by_hash([match.sighting.photo for match in matches])
            for match in matches:
                waiting.append((result.query, match))
                sha256 = match.sighting.photo
                photo = FileTask(locators.get(sha256, ()), sha256, index.pictures.path(sha256))
                yield _task(result.query, match, photo)

    function = partial(draw_matches, index.settings.decode, index.settings.verify)
    with suppress(KeepsFailing):  # what was found is worth showing without drawings
        for outcome in executor.run(function, tasks(), result_checks.drawing, urgent=True):
            yield *waiting.popleft(), outcome.result
    for query, match in waiting:
        yield query, match, None


def run_comparison(
    executor: Executor, settings: Settings, comparison: Comparison
) -> Drawing | None:
    """Draw two files that were compared; None where that can't be done, or there is nothing."""
    if comparison.judgement is None:
        return None
    left, right = comparison.left, comparison.right
    task = DrawingTask(
        file_outside(left),
        file_outside(right),
        f"First: {PurePath(left).name}",
        f"Second: {PurePath(right).name}",
        comparison.judgement,
        wording.COMPARED,
    )
    function = partial(draw_matches, settings.decode, settings.verify)
    with suppress(KeepsFailing):
        for outcome in executor.run(function, [task], result_checks.drawing, urgent=True):
            return outcome.result
    return None


def _photos(result: QueryResult) -> list[QueryMatch]:
    """One match for each photo."""
    first: dict[str, QueryMatch] = {}
    for match in formatting.best_first(result.matches):
        first.setdefault(match.sighting.photo, match)
    return list(first.values())


def _task(query: str, match: QueryMatch, photo: FileTask) -> DrawingTask:
    info = match.sighting.info
    owner = " / ".join(filter(None, (info.site, info.profile))) or match.sighting.collection
    return DrawingTask(
        file_outside(query),
        photo,
        f"Query: {PurePath(query).name}",
        f"Indexed: {owner}, {PurePath(match.sighting.path).name}",
        match.judgement,
    )


def draw_matches(
    decoding: DecodeSettings, settings: VerifySettings, tasks: Sequence[DrawingTask]
) -> list[Drawing | None]:
    """Draw a chunk of matches; None where a file is gone and nothing was kept of it."""
    return [_drawn(task, decoding, settings) for task in tasks]


def _drawn(task: DrawingTask, decoding: DecodeSettings, settings: VerifySettings) -> Drawing | None:
    judgement = task.judgement
    try:
        query = _side(task.query, task.query_label, decoding)
        photo = _side(task.photo, task.photo_label, decoding)
        geometry = judgement.evidence.geometry
        fit = overlap.find_fit(query, photo, geometry, settings) if geometry else None
        title = f"{wording.kind_word(judgement)}, {wording.sureness(judgement)}"
        sentence = wording.sentence(judgement, *task.names)
        return drawings.encode(match_drawing.draw(query, photo, fit, title, sentence))
    except (PhotoError, MemoryError):
        return None
    except Exception as error:
        if is_out_of_memory(error):
            return None
        raise


def _side(task: FileTask, label: str, decoding: DecodeSettings) -> Side:
    photo, kept = open_photo(task, decoding)
    return Side(photo.rgb, photo.width, f"{label} (as kept)" if kept else label)
