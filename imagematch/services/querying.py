"""Photos from outside to matches; and matches that indexing found, or that need no index."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imagematch.records import (
    Comparison,
    HashResult,
    Judgement,
    ListedHashes,
    Locator,
    QueryOptions,
    QueryResult,
    UnusableLine,
)
from imagematch.runtime.monitor import Monitor
from imagematch.services.opening import named_embedder
from imagematch.services.session import Session
from imagematch.settings import Settings
from imagematch.sources import in_memory
from imagematch.sources.in_memory import InMemory
from imagematch.stages.photo_workers import photo_workers

if TYPE_CHECKING:
    from imagematch.stages.fingerprints import FileTask

type QueryPhoto = str | os.PathLike[str] | InMemory


def query_photos(
    session: Session, photos: Iterable[QueryPhoto], options: QueryOptions, monitor: Monitor
) -> Iterator[QueryResult]:
    """Look photos up in an index, in the order given.

    Args:
        photos: paths, or what a program holds, see `sources.in_memory`.

    Raises:
        UsageError: there is no such collection.
        IndexUnavailable, EmbedderUnavailable: the index can't be searched.
    """
    from imagematch.stages import query

    with session.reading() as index:
        if options.collection:
            index.collections.get(options.collection)
        index.require_embedder(named_embedder(index.settings.describe, index.embedder))
        executor = session.workers(index.settings)
        most = index.settings.decode.max_bytes
        tasks = (_task(photo, most) for photo in photos)
        for result in query.run(index, executor, tasks, options, monitor):
            if result.content is not None:
                session.asked.append(result.content)
            yield result


def _task(photo: QueryPhoto, most: int) -> "FileTask":
    from imagematch.stages.fingerprints import FileTask, file_outside

    if isinstance(photo, str | os.PathLike):
        return file_outside(photo)
    name, data = in_memory.file_of(photo, most + 1)
    return FileTask((Locator.outside(name),), hashlib.sha256(data).hexdigest(), data=data)


def query_hashes(
    session: Session,
    entries: Iterable[ListedHashes | UnusableLine],
    options: QueryOptions,
    monitor: Monitor,
) -> Iterator[HashResult | UnusableLine]:
    """Look hashes up in an index, without any picture, in the order given.

    Raises:
        UsageError: there is no such collection.
        IndexUnavailable: the index can't be searched.
    """
    from imagematch.stages import hash_lookup

    with session.reading() as index:
        if options.collection:
            index.collections.get(options.collection)
        yield from hash_lookup.run(index, entries, options, monitor)


def compare_files(
    settings: Settings, pairs: Iterable[tuple[str, str]], monitor: Monitor
) -> Iterator[Comparison]:
    """Judge any pairs of photo files, without an index and without a search.

    Args:
        pairs: paths; the first of each is measured as a query is.

    Raises:
        EmbedderUnavailable: as `query_photos`.
    """
    from imagematch.stages import compare

    with photo_workers(settings) as executor:
        yield from compare.run(executor, settings, pairs, monitor)


def stored_matches(session: Session) -> list[tuple[str, str, Judgement]]:
    """All matches that indexing found, as SHA-256 of both photos and the judgement."""
    with session.reading() as index:
        found = list(index.matches.matches())
        ids = sorted({photo for match in found for photo in (match.photo_a, match.photo_b)})
        facts = index.photos.facts(ids)
        return [
            (facts[match.photo_a].sha256, facts[match.photo_b].sha256, match.judgement)
            for match in found
        ]
