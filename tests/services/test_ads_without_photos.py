"""Ads without a photo: rows of a manifest that are about no file, from index to find."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import imagematch
from imagematch.records import IndexReport
from imagematch.services.health import check
from tests.world import photo, save


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    save(photo(0), tmp_path / "ads" / "a.jpg")
    return tmp_path / "ads"


HEAD = "path,site,profile,ad_id,url,phone,text\n"
PHOTO = "a.jpg,north,anna,1,,+31612345678,with a photo\n"
NUMBERED = ",south,berta,7,,+31612345678,without\n"
PLAIN = ",south,carla,,,,mail c@d.example\n"


def add(ads: Path, rows: Sequence[str], **options: Any) -> IndexReport:
    manifest = ads.parent / "m.csv"
    manifest.write_text(HEAD + "".join(rows), encoding="utf-8")
    with imagematch.open(ads.parent / "index", create=True) as index:
        return index.add(ads, manifest=manifest, preset="hashes", **options)


def found(ads: Path, text: str) -> list[tuple[str, str, bool]]:
    with imagematch.open(ads.parent / "index") as index:
        return [
            (each.sighting.info.profile, each.sighting.path, each.sighting.present)
            for each in index.find(text).found
        ]


def status(ads: Path) -> dict[str, Any]:
    with imagematch.open(ads.parent / "index") as index:
        return index.status().to_dict()


def counts(report: IndexReport) -> tuple[int, int, int, int]:
    assert report.seen == report.described + report.known + report.skipped + report.failed
    return report.seen, report.described, report.known, report.ads_without_photo


def test_they_are_counted_apart_and_found_with_the_others(ads: Path) -> None:
    report = add(ads, [PHOTO, NUMBERED, PLAIN])
    assert (counts(report), report.notes) == ((1, 1, 0, 2), ())
    assert found(ads, "+31612345678") == [("anna", "a.jpg", True), ("berta", "", True)]
    assert found(ads, "C@D.example") == [("carla", "", True)]
    told = status(ads)
    assert (told["ads_without_photo"], told["sightings"], told["profiles"]) == (2, 3, 3)
    assert told["files"] == {"present": 1, "vanished": 0, "replaced": 0}
    assert told["collections"] == {"ads": 3}


def test_a_second_run_is_a_no_op(ads: Path) -> None:
    add(ads, [PHOTO, NUMBERED, PLAIN])
    before = ads.parent / "index" / "catalogue.sqlite"
    with imagematch.open(ads.parent / "index") as index:
        first = [each.to_dict() for each in index.find("+31612345678").found]
    report = add(ads, [PLAIN, NUMBERED, PHOTO])  # in another order
    assert counts(report) == (1, 0, 1, 2)
    with imagematch.open(ads.parent / "index") as index:
        again = [each.to_dict() for each in index.find("+31612345678").found]
    for one in (*first, *again):
        one.pop("last_seen")
    assert first == again
    assert before.exists()


@pytest.mark.parametrize(
    ("row", "edited"),
    [
        (NUMBERED, NUMBERED.replace("+31612345678", "+31687654321")),
        (NUMBERED.replace(",7,", ",,https://s.example/7"), None),
        (PLAIN, PLAIN.replace("mail c@d.example", "call +31687654321")),
    ],
)
def test_an_edited_row_takes_the_place_of_the_old_one(
    ads: Path, row: str, edited: str | None
) -> None:
    edited = edited or row.replace("+31612345678", "+31687654321")
    add(ads, [PHOTO, row])
    assert add(ads, [PHOTO, edited]).ads_without_photo == 1
    who = row.split(",")[2]
    assert (who, "", True) in found(ads, "+31687654321")
    assert found(ads, "c@d.example") == []
    assert who not in [name for name, _, _ in found(ads, "+31612345678")]
    assert status(ads)["sightings"] == 2


def test_a_row_that_is_gone_vanishes_and_may_come_back(ads: Path) -> None:
    add(ads, [PHOTO, NUMBERED, PLAIN])
    report = add(ads, [PHOTO, PLAIN])
    assert (counts(report), report.vanished) == ((1, 0, 1, 1), 0)
    assert found(ads, "+31612345678") == [("anna", "a.jpg", True), ("berta", "", False)]
    assert status(ads)["ads_without_photo"] == 1
    assert add(ads, [PHOTO, PLAIN, NUMBERED]).ads_without_photo == 2
    assert found(ads, "+31612345678") == [("anna", "a.jpg", True), ("berta", "", True)]
    assert status(ads)["sightings"] == 3


def test_without_the_manifest_they_are_gone(ads: Path) -> None:
    add(ads, [PHOTO, NUMBERED])
    with imagematch.open(ads.parent / "index") as index:
        assert index.add(ads, no_manifest=True).ads_without_photo == 0
    assert found(ads, "+31612345678") == [("berta", "", False)]


def test_several_rows_of_one_ad_are_its_sightings(ads: Path) -> None:
    second = NUMBERED.replace("+31612345678", "+31687654321")
    assert add(ads, [NUMBERED, second]).ads_without_photo == 1
    assert found(ads, "+31687654321") == found(ads, "+31612345678") == [("berta", "", True)]


def test_a_row_without_path_and_profile_says_nothing_and_is_reported(ads: Path) -> None:
    report = add(ads, [PHOTO, ",north,,9,,+31612345678,x\n"])
    assert [(note.problem, note.where) for note in report.notes] == [("bad_row", "line 3")]
    assert report.ads_without_photo == 0


def test_a_folder_may_hold_no_photo_and_a_manifest_no_path(tmp_path: Path) -> None:
    (tmp_path / "ads").mkdir()
    (tmp_path / "ads" / "m.csv").write_text("profile;phone\nanna;+31612345678\n", encoding="utf-8")
    with imagematch.open(tmp_path / "index", create=True) as index:
        for _ in range(2):
            report = index.add(
                tmp_path / "ads", manifest=tmp_path / "ads" / "m.csv", preset="hashes"
            )
            assert report.ads_without_photo == 1
            assert [note.problem for note in report.notes] == ["no_path_column"]
        assert index.find("+31612345678").profiles == 1
        assert index.link().links == ()


def test_an_index_with_them_is_well_and_galleries_forget_them(ads: Path) -> None:
    add(ads, [NUMBERED], collection="missing", gallery=True)
    assert found(ads, "+31612345678") == [("berta", "", True)]
    checked = check(ads.parent / "index", wanted=True)
    assert {finding.state for finding in checked.index} == {"ok"}
    with imagematch.open(ads.parent / "index") as index:
        [shown] = index.find("+31612345678").found
        assert shown.sighting.gallery
        index.remove_gallery("missing")
        assert index.find("+31612345678").sightings == 0
        assert index.status().identifiers == {}


def test_links_can_read_who_shows_what(ads: Path) -> None:
    add(ads, [PHOTO, NUMBERED, PLAIN])
    with imagematch.open(ads.parent / "index") as index, index._session.reading() as stores:
        shown = {(each.value, each.profile.handle) for each in stores.identifiers.shown()}
        without = [seen.info.profile for _, seen in stores.sightings.without_photo()]
    assert shown == {
        ("+31612345678", "anna"),
        ("+31612345678", "berta"),
        ("c@d.example", "carla"),
    }
    assert without == ["berta", "carla"]
