"""The counts of a run add up and none is negative, whatever can't be read, is gone or has moved."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagematch.errors import Stopped
from imagematch.records import IndexReport
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.sightings import SightingStore
from tests import recipes
from tests.world import photo, save


def indexed(base: Path, manifest: Path | None = None, **request: Any) -> IndexReport:
    """Index the folder `ads` below another one; whatever it holds, the counts add up."""
    wanted = IndexRequest(
        FolderSource(base / "ads", manifest), preset="hashes", allow_lost=True, **request
    )
    report = recipes.index_folder(base / "index", wanted, Unwatched())
    counts = {
        name: value
        for name in IndexReport.__dataclass_fields__
        if isinstance(value := getattr(report, name), int)
    }
    assert min(counts.values()) >= 0, counts
    assert report.seen == report.described + report.known + report.skipped + report.failed, counts
    assert sum(report.skipped_kinds.values()) == report.skipped
    assert report.failed_new == len(report.failures) <= report.failed
    return report


def fill(folder: Path, first: int = 0) -> Path:
    """Two photos, five broken ones, an empty file and three sidecars."""
    for seed in (first, first + 1):
        save(photo(seed), folder / f"{seed}.jpg")
    for number in range(5):
        (folder / f"broken{number}.jpg").write_bytes(b"\xff\xd8\xff" + bytes([first, number]) * 9)
    (folder / "empty.jpg").write_bytes(b"")
    for name in ("a.json", "b.json", "c.txt"):
        (folder / name).write_text('{"a": 1}')
    return folder


class _Refusing:
    """An entry of a folder that can be listed and not entered."""

    def __init__(self, entry: os.DirEntry[str]) -> None:
        self._entry = entry

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)

    def stat(self, **_: bool) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", self._entry.path)


@contextmanager
def _entries(entries: Iterator[Any]) -> Iterator[Iterator[Any]]:
    yield entries


@contextmanager
def closed(name: str, how: str = "listing") -> Iterator[None]:
    """Folders of this name refuse to be listed or entered; root may do anything, so permissions
    would not do."""
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if Path(path).name != name:
            return scandir(path)
        if how == "listing":
            raise PermissionError(errno.EACCES, "Permission denied", path)
        with scandir(path) as found:
            return _entries(map(_Refusing, list(found)))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "scandir", refusing)
        yield


@pytest.mark.parametrize("with_manifest", [False, True])
@pytest.mark.parametrize(("how", "skips"), [("listing", 1), ("entering", 11)])
def test_a_folder_that_becomes_unreadable_takes_its_files_out_of_all_counts(
    tmp_path: Path, how: str, skips: int, with_manifest: bool
) -> None:
    fill(tmp_path / "ads" / "open")
    fill(tmp_path / "ads" / "closed" / "deep", 10)
    (tmp_path / "ads.csv").write_text("path,site\nopen/0.jpg,a\n")
    manifest = tmp_path / "ads.csv" if with_manifest else None
    first = indexed(tmp_path, manifest=manifest)
    assert (first.seen, first.described, first.failed, first.skipped) == (22, 4, 12, 6)
    for again in range(2):
        with closed("deep", how):
            report = indexed(tmp_path, retry_failed=bool(again))
        assert (report.seen, report.known, report.failed) == (11 + skips, 2, 6)
        assert report.skipped_kinds == {"unreadable": skips, "json": 2, "txt": 1}
        assert (report.vanished, report.moved, report.new, report.changed) == (0, 0, 0, 0)
        assert report.failed_new == 0
    back = indexed(tmp_path)
    assert (back.seen, back.known, back.failed, back.skipped) == (22, 4, 12, 6)
    assert (back.new, back.failed_new, back.vanished) == (0, 0, 0)


def test_what_failed_is_not_counted_once_it_has_vanished(tmp_path: Path) -> None:
    fill(tmp_path / "ads" / "open")
    fill(tmp_path / "ads" / "gone", 10)
    indexed(tmp_path)
    shutil.rmtree(tmp_path / "ads" / "gone")
    report = indexed(tmp_path)
    assert (report.seen, report.known, report.failed, report.vanished) == (11, 2, 6, 8)


def test_a_renamed_folder_that_is_unreadable_then_is_gone(tmp_path: Path) -> None:
    fill(tmp_path / "ads" / "open")
    before = fill(tmp_path / "ads" / "before", 10)
    indexed(tmp_path)
    before.rename(before.with_name("after"))
    with closed("after"):
        report = indexed(tmp_path)
    assert (report.seen, report.known, report.failed, report.vanished) == (12, 2, 6, 8)
    assert indexed(tmp_path).known == 4


def test_what_waits_in_an_unreadable_folder_is_told_of_once(tmp_path: Path) -> None:
    """The first run is killed before it describes anything, and does not live to tell."""
    fill(tmp_path / "ads" / "closed")
    fill(tmp_path / "ads" / "open", 10)
    with pytest.raises(Stopped):
        recipes.index_folder(
            tmp_path / "index",
            IndexRequest(FolderSource(tmp_path / "ads"), preset="hashes"),
            _Stops(),
        )
    with closed("closed"):
        report = indexed(tmp_path)
    # The folder can't be listed, but its files are known, and can be opened.
    assert (report.seen, report.described, report.failed, report.known) == (20, 4, 12, 0)
    assert report.failed_new == 12
    assert indexed(tmp_path).failed_new == 0


class _Stops(Unwatched):
    """Stops as soon as photos are to be described."""

    def stage(self, name: str, _total: int | None) -> None:
        if name == "describe":
            raise Stopped("on request")


def test_a_file_moved_over_another_one_is_neither_new_nor_changed(tmp_path: Path) -> None:
    fill(tmp_path / "ads")
    indexed(tmp_path)
    (tmp_path / "ads" / "0.jpg").replace(tmp_path / "ads" / "1.jpg")
    report = indexed(tmp_path)
    assert (report.new, report.changed, report.moved, report.vanished) == (0, 0, 1, 0)


def test_what_a_killed_run_added_is_not_taken_off_the_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "ads")
    indexed(tmp_path)
    (tmp_path / "ads" / "0.jpg").rename(tmp_path / "ads" / "moved.jpg")

    def stopped(*_: object) -> None:
        raise Stopped("test")

    with monkeypatch.context() as patched:
        patched.setattr(SightingStore, "finish_scan", stopped)
        with pytest.raises(Stopped):
            indexed(tmp_path)
    report = indexed(tmp_path)
    assert (report.new, report.moved, report.vanished) == (0, 1, 0)


# --- anything -----------------------------------------------------------------------------------

FOLDERS = ("a", "b", "b/c", "d")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fill", "remove", "rename", "break", "mend", "move over", "sidecar"]),
        st.sampled_from(FOLDERS),
        st.sampled_from(FOLDERS),
    ),
    max_size=4,
)


@pytest.mark.slow
@given(st.lists(st.tuples(STEPS, st.sampled_from(("", *FOLDERS))), min_size=2, max_size=4))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_counts_add_up_whatever_happens_between_two_runs(
    tmp_path_factory: pytest.TempPathFactory,
    rounds: list[tuple[list[tuple[str, str, str]], str]],
) -> None:
    base = tmp_path_factory.mktemp("counts")
    fill(base / "ads" / "a")
    fill(base / "ads" / "b" / "c", 4)
    indexed(base)
    for number, (steps, refusing) in enumerate(rounds):
        for how, one, other in steps:
            _DONE[how](base / "ads" / one, base / "ads" / other, number)
        with closed(Path(refusing).name or "nothing"):
            indexed(base, retry_failed=number % 2 == 1)
    indexed(base)


def _rename(one: Path, other: Path, _number: int) -> None:
    if one.is_dir() and not other.exists() and not other.is_relative_to(one):
        other.parent.mkdir(exist_ok=True)
        one.rename(other)


def _move_over(one: Path, other: Path, _number: int) -> None:
    for file, target in zip(sorted(one.glob("*.jpg")), sorted(other.glob("*.jpg")), strict=False):
        file.replace(target)


def _write(name: str, content: bytes) -> Callable[[Path, Path, int], None]:
    def write(one: Path, _other: Path, number: int) -> None:
        one.mkdir(parents=True, exist_ok=True)
        (one / name).write_bytes(content + bytes([number]))

    return write


_DONE: dict[str, Callable[[Path, Path, int], None]] = {
    "fill": lambda one, _other, number: void(fill(one, 20 + 2 * number)),
    "remove": lambda one, _other, _number: shutil.rmtree(one, ignore_errors=True),
    "rename": _rename,
    "move over": _move_over,
    "break": _write("0.jpg", b"\xff\xd8\xff"),
    "mend": lambda one, _other, number: void(save(photo(40 + number), one / "broken0.jpg")),
    "sidecar": _write("4.json", b'{"a": 1}'),
}


def void(_: object) -> None:
    """For what is called for its effect."""
