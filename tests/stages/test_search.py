"""Search: near photos are proposed, whatever their orientation; gated ones only by their pixels."""

from pathlib import Path

import numpy as np

from imagematch import pipeline
from imagematch.monitor import Unwatched
from imagematch.pipeline import IndexRequest
from imagematch.stages.search import Finder, probes_of
from imagematch.stores.index import Index
from tests.world import ad_sites, photo, save


def indexed(folder: Path, index: Path) -> Path:
    pipeline.index_folder(index, IndexRequest(folder, preset="hashes"), Unwatched())
    return index


def test_all_eight_orientations_of_a_photo_find_it(tmp_path: Path) -> None:
    ad_sites(tmp_path / "ads", range(10))
    for turns in range(4):
        for flip in (False, True):
            turned = np.rot90(photo(50), turns)
            turned = np.ascontiguousarray(turned[:, ::-1] if flip else turned)
            save(turned, tmp_path / "ads" / f"{turns}{flip}.png")
    index = indexed(tmp_path / "ads", tmp_path / "index")
    with Index.read(index) as opened:
        paths = {
            photo_id: sightings[0].path
            for photo_id, sightings in opened.sightings.sightings_of(range(1, 19)).items()
        }
        turned_ids = sorted(i for i, path in paths.items() if path.endswith(".png"))
        facts = opened.photos.facts(turned_ids)
        for near in Finder(opened, 0.1).find(probes_of(opened, list(facts.values()))):
            assert [found.photo_id for found in near] == turned_ids
            assert all((found.pdq_distance or 0) <= 64 for found in near)


def test_flat_photos_are_found_by_their_pixels_only(tmp_path: Path) -> None:
    save(photo(1) // 255, tmp_path / "ads" / "a.png")
    save(photo(1) // 255, tmp_path / "ads" / "b.png", compress_level=1)
    save(photo(1) // 254, tmp_path / "ads" / "c.png")
    with Index.read(indexed(tmp_path / "ads", tmp_path / "index")) as opened:
        [probe] = probes_of(opened, list(opened.photos.facts([1]).values()))
        assert len(probe.orientations) == 0
        [near] = Finder(opened, 0.1).find([probe])
        assert [(found.photo_id, found.same_pixels) for found in near] == [(1, True), (2, True)]
        [match] = opened.matches.matches()
        assert (match.judgement.kind, match.judgement.evidence.rule) == ("exact", "same_pixels")
