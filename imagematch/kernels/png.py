"""PNG as Pillow reads it, and as Apple writes it into apps: a picture after a chunk `CgBI`.

There the deflated data has no zlib header, and colours come as blue, green, red, multiplied by
their alpha already. Apple does not document it; its own `pngcrush` undoes it.
"""

from PIL import Image, PngImagePlugin

#: Deflate with a window of 32 KiB, no dictionary (RFC 1950).
_ZLIB_HEADER = b"\x78\x01"

#: Pillow's names of the order that the channels are in, by mode; others have no order to change.
_ORDERS = {"RGB": "BGR", "RGBA": "BGRa"}


class PngFile(PngImagePlugin.PngImageFile):
    """A PNG of either kind."""

    _headless = False

    @property
    def _is_apples(self) -> bool:
        return any(chunk[0] == b"CgBI" for chunk in self.private_chunks)

    def load_prepare(self) -> None:
        """See `ImageFile.load_prepare`."""
        super().load_prepare()
        self._headless = self._is_apples

    def load_read(self, read_bytes: int) -> bytes:
        """Read data of the picture; see `ImageFile.load_read`."""
        block = super().load_read(read_bytes)
        if self._headless:
            self._headless = False
            block = _ZLIB_HEADER + block
        return block

    def load_end(self) -> None:
        """Read what follows the picture; see `ImageFile.load_end`."""
        super().load_end()
        order = _ORDERS.get(self.mode)
        if self._is_apples and order:
            stored = Image.Image._new(self, self.im)
            self.im = Image.frombytes(self.mode, self.size, stored.tobytes(), "raw", order).im
