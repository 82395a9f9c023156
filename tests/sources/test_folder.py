"""Walking folders that somebody else filled."""

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagematch.errors import SourceUnavailable, UsageError
from imagematch.records import FoundFile, SightingInfo, SkippedFile
from imagematch.sources import folder, source
from imagematch.sources.folder import walk
from imagematch.surrogates import encodable

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX file system")


def put(root: Path, *paths: str, data: bytes = b"x") -> None:
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def files(root: Path, **options: Any) -> list[str]:
    return [item.path for item in walk(root, **options) if isinstance(item, FoundFile)]


def skips(root: Path, **options: Any) -> dict[str, str]:
    found = walk(root, **options)
    return {item.path: item.reason for item in found if isinstance(item, SkippedFile)}


# --- what is found -----------------------------------------------------------------------------


def test_a_file_comes_with_its_size_and_time(tmp_path: Path) -> None:
    put(tmp_path, "a/b.jpg", data=b"12345")
    os.utime(tmp_path / "a/b.jpg", ns=(1, 1_700_000_000_123_456_700))
    assert list(walk(tmp_path)) == [FoundFile("a/b.jpg", 5, 1_700_000_000_123_456_700)]


@pytest.mark.parametrize("year", [-30, 2400])
def test_times_that_fit_into_no_database_are_brought_near(tmp_path: Path, year: int) -> None:
    put(tmp_path, "a.jpg")
    seconds = (year - 1970) * 31_556_952
    try:
        os.utime(tmp_path / "a.jpg", (seconds, seconds))
    except (OSError, OverflowError):
        pytest.skip("the file system has no such times")
    (found,) = walk(tmp_path)
    (listed,) = folder.folders(tmp_path)
    assert isinstance(found, FoundFile)
    assert isinstance(listed, source.FoundFolder)
    assert list(listed.files()) == [found]
    assert len(listed.digest()) == 32
    assert -(2**63) <= found.mtime_ns < 2**63
    assert folder.lone_file(tmp_path / "a.jpg") == found


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty/also").mkdir(parents=True)
    assert list(walk(tmp_path)) == []


def test_order_is_by_parts_as_bytes(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "a/z.jpg", "a/b/c.jpg", "B.jpg", "é.jpg", "z.jpg", "a-b/x.jpg")
    wanted = ["B.jpg", "a/b/c.jpg", "a/z.jpg", "a-b/x.jpg", "a.jpg", "z.jpg", "é.jpg"]
    assert files(tmp_path) == wanted


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    paths=st.sets(
        st.lists(
            st.sampled_from(["a", "b", "a.b", "é", "\udcff", "\uffff", "Z"]), min_size=1, max_size=4
        ).map("/".join),
        max_size=12,
    )
)
@posix_only
def test_every_file_is_found_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str]
) -> None:
    root = tmp_path_factory.mktemp("walk")
    paths = {p for p in paths if not any(q.startswith(p + "/") for q in paths)}
    try:
        put(root, *paths)
    except OSError:
        pytest.skip("the file system refuses names that are not UTF-8")
    wanted = sorted(paths, key=lambda path: [os.fsencode(part) for part in path.split("/")])
    assert files(root) == wanted


def test_names_pass_through_unchanged(tmp_path: Path) -> None:
    names = ["שלום/\u202egpj.exe.jpg", "e\u0301.jpg", "😀 .jpg", "-rf *.jpg", "'; DROP TABLE.jpg"]
    if os.name == "posix":
        names += ["new\nline\r.jpg", "tab\tbell\a\x1b[31m.jpg", "back\\slash.jpg", "a:b?.jpg"]
    put(tmp_path, *names)
    assert sorted(files(tmp_path)) == sorted(names)


