"""Photos from outside to matches; and matches that indexing found, or that need no index."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from imagematch.records import (
    Comparison,
    HashResult,
    Judgement,
    ListedHashes,
    QueryOptions,
    QueryResult,
    UnusableLine,
)
from imagematch.runtime.monitor import Monitor
from imagematch.services.opening import named_embedder
from imagematch.settings import Settings
from imagematch.stages.photo_workers import photo_workers
from imagematch.stores.index import Index


def query_photos(
    directory: Path, photos: Iterable[str], options: QueryOptions, monitor: Monitor
) -> Iterator[QueryResult]:
    """Look photo files up in an index, in the order given.

    Raises:
        UsageError: there is no such collection.
        IndexUnavailable, EmbedderUnavailable: the index can't be searched.
    """
    from imagematch.stages import query

    with Index.read(directory) as index:
        if options.collection:
            index.collections.get(options.collection)
        index.require_embedder(named_embedder(index.settings.describe, index.embedder))
        with photo_workers(index.settings) as executor:
            yield from query.run(index, executor, photos, options, monitor)


def query_hashes(
    directory: Path,
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

    with Index.read(directory) as index:
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


def stored_matches(directory: Path) -> list[tuple[str, str, Judgement]]:
    """All matches that indexing found, as SHA-256 of both photos and the judgement."""
    with Index.read(directory) as index:
        found = list(index.matches.matches())
        ids = sorted({photo for match in found for photo in (match.photo_a, match.photo_b)})
        facts = index.photos.facts(ids)
        return [
            (facts[match.photo_a].sha256, facts[match.photo_b].sha256, match.judgement)
            for match in found
        ]
