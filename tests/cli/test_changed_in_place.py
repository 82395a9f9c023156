"""A file with other bytes is another photo, however little of that its size and time show."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from imagematch.records import FoundFile
from imagematch.sources import folder, source
from imagematch.sources.reading import Contents, read_once
from imagematch.stages import scan
from tests.conftest import CommandLine, Ran
from tests.world import photo, save

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows tells no time of change")
SETTINGS = "[describe]\npreset = 'hashes'\n[scan]\nchange_times = {}\n"


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    root = tmp_path / "ads"
    for seed in range(3):
        save(photo(seed), root / "anna" / f"{seed}.jpg")
    return root


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that scans read."""
    names: list[str] = []
    real = read_once

    def noted(file: BinaryIO, name: str, *limits: int) -> Contents:
        names.append(Path(name).name)
        return real(file, name, *limits)

    monkeypatch.setattr(scan, "read_once", noted)
    return names


def indexed(imagematch: CommandLine, ads: Path, *more: str) -> Ran:
    words = ("--index", ads.parent / "index", "--preset", "hashes")
    return imagematch("index", ads, *words, *more)


def overwritten(path: Path, seed: int, size: int) -> None:
    """Another picture in a file, filled up to a size."""
    save(photo(seed), path, quality=40)
    data = path.read_bytes()
    assert len(data) < size
    path.write_bytes(data + bytes(size - len(data)))


