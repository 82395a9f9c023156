"""Absolute paths count where they lead into the root, and nowhere else."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.sources.absolute import within

posix_only = pytest.mark.skipif(os.name == "nt", reason="a POSIX path")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = Path(os.path.realpath(tmp_path)) / "cases" / "Übung 1"
    (made / "site" / "anna").mkdir(parents=True)
    (made / "site" / "anna" / "1.jpg").touch()
    return made


@pytest.mark.parametrize(
    "spelled",
    [
        "{root}/site/anna/1.jpg",
        " {root}/site/anna/1.jpg",
        "{root}//site/./anna/1.jpg",
        "{root}/site/other/../anna/1.jpg",
        "{root}/../Übung 1/site/anna/1.jpg",
        "{root}/site/anna/../../../../cases/Übung 1/site/anna/1.jpg",
        "../Übung 1/site/anna/1.jpg",
        "site/../../Übung 1/site/anna/1.jpg",
        "file://{root}/site/anna/1.jpg",
        "file://localhost{root}/site/anna/1.jpg",
        "FILE:{root}/site/anna/1.jpg",
        "//{root}/site/anna/1.jpg",
    ],
)
@posix_only
def test_a_path_into_the_root_is_found_in_every_spelling(root: Path, spelled: str) -> None:
    assert within(spelled.format(root=root), root) == "site/anna/1.jpg"


@posix_only
def test_a_uri_is_decoded_and_backslashes_are_read(root: Path) -> None:
    assert within((root / "site/anna/1.jpg").as_uri(), root) == "site/anna/1.jpg"
    assert within(str(root / "site/anna/1.jpg").replace("/", "\\"), root) == "site/anna/1.jpg"
    assert within(f"file://{root}/caf%E9%20%23.jpg", root) == os.fsdecode(b"caf\xe9 #.jpg")


@posix_only
def test_a_file_that_is_gone_is_in_the_root_all_the_same(root: Path) -> None:
    assert within(f"{root}/gone/deep/1.jpg", root) == "gone/deep/1.jpg"
    assert within(f"{root}/site/anna/1.jpg ", root) == "site/anna/1.jpg "
    assert within(str(root), root) == ""
    assert within(f"{root}/site/..", root) == ""


@posix_only
def test_links_are_followed_into_the_root_and_out_of_it(root: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(root)
    (root / "again").symlink_to(root / "site")
    (tmp_path / "elsewhere").mkdir()
    (root / "out").symlink_to(tmp_path / "elsewhere")
    assert within(f"{tmp_path}/current/site/anna/1.jpg", root) == "site/anna/1.jpg"
    assert within(f"{root}/again/anna/1.jpg", root) == "site/anna/1.jpg"
    # What a link in the root leads to is none of its files: a walk does not follow it either.
    assert within(f"{root}/out/1.jpg", root) == "out/1.jpg"
    assert within(f"{tmp_path}/elsewhere/1.jpg", root) is None


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{root}/../other/1.jpg",
        "{root}2/1.jpg",
        "{root}/..",
        "../../1.jpg",
        "/",
        "C:/cases/1.jpg",
        r"C:\cases\1.jpg",
        "c:1.jpg",
        "file:///etc/passwd",
        "file://server/share/1.jpg",
        "file:1.jpg/../../..",
        r"\\server\share\1.jpg",
        "//server/share/1.jpg",
        "./C:/x.jpg",
        "/a\0b",
    ],
)
@posix_only
def test_a_path_that_lies_elsewhere_is_refused(root: Path, path: str) -> None:
    assert within(path.format(root=root), root) is None


@posix_only
def test_case_counts_as_it_does_in_the_file_system(root: Path) -> None:
    other = Path(str(root).upper())
    found = within(f"{other}/1.jpg", root)
    assert found == ("1.jpg" if other.exists() else None)


@given(st.text())
def test_no_text_leaves_the_root(tmp_path_factory: pytest.TempPathFactory, written: str) -> None:
    root = Path(os.path.realpath(tmp_path_factory.getbasetemp()))
    found = within(written, root)
    assert found is None or ".." not in found.split("/")
    assert found is None or not found.startswith("/")
