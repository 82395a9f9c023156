"""Query: how many views of a photo are looked up."""

from pathlib import Path

import pytest

from imagematch.kernels.embeddings import ModelEmbedder
from imagematch.kernels.views import boxes
from imagematch.presets import with_preset
from imagematch.records import Bytes, Floats
from imagematch.runtime.executors import SerialExecutor
from imagematch.runtime.monitor import Unwatched
from imagematch.services import opening
from imagematch.settings import DEFAULTS
from imagematch.stages import query
from imagematch.stages.fingerprints import file_outside
from imagematch.stages.query import QueryOptions
from imagematch.stores.index import Index
from tests.stores.builders import create
from tests.world import photo, save


@pytest.mark.model
def test_crops_of_a_query_are_embedded_where_the_settings_want_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = ModelEmbedder.embed
    embedded: list[Bytes] = []

    def counted(self: ModelEmbedder, photos: list[Bytes]) -> Floats:
        embedded.extend(photos)
        return embed(self, photos)

    monkeypatch.setattr(ModelEmbedder, "embed", counted)
    path = str(save(photo(1), tmp_path / "1.png"))
    counts = {}
    directory = create(tmp_path / "index", opening.named_embedder(DEFAULTS.describe))
    with Index.read(directory) as index:
        for preset in ("fast", "balanced"):
            index.settings = with_preset(DEFAULTS, preset)
            [answer] = query.run(
                index, SerialExecutor(), [file_outside(path)], QueryOptions(), Unwatched()
            )
            assert answer.failure is None
            counts[preset] = len(embedded)
            embedded.clear()
    assert counts["fast"] < counts["balanced"] == len(list(boxes(photo(1))))
