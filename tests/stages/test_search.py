"""Search: near photos are proposed, whatever their orientation; gated ones only by their pixels."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagematch.kernels import hashes
from imagematch.records import Bytes, Floats
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import GALLERY, IndexRequest
from imagematch.settings import DEFAULTS
from imagematch.sources.folder_source import FolderSource
from imagematch.stages import search
from imagematch.stages.search import Finder, QueryFeatures, indexed_features, measured
from imagematch.stores import rows
from imagematch.stores.index import HeldIndex, Index
from imagematch.stores.photos import Described, PhotoFacts
from tests import recipes
from tests.stores import builders
from tests.world import ad_sites, photo, save


def indexed(folder: Path, index: Path) -> Path:
    recipes.index_folder(index, IndexRequest(FolderSource(folder), preset="hashes"), Unwatched())
    return index


def view(cosine: float, axis: int) -> Floats:
    """A view with this cosine to the one along an axis, and none to those along all others."""
    made = np.zeros(builders.WIDTH, np.float32)
    made[axis], made[-1] = cosine, (1 - cosine**2) ** 0.5
    return made


def found(
    directory: Path,
    views: list[Floats],
    features: list[Floats],
    gallery: Sequence[Floats] = (),
    photo_id: int = 0,
) -> dict[int, float]:
    """The margin of each photo that a probe finds by its views; photos have one each, or a row
    each, from 1, and those of the gallery come last."""
    with Index.create(directory, "test", DEFAULTS, builders.MODEL) as index:
        added(index, views, "ads")
        added(index, gallery, "missing")
        nothing = np.empty((0, hashes.PDQ_BYTES), np.uint8)
        [near] = Finder(index, 0.12).find(
            [QueryFeatures("", nothing, np.stack(features), photo_id)]
        )
        return {photo.photo_id: photo.margin or 0.0 for photo in near}


def added(index: Index, views: Sequence[Floats], collection: str) -> None:
    if not views:
        return
    files = [builders.scanned(f"{collection}{number:03}.jpg") for number in range(len(views))]
    root = builders.add(index, *files, collection=collection, root=f"/{collection}")
    pending = list(index.photos.pending(root))
    vectors = {one.id: np.atleast_2d(view) for one, view in zip(pending, views, strict=True)}
    described = [
        Described(one.id, builders.fingerprint(one.sha256), len(vectors[one.id])) for one in pending
    ]
    pdqs = hashes.pack_hex([one.fingerprint.pdq for one in described])
    index.add_vectors(list(vectors), pdqs, vectors)
    index.photos.save_described(described, "test")


def test_a_photo_must_be_nearer_than_what_is_near_to_everything(tmp_path: Path) -> None:
    """One view is alike to thirty photos, a plain part of a picture, and another to one alone."""
    plain, sharp = view(1.0, 0), view(1.0, 1)
    photos = [view(0.35, 0)] * 30 + [view(0.35, 1)]
    assert found(tmp_path / "plain", photos, [plain]) == {}
    for views in ([sharp], [plain, sharp]):
        margins = found(tmp_path / f"{len(views)}", photos, views)
        assert margins == {31: pytest.approx(0.25, abs=0.01)}


def test_a_collage_with_many_views_leaves_room_for_other_photos(tmp_path: Path) -> None:
    """Sixteen crops of one collage show the photo, and its copy is a little further away."""
    crops = np.stack([view(0.5 + 0.01 * number, 0) for number in range(16)])
    photos = [crops, view(0.45, 0), *[view(0.1, 0)] * 20]
    margins = found(tmp_path / "index", photos, [view(1.0, 0)])
    assert margins == {1: pytest.approx(0.55, abs=0.01), 2: pytest.approx(0.35, abs=0.01)}


def test_the_views_of_a_photo_do_not_hide_its_copy_from_it(tmp_path: Path) -> None:
    crops = np.stack([view(0.5 + 0.01 * number, 0) for number in range(16)])
    photos = [crops, view(0.45, 0), *[view(0.1, 0)] * 20]
    margins = found(tmp_path / "index", photos, [*crops], photo_id=1)
    assert 2 in margins


def test_the_photo_nearest_to_a_view_of_a_composite_may_be_less_near(tmp_path: Path) -> None:
    photos = [view(0.18, 0), view(0.17, 0), view(0.1, 1)]
    composite = [view(1.0, axis) for axis in [0, *[2] * 15]]
    assert found(tmp_path / "few views", photos, composite[:-1]) == {}
    assert list(found(tmp_path / "all views", photos, composite)) == [1]


def test_parts_that_are_alike_say_where_to_look_and_not_how_alike_two_photos_are() -> None:
    """Two screenshots of one app share its interface; a copy is like a part of the other photo."""
    app, one, other = view(1.0, 0), view(1.0, 1), view(1.0, 2)

    def seen(features: list[Floats], photo: list[Floats]) -> tuple[float | None, int, int]:
        facts = PhotoFacts(1, "a", "b", "0" * 64, 0, "", len(photo))
        looked_for = QueryFeatures(
            "c", np.empty((0, hashes.PDQ_BYTES), np.uint8), np.stack(features)
        )
        near = measured(looked_for, facts, np.stack(photo), DEFAULTS.search)
        return near.cosine, near.query_view, near.photo_view

    assert seen([one, app], [other, view(0.4, 1), app]) == (0.4, 1, 2)
    assert seen([one, app], [view(0.4, 0), other]) == (0.4, 1, 0)
    assert seen([one, app], [other, app, one]) == (1.0, 0, 2)
    assert seen([app], [app]) == (1.0, 0, 0)


def test_many_copies_are_all_found(tmp_path: Path) -> None:
    assert len(found(tmp_path / "index", [view(0.8, 0)] * 40, [view(1.0, 0)])) == 15


in_parts = pytest.mark.parametrize("at_once", [1, 7, 8192])


@in_parts
def test_a_gallery_answers_even_where_many_ads_are_nearer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(rows, "_GATHERED", at_once)
    ads, far = [view(0.9, 0)] * 40, view(0.5, 0)
    gallery = [far, view(0.6, 0), far, far, view(0.7, 0), *[far] * 20, view(0.6, 0)]
    near = found(tmp_path / "index", ads, [view(1.0, 0)], gallery)
    assert len(near.keys() & set(range(1, 41))) == 15
    assert near.keys() - set(range(1, 41)) == {42, 45, 66}


@in_parts
def test_of_a_gallery_of_likenesses_the_nearest_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(rows, "_GATHERED", at_once)
    alike = [view(0.6 + 0.01 * (number * 7 % 30), 0) for number in range(30)]
    nearest = sorted(range(30), key=lambda number: -(number * 7 % 30))[:15]
    near = found(tmp_path / "index", [view(0.95, 0)] * 16, [view(1.0, 0), view(1.0, 1)], alike)
    assert near.keys() - set(range(1, 17)) == {17 + number for number in nearest}


def flipped(pdq: Bytes, bits: int, seed: int) -> Bytes:
    """A hash that differs in so many bits."""
    flips = np.zeros(8 * len(pdq), np.uint8)
    flips[np.random.default_rng(seed).permutation(len(flips))[:bits]] = 1
    return pdq ^ np.packbits(flips)


def stored(index: Index, pdqs: Sequence[Bytes], collection: str, *, name: str = "") -> list[int]:
    """Photos with these hashes and no views, in a collection; returns their ids."""
    files = [builders.scanned(f"{name or collection}{number}") for number in range(len(pdqs))]
    root = builders.add(index, *files, collection=collection, root=f"/{collection}")
    pending = list(index.photos.pending(root))
    described = [
        Described(one.id, replace(builders.fingerprint(one.sha256), pdq=pdq.tobytes().hex()), 0)
        for one, pdq in zip(pending, pdqs, strict=True)
    ]
    ids = [one.id for one in pending]
    index.add_vectors(ids, np.stack(pdqs), {})
    index.photos.save_described(described, "test")
    return ids


@pytest.mark.parametrize("joined", [False, True])
def test_a_gallery_answers_by_hash_even_where_a_thousand_ads_are_nearer(
    tmp_path: Path, joined: bool
) -> None:
    pdq = np.random.default_rng(0).integers(0, 256, hashes.PDQ_BYTES, np.uint8)
    store = replace(DEFAULTS.store, ivf_min_vectors=100 if joined else 0)
    settings = replace(DEFAULTS, store=store)
    turned = hashes.orientations(pdq[None])[0]
    features = QueryFeatures("", turned, np.empty((0, 0), np.float32))
    asked = [features] * (50 if joined else 1)
    with Index.create(tmp_path / "index", "test", settings, builders.HASHES) as index:
        stored(index, [flipped(pdq, 4, seed) for seed in range(1000)], "ads")
        gallery = stored(index, [flipped(pdq, 20, 1), flipped(pdq, 128, 2)], "missing")
        for near in Finder(index, 0.12, high_recall=not joined).find(asked):
            assert len(near) == 16
            assert {found.photo_id for found in near} & set(gallery) == {gallery[0]}


def test_photos_of_ads_answer_as_references_while_a_gallery_shows_them(tmp_path: Path) -> None:
    """The copy that is farthest is in a gallery, too; it is removed and comes back."""
    pdq = np.random.default_rng(0).integers(0, 256, hashes.PDQ_BYTES, np.uint8)
    features = QueryFeatures("", hashes.orientations(pdq[None])[0], np.empty((0, 0), np.float32))
    directory = tmp_path / "index"
    held = HeldIndex(directory)

    def far_ones() -> set[int]:
        with held.state() as index:
            [near] = Finder(index, 0.12).find([features])
        return {found.photo_id for found in near} & {40, 41}

    with Index.create(directory, "test", DEFAULTS, builders.HASHES) as index:
        stored(index, [flipped(pdq, number // 2, number) for number in range(40)], "ads")
        assert far_ones() == set()
        for _ in range(2):
            # Bytes that the ads have, too.
            builders.add(index, builders.scanned("ads39"), collection="missing", root="/missing")
            assert far_ones() == {40}
            gone = index.collections.remove(index.collections.get("missing"))
            index.remove_vectors(gone)
            assert gone == []
            assert far_ones() == set()
        index.decisions.add([builders.decision("ignore", "ads39")])
        assert far_ones() == {40}
    held.close()


def test_in_a_small_index_little_likeness_will_do(tmp_path: Path) -> None:
    near = found(tmp_path / "index", [view(0.3, 0), view(0.15, 0)], [view(1.0, 0)])
    assert near == {1: pytest.approx(0.2, abs=0.01)}


def test_what_is_found_does_not_depend_on_how_many_are_measured_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = [view(1 - number / 40, number % 3) for number in range(30)]
    with Index.create(tmp_path / "index", "test", DEFAULTS, builders.MODEL) as index:
        added(index, views, "ads")
        photos = list(index.photos.facts(range(1, 31)).values())
        together = Finder(index, 0.0).find(indexed_features(index, photos))
        for most in (1, 7):
            monkeypatch.setattr(search, "_MEASURED", most)
            assert Finder(index, 0.0).find(indexed_features(index, photos)) == together
        assert Finder(index, 0.0).find([]) == []
    assert [len(near) > 1 for near in together] == [True] * 30


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
        for near in Finder(opened, 0.1).find(indexed_features(opened, list(facts.values()))):
            assert [found.photo_id for found in near] == turned_ids
            assert all((found.pdq_distance or 0) <= 64 for found in near)


def test_flat_photos_are_found_by_their_pixels_only(tmp_path: Path) -> None:
    save(photo(1) // 255, tmp_path / "ads" / "a.png")
    save(photo(1) // 255, tmp_path / "ads" / "b.png", compress_level=1)
    save(photo(1) // 254, tmp_path / "ads" / "c.png")
    with Index.read(indexed(tmp_path / "ads", tmp_path / "index")) as opened:
        [features] = indexed_features(opened, list(opened.photos.facts([1]).values()))
        assert len(features.orientations) == 0
        [near] = Finder(opened, 0.1).find([features])
        assert [(found.photo_id, found.same_pixels) for found in near] == [(1, True), (2, True)]
        [match] = opened.matches.matches()
        assert (match.judgement.kind, match.judgement.evidence.rule) == ("exact", "same_pixels")


def test_one_picture_in_many_files_is_paired_with_few_of_them_and_all_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty downloads of one placeholder, each with a comment of its own behind the end."""
    save(photo(1), tmp_path / "first.jpg")
    data = (tmp_path / "first.jpg").read_bytes()
    for folder, count in (("ads", 50), ("missing", 2)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            comment = f"{folder} {number}".encode()
            (tmp_path / folder / f"{number:02}.jpg").write_bytes(data + comment)
    monkeypatch.setattr(search, "_SAME_PIXELS", 20)  # more than are found by their hash
    index = tmp_path / "index"
    ads = IndexRequest(FolderSource(tmp_path / "ads"), preset="hashes")
    assert recipes.index_folder(index, ads, Unwatched()).matches == 190 + 30 * 20
    # Each of both is a match of every ad, and of the other.
    gallery = IndexRequest(FolderSource(tmp_path / "missing"), "missing", GALLERY)
    assert recipes.index_folder(index, gallery, Unwatched()).matches == 2 * 50 + 1
    for number in range(50, 53):
        (tmp_path / f"ads/{number}.jpg").write_bytes(data + f"ads {number}".encode())
    assert recipes.index_folder(index, ads, Unwatched()).matches == 3 * (20 + 2)
