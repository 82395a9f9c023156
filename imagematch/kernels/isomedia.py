"""The boxes of a HEIF or AVIF file in, what they say about the main picture's turn out.

Neither plugin tells all of it: they hide whether the container turns the picture (`irot`, `imir`),
and change the EXIF block so that nobody turns it twice. Boxes are those of ISO 14496-12 (meta,
iinf, iloc, iref) and ISO 23008-12 (iprp). A broken file says nothing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

#: Children of one box that are looked at, and bytes of a box that is: the `meta` box of a phone's
#: photo has some kilobytes, EXIF and XMP some more.
_MOST_BOXES = 10_000
_MOST_BYTES = 4 * 2**20

#: Properties that turn or flip a picture.
_TURNING = frozenset({b"irot", b"imir"})


@dataclass(frozen=True, slots=True)
class MainPicture:
    """What the container says about its main picture.

    Attributes:
        turned: the container itself says how the picture is turned, and every decoder obeys it.
        exif, xmp: as stored; empty where there is none.
    """

    turned: bool = False
    exif: bytes = b""
    xmp: bytes = b""


def main_picture(data: bytes) -> MainPicture:
    """Read what the boxes say; an empty answer where they make no sense."""
    try:
        return _main_picture(data)
    except (struct.error, ValueError):
        return MainPicture()


def _main_picture(data: bytes) -> MainPicture:
    meta = _child(data, 0, len(data), b"meta")
    if meta is None or meta[1] - meta[0] > _MOST_BYTES:
        return MainPicture()
    boxes = {kind: (start, end) for kind, start, end in _boxes(data, meta[0] + 4, meta[1])}
    if b"pitm" not in boxes:
        return MainPicture()
    main = _Fields(data, boxes[b"pitm"]).versioned_id()
    places = _places(data, boxes)
    told: dict[bytes, bytes] = {}
    described = _described(data, boxes)
    for item, kind in _items(data, boxes):
        about = described.get(item)
        if kind in (b"Exif", b"mime") and kind not in told and (about is None or main in about):
            told[kind] = b"".join(data[start:end] for start, end in places.get(item, ()))
    turned = bool(_properties(data, boxes, main) & _TURNING)
    return MainPicture(turned, told.get(b"Exif", b""), told.get(b"mime", b""))


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box between two places: its type, and where its content starts and ends."""
    return islice(_all_boxes(data, start, end), _MOST_BOXES)


def _all_boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            return
        yield kind, start + head, start + size
        start += size


def _child(data: bytes, start: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    return next(((at, to) for kind, at, to in _boxes(data, start, end) if kind == wanted), None)


class _Fields:
    """The fields of a box with version and flags, one after the other."""

    def __init__(self, data: bytes, box: tuple[int, int]) -> None:
        self._data, (self.at, self.end) = data, box
        self.version = self.number(1)
        self.flags = self.number(3)

    def number(self, size: int) -> int:
        """The next so many bytes as a number; none are 0."""
        if self.at + size > self.end:
            raise ValueError("the box ends before its fields do")
        self.at += size
        return int.from_bytes(self._data[self.at - size : self.at])

    def versioned_id(self) -> int:
        """The number of an item, which is longer from version 1 on."""
        return self.number(4 if self.version else 2)


def _items(data: bytes, boxes: dict[bytes, tuple[int, int]]) -> Iterator[tuple[int, bytes]]:
    """Number and type of each item (`iinf`)."""
    if b"iinf" not in boxes:
        return
    fields = _Fields(data, boxes[b"iinf"])
    fields.versioned_id()  # how many there are
    for _, start, end in _boxes(data, fields.at, fields.end):
        item = _Fields(data, (start, end))
        number = item.number(4 if item.version == 3 else 2)
        item.number(2)  # protection
        yield number, item.number(4).to_bytes(4)


def _places(data: bytes, boxes: dict[bytes, tuple[int, int]]) -> dict[int, list[tuple[int, int]]]:
    """Where the parts of each item start and end (`iloc`), unless it is large."""
    if b"iloc" not in boxes:
        return {}
    fields = _Fields(data, boxes[b"iloc"])
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> bits & 15 for bits in (12, 8, 4, 0))
    found: dict[int, list[tuple[int, int]]] = {}
    for _ in range(fields.number(4 if fields.version == 2 else 2)):
        item = fields.number(4 if fields.version == 2 else 2)
        method = fields.number(2) & 15 if fields.version else 0
        fields.number(2)  # which file: this one
        base = fields.number(base_size)
        if method == 1 and b"idat" in boxes:
            base += boxes[b"idat"][0]
        parts = []
        for _ in range(fields.number(2) if offset_size + length_size else 0):
            fields.number(index_size if fields.version else 0)
            start = base + fields.number(offset_size)
            parts.append((start, start + fields.number(length_size)))
        if method <= 1 and sum(end - start for start, end in parts) <= _MOST_BYTES:
            found[item] = parts
    return found


def _described(data: bytes, boxes: dict[bytes, tuple[int, int]]) -> dict[int, set[int]]:
    """By the number of an item, which pictures it describes (`cdsc` in `iref`)."""
    if b"iref" not in boxes:
        return {}
    fields = _Fields(data, boxes[b"iref"])
    found: dict[int, set[int]] = {}
    for kind, start, end in _boxes(data, fields.at, fields.end):
        if kind == b"cdsc":
            fields.at, fields.end = start, end
            about = found.setdefault(fields.versioned_id(), set())
            about.update(fields.versioned_id() for _ in range(fields.number(2)))
    return found


def _properties(data: bytes, boxes: dict[bytes, tuple[int, int]], item: int) -> set[bytes]:
    """The types of an item's properties (`ipma` and `ipco` in `iprp`)."""
    if b"iprp" not in boxes:
        return set()
    start, end = boxes[b"iprp"]
    listed = _child(data, start, end, b"ipco")
    kinds = [kind for kind, _, _ in _boxes(data, *listed)] if listed else []
    found: set[bytes] = set()
    for kind, at, to in _boxes(data, start, end):
        if kind != b"ipma":
            continue
        fields = _Fields(data, (at, to))
        size = 2 if fields.flags & 1 else 1
        for _ in range(fields.number(4)):
            owner = fields.versioned_id()
            for _ in range(fields.number(1)):
                index = fields.number(size) & (0x7FFF if size == 2 else 0x7F)
                if owner == item and 1 <= index <= len(kinds):
                    found.add(kinds[index - 1])
    return found
