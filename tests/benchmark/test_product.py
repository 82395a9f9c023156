"""imagematch is measured as its users have it, and twins do not spoil the figures."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.quality import product
from benchmark.quality.cases import Case
from benchmark.quality.product import Indexed, Shelf
from benchmark.quality.suite import SourcePhoto, photos_of
from imagematch.runtime.monitor import Unwatched
from tests.world import mirrored, photo, save

KEPT = [f"site/{number}.jpg" for number in range(8)]


@pytest.fixture(scope="module", autouse=True)
def hashes_only() -> object:
    """The other direction uses the default preset, whose model takes time to load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(product, "DEFAULT_PRESET", "hashes")
        yield


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Eight photos kept and three held back; 1 is 0 again, and the held-back 20 is 1 again."""
    folder: Path = tmp_path_factory.mktemp("photos")
    for number in range(8):
        save(photo(max(1, number)), folder / f"site/{number}.jpg", quality=90 - number)
    save(photo(1), folder / "20.jpg", quality=40)
    for number in (21, 22):
        save(photo(number), folder / f"{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    found = photos_of(folder)
    kept = [one for one in found if one.path in (*KEPT, "broken.jpg")]
    away = [one for one in found if one not in kept]
    return Shelf(folder, kept, away, tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="module")
def indexed(shelf: Shelf) -> Indexed:
    return product.index_photos("hashes", shelf, Unwatched())


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    folder: Path = tmp_path_factory.mktemp("queries")
    made = []
    for number in (3, 4, 5, 21):
        path = save(mirrored(photo(number)), folder / f"q{number}.jpg")
        source = f"{number}.jpg" if number == 21 else f"site/{number}.jpg"
        made.append(Case(f"q{number}", "mirror", (), source, path, number != 21))
    return made


def test_only_photos_that_are_not_held_back_are_indexed(indexed: Indexed) -> None:
    assert (indexed.report.described, indexed.report.failed) == (8, 1)
    assert indexed.report.failures[0].path == "broken.jpg"
    assert indexed.seconds >= 0  # not NaN; what eight photos take may be lost in that of a start


def test_twins_are_found_among_all_photos_and_closed(shelf: Shelf, indexed: Indexed) -> None:
    twins, failed = product.find_twins(indexed, shelf, Unwatched())
    assert sorted(twins) == [
        ("20.jpg", "site/0.jpg"),
        ("20.jpg", "site/1.jpg"),
        ("site/0.jpg", "site/1.jpg"),
    ]
    assert [file.path for file in failed] == ["broken.jpg"]


def test_what_follows_from_twins_is_a_twin() -> None:
    chain = [("a", "b"), ("b", "c"), ("x", "y")]
    assert product._implied(chain) == {("a", "b"), ("a", "c"), ("b", "c"), ("x", "y")}


def test_a_query_names_every_scored_photo_once_and_says_what_counts(
    shelf: Shelf, indexed: Indexed, cases: list[Case]
) -> None:
    run = product.ask("hashes", indexed, cases, shelf, Unwatched())
    assert run.calibrated
    assert run.method == "imagematch hashes"
    for case in cases[:3]:
        best = run.hits[case.name][0]
        assert (best.photo, best.kind, best.counts) == (case.source, "copy", True)
        assert len({hit.photo for hit in run.hits[case.name]}) == len(run.hits[case.name])
    assert not any(hit.is_claim for hit in run.hits["q21"])


def test_pictures_that_are_indexed_later_match_their_originals(
    shelf: Shelf, indexed: Indexed, cases: list[Case]
) -> None:
    run = product.ask_at_indexing(indexed, cases, shelf, Unwatched())
    for case in cases[:3]:
        assert [hit.photo for hit in run.hits[case.name]] == [case.source]
        assert run.hits[case.name][0].is_claim
    assert run.hits["q21"] == ()


def test_originals_find_their_edited_pictures(shelf: Shelf, cases: list[Case]) -> None:
    direction = product.ask_originals(cases, [], shelf, 0, Unwatched())
    wanted = [case for case in direction.cases if case.indexed]
    assert sorted(case.source for case in wanted) == ["q3.jpg", "q4.jpg", "q5.jpg"]
    assert len(direction.cases) == 3 + len(shelf.away)
    for case in wanted:
        assert [hit.photo for hit in direction.run.hits[case.name]][:1] == [case.source]


def test_other_pictures_of_the_asked_photo_count_neither_way(
    shelf: Shelf, cases: list[Case], tmp_path: Path
) -> None:
    fresh = replace(shelf, scratch=tmp_path)
    again = save(photo(3), cases[0].path.with_name("again.jpg"), quality=50)
    two = [cases[0], replace(cases[0], name="again", path=again)]
    direction = product.ask_originals(two, [], fresh, 0, Unwatched())
    for case in direction.cases:
        named = [hit.photo for hit in direction.run.hits[case.name]]
        assert named == ([case.source] if case.indexed else [])


def test_a_picture_shows_what_was_edited_what_stands_beside_it_and_their_twins() -> None:
    collage = Case("a", "collage_2", (), "1.jpg", Path("a.jpg"), True, beside=("2.jpg",))
    equal = [frozenset(("2.jpg", "3.jpg"))]
    shown = {
        photo
        for photo in ("1.jpg", "2.jpg", "3.jpg", "4.jpg")
        if product._shows(collage, photo, equal)
    }
    assert shown == {"1.jpg", "2.jpg", "3.jpg"}


def test_files_are_laid_out_once(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    shelf = Shelf(tmp_path, [SourcePhoto("a.jpg", "0" * 64)], [], scratch)
    made = shelf.laid_out("kept", shelf.files(shelf.kept))
    assert (made / "a.jpg").read_bytes() == b"a"
    assert shelf.laid_out("kept", {}) == made
    assert (made / "a.jpg").exists()
