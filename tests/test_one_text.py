"""Chats, cards, banners, forms and notices match no others of their kind, from end to end."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.drawn.printed import KINDS
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stages.query import QueryOptions
from tests import recipes
from tests.world import save

#: Pictures of each kind: as many as an agency's ads may show.
EACH = 10


@pytest.mark.model
def test_ten_pictures_of_one_text_do_not_match_one_another(tmp_path: Path) -> None:
    """They share layout, font and most words; only the words that differ tell them apart."""
    asked = []
    for kind, layout in KINDS.items():
        make, rng = layout(np.random.default_rng(0)), np.random.default_rng(1)
        for number in range(EACH - 1):
            shown = tmp_path / "ads" / "site" / f"{kind}-{number}" / "photo.jpg"
            save(make(rng), shown, quality=85)
        asked.append(save(make(rng), tmp_path / "asked" / f"{kind}.jpg", quality=85))
    index = tmp_path / "index"
    request = IndexRequest(FolderSource(tmp_path / "ads", site_from_path=True))
    report = recipes.index_folder(index, request, Unwatched())
    assert (report.described, report.failed) == ((EACH - 1) * len(KINDS), 0)
    assert report.matches == 0
    linked = recipes.link_profiles(index)
    assert (linked.links, linked.clusters) == ((), ())
    *others, known = recipes.query_photos(
        index, map(str, [*asked, shown]), QueryOptions(), Unwatched()
    )
    assert [(result.failure, result.matches) for result in others] == [(None, ())] * len(KINDS)
    assert [match.judgement.kind for match in known.matches] == ["exact"]
