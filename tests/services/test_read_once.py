"""Each new file is read once: what was hashed is what is described, wherever it comes from."""

import io
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pytest

from imagematch.errors import SourceUnavailable, Stopped
from imagematch.records import FoundFile, IndexReport, Locator, RootLabels
from imagematch.runtime.executors import SerialExecutor
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.settings import ScanSettings
from imagematch.sources import folder, reading
from imagematch.sources.folder_source import FolderSource
from imagematch.sources.source import Entry, Source
from imagematch.stages import describe, photo_workers, scan
from imagematch.stages.fingerprints import FileTask
from imagematch.stores.index import Index
from tests import recipes
from tests.world import photo, save


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Commits after every two photos, so that scanning and describing take turns."""
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "settings.toml").write_text("[store]\nbatch = 2\n", "utf-8")
    return tmp_path / "index"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file is opened; all work is done in this process."""
    counts: Counter[str] = Counter()
    really = reading.opened

    @contextmanager
    def counted(locator: Locator) -> Iterator[BinaryIO]:
        counts[Path(locator.path).name] += 1
        with really(locator) as file:
            yield file

    monkeypatch.setattr(reading, "opened", counted)
    monkeypatch.setattr(photo_workers, "open_executor", lambda *_: SerialExecutor())
    return counts


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    for seed in range(7):
        save(photo(seed), tmp_path / "ads" / f"site{seed % 2}" / f"{seed}.jpg")
    return tmp_path / "ads"


def indexed(index: Path, source: Source, monitor: Monitor = Unwatched()) -> IndexReport:  # noqa: B008
    report = recipes.index_folder(index, IndexRequest(source, preset="hashes"), monitor)
    assert report.seen == report.described + report.known + report.skipped + report.failed
    return report


def test_a_new_file_is_opened_once(index: Path, ads: Path, opened: Counter[str]) -> None:
    assert indexed(index, FolderSource(ads)).described == 7
    assert opened == {f"{seed}.jpg": 1 for seed in range(7)}
    opened.clear()
    save(photo(20), ads / "site0" / "20.jpg")
    assert indexed(index, FolderSource(ads)).described == 1
    assert opened == {"20.jpg": 1}


def test_what_fails_is_tried_once_a_run(index: Path, ads: Path, opened: Counter[str]) -> None:
    (ads / "site0" / "broken.jpg").write_text("no photo")
    request = IndexRequest(FolderSource(ads), preset="hashes", retry_failed=True)
    steps = []
    for _ in range(2):
        monitor = Counting()
        assert recipes.index_folder(index, request, monitor).failed == 1
        steps.append(dict(zip(monitor.stages, monitor.steps, strict=True)))
    assert ("describe", 1) not in steps[0]
    assert steps[1]["describe", 1] == 1
    assert opened["broken.jpg"] == 2


