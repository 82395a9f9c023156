"""TIFF as Pillow reads it, with what its plugin lacks: pictures as stored, and WebP inside.

Pillow turns a TIFF while it loads, by rules of its own; here it comes as it is stored, and is
turned with all other formats. Its libtiff is built without WebP, so strips and tiles of that kind
are decoded one by one.
"""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PIL import Image, TiffImagePlugin, WebPImagePlugin

from imagematch.kernels.orientation import ORIENTATION_TAG, valid

if TYPE_CHECKING:
    from PIL._imaging import PixelAccess  # only the stubs have it

_SUBFILE, _COMPRESSION, _OFFSETS, _COUNTS, _ROWS = 254, 259, 273, 279, 278
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325

#: Ways to compress that Pillow does not know, from the registries of libtiff, Adobe and the makers.
_NAMES = {
    32766: "NeXT",
    32767: "Sony raw",
    32770: "Samsung raw",
    32908: "Pixar film",
    32909: "Pixar log",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34712: "JPEG 2000",
    34713: "Nikon raw",
    34887: "LERC",
    34892: "lossy DNG",
    34933: "PNG",
    34934: "JPEG XR",
    50002: "JPEG XL",
    52546: "JPEG XL",
    65000: "Kodak raw",
    65535: "Pentax raw",
}


class TiffFile(TiffImagePlugin.TiffImageFile):
    """A TIFF whose pictures come as they are stored."""

    def _setup(self) -> None:
        found = self.tag_v2.get(_COMPRESSION, 1)
        if isinstance(found, int) and found not in TiffImagePlugin.COMPRESSION_INFO:
            name = _NAMES.get(found, "unknown")
            raise OSError(f"unsupported compression {found} ({name})")
        super()._setup()

    @property
    def stored_turn(self) -> int:
        """The orientation that the tags name, 1 to 8; 0 where there is none that makes sense."""
        value = self.tag_v2.get(ORIENTATION_TAG, 0)
        return valid(value if isinstance(value, (tuple, bytes)) else (value,))

    @property
    def is_auxiliary(self) -> bool:
        """Whether the current page is a smaller version or a mask of another one."""
        kind = self.tag_v2.get(_SUBFILE, 0)
        return isinstance(kind, int) and bool(kind & (1 | 4))

    def load(self) -> "PixelAccess | None":
        """Load the current page; see `ImageFile.load`."""
        if self.tile and self._compression == "webp":
            self.load_prepare()
            for piece, at in self._webp_pieces():
                piece = piece.convert(self.mode)
                self.im.paste(piece.im, (*at, at[0] + piece.width, at[1] + piece.height))
            self.tile = []
            self.load_end()
        return super().load()

    def load_end(self) -> None:
        """Leave out what Pillow does here: it turns the picture."""
        self._size = self.im.size

    def _webp_pieces(self) -> Iterator[tuple[Image.Image, tuple[int, int]]]:
        """Decode each strip or tile, and say where it goes."""
        assert self.fp is not None
        width, height = self._size = self.im.size
        across, down = self.tag_v2.get(_TILE_WIDTH, width), self.tag_v2.get(_TILE_HEIGHT, 0)
        down = down or min(self.tag_v2.get(_ROWS, height), height)
        corners = ((x, y) for y in range(0, height, down) for x in range(0, width, across))
        offsets = self.tag_v2.get(_TILE_OFFSETS) or self.tag_v2[_OFFSETS]
        counts = self.tag_v2.get(_TILE_COUNTS) or self.tag_v2[_COUNTS]
        for corner, offset, count in zip(corners, offsets, counts, strict=False):
            self.fp.seek(offset)
            piece = WebPImagePlugin.WebPImageFile(io.BytesIO(self.fp.read(count)))
            if piece.width > across or piece.height > down:
                raise OSError("its sizes contradict each other")
            yield piece, corner
