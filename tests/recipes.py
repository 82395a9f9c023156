"""Recipes as a command calls them: each in a session of its own, which ends with it."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Concatenate, cast

from imagematch.services import (
    exporting,
    galleries,
    illustrating,
    indexing,
    linking,
    querying,
    reindexing,
    reviewing,
    status,
)
from imagematch.services.session import Session


def _in_session[**P, R](
    recipe: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Path, P], R]:
    @wraps(recipe)
    def called(directory: Path, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with Session(directory) as session:
            found = recipe(session, *args, **kwargs)
            # What comes bit by bit has all come before the session ends.
            return cast(R, iter(list(found))) if isinstance(found, Iterator) else found

    return called


decide = _in_session(reviewing.decide)
explain_matches = _in_session(illustrating.explain_matches)
failed_files = _in_session(status.failed_files)
hashes_of = _in_session(exporting.hashes_of)
history = _in_session(reviewing.history)
hot_photos = _in_session(reviewing.hot_photos)
ignore = _in_session(reviewing.ignore)
ignored = _in_session(reviewing.ignored)
index_folder = _in_session(indexing.index_folder)
link_profiles = _in_session(linking.link_profiles)
list_galleries = _in_session(galleries.list_galleries)
make_thumbnails = _in_session(illustrating.make_thumbnails)
query_hashes = _in_session(querying.query_hashes)
query_photos = _in_session(querying.query_photos)
reach_of_hot = _in_session(reviewing.reach_of_hot)
reindex = _in_session(reindexing.run)
remove_gallery = _in_session(galleries.remove_gallery)
settle_hot = _in_session(reviewing.settle_hot)
status_of = _in_session(status.status_of)
stored_matches = _in_session(querying.stored_matches)
take_over = _in_session(reviewing.take_over)
unignore = _in_session(reviewing.unignore)