def in_place(path: Path) -> None:
    """Another picture of the same size, with the old times set back."""
    before = path.stat()
    overwritten(path, 77, before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_rename(path: Path) -> None:
    """The same by moving a file over it, that is, with another number in the file system."""
    before = path.stat()
    other = path.with_name("other.jpg")
    overwritten(other, 77, before.st_size)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def by_another_name(path: Path) -> None:
    """The same through a hard link that lies elsewhere."""
    link = path.parents[2] / "elsewhere.jpg"
    os.link(path, link)
    in_place(link)
    link.unlink()


def finds(imagematch: CommandLine, ads: Path, seed: int) -> list[str]:
    query = save(photo(seed), ads.parent / "query.jpg", quality=75)
    found = imagematch("query", query, "--jsonl", "--index", ads.parent / "index").json()
    return [match["path"] for match in found["matches"]]


@posix_only
@pytest.mark.parametrize("change", [in_place, by_rename, by_another_name])
def test_another_picture_of_equal_size_and_time_is_noticed(
    imagematch: CommandLine, ads: Path, hashed: list[str], change: Callable[[Path], None]
) -> None:
    indexed(imagematch, ads)
    change(ads / "anna" / "0.jpg")
    hashed.clear()

    ran = indexed(imagematch, ads)

    assert (ran.code, hashed) == (0, ["0.jpg"])
    assert "1 described, 2 known" in ran.out
    assert "1 changed" in ran.out
    assert finds(imagematch, ads, 77) == ["anna/0.jpg"]
    hashed.clear()
    assert "0 described, 3 known" in indexed(imagematch, ads).out
    assert hashed == []


@posix_only
def test_new_rights_links_and_copies_cost_one_reading_and_change_nothing(
    imagematch: CommandLine, ads: Path, hashed: list[str]
) -> None:
    indexed(imagematch, ads)
    (ads / "anna" / "0.jpg").chmod(0o600)
    os.link(ads / "anna" / "1.jpg", ads.parent / "link.jpg")
    copy = ads / "anna" / "copy"
    copy.write_bytes((ads / "anna" / "2.jpg").read_bytes())
    before = (ads / "anna" / "2.jpg").stat()
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    copy.replace(ads / "anna" / "2.jpg")
    hashed.clear()

    ran = indexed(imagematch, ads)

    assert sorted(hashed) == ["0.jpg", "1.jpg", "2.jpg"]
    assert "0 described, 3 known" in ran.out
    assert "changed" not in ran.out
    hashed.clear()
    indexed(imagematch, ads)
    assert hashed == []


@posix_only
def test_times_of_change_can_be_left_alone(
    imagematch: CommandLine, ads: Path, hashed: list[str]
) -> None:
    index = ads.parent / "index"
    index.mkdir()
    (index / "settings.toml").write_text(SETTINGS.format("false"), "utf-8")
    imagematch("index", ads, "--index", index)
    (ads / "anna" / "0.jpg").chmod(0o600)
    hashed.clear()

    imagematch("index", ads, "--index", index)

    assert hashed == []


@pytest.mark.parametrize("option", ["--redescribe", "--reread"])
def test_content_decides_where_every_file_is_read(
    imagematch: CommandLine, ads: Path, option: str
) -> None:
    index = ads.parent / "index"
    index.mkdir()
    (index / "settings.toml").write_text(SETTINGS.format("false"), "utf-8")
    imagematch("index", ads, "--index", index)
    in_place(ads / "anna" / "0.jpg")
    assert "3 known" in imagematch("index", ads, "--index", index).out

    ran = imagematch("index", ads, "--index", index, option)

    assert (ran.code, "1 changed" in ran.out, "0 failed" in ran.out) == (0, True, True)
    assert finds(imagematch, ads, 77) == ["anna/0.jpg"]
    assert finds(imagematch, ads, 1) == ["anna/1.jpg"]
    again = imagematch("index", ads, "--index", index, option)
    assert "changed" not in again.out


def changing(monkeypatch: pytest.MonkeyPatch, changed: Path) -> None:
    """Another picture in a file after it was hashed, before it is described."""
    real = read_once

    def read(file: BinaryIO, name: str, *limits: int) -> Contents:
        contents = real(file, name, *limits)
        if name.endswith(changed.name):
            in_place(changed)
        return contents

    monkeypatch.setattr(scan, "read_once", read)


def test_a_long_file_that_changes_while_it_is_indexed_heals_at_the_next_run(
    imagematch: CommandLine, ads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = ads.parent / "index"
    index.mkdir()
    (index / "settings.toml").write_text(SETTINGS.format("false"), "utf-8")

    with monkeypatch.context() as patch:
        patch.setattr(scan, "_MOST_HELD", 0)  # so that workers read it again
        changing(patch, ads / "anna" / "1.jpg")
        first = imagematch("index", ads, "--index", index)
    assert (first.code, "while it was being indexed" in first.err) == (1, True)

    second = imagematch("index", ads, "--index", index)

    assert (second.code, "0 failed" in second.out) == (0, True)
    assert finds(imagematch, ads, 77) == ["anna/1.jpg"]
    assert "3 known" in imagematch("index", ads, "--index", index).out


@posix_only
def test_the_bytes_that_were_hashed_are_described_whatever_becomes_of_the_file(
    imagematch: CommandLine, ads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        changing(patch, ads / "anna" / "1.jpg")
        assert "3 described" in indexed(imagematch, ads).out
    assert finds(imagematch, ads, 1) == ["anna/1.jpg"]

    assert "1 changed" in indexed(imagematch, ads).out  # its time of change tells

    assert finds(imagematch, ads, 77) == ["anna/1.jpg"]


@posix_only
def test_times_of_change_that_are_made_up_are_not_believed_twice(
    imagematch: CommandLine, ads: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems of other machines answer with the time of the question."""
    asked = iter(range(10**9 + 1, 2 * 10**9, 3))
    for module in (folder, source):
        monkeypatch.setattr(module, "change_time", lambda _status: next(asked))
    indexed(imagematch, ads)
    hashed.clear()
    assert "3 known" in indexed(imagematch, ads).out
    assert len(hashed) == 3
    hashed.clear()

    assert "3 known" in indexed(imagematch, ads).out

    assert hashed == []


def test_coarse_times_of_change_are_not_compared() -> None:
    """FAT has no numbers of files, and keeps times to 10 ms or 2 s, which it forgets unmounted."""
    from imagematch.stages.file_changes import is_to_be_read
    from imagematch.stores.known_files import KnownFile

    known = KnownFile(1, "a.jpg", 10, 5, 1, "ab" * 32, "", 1, ctime_ns=1_700_000_000_123_456_789)
    found = FoundFile("a.jpg", 10, 5, inode=7, ctime_ns=known.ctime_ns)
    assert not is_to_be_read(found, known, True)
    assert is_to_be_read(replace(found, ctime_ns=known.ctime_ns + 1), known, True)
    assert not is_to_be_read(replace(found, ctime_ns=known.ctime_ns + 1), known, False)
    assert not is_to_be_read(replace(found, ctime_ns=1_700_000_000_120_000_000), known, True)
    assert not is_to_be_read(replace(found, ctime_ns=1, inode=0), known, True)
    assert not is_to_be_read(found, replace(known, ctime_ns=0), True)


def test_doctor_says_how_many_files_have_other_bytes(imagematch: CommandLine, ads: Path) -> None:
    index = ads.parent / "index"
    indexed(imagematch, ads)
    well = imagematch("doctor", "--index", index)
    assert "3 of 3 indexed files were read, and have the bytes" in well.out
    in_place(ads / "anna" / "0.jpg")
    (ads / "anna" / "1.jpg").unlink()

    for more in ([], ["--files"]):
        ran = imagematch("doctor", "--index", index, *more)
        assert "2 of 3 indexed files were read, 1 can't be; 1 no longer has the bytes" in ran.out
        assert str(Path("anna") / "0.jpg") in ran.out
        assert "--reread" in ran.out
    (finding,) = [
        finding
        for finding in imagematch("doctor", "--json", "--index", index).json()["findings"]
        if finding["check"] == "files"
    ]
    assert finding["state"] == "warning"
    indexed(imagematch, ads, "--reread")
    assert "All is well" in imagematch("doctor", "--index", index).out


def test_doctor_reads_a_sample_of_a_large_index_and_all_on_request(
    imagematch: CommandLine, ads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = ads.parent / "index"
    for seed in range(3, 12):
        save(photo(seed), ads / "anna" / f"{seed}.jpg")
    indexed(imagematch, ads)
    monkeypatch.setattr("imagematch.services.health._SAMPLE", 4)
    assert "4 of 12 indexed files" in imagematch("doctor", "--index", index).out
    assert "12 of 12 indexed files" in imagematch("doctor", "--files", "--index", index).out
