"""A file that is no picture at its first byte in, what was wrapped in it out.

Scrapers save pictures with what came before them (a byte order mark, a line break, the header of an
HTTP answer or of a form's part, a warning of PHP), as the text of a `data:` URI or of base64, or
still packed by gzip. Each wrapping begins at the first byte and holds all of the file: a text
in which some base64 stands, or a page with a picture in it, stays what it is.
"""

import binascii
import re
import zlib
from urllib.parse import unquote_to_bytes

from imagematch.errors import PhotoError

#: Wrappings inside each other that are taken off: an HTTP answer, gzip, a line break, base64.
_MOST_LAYERS = 6

#: Bytes in front of a picture.
_MOST_BEFORE = 64 * 2**10

#: Line breaks, blanks, byte order marks, and the zeros of a carved file; not the zeros with which
#: ISO media files, JPEG XL and 2000, and icons begin.
_PADDING = re.compile(
    rb"(?:(?!\0\0\0.(?:ftyp|JXL |jP  )|\0\0[\x01\x02]\0)(?:[\s\0]|\xef\xbb\xbf)){1,65536}",
    re.DOTALL,
)

_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_GZIP = b"\x1f\x8b\x08"

#: How pictures begin, with enough of it that no text does.
_PICTURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBPVP8|GIF8[79]a.[\0-\x1f].[\0-\x1f]"
    rb"|BM....\0\0\0\0|II\*\0|MM\0\*|\0\0\0.ftyp",
    re.DOTALL,
)

_CONTROL = re.compile(rb"[\0-\x08\x0b\x0e-\x1f\x7f]")

#: The header of an HTTP answer (its status line, fields), or of a part of a mail or a form (its
#: boundary, fields), and the empty line after it. Some field tells it from any text with colons.
_HEADER = re.compile(
    rb"(?:HTTP/[0-9.]{1,3} [0-9]{3}[^\r\n]{0,200}\r?\n|--(?P<boundary>[^\r\n]{1,200})\r?\n)?"
    rb"(?:[A-Za-z][A-Za-z0-9-]{0,60}:[^\r\n]{0,8000}\r?\n"
    rb"(?:[ \t][^\r\n]{1,8000}\r?\n){0,50}){0,200}"
    rb"\r?\n"
)
_FIELD = re.compile(rb"^([A-Za-z0-9-]+):[ \t]*([^\r\n]*)", re.MULTILINE)
_TELLING = re.compile(rb"^(?:HTTP/|--|Content-|Transfer-|MIME-Version:)", re.I | re.MULTILINE)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r\n")

#: RFC 2397; what stands around it in style sheets and programs; and what some leave out of it.
_URI = re.compile(
    rb"(?:data:)?(?:[\w.+-]{1,100}\\?/[\w.+-]{1,100})?(?:;[\w.+-]{1,100}=[^;,]{0,200})*;?base64\s*,"
    rb"|data:(?:[\w.+-]{1,100}/[\w.+-]{1,100})?(?:;[^;,]{1,200})*,",
    re.IGNORECASE,
)
_OPENING = re.compile(rb"(?:url\(|b(?=[\"'])|[\"'`<(\s])*", re.IGNORECASE)
_CLOSING = b"\"'`>);,\0 \t\r\n"

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+={0,3}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ESCAPE = re.compile(rb"\\([/rnt])")
_PARTIAL = re.compile(rb"(?:%[0-9A-Fa-f]?|\\)$")
_HEXADECIMAL = re.compile(rb"(?:0x|\\x)?((?:[0-9A-Fa-f]{2})+)[0-9A-Fa-f]?")

#: Letters at the start of a text that must begin a picture before all of it is decoded.
_GLIMPSE = 400


def unwrapped(data: bytes, limit: int) -> bytes:
    """Take off what is wrapped around a picture.

    Args:
        limit: bytes that anything may be unpacked to.

    Returns:
        What was wrapped, of whatever kind; `data` itself where nothing is.

    Raises:
        PhotoError: "too_large" where it unpacks to more than `limit`, "unsupported" where it is
            packed in a way that is not undone.
    """
    for _ in range(_MOST_LAYERS):
        inner = _without_one(data, limit)
        if not inner:
            break
        data = inner
    return data


def _without_one(data: bytes, limit: int) -> bytes:
    """Take one wrapping off; empty if there is none."""
    if _PICTURE.match(data):
        return b""
    if data.startswith(_UTF16_BOMS):
        return _from_utf16(data)
    if padding := _PADDING.match(data):
        return data[padding.end() :]
    if data.startswith(_GZIP):
        return _inflated(data, 31, limit)
    header = _HEADER.match(data)
    if header and header.end() <= _MOST_BEFORE and _TELLING.search(header[0]):
        return _body(data[header.end() :], header, limit)
    return _after_text(data) or _from_text(data)


