"""A file is read once, within limits, whatever becomes of it meanwhile."""

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import PhotoError
from imagematch.kernels.containers import HEAD_BYTES
from imagematch.sources.reading import Contents, read_once


@given(
    data=st.binary(max_size=5000),
    name=st.sampled_from(["a.jpg", "a"]),
    size=st.none() | st.integers(0, 5000),
    most_held=st.integers(0, 5000),
)
def test_bytes_are_those_that_were_hashed(
    data: bytes, name: str, size: int | None, most_held: int
) -> None:
    """Also where the file has another size by now than it had."""
    data = b"\xff\xd8\xff" + data
    told = len(data) if size is None else size
    found = read_once(io.BytesIO(data), name, told, 10_000, most_held)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.data in (b"", data)
    assert len(found.data) <= most_held
    if size is None:
        assert bool(found.data) == (len(data) <= most_held)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.json", b'{"a": 1}', "json"),
        ("a.json", b"", "json"),
        ("a", b"", "empty"),
        ("clip.mp4", b"\0\0\0\x18ftypmp42", "mp4"),
    ],
)
def test_what_is_plainly_no_picture_is_not_read_to_its_end(
    name: str, data: bytes, kind: str
) -> None:
    file = io.BytesIO(data + bytes(10_000) * bool(data))
    assert read_once(file, name, 10**12, 100, 100) == Contents(kind)
    assert file.tell() <= HEAD_BYTES


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    file = io.BytesIO(bytes(101))
    with pytest.raises(PhotoError, match="101 bytes, over the limit of 100"):
        read_once(file, "a.jpg", 101, 100, 1000)
    assert file.tell() == 0


class Growing(io.BytesIO):
    """A file that somebody writes to without end."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        return bytes(max(size, 0))


def test_a_file_that_grows_without_end_is_refused() -> None:
    with pytest.raises(PhotoError, match="over the limit") as caught:
        read_once(Growing(), "a.jpg", 10, 5 * 2**20, 100)
    assert caught.value.code == "too_large"
