"""Files and sightings in the catalogue: history, names of any kind, profiles, collections."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from imagematch.errors import UsageError
from imagematch.records import Failure, FoundFile, Locator, SightingInfo
from imagematch.stores import sightings as sightings_module
from imagematch.stores.index import Index
from imagematch.stores.photos import photo_of
from imagematch.stores.scan_inserts import sightings_sha256
from imagematch.stores.schema import profiles
from imagematch.surrogates import encodable
from tests.stores.builders import add, create, describe, match, scanned, sha


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        yield opened


def seen(index: Index, content: str) -> list[tuple[str, str, bool]]:
    """Collection, path and presence of each sighting of a photo."""
    with index.catalogue.change() as connection:
        photo_id = connection.execute(
            text("SELECT id FROM photos WHERE sha256 = :sha"), {"sha": sha(content)}
        ).scalar_one()
    found = index.sightings.sightings_of([photo_id])[photo_id]
    return [(entry.collection, entry.path, entry.present) for entry in found]


# --- names -------------------------------------------------------------------------------------

ODD_NAMES = [
    b"plain.jpg",
    b"\xff\xfe.jpg",
    b"\\xff\\xfe.jpg",
    "\u202egpj.exe".encode(),
    "cafe\u0301.jpg".encode(),
    "caf\u00e9.jpg".encode(),
    "\u05e9\u05dc\u05d5\u05dd/\u0645\u0631\u062d\u0628\u0627.jpg".encode(),
    "\U0001f469\u200d\U0001f4bb.jpg".encode(),
    b"line\nbreak.jpg",
    b"'; DROP TABLE photos; --.jpg",
    b"%_*?[].jpg",
]


def test_names_of_any_bytes_come_back_as_they_were(index: Index) -> None:
    names = [os.fsdecode(name) for name in ODD_NAMES]
    root = add(index, *(scanned(name, str(number)) for number, name in enumerate(names)))
    assert {file.path for file in index.known.files_of(root)} == set(names)
    ids = [file.photo_id for file in index.known.files_of(root)]
    locators = index.photos.locators_of([photo_id for photo_id in ids if photo_id]).values()
    assert {str(locator) for (locator,) in locators} == {f"/ads/{name}" for name in names}


FILE_NAMES = st.lists(
    st.binary(min_size=1, max_size=12).filter(
        lambda name: b"\0" not in name and b"/" not in name and name not in (b".", b"..")
    ),
    unique=True,
    max_size=8,
)


@given(FILE_NAMES)
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_different_names_are_different_files(index: Index, raw_names: list[bytes]) -> None:
    names = [os.fsdecode(name) for name in raw_names]
    place = f"/{len(index.catalogue.last_runs(1000))}"  # a root of its own for each example
    root = add(index, *(scanned(name, "same") for name in names), root=place)
    assert sorted(file.path for file in index.known.files_of(root)) == sorted(names)
    for name in names:
        assert index.known.files_under(root, {name: encodable(name)}).keys() == {name}


def test_folder_whose_name_is_not_utf8_can_be_a_root(index: Index) -> None:
    root = os.fsdecode(b"/evidence/\xff")
    root_id = add(index, scanned("a.jpg"), root=root)
    assert add(index, root=root) == root_id
    assert add(index, root="/evidence/\\udcff") != root_id
    (photo_id,) = (file.photo_id for file in index.known.files_of(root_id))
    assert photo_id is not None
    assert index.photos.locators_of([photo_id])[photo_id] == (Locator(str(root), "a.jpg"),)


@given(st.text(max_size=30), st.text(max_size=30))
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_source_says_comes_back_as_it_was(index: Index, handle: str, words: str) -> None:
    info = SightingInfo("site", handle, text=words, extra={words: handle})
    place = f"/{len(index.catalogue.last_runs(1000))}"
    add(index, scanned("a.jpg", None, info), root=place)
    found = index.sightings.sightings_of([1])[1]
    assert [entry.info for entry in found if entry.root == place] == [info]


def test_words_that_are_no_valid_text_do_not_stop_a_run(index: Index) -> None:
    add(index, scanned("a.jpg", None, SightingInfo("site", "an\ud800na", text="\udcff")))
    add(index, scanned("b.jpg", None, SightingInfo("site", "an\ud800na")), root="/more")
    (found,) = index.sightings.sightings_of([1])[1]
    assert (found.info.profile, found.info.text) == ("an\\ud800na", "\\udcff")
    assert index.sightings.counts()["profiles"] == 1


# --- profiles ----------------------------------------------------------------------------------


def test_profile_is_one_handle_on_one_site(index: Index) -> None:
    says = [SightingInfo(site, handle) for site in ("a", "b") for handle in ("anna", "anna", "")]
    add(index, scanned("1.jpg", None, *says), scanned("2.jpg", None, *says))
    assert index.sightings.counts() == {"sightings": 12, "profiles": 2, "files": 2, "failed": 0}
    with index.catalogue.change() as connection:
        assert connection.execute(select(profiles.c.site, profiles.c.handle)).all() == [
            ("a", "anna"),
            ("b", "anna"),
        ]
    with pytest.raises(IntegrityError), index.catalogue.change() as connection:
        connection.execute(profiles.insert().values(site="a", handle="anna"))


# --- files and their history -------------------------------------------------------------------


def times(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    monkeypatch.setattr(sightings_module, "now", lambda: f"2026-01-{day:02d}T00:00:00+00:00")


def test_moved_file_keeps_when_it_was_first_seen(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    times(monkeypatch, 1)
    root = add(index, scanned("old.jpg", "same"))
    (old,) = index.known.files_of(root)
    times(monkeypatch, 2)
    (new,) = index.sightings.add_files(root, 2, [scanned("new.jpg", "same")], []).files
    index.sightings.finish_scan(root, 2, [], {new: old.id})
    assert seen(index, "same") == [("ads", "new.jpg", True)]
    (found,) = index.sightings.sightings_of([1])[1]
    assert (found.first_seen[:10], found.last_seen[:10]) == ("2026-01-01", "2026-01-02")
    assert found.added_run == old.added_run
    assert index.catalogue.check() == []


def test_vanished_file_keeps_its_history(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    times(monkeypatch, 1)
    root = add(index, scanned("a.jpg"), scanned("b.jpg"))
    first, _ = index.known.files_of(root)
    times(monkeypatch, 5)
    index.sightings.finish_scan(root, 2, [first.id], {})
    (gone,) = index.sightings.sightings_of([1])[1]
    assert (gone.present, gone.last_seen[:10]) == (False, "2026-01-01")
    assert [file.path for file in index.known.files_of(root)] == ["b.jpg"]
    assert index.photos.locators_of([1]) == {1: ()}


def test_changed_file_is_history_and_a_new_file(index: Index) -> None:
    root = add(index, scanned("a.jpg", "old"))
    (old,) = index.known.files_of(root)
    index.sightings.add_files(root, 2, [scanned("a.jpg", "new")], [old.id])
    assert seen(index, "old") == [("ads", "a.jpg", False)]
    assert seen(index, "new") == [("ads", "a.jpg", True)]


def test_one_path_is_present_once(index: Index) -> None:
    root = add(index, scanned("a.jpg", "one"))
    with pytest.raises(IntegrityError):
        index.sightings.add_files(root, 2, [scanned("b.jpg"), scanned("a.jpg", "two")], [])
    assert [file.path for file in index.known.files_of(root)] == ["a.jpg"]
    assert index.photos.counts()["all"] == 1  # the whole transaction is undone


def test_new_words_of_the_source_replace_the_old_ones(index: Index) -> None:
    root = add(index, scanned("a.jpg", None, SightingInfo("a"), SightingInfo("b")))
    (known,) = index.known.files_of(root)
    found = FoundFile("a.jpg", 10, 77, (SightingInfo("c"),))
    index.sightings.refresh_files(root, [(known.id, found)])
    assert [entry.info.site for entry in index.sightings.sightings_of([1])[1]] == ["c"]
    (fresh,) = index.known.files_of(root)
    assert (fresh.mtime_ns, fresh.sightings_sha256) == (77, sightings_sha256(found.sightings))


def test_failed_files_are_listed_with_their_own_reason_or_their_photos(index: Index) -> None:
    failure = Failure("unreadable", "no permission")
    root = add(index, scanned("b.jpg"), scanned("a.jpg", failure=failure), scanned("c.jpg"))
    bug = Failure("internal", "a bug", "in x.py")
    index.photos.save_failed([(1, bug)], "here", 1)
    assert index.sightings.failed_files(root, 10) == [("a.jpg", failure), ("b.jpg", bug)]
    assert index.sightings.failed_files(root, 10, 0) == index.sightings.failed_files(root, 10)
    assert ("b.jpg", bug) not in index.sightings.failed_files(root, 10, 1)
    assert index.photos.failure_of(sha("b.jpg")) == bug
    assert len(index.sightings.failed_files(root, 1)) == 1
    assert index.sightings.count_failed(root) == index.sightings.counts()["failed"] == 2


def test_content_is_one_photo_however_many_files_show_it(index: Index) -> None:
    files = [scanned(f"{number:04}.jpg", f"{number % 7}") for number in range(1200)]
    root = add(index, *files)
    assert index.photos.counts()["all"] == 7
    assert len(list(index.known.files_of(root))) == 1200
    assert len(index.sightings.sightings_of([1])[1]) == 172
    assert index.sightings.photos_with_several_sightings() == list(range(1, 8))


# --- collections -------------------------------------------------------------------------------


def test_unknown_collection_is_refused_with_those_that_there_are(index: Index) -> None:
    with pytest.raises(UsageError, match="none yet"):
        index.collections.get("ads")
    index.collections.ensure("known", "gallery")
    with pytest.raises(UsageError, match="the index has: known"):
        index.collections.get("ads")
    assert index.collections.ensure("known", "ads").kind == "gallery"


def test_removed_collection_takes_only_photos_that_nothing_else_shows(index: Index) -> None:
    anna, bea = SightingInfo("a", "anna"), SightingInfo("a", "bea")
    ads = add(index, scanned("shared.jpg", "shared", anna), scanned("ad.jpg", "ad", anna))
    gallery = add(
        index,
        scanned("ref.jpg", "shared", bea),
        scanned("only.jpg", "only", bea),
        collection="missing",
        root="/refs",
    )
    shared, ad = describe(index, ads)
    (only,) = describe(index, gallery)
    match(index, [(shared, ad), (ad, only), (shared, only)])
    gone = index.collections.remove(index.collections.get("missing"))
    index.remove_vectors(gone)
    assert gone == [only]
    assert seen(index, "shared") == [("ads", "shared.jpg", True)]
    assert [(entry.photo_a, entry.photo_b) for entry in index.matches.matches()] == [(shared, ad)]
    assert {photo_of(int(vector)) for vector in index.pdq.ids()} == {shared, ad}
    assert index.sightings.counts()["profiles"] == 1
    assert [entry.name for entry in index.collections.all()] == ["ads"]
    assert index.catalogue.check() == index.compare(repair=False) == []


def test_ids_of_removed_photos_are_never_used_again(index: Index) -> None:
    root = add(index, scanned("a.jpg"), collection="first")
    used = describe(index, root)
    index.collections.remove(index.collections.get("first"))
    assert describe(index, add(index, scanned("b.jpg")))[0] > max(used)


def test_photo_that_vanished_elsewhere_outlives_a_removed_gallery(index: Index) -> None:
    ads = add(index, scanned("a.jpg", "shared"))
    add(index, scanned("r.jpg", "shared"), collection="refs", root="/refs")
    (known,) = index.known.files_of(ads)
    index.sightings.finish_scan(ads, 2, [known.id], {})
    assert index.collections.remove(index.collections.get("refs")) == []
    assert seen(index, "shared") == [("ads", "a.jpg", False)]


def test_removal_of_many_photos_takes_their_vectors_too(index: Index) -> None:
    root = add(index, *(scanned(f"{number}.jpg") for number in range(600)), collection="refs")
    describe(index, root)
    gone = index.collections.remove(index.collections.get("refs"))
    index.remove_vectors(gone)
    assert len(gone) == 600
    assert np.array_equal(index.pdq.ids(), [])
