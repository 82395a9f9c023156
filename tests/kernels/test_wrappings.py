"""Pictures with something before them, or as text: what is taken off, and what is left alone."""

import base64
import contextlib
import gzip
import io
import zlib
from collections.abc import Callable
from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import PhotoError
from imagematch.kernels.decode import decode
from imagematch.kernels.wrappings import unwrapped
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import encoded, scene

LIMIT = 2**26
FILES = {
    name: encoded(scene(), name)
    for name in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
}


def lines(letters: bytes, end: bytes = b"\r\n") -> bytes:
    return end.join(letters[at : at + 76] for at in range(0, len(letters), 76)) + end


def chunked(data: bytes) -> bytes:
    parts = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def letters(data: bytes) -> bytes:
    return base64.b64encode(data)


OK = b"HTTP/1.1 200 OK\r\n"
PART = b'--X\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n'
MAIL = b"MIME-Version: 1.0\r\nContent-Type: image/jpeg;\r\n name=a\r\n"

WRAPPED: dict[str, Callable[[bytes], bytes]] = {
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "line break": lambda data: b"\n" + data,
    "blank lines": lambda data: b"\r\n \t\r\n\r\n" + data,
    "zeros": lambda data: bytes(50) + data,
    "mark and line break": lambda data: b"\xef\xbb\xbf\r\n" + data,
    "answer": lambda data: OK + b"Content-Type: image/jpeg\r\n\r\n" + data,
    "answer with bare line feeds": lambda data: b"HTTP/1.0 200 OK\nServer: x\n\n" + data,
    "two answers": lambda data: b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"A: b\r\n\r\n" + data,
    "answer, version 2": lambda data: b"HTTP/2 200 \r\ncontent-type: a/b\r\n\r\n" + data,
    "answer in chunks": lambda data: OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(data),
    "answer that says chunks": lambda data: OK + b"Transfer-Encoding: chunked\r\n\r\n" + data,
    "answer in gzip": lambda data: OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(data),
    "answer, deflated": lambda data: (
        OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(data)
    ),
    "answer that says brotli": lambda data: OK + b"Content-Encoding: br\r\n\r\n" + data,
    "gzip": gzip.compress,
    "fields": lambda data: b"Content-Type: image/jpeg\r\nContent-Length: 9\r\n\r\n" + data,
    "form": lambda data: PART + b"Content-Type: image/jpeg\r\n\r\n" + data + b"\r\n--X--\r\n",
    "mail": lambda data: (
        MAIL + b"Content-Transfer-Encoding: base64\r\n\r\n" + lines(letters(data)) + b"\r\n"
    ),
    "part of a mail": lambda data: (
        b"--X\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines(letters(data)) + b"--X--\r\n"
    ),
    "warning": lambda data: (
        "<br />\n<b>Warning</b>: façade in <b>/a.php</b> on line 3<br />\n".encode() + data
    ),
    "URI": lambda data: b"data:image/jpeg;base64," + letters(data),
    "URI in quotes": lambda data: b'"data:image/jpeg;base64,' + letters(data) + b'"\n',
    "URI of a style sheet": lambda data: b"url('data:image/png;base64," + letters(data) + b"');",
    "URI in lines": lambda data: (
        b"\n data:image/jpeg;charset=utf-8;base64, " + lines(letters(data), b"\n")
    ),
    "URI in capitals": lambda data: b"DATA:IMAGE/JPEG;BASE64," + letters(data),
    "URI without a type": lambda data: b"data:;base64," + letters(data),
    "URI of bytes": lambda data: b"data:image/jpeg," + quote(data).encode(),
    "URI, escaped": lambda data: b"data:image/a;base64," + quote(letters(data), safe="").encode(),
    "URI, all escaped": lambda data: quote(b"data:a/b;base64," + letters(data), safe="").encode(),
    "URI of JSON": lambda data: (
        b'"data:image\\/jpeg;base64,' + letters(data).replace(b"/", b"\\/") + b'"'
    ),
    "URI in UTF-16": lambda data: ("data:a/b;base64," + letters(data).decode()).encode("utf-16"),
    "URI of gzip": lambda data: b"data:;base64," + letters(gzip.compress(data)),
    "rest of a URI": lambda data: b"image/jpeg;base64," + letters(data),
    "base64": letters,
    "base64 in lines": lambda data: lines(letters(data)),
    "base64 in quotes": lambda data: b"'" + letters(data) + b"'",
    "base64 of Python": lambda data: b"b'" + letters(data) + b"'",
    "base64 after a mark": lambda data: b"\xef\xbb\xbf" + letters(data),
    "base64 of URLs": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "base64 that a form broke": lambda data: letters(data).replace(b"+", b" "),
    "digits": lambda data: data.hex().encode(),
    "digits of MySQL": lambda data: b"0x" + data.hex().upper().encode(),
    "digits of PostgreSQL": lambda data: b"\\x" + data.hex().encode(),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", WRAPPED)
def test_what_is_wrapped_decodes_like_the_file_itself(how: str, name: str) -> None:
    plain = decode(FILES[name], DEFAULTS.decode)
    photo = decode(WRAPPED[how](FILES[name]), DEFAULTS.decode)
    assert photo.format == name
    assert np.array_equal(photo.rgb, plain.rgb)


def test_text_that_ends_early_shows_the_picture_as_far_as_it_goes() -> None:
    text = letters(FILES["PNG"])
    photo = decode(b"data:image/png;base64," + text[: len(text) * 2 // 3 + 1], DEFAULTS.decode)
    assert photo.truncated
    whole = decode(FILES["PNG"], DEFAULTS.decode)
    assert np.array_equal(photo.rgb[:30], whole.rgb[:30])


JPEG = FILES["JPEG"]
TEXTS = {
    "prose": b"Call me, new photos every week.\n" * 40,
    "prose, then base64": b"the photo:\n" + letters(JPEG),
    "base64, then prose": letters(JPEG) + b"\n\nSent from my phone.\n",
    "JSON": b'{"id": 3, "photo": "data:image/jpeg;base64,' + letters(JPEG) + b'"}',
    "page": b"<html><img src='data:image/jpeg;base64," + letters(JPEG) + b"'></html>",
    "style sheet": b"a { background: url(data:image/jpeg;base64," + letters(JPEG) + b") }",
    "mail": b"From: a@example.org\nSubject: b\n\ntext\n",
    "table": b"path,site\na.jpg,north\n",
    "name of a format": b"The formats are\nGIF89a and PNG.\n",
    "token": b"A" * 500,
    "hash": b"d41d8cd98f00b204e9800998ecf8427e" * 4,
    "boundary": b"--\n",
    "page after a header": OK + b"Content-Type: text/html\r\n\r\n<html>404</html>",
    "text in gzip": gzip.compress(b"nothing to see"),
    "text in a URI": b"data:text/plain;base64," + letters(b"nothing to see here" * 9),
    "archive in gzip": gzip.compress(bytes(257) + b"ustar" + bytes(250)),
}


@pytest.mark.parametrize("what", TEXTS)
def test_what_only_contains_a_picture_is_none(what: str) -> None:
    with pytest.raises(PhotoError) as caught:
        decode(TEXTS[what], DEFAULTS.decode)
    assert caught.value.code == "not_an_image"


@pytest.mark.parametrize(
    ("data", "code", "found"),
    [
        (OK + b"\r\n<!doctype html><p>", "not_an_image", "web page"),
        (b"data:image/svg+xml,%3Csvg%20xmlns='x'/%3E", "unsupported", "SVG"),
        (b"data:application/pdf;base64," + letters(b"%PDF-1.7 and so on"), "unsupported", "PDF"),
        (b"\xef\xbb\xbf\n\0\0\0\x0cJXL \r\n\x87\n", "unsupported", "JPEG XL"),
        (b"\n\0\0\x01\0\x01\0\x10\x10", "unsupported", "icon"),
        (gzip.compress(b"8BPS\0\x01"), "unsupported", "Photoshop"),
        (OK + b"Content-Encoding: br\r\n\r\n\x8b\x02\x80", "unsupported", "br"),
        (gzip.compress(bytes(257) + b"ustar" + bytes(250)), "not_an_image", "tar"),
    ],
)
def test_the_reason_is_that_of_what_was_wrapped(data: bytes, code: str, found: str) -> None:
    with pytest.raises(PhotoError, match=found) as caught:
        decode(data, DEFAULTS.decode)
    assert caught.value.code == code


def test_unpacking_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(2_000_000))
    for wrapped in (bomb, OK + b"\r\n" + bomb, b"data:;base64," + letters(bomb)):
        with pytest.raises(PhotoError) as caught:
            unwrapped(wrapped, 1_000_000)
        assert caught.value.code == "too_large"


def test_wrappings_are_taken_off_only_so_many_times() -> None:
    data = JPEG
    for _ in range(30):
        data = gzip.compress(data, 1)
    assert unwrapped(data, LIMIT).startswith(b"\x1f\x8b")


@given(
    st.lists(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK\r\n",
                b"\r\n",
                b"\n",
                b"--X\r\n",
                b"A: b\r\n",
                b" ",
                b"\0",
                b"data:",
                b"image/png",
                b";",
                b"base64,",
                b"\xef\xbb\xbf",
                b"\xff\xfe",
                b"%",
                b"\\",
                b"Transfer-Encoding: chunked\r\n",
                b"Content-Encoding: deflate\r\n",
                b"\x1f\x8b\x08",
                b"5\r\n",
                b"/9j/",
                b"\xff\xd8\xff",
                b"AAAA",
                b"=",
                b"'",
            ]
        ),
        max_size=12,
    ).map(b"".join)
    | st.binary(max_size=200)
)
def test_any_bytes_are_unwrapped_or_refused(data: bytes) -> None:
    with contextlib.suppress(PhotoError):
        assert isinstance(unwrapped(data, LIMIT), bytes)


@pytest.mark.parametrize(
    "unit",
    [
        b"A: b\r\n",
        b"A: b\r\n c\r\n",
        b" ",
        b"(",
        b"url(",
        b"\\",
        b"%41",
        b"/9j/",
        b"5\r\nabcde\r\n",
    ],
)
def test_long_repetitions_do_not_blow_up(unit: bytes) -> None:
    data = OK + unit * (2_000_000 // len(unit))
    inputs = [data, data[len(OK) :], b"data:image/png;base64," + data]
    for text in inputs:  # quadratic work on two megabytes would never end
        stream = io.BytesIO(unwrapped(text, LIMIT))
        assert stream.read(1) is not None