def _from_utf16(data: bytes) -> bytes:
    if any(data[2:64:2]) and any(data[3:64:2]):
        return b""
    try:
        return data.decode("utf-16").encode("ascii")
    except UnicodeError:
        return b""


def _inflated(data: bytes, window: int, limit: int) -> bytes:
    """Inflate as far as the data goes; empty where they are of another kind.

    Args:
        window: as `zlib.decompressobj` takes it: 31 for gzip, 15 for zlib, -15 for neither.
    """
    try:
        inner = zlib.decompressobj(window).decompress(data, limit + 1)
    except zlib.error:
        return b""
    if len(inner) > limit:
        raise PhotoError("too_large", f"it unpacks to more than the limit of {limit:,} bytes")
    return inner


# --- bytes after text --------------------------------------------------------------------------


def _body(body: bytes, header: re.Match[bytes], limit: int) -> bytes:
    """Undo what the header says was done to the body; many tools have undone it already."""
    if header["boundary"] and (end := body.find(b"\r\n--" + header["boundary"])) >= 0:
        body = body[:end]
    fields = {name.lower(): value.strip().lower() for name, value in _FIELD.findall(header[0])}
    if fields.get(b"transfer-encoding") == b"chunked":
        body = _joined_chunks(body) or body
    if _PICTURE.match(body):
        return body
    encoding = fields.get(b"content-encoding", b"")
    if encoding in (b"br", b"zstd", b"compress"):
        raise PhotoError("unsupported", f"it is packed by {encoding.decode()}, which is not undone")
    if encoding == b"deflate":
        return _inflated(body, 15, limit) or _inflated(body, -15, limit)
    if fields.get(b"content-transfer-encoding") == b"quoted-printable":
        return binascii.a2b_qp(body)
    return body


def _joined_chunks(body: bytes) -> bytes:
    """Join the chunks of an HTTP answer (RFC 9112, section 7.1)."""
    parts: list[bytes] = []
    at = 0
    while (size := _CHUNK.match(body, at)) and (length := int(size[1], 16)):
        parts.append(body[size.end() : size.end() + length])
        at = size.end() + length + 2
    return b"".join(parts)


def _after_text(data: bytes) -> bytes:
    """What begins like a picture after whole lines of text; empty if there is none."""
    found = _PICTURE.search(data, 1, _MOST_BEFORE)
    if found is None or data[found.start() - 1 : found.start()] not in (b"\n", b"\r", b">"):
        return b""
    return b"" if _CONTROL.search(data, 0, found.start()) else data[found.start() :]


# --- text --------------------------------------------------------------------------------------


def _from_text(data: bytes) -> bytes:
    """Decode a text that is one `data:` URI, or nothing but base64 or hexadecimal digits."""
    if data[:7].lower() == b"data%3a":
        return unquote_to_bytes(data)
    opening = _OPENING.match(data)
    start = opening.end() if opening else 0
    if uri := _URI.match(data, start):
        content = data[uri.end() :]
        if b"base64" in uri[0][-12:].lower():
            return _from_base64(content)
        return unquote_to_bytes(content.rstrip(_CLOSING))
    for decoded in (_from_base64, _from_hexadecimal):
        if _PICTURE.match(decoded(data[start : start + _GLIMPSE])):
            return decoded(data[start:])
    return b""


def _from_base64(text: bytes) -> bytes:
    """Decode base64 of either alphabet, with the escapes of URIs and of JSON; else empty."""
    text = _PARTIAL.sub(b"", text)
    if b"%" in text:
        text = unquote_to_bytes(text)
    text = _ESCAPE.sub(lambda found: b"/" if found[1] == b"/" else b"", text).rstrip(_CLOSING)
    if b" " in text and not (b"+" in text or b"-" in text):
        text = text.replace(b" ", b"+")  # what reading a form makes of it
    text = b"".join(text.split())
    if not _BASE64.fullmatch(text):
        return b""
    text = text.rstrip(b"=").translate(_URL_SAFE)
    if len(text) % 4 == 1:
        text = text[:-1]  # the text ends early
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))


def _from_hexadecimal(text: bytes) -> bytes:
    """Decode hexadecimal digits as databases write them; else empty."""
    found = _HEXADECIMAL.fullmatch(b"".join(text.rstrip(_CLOSING).split()))
    return binascii.a2b_hex(found[1]) if found else b""
