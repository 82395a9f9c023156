"""Scans read what is new and nothing else, and find what a scan of every file would find."""

import gc
import hashlib
import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagematch.errors import PhotoError, Stopped
from imagematch.records import Failure, FoundFile
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.sources import folder
from imagematch.sources.folder_source import FolderSource
from imagematch.sources.reading import Contents, read_once
from imagematch.stages import scan
from imagematch.stages.scan import ScanReport, ScanRequest
from imagematch.stores.index import Index
from imagematch.stores.known_files import KnownFile, KnownFiles
from imagematch.stores.scan_inserts import ScannedFile
from imagematch.stores.sightings import SightingStore
from tests.stores.builders import create

needs_inodes = pytest.mark.skipif(os.name != "posix", reason="folders tell no inodes there")


class Looking:
    """Counts what a scan reads: files to hash, and rows of files that are known."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashed: list[str] = []
        self.known: list[str] = []
        read = read_once
        files_of, files_under = KnownFiles.files_of, KnownFiles.files_under

        def counted(file: BinaryIO, name: str, *limits: int) -> Contents:
            self.hashed.append(Path(name).name)
            return read(file, name, *limits)

        def noted_of(store: KnownFiles, root: int, of: str | None = None) -> Iterator[KnownFile]:
            for file in files_of(store, root, of):
                self.known.append(file.path)
                yield file

        def noted_under(
            store: KnownFiles, root: int, names: Mapping[str, str]
        ) -> dict[str, KnownFile]:
            found = files_under(store, root, names)
            self.known += found
            return found

        monkeypatch.setattr(scan, "read_once", counted)
        monkeypatch.setattr(KnownFiles, "files_of", noted_of)
        monkeypatch.setattr(KnownFiles, "files_under", noted_under)

    def reset(self) -> None:
        self.hashed, self.known = [], []


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    return Looking(monkeypatch)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        opened.collections.ensure("ads", "ads")
        yield opened


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def _request(
    root: Path, *, allow_lost: bool = False, reread: bool = False, **options: object
) -> ScanRequest:
    source = FolderSource(root, **options)  # type: ignore[arg-type]
    return ScanRequest(source, "ads", allow_lost, reread)


def finished(
    index: Index,
    request: ScanRequest,
    run_id: int,
    monitor: Monitor = Unwatched(),  # noqa: B008 - has no state
    expect: Callable[[], object] = lambda: None,
) -> ScanReport:
    """Scan to the end, and leave the new photos to whoever comes later."""
    going = scan.begin(index, request, run_id, monitor, expect)
    for _ in going.photos():
        pass
    return going.report


def scanned(index: Index, root: Path, **asked: object) -> ScanReport:
    run_id = index.catalogue.start_run("index", "", str(root))
    return finished(index, _request(root, **asked), run_id)  # type: ignore[arg-type]


def present(index: Index, report: ScanReport) -> dict[str, str | None]:
    return {file.path: file.sha256 for file in index.known.files_of(report.root_id)}


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    root = tmp_path / "ads"
    put(root, "top.jpg", "a/1.jpg", "a/2.jpg", "a/deep/3.jpg", "b/4.jpg", "c/5.jpg")
    return root


# --- when workers are called -------------------------------------------------------------------


def calls(index: Index, root: Path, looking: Looking) -> list[int]:
    """How many files were hashed by each call for workers."""
    found: list[int] = []
    run_id = index.catalogue.start_run("index", "", str(root))
    finished(index, _request(root), run_id, expect=lambda: found.append(len(looking.hashed)))
    return found


def test_workers_are_called_before_a_new_folder_is_read(
    index: Index, ads: Path, looking: Looking
) -> None:
    assert calls(index, ads, looking) == [0]


def test_workers_are_called_for_new_photos_and_not_for_known_ones(
    index: Index, ads: Path, looking: Looking
) -> None:
    scanned(index, ads)
    looking.reset()
    assert calls(index, ads, looking) == []
    (ads / "a" / "1.jpg").rename(ads / "a" / "renamed.jpg")
    shutil.copy(ads / "a" / "2.jpg", ads / "b" / "again.jpg")
    for photo in list(index.photos.pending(1)):
        index.photos.save_failed([(photo.id, Failure("undecodable", "no photo"))], "here", 1)
    assert calls(index, ads, looking) == []
    looking.reset()
    put(ads, "b/new.jpg")
    assert calls(index, ads, looking) == [1]


# --- what is read ------------------------------------------------------------------------------


def test_unchanged_tree_is_neither_read_nor_looked_up(
    index: Index, ads: Path, looking: Looking
) -> None:
    assert scanned(index, ads).new == len(looking.hashed) == 6
    looking.reset()
    again = scanned(index, ads)
    assert (again.seen, again.new, again.changed, again.vanished) == (6, 0, 0, 0)
    assert looking.hashed == looking.known == []


def test_touched_file_is_hashed_alone(index: Index, ads: Path, looking: Looking) -> None:
    scanned(index, ads)
    looking.reset()
    os.utime(ads / "a/1.jpg", ns=(1, 1))
    again = scanned(index, ads)
    assert (again.seen, again.new, again.changed) == (6, 0, 0)
    assert looking.hashed == ["1.jpg"]
    assert looking.known == ["a/1.jpg", "a/2.jpg"]
    looking.reset()
    scanned(index, ads)
    assert looking.hashed == looking.known == []


def test_photos_to_describe_are_announced_and_known_ones_are_not(index: Index, ads: Path) -> None:
    """Workers start meanwhile, which takes longer than to look at some hundred files."""
    announced: list[str] = []

    def scan_again(what: str) -> None:
        run_id = index.catalogue.start_run("index", "", str(ads))
        source = _request(ads)
        report = finished(index, source, run_id, expect=lambda: announced.append(what))
        photos = [photo.id for photo in index.photos.pending(report.root_id)]
        failed = [(photo, Failure("broken", "no photo")) for photo in photos]
        index.photos.save_failed(failed, "here", run_id)

    scan_again("all are new")
    scan_again("none is")
    os.utime(ads / "a/1.jpg", ns=(1, 1))
    scan_again("one is touched")
    (ads / "a/1.jpg").rename(ads / "b/1.jpg")
    scan_again("one has moved")
    put(ads, "d/new.jpg")
    scan_again("one is new")
    assert announced == ["all are new", "one is new"]


def test_new_file_has_its_folder_compared_and_no_other(
    index: Index, ads: Path, looking: Looking
) -> None:
    scanned(index, ads)
    looking.reset()
    put(ads, "b/new.jpg")
    assert scanned(index, ads).new == 1
    assert (looking.hashed, looking.known) == (["new.jpg"], ["b/4.jpg"])


@needs_inodes
def test_renamed_folder_is_not_read_again(index: Index, ads: Path, looking: Looking) -> None:
    before = present(index, scanned(index, ads))
    looking.reset()
    (ads / "a").rename(ads / "z")
    again = scanned(index, ads)
    assert (again.moved, again.new, again.vanished) == (3, 0, 0)
    assert looking.hashed == []
    assert present(index, again) == {
        path.replace("a/", "z/", 1): sha256 for path, sha256 in before.items()
    }


def test_renamed_file_costs_at_most_one_hash(index: Index, ads: Path, looking: Looking) -> None:
    scanned(index, ads)
    looking.reset()
    (ads / "a/1.jpg").rename(ads / "b/1.jpg")
    assert scanned(index, ads).moved == 1
    assert len(looking.hashed) <= 1


@needs_inodes
def test_file_with_anothers_size_and_time_is_read(
    index: Index, tmp_path: Path, looking: Looking
) -> None:
    root = tmp_path / "ads"
    put(root, "one/a.jpg")
    os.utime(root / "one/a.jpg", ns=(1, 1))
    scanned(index, root)
    looking.reset()
    shutil.rmtree(root / "one")
    put(root, "two/b.jpg")  # may well get the inode that has just been given back
    os.utime(root / "two/b.jpg", ns=(1, 1))
    report = scanned(index, root, allow_lost=True)
    assert looking.hashed == ["b.jpg"]
    assert (report.new, report.vanished, report.moved) == (1, 1, 0)


@pytest.mark.parametrize(
    ("inode", "ctime_ns", "trusted"),
    [
        (7, 1_700_000_000_123_456_789, True),
        (7, 1_700_000_000_000_000_000, False),  # whole seconds: FAT
        (7, 1_700_000_000_120_000_000, False),  # 10 ms: exFAT
        (0, 1_700_000_000_123_456_789, False),  # Windows, in a listing
        (2**63, 1_700_000_000_123_456_789, False),  # more than a BIGINT
    ],
)
def test_inodes_are_trusted_only_where_the_file_system_keeps_them(
    index: Index, inode: int, ctime_ns: int, trusted: bool
) -> None:
    root = index.collections.ensure_root(index.collections.get("ads"), Path("/ads"))
    found = FoundFile("a.jpg", 10, 1, inode=inode, ctime_ns=ctime_ns)
    file = ScannedFile(found, "a.jpg", "ab" * 32, None)
    index.sightings.add_files(root, 1, [file], [])
    renamed = FoundFile("b.jpg", 10, 1, inode=inode, ctime_ns=ctime_ns)
    assert bool(index.known.same_inodes(root, [renamed])) == trusted


# --- when folders must not pass ----------------------------------------------------------------


def test_scan_that_was_stopped_leaves_no_folder_to_pass(
    index: Index, ads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(index, ads)
    put(ads, "b/new.jpg")

    def stopped(*_: object) -> None:
        raise Stopped("test")

    with monkeypatch.context() as patched:
        patched.setattr(SightingStore, "finish_scan", stopped)
        with pytest.raises(Stopped):
            scanned(index, ads)
    (ads / "b/new.jpg").unlink()  # the folder is again as the last complete scan saw it
    report = scanned(index, ads)
    assert report.vanished == 1
    assert "b/new.jpg" not in present(index, report)


def test_file_that_could_not_be_read_is_tried_each_time(
    index: Index, ads: Path, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(scan, "read_once", refused)
        assert None in present(index, scanned(index, ads)).values()
    looking.reset()
    report = scanned(index, ads)
    assert len(looking.hashed) == 6
    assert None not in present(index, report).values()


def refused(_file: BinaryIO, name: str, *_limits: int) -> Contents:
    raise PhotoError("unreadable", f"{name} can't be read")


def test_folder_that_refuses_once_is_neither_lost_nor_new(
    index: Index, ads: Path, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned(index, ads)
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refusing)
        report = scanned(index, ads)
        assert (report.vanished, len(present(index, report))) == (0, 6)
    looking.reset()
    report = scanned(index, ads)
    assert (report.new, report.vanished, looking.hashed) == (0, 0, [])


def test_other_labels_are_noticed_in_an_unchanged_tree(index: Index, ads: Path) -> None:
    scanned(index, ads)
    scanned(index, ads, site_from_path=True)
    assert index.sightings.counts()["profiles"] == 1  # a/deep
    scanned(index, ads, site_from_path=False)
    sightings = index.sightings.sightings_of(range(1, 7))
    assert {entry.info.site for found in sightings.values() for entry in found} == {""}


def test_manifest_is_read_however_little_has_changed(index: Index, ads: Path) -> None:
    scanned(index, ads)
    manifest = ads.parent / "m.csv"
    manifest.write_text("path,site\na/1.jpg,x\n")
    scanned(index, ads, manifest=manifest)
    manifest.write_text("path,site\na/1.jpg,y\n")
    report = scanned(index, ads)
    sightings = index.sightings.sightings_of(range(1, 7))
    assert {entry.info.site for found in sightings.values() for entry in found} == {"", "y"}
    assert len(report.notes) == 5


def test_lone_file_added_to_a_scanned_folder_is_found_by_the_next_scan(
    index: Index, ads: Path
) -> None:
    report = scanned(index, ads)
    put(ads, "late.jpg")
    scan.add_file(index, "ads", folder.lone_file(ads / "late.jpg"), ads, "ab" * 32, 2)
    (ads / "late.jpg").unlink()
    again = scanned(index, ads)
    assert (again.root_id, again.vanished) == (report.root_id, 1)


def test_what_many_folders_lost_is_told_from_what_moved(index: Index, tmp_path: Path) -> None:
    root = tmp_path / "many"
    put(root, *(f"{number}/{name}.jpg" for number in range(70) for name in "abc"))
    scanned(index, root)
    for number in range(60):
        (root / f"{number}/a.jpg").unlink()
        (root / f"{number}/b.jpg").rename(root / f"{number}/moved.jpg")
    (root / "60/a.jpg").rename(root / "61/z.jpg")
    report = scanned(index, root)
    assert (report.vanished, report.moved, report.new) == (60, 61, 0)
    assert len(present(index, report)) == 150


class Collecting(Unwatched):
    """Leaves no garbage behind: when it is collected depends on what else the process did."""

    def check(self) -> None:
        gc.collect()


@pytest.mark.parametrize("known", [False, True])
def test_memory_does_not_grow_with_the_number_of_files(
    index: Index, tmp_path: Path, known: bool
) -> None:
    def peak(files: int) -> int:
        root = tmp_path / str(files)
        put(root, *(f"{number // 100}/{number}.jpg" for number in range(files)))
        if known:
            scanned(index, root)
            # As after a killed run: no folder is known, so every file is compared.
            put(root, "one.jpg")
            scan.add_file(index, "ads", folder.lone_file(root / "one.jpg"), root, "0" * 64, 1)
            put(root, *(f"{number // 100}/new-{number}.jpg" for number in range(0, files, 50)))
        run_id = index.catalogue.start_run("index", "", str(root))
        tracemalloc.start()
        finished(index, _request(root), run_id, Collecting())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(100)  # what is made once
    few, many = peak(2_000), peak(8_000)
    # Garbage that waits to be collected may double either. To hold what is found took 1,000.
    assert (many - few) / 6_000 < 300  # bytes a file


# --- the same as without any memory ------------------------------------------------------------

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["write", "remove", "move", "rename folder"]),
        st.sampled_from(["a", "b", "a/deep", "c", ""]),
        st.sampled_from(["1.jpg", "2.jpg", "x.jpg"]),
        st.sampled_from(["a", "d", "a/deep"]),
    ),
    max_size=6,
)


@given(st.lists(CHANGES, min_size=1, max_size=3))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_changes_lead_to_what_is_there(
    index: Index, tmp_path_factory: pytest.TempPathFactory, rounds: list[list[tuple[str, ...]]]
) -> None:
    root = tmp_path_factory.mktemp("tree")
    put(root, "a/1.jpg", "a/2.jpg", "a/deep/x.jpg", "b/1.jpg")
    scanned(index, root)
    for number, changes in enumerate(rounds):
        for change in changes:
            alter(root, number, *change)
        report = scanned(index, root, allow_lost=True)
        wanted = {entry.path for entry in folder.walk(root) if isinstance(entry, FoundFile)}
        known = present(index, report)
        assert known.keys() == wanted
        for path, sha256 in known.items():
            assert sha256 == hashlib.sha256((root / path).read_bytes()).hexdigest()


def alter(root: Path, number: int, how: str, place: str, name: str, to: str) -> None:
    file, target = root / place / name, root / to
    if how == "write":
        put(root, f"{place}/{name}" if place else name)
        file.write_text(f"{number} {place}")
    elif how == "remove":
        file.unlink(missing_ok=True)
    elif how == "move" and file.exists():
        target.mkdir(parents=True, exist_ok=True)
        file.rename(target / name)
    elif how == "rename folder" and place and (root / place).is_dir() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # into itself
            (root / place).rename(target)