@posix_only
def test_names_that_are_not_utf8_are_found_and_can_be_opened_and_shown(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("the file system refuses names that are not UTF-8")
    (path,) = files(tmp_path)
    assert (tmp_path / path).read_bytes() == b"x"
    assert encodable(path) == r"caf\xe9.jpg"


def test_a_deep_tree_is_no_problem(tmp_path: Path) -> None:
    deep = "/".join(f"d{level}" for level in range(50)) + "/a.jpg"
    put(tmp_path, deep)
    assert files(tmp_path) == [deep]


@posix_only
def test_a_tree_deeper_than_paths_can_be_is_reported(tmp_path: Path) -> None:
    name = "d" * 250
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    put(tmp_path, "z.jpg")
    assert files(tmp_path) == ["z.jpg"]
    (reason,) = skips(tmp_path).values()
    assert os.strerror(errno.ENAMETOOLONG) in reason


# --- site and profile --------------------------------------------------------------------------


def test_site_and_profile_come_from_the_first_two_folders(tmp_path: Path) -> None:
    put(tmp_path, "top.jpg", "siteA/1.jpg", "siteA/anna/2.jpg", "siteA/anna/2024/05/3.jpg")
    found = {
        item.path: item.sightings
        for item in walk(tmp_path, site_from_path=True)
        if isinstance(item, FoundFile)
    }
    assert found == {
        "top.jpg": (SightingInfo(),),
        "siteA/1.jpg": (SightingInfo(site="siteA"),),
        "siteA/anna/2.jpg": (SightingInfo(site="siteA", profile="anna"),),
        "siteA/anna/2024/05/3.jpg": (SightingInfo(site="siteA", profile="anna"),),
    }


def test_paths_say_nothing_unless_asked(tmp_path: Path) -> None:
    put(tmp_path, "siteA/anna/1.jpg")
    (item,) = walk(tmp_path)
    assert isinstance(item, FoundFile)
    assert item.sightings == (SightingInfo(),)


@posix_only
def test_site_and_profile_are_always_printable(tmp_path: Path) -> None:
    try:
        put(tmp_path, "s\udcff/p\udcfe/a.jpg")
    except OSError:
        pytest.skip("the file system refuses names that are not UTF-8")
    (item,) = walk(tmp_path, site_from_path=True)
    assert isinstance(item, FoundFile)
    assert item.sightings == (SightingInfo(site=r"s\xff", profile=r"p\xfe"),)


# --- what is skipped ---------------------------------------------------------------------------


@posix_only
def test_links_are_skipped_whether_they_stay_leave_loop_or_break(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "root-outside"
    put(root, "a/photo.jpg")
    put(outside, "secret.jpg")
    links: dict[str, str | Path] = {
        "in-file": "a/photo.jpg",
        "in-folder": "a",
        "a/up": "..",
        "a/self": "self",
        "out-file": outside / "secret.jpg",
        "out-folder": outside,
        "broken": "nowhere.jpg",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    assert files(root) == ["a/photo.jpg"]
    assert skips(root) == {
        "in-file": folder.INNER_LINK,
        "in-folder": folder.INNER_LINK,
        "a/up": folder.INNER_LINK,
        "a/self": folder.BROKEN_LINK,
        "out-file": folder.OUTER_LINK,
        "out-folder": folder.OUTER_LINK,
        "broken": folder.BROKEN_LINK,
    }


@posix_only
def test_the_root_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.jpg")
    (tmp_path / "real/loop").symlink_to(".")
    (tmp_path / "link").symlink_to("real")
    assert files(tmp_path / "link") == ["a.jpg"]
    assert skips(tmp_path / "link") == {"loop": folder.INNER_LINK}


@posix_only
def test_pipes_and_sockets_are_skipped_unopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "._pipe.jpg")
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
    assert files(tmp_path) == ["a.jpg"]
    assert skips(tmp_path) == {
        "._pipe.jpg": "a named pipe, not a file",
        "pipe.jpg": "a named pipe, not a file",
        "socket.jpg": "a socket, not a file",
    }


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device")
def test_devices_are_skipped() -> None:
    assert "null" not in files(Path("/dev"))
    assert skips(Path("/dev"))["null"] == "a device, not a file"


def test_litter_is_skipped_and_named(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", ".DS_Store", "s/Thumbs.db", "s/desktop.ini", "__MACOSX/a/b.jpg")
    put(tmp_path, "s/@eaDir/t.jpg", ".git/objects/x", "._a.jpg", data=b"\x00\x05\x16\x07\x00\x02")
    assert files(tmp_path) == ["a.jpg"]
    wanted = {
        ".DS_Store",
        "s/Thumbs.db",
        "s/desktop.ini",
        "__MACOSX",
        "s/@eaDir",
        ".git",
        "._a.jpg",
    }
    assert skips(tmp_path) == dict.fromkeys(wanted, folder.LITTER)


def test_photos_that_only_look_like_litter_are_kept(tmp_path: Path) -> None:
    put(
        tmp_path,
        "._photo.jpg",
        ".hidden.jpg",
        "Thumbs.db.jpg",
        ".thumbnails/1.jpg",
        data=b"\xff\xd8",
    )
    put(tmp_path, "__MACOSX.jpg", "$RECYCLE.BIN/1.jpg", data=b"\xff\xd8")
    assert len(files(tmp_path)) == 6
    assert skips(tmp_path) == {}


def test_what_is_left_out_is_skipped_whole(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "index/vectors/1.npy", "index2/b.jpg", "s/manifest.csv", "s/c.jpg")
    leave_out = [tmp_path / "index", tmp_path / "s/../s/manifest.csv", tmp_path.parent / "other"]
    assert files(tmp_path, leave_out=leave_out) == ["a.jpg", "index2/b.jpg", "s/c.jpg"]
    assert skips(tmp_path, leave_out=leave_out) == {
        "index": folder.LEFT_OUT,
        "s/manifest.csv": folder.LEFT_OUT,
    }


@pytest.mark.parametrize("catalogue", ["catalogue.sqlite", "catalogue.id"])
def test_any_other_index_is_skipped_whole(tmp_path: Path, catalogue: str) -> None:
    """Its small pictures of photos would count as copies of these, and link whom they must not."""
    put(tmp_path, *(f"s/old/{name}" for name in (catalogue, "settings.toml", "vectors/1.npy")))
    put(tmp_path, "s/old/kept/1.webp", "s/a.jpg")
    put(tmp_path, "t/catalogue.sqlite", "t/settings.toml", "u/settings.toml", "u/vectors/1.jpg")
    put(tmp_path, *(f"v/{name}" for name in (catalogue, "settings.toml", "vectors")))
    read = ["s/a.jpg", "t/catalogue.sqlite", "t/settings.toml", "u/settings.toml"]
    assert files(tmp_path) == [
        *read,
        "u/vectors/1.jpg",
        *(f"v/{name}" for name in (catalogue, "settings.toml", "vectors")),
    ]
    assert skips(tmp_path) == {"s/old": folder.LEFT_OUT}
    with pytest.raises(UsageError, match="old is an index"):
        walk(tmp_path / "s/old")
    by_folder = [f.path for f in folder.folders(tmp_path) if isinstance(f, source.FoundFolder)]
    assert by_folder == ["", "s", "t", "u", "u/vectors", "v"]


@posix_only
def test_what_is_left_out_is_known_through_links(tmp_path: Path) -> None:
    put(tmp_path / "real", "a.jpg", "index/x.jpg")
    (tmp_path / "link").symlink_to("real")
    assert files(tmp_path / "link", leave_out=[tmp_path / "real/index"]) == ["a.jpg"]
    assert files(tmp_path / "real", leave_out=[tmp_path / "link/index"]) == ["a.jpg"]


# --- what goes wrong ---------------------------------------------------------------------------


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make one folder unreadable; root may read everything, so permissions would not do."""
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == name:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_folder_that_refuses_is_reported_and_the_walk_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg", "closed/b.jpg", "d/c.jpg")
    refuse(monkeypatch, "closed")
    assert files(tmp_path) == ["a.jpg", "d/c.jpg"]
    assert skips(tmp_path) == {"closed": "can't be read (Permission denied)"}


def test_a_file_that_goes_away_during_the_walk_is_reported(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    found = walk(tmp_path)
    first = next(found)
    (tmp_path / "b.jpg").unlink()
    rest = list(found)
    assert first.path == "a.jpg"
    assert rest[0] == SkippedFile("b.jpg", f"can't be read ({os.strerror(errno.ENOENT)})")
    assert [item.path for item in rest] == ["b.jpg", "c.jpg"]


def test_a_root_that_goes_away_during_the_walk_stops_it(tmp_path: Path) -> None:
    root = tmp_path / "drive"
    put(root, "a.jpg", "b/c.jpg", "d/e.jpg")
    found = walk(root)
    next(found)
    root.rename(tmp_path / "unplugged")
    root.mkdir()  # the empty mount point
    with pytest.raises(SourceUnavailable, match="went away"):
        list(found)


def test_a_missing_root_is_unavailable_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="nowhere"):
        walk(tmp_path / "nowhere")


@posix_only
def test_a_root_that_is_a_loop_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceUnavailable, match="loop"):
        walk(tmp_path / "loop")


def test_a_root_that_refuses_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, tmp_path.name)
    with pytest.raises(SourceUnavailable, match="Permission denied"):
        walk(tmp_path)


def test_a_file_as_root_is_a_usage_error(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    with pytest.raises(UsageError, match=r"a\.jpg is not a folder"):
        walk(tmp_path / "a.jpg")


def test_a_root_inside_the_index_is_a_usage_error(tmp_path: Path) -> None:
    put(tmp_path, "index/reports/a.jpg")
    with pytest.raises(UsageError, match="an index or the manifest"):
        walk(tmp_path / "index/reports", leave_out=[tmp_path / "index"])


# --- the measuring data ------------------------------------------------------------------------


# --- folder by folder --------------------------------------------------------------------------


@posix_only
@pytest.mark.parametrize("by_descriptor", [True, False])
def test_folder_by_folder_finds_what_a_walk_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_descriptor: bool
) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(outside, "secret.jpg")
    put(root, "a.jpg", "site/p/1.jpg", "site/p/Thumbs.db", "site/p/deep/2.jpg", "é/3.jpg", "i/ix")
    put(root, "site/p/._1.jpg", data=folder._APPLE_DOUBLE)
    put(root, "site/p/._photo.jpg")
    (root / "site/p/in").symlink_to(root / "a.jpg")
    (root / "site/p/out").symlink_to(outside)
    (root / "site/p/nowhere").symlink_to(root / "gone")
    os.mkfifo(root / "site/p/pipe")
    if not by_descriptor:
        monkeypatch.setattr(os, "supports_fd", set())
    asked: dict[str, Any] = {"site_from_path": True, "leave_out": [root / "i"]}
    found: list[FoundFile] = []
    skipped: dict[str, str] = {}
    for item in folder.folders(root, **asked):
        if isinstance(item, SkippedFile):
            skipped[item.path] = item.reason
        else:
            found += item.files()
            skipped |= {skip.path: skip.reason for skip in item.skips}
    walked = [item for item in walk(root, **asked) if isinstance(item, FoundFile)]
    assert sorted(found, key=lambda file: file.path) == sorted(walked, key=lambda file: file.path)
    assert [file.path for file in walked if file.path.startswith("site/p/._")] == [
        "site/p/._photo.jpg"
    ]
    assert skipped == skips(root, **asked)


@posix_only
def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(outside, "secret.jpg")
    put(root, "a/1.jpg")
    found = folder.folders(root)
    next(found)  # the root itself has been listed
    (root / "a").rename(tmp_path / "away")
    (root / "a").symlink_to(outside)
    (skip,) = found
    assert isinstance(skip, SkippedFile)
    assert (skip.path, skip.reason[: len(source.UNREADABLE)]) == ("a", source.UNREADABLE)


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "count"), [("photos", 1837), ("bad_inputs", 2509)])
def test_no_file_of_the_measuring_data_is_lost(name: str, count: int) -> None:
    root = Path(__file__).parents[2].parent / "shared/data" / name
    if not root.is_dir():
        pytest.skip(f"{root.name} of the measuring data is not there")
    found = list(walk(root, site_from_path=True))
    assert len(found) == count
    assert all(isinstance(item, FoundFile) for item in found)
