"""Paths as text: nothing leaves the root, everything can be shown."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.sources.paths import composed, loose, relative
from imagematch.surrogates import encodable

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates, too


@given(any_text)
def test_printable_is_always_utf8_and_settled(path: str) -> None:
    shown = encodable(path)
    shown.encode("utf-8")
    assert encodable(shown) == shown


@given(st.text())
def test_printable_leaves_ordinary_text_alone(path: str) -> None:
    assert encodable(path) == path


def test_undecodable_bytes_are_shown_in_hex() -> None:
    assert encodable(os.fsdecode(b"caf\xe9/\xff.jpg")) == r"caf\xe9/\xff.jpg"
    assert encodable("a\ud800b") == r"a\ud800b"


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/etc/passwd",
        " /etc/passwd",
        r"C:\x",
        "c:x.jpg",
        "C:/x",
        r"\\server\share",
        "//server/share/x.jpg",
        r"\x.jpg",
        "a/../../b",
        r"a\..\..\b",
        "..",
        "./../x",
        r".\C:\x",
        "a/b/../../../x",
    ],
)
def test_a_path_that_leaves_the_root_is_refused(path: str) -> None:
    assert relative(path) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a.jpg", "a.jpg"),
        ("./a.jpg", "a.jpg"),
        (r"a\b.jpg", "a/b.jpg"),
        (r".\a\.\b.jpg", "a/b.jpg"),
        ("a//b.jpg", "a/b.jpg"),
        ("a/../b.jpg", "b.jpg"),
        ("..a/b..jpg/...", "..a/b..jpg/..."),
        (".", ""),
        ("", ""),
        ("אבג/\u202egpj.exe", "אבג/\u202egpj.exe"),
        ("a b/new\nline.jpg", "a b/new\nline.jpg"),
    ],
)
def test_a_path_is_understood_in_either_spelling(written: str, meant: str) -> None:
    assert relative(written) == meant


@given(st.text(alphabet=st.sampled_from("ab./\\:C \u00e9")))
def test_what_is_accepted_stays_below_the_root(path: str) -> None:
    meant = relative(path)
    if meant is not None:
        assert not meant.startswith("/")
        assert not {"", ".", ".."} & set(meant.split("/")) or meant == ""
        assert relative(meant) == meant


@given(any_text)
def test_equal_but_for_normal_form_is_also_loosely_equal(path: str) -> None:
    assert loose(composed(path)) == loose(path)


def test_spellings_of_one_name_meet() -> None:
    assert composed("e\u0301.jpg") == composed(" \u00e9.jpg")
    assert composed("A.jpg") != composed("a.jpg")
    assert loose("STRASSE/E\u0301.JPG") == loose("straße\\\u00e9.jpg")
    assert loose("caf\udce9.jpg") == loose(r"caf\xe9.JPG")
