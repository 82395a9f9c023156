"""What lies beside the photos is skipped and counted, and what pretends to be a photo fails."""

import json
import os
from pathlib import Path
from typing import BinaryIO

import jsonschema
import pytest

from imagematch.sources import reading
from imagematch.sources.reading import Contents, read_once
from imagematch.stages import scan
from imagematch.stores.index import Index
from tests.conftest import CommandLine, Ran
from tests.world import photo, save

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
FILM = b"\0\0\0\x18ftypmp42" + bytes(200)


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    """Four photos, two of them under names of other things, with eleven files beside them."""
    folder = tmp_path / "ads"
    here = folder / "siteA" / "anna"
    for seed in range(4):
        save(photo(seed), here / f"{seed}.jpg")
    (here / "2.jpg").rename(here / "7f3a9c")
    (here / "3.jpg").rename(here / "3.txt")
    for name in ("0.json", "1.json", "7f3a9c.json"):
        (here / name).write_text('{"url": "x"}', "utf-8")
    (here / "notes.txt").write_text("BMW, call after six", "utf-8")
    (here / "empty.log").touch()
    (here / "film.mp4").write_bytes(FILM)
    (here / "another film").write_bytes(FILM)
    (here / "messages.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    (here / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "desktop.ini").write_text("[x]", "utf-8")
    return folder


KINDS = {"json": 3, "db": 2, "txt": 1, "log": 1, "mp4": 1, "film": 1, "ds_store": 1, "ini": 1}


def indexed(imagematch: CommandLine, ads: Path, *more: str) -> Ran:
    index = ads.parent / "index"
    return imagematch(
        "index", ads, "--index", index, "--preset", "hashes", "--site-from-path", *more
    )


def counts(ran: Ran) -> dict[str, int]:
    data = ran.json()
    jsonschema.validate(data, json.loads((SCHEMAS / "index.schema.json").read_text("utf-8")))
    assert data["seen"] == data["described"] + data["known"] + data["skipped"] + data["failed"]
    assert sum(data["skipped_kinds"].values()) == data["skipped"]
    return {name: data[name] for name in ("seen", "described", "known", "skipped", "failed")}


def test_what_is_plainly_no_picture_is_skipped_and_counted_by_kind(
    imagematch: CommandLine, ads: Path
) -> None:
    first = indexed(imagematch, ads, "--json")
    assert (first.code, first.json()["skipped_kinds"]) == (0, KINDS)
    assert counts(first) == {"seen": 15, "described": 4, "known": 0, "skipped": 11, "failed": 0}

    second = indexed(imagematch, ads, "--json")
    assert (second.code, second.json()["skipped_kinds"]) == (0, KINDS)
    assert counts(second) == {"seen": 15, "described": 0, "known": 4, "skipped": 11, "failed": 0}

    assert "11 skipped (3 json, 2 db, 1 ds_store" in indexed(imagematch, ads).out
    status = imagematch("status", "--index", ads.parent / "index", "--json").json()
    assert (status["photos"], status["sightings"], status["failed"]) == (4, 4, 0)
    assert status["files"]["present"] == 4
    assert status["skipped"] == {"json": 3, "db": 1, "txt": 1, "log": 1, "mp4": 1, "film": 1}
    assert status["profiles"] == 1


def test_what_pretends_to_be_a_picture_fails_with_the_true_reason(
    imagematch: CommandLine, ads: Path
) -> None:
    here = ads / "siteA" / "anna"
    (here / "page.jpg").write_text("<html>404", "utf-8")
    (here / "answer.png").write_text('{"error": 404}', "utf-8")
    (here / "film.jpg").write_bytes(FILM)
    (here / "empty.jpeg").touch()
    (here / "layers").write_bytes(b"8BPS\0\1" + bytes(100))
    (here / "cut.dat").write_bytes(b"\xff\xd8\xff\xe0\0\x10JFIF\0")

    ran = indexed(imagematch, ads)

    assert ran.code == 1
    assert "6 failed" in ran.out
    for reason in ("web page (HTML)", "this is JSON", "a film", "no content", "Photoshop", "JPEG"):
        assert reason in ran.err
    assert "notes.txt" not in ran.err


def test_sidecars_are_not_read_again(
    imagematch: CommandLine, ads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    indexed(imagematch, ads)
    looked: list[str] = []
    real = read_once

    def noted(file: BinaryIO, name: str, *limits: int) -> Contents:
        looked.append(name)
        return real(file, name, *limits)

    monkeypatch.setattr(scan, "read_once", noted)

    indexed(imagematch, ads)
    assert looked == []

    (ads / "siteA" / "anna" / "0.json").write_text('{"url": "another one"}', "utf-8")
    ran = indexed(imagematch, ads, "--json")
    assert [Path(path).name for path in looked] == ["0.json"]
    assert counts(ran)["skipped"] == 11
    assert "changed" not in indexed(imagematch, ads).out
    assert len(looked) == 1


def test_a_sidecar_may_become_a_photo_and_a_photo_a_sidecar(
    imagematch: CommandLine, ads: Path
) -> None:
    indexed(imagematch, ads)
    here = ads / "siteA" / "anna"
    save(photo(8), here / "new.jpg")
    (here / "new.jpg").replace(here / "notes.txt")
    (here / "3.txt").write_text("gone", "utf-8")

    ran = indexed(imagematch, ads, "--json")

    assert counts(ran) == {"seen": 15, "described": 1, "known": 3, "skipped": 11, "failed": 0}
    assert ran.json()["skipped_kinds"] == KINDS


def test_sidecars_that_go_are_no_sign_of_a_lost_drive(imagematch: CommandLine, ads: Path) -> None:
    here = ads / "siteA" / "anna"
    for number in range(60):
        (here / f"{number}.xmp").write_text("<x/>", "utf-8")
    indexed(imagematch, ads)
    for path in here.glob("*.xmp"):
        path.unlink()

    ran = indexed(imagematch, ads)

    assert (ran.code, "vanished" in ran.out) == (0, False)


def test_photos_that_go_are_one_however_many_sidecars_stay(
    imagematch: CommandLine, ads: Path
) -> None:
    here = ads / "siteA" / "anna"
    for number in range(60):
        (here / f"{number}.xmp").write_text("<x/>", "utf-8")
    for seed in range(10, 20):
        save(photo(seed), here / f"{seed}.jpg")
    indexed(imagematch, ads)
    for path in here.glob("*.jpg"):
        path.unlink()

    assert "Is a drive unplugged" in indexed(imagematch, ads).err


def test_files_that_failed_before_settle_by_themselves(imagematch: CommandLine, ads: Path) -> None:
    """As an index has them that an older version made, for which all files were photos."""
    index = ads.parent / "index"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "kind_of_sidecar", lambda _name, _head: "")
        assert indexed(imagematch, ads).code == 1
    with Index.write(index, "test") as opened:  # its digests of folders were others
        opened.sightings.discard_files(1, [])

    settled = indexed(imagematch, ads, "--json")

    assert (settled.code, settled.json()["skipped_kinds"]) == (0, KINDS)
    assert counts(settled)["known"] == 4
    status = imagematch("status", "--index", index, "--json").json()
    assert (status["photos"], status["sightings"], status["failed"]) == (4, 4, 0)
    assert status["files"] == {"present": 4, "vanished": 0, "replaced": 0}


def test_a_query_of_a_folder_skips_them_too(imagematch: CommandLine, ads: Path) -> None:
    indexed(imagematch, ads)

    ran = imagematch("query", ads, "--jsonl", "--index", ads.parent / "index")

    assert (ran.code, len(ran.lines())) == (0, 4)
    assert "3 json" in ran.err
    named = imagematch(
        "query", ads / "siteA" / "anna" / "notes.txt", "--index", ads.parent / "index"
    )
    assert named.code == 1


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_sidecar_that_can_not_be_read_fails(imagematch: CommandLine, ads: Path) -> None:
    (ads / "siteA" / "anna" / "0.json").chmod(0)
    assert indexed(imagematch, ads, "--json").json()["failed"] == 1