@pytest.mark.parametrize("module", [scan, describe], ids=["long files", "many at a time"])
def test_bytes_that_are_too_many_to_hold_are_read_again(
    index: Path, ads: Path, opened: Counter[str], module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_HELD", 0)
    assert indexed(index, FolderSource(ads)).described == 7
    assert opened == {f"{seed}.jpg": 2 for seed in range(7)}


def test_files_that_are_read_together_are_few_where_they_are_long(
    index: Path, ads: Path, opened: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is handed on before the next one is read."""
    monkeypatch.setattr(scan, "_HELD_TOGETHER", 1)
    (index / "settings.toml").write_text("", "utf-8")
    seen: list[int] = []
    really = FileTask

    def noted(*arguments: object, **named: object) -> object:
        seen.append(opened.total())
        return really(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(describe, "FileTask", noted)
    assert indexed(index, FolderSource(ads)).described == 7
    assert seen == list(range(1, 8))


def test_same_bytes_in_several_files_are_described_once(index: Path, tmp_path: Path) -> None:
    for name in "abcdefg":
        save(photo(1), tmp_path / "ads" / f"{name}.jpg")
    report = indexed(index, FolderSource(tmp_path / "ads"))
    assert (report.described, report.known) == (1, 6)


class Counting(Unwatched):
    """Adds up the steps of each stage."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.steps: list[int] = []

    def stage(self, name: str, total: int | None) -> None:
        self.stages.append((name, total))
        self.steps.append(0)

    def advance(self, count: int = 1) -> None:
        self.steps[-1] += count


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("batch", [2, 10])
def test_progress_adds_up(index: Path, ads: Path, batch: int) -> None:
    (index / "settings.toml").write_text(f"[store]\nbatch = {batch}\n", "utf-8")
    (ads / "site0" / "broken.jpg").write_text("no photo")
    (ads / "site0" / "notes.json").write_text('{"a": 1}')
    monitor = Counting()
    assert indexed(index, FolderSource(ads), monitor).seen == 9
    steps = dict(zip(monitor.stages, monitor.steps, strict=True))
    wanted = ["scan", "describe"] if batch == 10 else ["scan", "search"]
    assert [name for name, _ in monitor.stages][:2] == wanted
    assert all(total in (None, steps[name, total]) for name, total in monitor.stages), steps
    assert monitor.stages[0] == ("scan", 9)

    (ads / "site0" / "broken.jpg").unlink()
    monitor = Counting()
    assert indexed(index, FolderSource(ads), monitor).seen == 8
    assert (monitor.stages[0], monitor.steps[0]) == (("scan", None), 8)


class Stopping(Unwatched):
    """Asks to stop when the scan has come so far."""

    def __init__(self, checks: int) -> None:
        self.left = checks

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Stopped("on request")


@pytest.mark.parametrize("checks", [1, 4, 7, 10])
def test_a_stopped_run_goes_on_where_it_was(index: Path, ads: Path, checks: int) -> None:
    try:
        first = indexed(index, FolderSource(ads), Stopping(checks)).described
    except Stopped:
        with Index.read(index) as stopped:
            first = stopped.photos.counts()["described"]
    again = indexed(index, FolderSource(ads))
    assert (again.seen, again.described) == (7, 7 - first)
    with Index.read(index) as whole:
        assert whole.photos.counts()["described"] == 7
        assert whole.compare(repair=False) == []


@dataclass
class InMemory:
    """A source that is no folder: its files are nowhere on the disk."""

    root: Path
    files: dict[str, bytes]
    opened: list[str] = field(default_factory=list)

    def check(self, leave_out: Collection[Path] = ()) -> None:
        """There is nothing to refuse."""

    def labels(self, before: RootLabels) -> RootLabels:
        return before

    def entries(
        self, _labels: RootLabels, _settings: ScanSettings, _leave_out: Collection[Path] = ()
    ) -> Iterator[Entry]:
        for path, data in self.files.items():
            yield FoundFile(path, len(data), 1)

    def count(self, _labels: RootLabels, _leave_out: Collection[Path] = ()) -> None:
        return None

    def look_again(self, found: FoundFile) -> FoundFile:
        return found

    def open(self, locator: Locator) -> AbstractContextManager[BinaryIO]:
        assert locator.root == str(self.root)
        self.opened.append(locator.path)
        return nullcontext(io.BytesIO(self.files[locator.path]))


@pytest.fixture
def in_memory(tmp_path: Path, ads: Path) -> InMemory:
    (tmp_path / "export").mkdir()
    files = {path.name: path.read_bytes() for path in sorted(ads.rglob("*.jpg"))}
    return InMemory(tmp_path / "export", {**files, "notes.json": b'{"a": 1}'})


def test_any_source_can_be_indexed(index: Path, in_memory: InMemory) -> None:
    report = indexed(index, in_memory)
    assert (report.described, report.skipped, report.failed) == (7, 1, 0)
    assert sorted(in_memory.opened) == sorted(in_memory.files)
    assert indexed(index, in_memory).known == 7
    assert len(in_memory.opened) == 8


class PulledOut(FolderSource):
    """A folder on a drive that is pulled out after some files."""

    def entries(
        self,
        labels: RootLabels,  # noqa: ARG002
        settings: ScanSettings,  # noqa: ARG002
        leave_out: Collection[Path] = (),
    ) -> Iterator[Entry]:
        yield from islice(folder.walk(self.root, leave_out=leave_out), 5)
        raise SourceUnavailable("the drive was pulled out")


def test_what_was_found_before_a_source_went_away_is_kept(index: Path, ads: Path) -> None:
    with pytest.raises(SourceUnavailable):
        indexed(index, PulledOut(ads))
    with Index.read(index) as stopped:
        counts = stopped.photos.counts()
    assert counts["described"] + counts["pending"] == 4  # whole batches of two
    report = indexed(index, FolderSource(ads))
    assert (report.described, report.failed) == (7 - counts["described"], 0)
