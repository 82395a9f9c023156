"""What lies beside photos is told from photos by content first, and by name second."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.kernels.containers import starts_like_picture
from imagematch.kernels.sidecars import kind_of_sidecar, named_like_picture
from tests.kernels.pictures import encoded, scene

JPEG = encoded(scene(40, 30), "JPEG")
FILM = b"\0\0\0\x18ftypmp42" + bytes(100)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("name", ["a.txt", "cache/7f3a", "x.json", "b.part", ".hidden", "a.b c"])
def test_a_picture_is_one_whatever_its_name(form: str, name: str) -> None:
    assert kind_of_sidecar(name, encoded(scene(40, 30), form)[:1024]) == ""


PRETENDERS = (
    *("a.jpg", "a.JPEG", "b.heic", "c.psd", "d.CR2", "e.jpg ", "dir.txt/f.webp", "x.png_"),
    *("1.jpg:large", "1.jpg?w=640", "1.jpg~", "1.jpg (2)", "1.jpg.1"),
)


@pytest.mark.parametrize("name", PRETENDERS)
@pytest.mark.parametrize("head", [b"", b"<html>", b'{"error": 404}', FILM, b"Rar!\x1a\x07\0"])
def test_what_is_named_like_a_picture_is_never_skipped(name: str, head: bytes) -> None:
    assert named_like_picture(name)
    assert kind_of_sidecar(name, head) == ""


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.json", b"{}", "json"),
        ("IMG_1.jpg.json", b"{}", "json"),
        ("a.JSON", b"{}", "json"),
        ("v.mp4", FILM, "mp4"),
        ("v.mov", b"\0\0\0\x14ftypqt  ", "mov"),
        ("s.avi", b"RIFF\x10\0\0\0AVI LIST", "avi"),
        ("msg.db", b"SQLite format 3\0", "db"),
        ("doc.pdf", b"%PDF-1.7", "pdf"),
        ("a.xmp", b"<?xpacket begin='' id='W5M0'?>", "xmp"),
        ("a.html", b"<html><svg></svg>", "html"),
        ("a.csv", b"path,site\n", "csv"),
        ("x.zip", b"PK\x03\x04", "zip"),
        ("x.7z", b"7z\xbc\xaf\x27\x1c", "7z"),
        ("run.log", b"P1 started\n", "log"),
        ("n.txt", b"BMW for sale", "txt"),
        ("n.txt", b"", "txt"),
        ("n.txt", base64.b64encode(JPEG), "txt"),
        ("icons.txt", b"icns and DDS textures", "txt"),
        ("1.jpg.part", b"\0" * 50, "part"),
        ("a.jpg_files/style.css", b"body{}", "css"),
        ("noname", b"", "empty"),
        ("noname", b'{"a": 1}', "json"),
        ("noname", b"hello", "text"),
        ("noname", "caf\xe9".encode("latin-1"), "text"),
        ("noname", b"P6 is no picture here", "text"),
        ("noname", FILM, "film"),
        ("noname", b"\x01\x02\x03\x04", "data"),
        ("cache.0", b"\x01\x02\x03\x04", "data"),
        ("f.0123456789abcdef", b"hello", "text"),
    ],
)
def test_the_rest_is_counted_by_kind(name: str, head: bytes, kind: str) -> None:
    assert kind_of_sidecar(name, head) == kind


@pytest.mark.parametrize(
    "head",
    [b"8BPS\0\1", b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\1\0\1\0", b"qoif\0\0\0\1", b"<svg xmlns=''>"],
)
def test_a_picture_that_is_not_decoded_must_not_be_skipped(head: bytes) -> None:
    assert starts_like_picture(head)
    assert kind_of_sidecar("noname", head) == ""
    assert kind_of_sidecar("a.bin", head) == ""


@given(st.text(max_size=40), st.binary(max_size=64))
def test_a_kind_is_a_short_plain_word(name: str, head: bytes) -> None:
    kind = kind_of_sidecar(name, head)
    assert len(kind) <= 10
    assert kind.isascii()
    assert kind == kind.lower()
