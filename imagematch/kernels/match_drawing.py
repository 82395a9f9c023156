"""A match as a picture: both photos side by side, what fits between them, and why, in words.

Decoded photos and a `Fit` come in, one RGB array goes out, so that a person can check with their
own eyes what was measured.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imagematch.kernels import resizing
from imagematch.kernels.overlap import Fit, Side
from imagematch.kernels.resizing import Colour
from imagematch.records import Bytes, Doubles

#: More lines than this hide the photos.
_MOST_LINES = 60

#: Room for one photo, px.
_WIDTH, _HEIGHT = 800, 700
#: Small photos are enlarged by this factor at most, or to a longer side of _LEAST_SIDE px.
_ENLARGED = 3.0
_LEAST_SIDE = 320
#: Least room across for a photo however narrow, px, so that its label can be read.
_LEAST_ROOM = 220

_MARGIN, _GAP = 24, 16
_LABEL, _TITLE, _TEXT = 15, 22, 18  # sizes of letters, px
_LEADING = 1.45  # from line to line, in sizes of letters
_PAPER: Colour = (246, 247, 249)
_INK: Colour = (27, 31, 39)
_SOFT: Colour = (88, 97, 116)
_OUTLINE: Colour = (255, 214, 10)
_DIMMED = 0.45  # brightness of what lies outside the overlap
_OPACITY = 0.8  # of lines
_MOST_LETTERS = 200  # of a label
_FRACTION = 4  # bits; OpenCV draws at sixteenths of a pixel


def draw(query: Side, photo: Side, fit: Fit | None, title: str, sentence: str) -> Bytes:
    """Draw a match.

    Args:
        fit: None draws the photos alone.
        title: one line in larger letters below the photos.
        sentence: why, below the title, wrapped.

    Returns:
        Shape (H, W, 3), uint8; W at most 1672. Texts are in ASCII, in which other characters are
        spelled out: the font has no more.
    """
    mirrored = fit is not None and fit.mirrored
    left, right = _Panel.of(query, mirrored=mirrored), _Panel.of(photo, mirrored=False)
    top = _MARGIN + round(_LABEL * _LEADING)
    below = top + max(left.height, right.height) + _GAP
    across = 3 * _MARGIN + left.room + right.room
    text = _text(title, sentence, across - 2 * _MARGIN)
    canvas = np.full((below + len(text) + _GAP, across, 3), _PAPER, np.uint8)
    canvas[below : below + len(text), _MARGIN:-_MARGIN] = text
    left, right = left.moved(_MARGIN, top), right.moved(2 * _MARGIN + left.room, top)
    left.paste(canvas, fit.query_outline if fit else None)
    right.paste(canvas, fit.photo_outline if fit else None)
    if fit is None:
        return canvas
    points = fit.points[_spread(fit.points / (*query.size, *photo.size))]
    return _joined(canvas, left.placed(points[:, :2]), right.placed(points[:, 2:]))


@dataclass(frozen=True, slots=True)
class _Panel:
    """A photo and its place on the canvas; all in px of the canvas.

    Attributes:
        width, height: of the photo as shown.
        mirrored: shown flipped left to right.
        left, top: upper left corner.
    """

    side: Side
    width: int
    height: int
    mirrored: bool
    left: int = 0
    top: int = 0

    @classmethod
    def of(cls, side: Side, *, mirrored: bool) -> "_Panel":
        width, height = side.size
        scale = min(
            _WIDTH / width,
            _HEIGHT / height,
            max(_ENLARGED, _LEAST_SIDE / max(width, height)),
        )
        return cls(side, max(1, round(width * scale)), max(1, round(height * scale)), mirrored)

    def moved(self, left: int, top: int) -> "_Panel":
        return replace(self, left=left, top=top)

    @property
    def room(self) -> int:
        return max(self.width, _LEAST_ROOM)

    def placed(self, points: Doubles) -> Doubles:
        """Points of the full-size photo, shape (N, 2), on the canvas."""
        shrink = np.array([self.width, self.height]) / np.array(self.side.size)
        inside: Doubles = points * shrink
        if self.mirrored:
            inside[:, 0] = self.width - inside[:, 0]
        inside += np.array([self.left, self.top])
        return inside

    def paste(self, canvas: Bytes, outline: Doubles | None) -> None:
        """Put the photo on the canvas, with its label above and what is outside dimmed."""
        shown = resizing.resize(self.side.rgb, self.width, self.height)
        shown = np.ascontiguousarray(shown[:, ::-1]) if self.mirrored else shown
        if outline is not None:
            shown = _outlined(shown, _fixed(self.placed(outline) - (self.left, self.top)))
        canvas[self.top :, self.left :][: self.height, : self.width] = shown
        label = f"{self.side.label}, shown mirrored" if self.mirrored else self.side.label
        line = _lettered([(_shortened(_ascii(label), self.room), _LABEL, _SOFT)], self.room)
        canvas[self.top - len(line) : self.top, self.left : self.left + self.room] = line


def _outlined(rgb: Bytes, corners: np.ndarray) -> Bytes:
    """Dim a photo outside of a convex polygon, and draw its outline.

    Args:
        corners: shape (K, 2), as `_fixed` gives them.
    """
    inside = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, corners, 255, cv2.LINE_AA, _FRACTION)
    light = _DIMMED + (1 - _DIMMED) * (inside[:, :, None] / 255)
    outlined = resizing.to_bytes(rgb * light)
    for colour, thickness in ((_INK, 5), (_OUTLINE, 2)):
        cv2.polylines(outlined, [corners], True, colour, thickness, cv2.LINE_AA, _FRACTION)
    return outlined


def _spread(points: Doubles) -> list[int]:
    """Choose points that are far from each other, and so show the whole overlap.

    Args:
        points: shape (N, 4), all coordinates in shares of the photos.

    Returns:
        At most 60 indexes. Each is the farthest from those before it (Gonzalez, 1985).
    """
    if not len(points):
        return []
    chosen = [int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())]
    nearest = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < min(_MOST_LINES, len(points)):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen


def _joined(canvas: Bytes, starts: Doubles, ends: Doubles) -> Bytes:
    """Join points by lines whose colours change from top to bottom, so that an eye can follow."""
    over = canvas.copy()
    order = starts[:, 1].argsort()
    ends_fixed, starts_fixed = _fixed(ends), _fixed(starts)
    for rank, at in enumerate(order):
        share = rank / max(1, len(order))
        colour = [round(255 * level) for level in colorsys.hsv_to_rgb(0.85 * share, 0.9, 1.0)]
        start, end = starts_fixed[at].tolist(), ends_fixed[at].tolist()
        cv2.line(over, start, end, colour, 1, cv2.LINE_AA, _FRACTION)
        for point in (start, end):
            radius = 1 << _FRACTION
            cv2.circle(over, point, 4 * radius, _INK, cv2.FILLED, cv2.LINE_AA, _FRACTION)
            cv2.circle(over, point, 3 * radius, colour, cv2.FILLED, cv2.LINE_AA, _FRACTION)
    return resizing.to_bytes(cv2.addWeighted(over, _OPACITY, canvas, 1 - _OPACITY, 0))


def _fixed(points: Doubles) -> np.ndarray:
    """Points as OpenCV takes them when it is to draw between pixels, int32."""
    return np.rint(points * (1 << _FRACTION)).astype(np.int32)


# --- letters -----------------------------------------------------------------------------------


def _text(title: str, sentence: str, width: int) -> Bytes:
    """Title and sentence, shape (h, width, 3)."""
    wrapped = [(line, _TEXT, _INK) for line in _wrapped(_ascii(sentence), width)]
    return _lettered([(_ascii(title), _TITLE, _INK), *wrapped], width)


def _lettered(lines: Sequence[tuple[str, int, Colour]], width: int) -> Bytes:
    """Lines of text, size (px) and colour below each other, shape (h, width, 3)."""
    heights = [round(size * _LEADING) for _, size, _ in lines]
    image = Image.new("RGB", (width, sum(heights)), _PAPER)
    pen = ImageDraw.Draw(image)
    top = 0
    for (text, size, colour), height in zip(lines, heights, strict=True):
        pen.text((0, top), text, colour, _font(size))
        top += height
    return np.array(image)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that are at most `width` px across, where words permit."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _font(_TEXT).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _shortened(text: str, width: int) -> str:
    """A label of at most `width` px; a longer one loses its middle."""
    kept, short = len(text), text
    while kept > 2 and _font(_LABEL).getlength(short) > width:
        kept = min(kept - 1, _MOST_LETTERS)
        short = f"{text[: (kept + 1) // 2]}...{text[-(kept // 2) :]}"
    return short


def _ascii(text: str) -> str:
    """Text in the characters that the font has; the others are spelled out."""
    plain = text.replace("\u00a0", " ")
    return "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode() for char in plain
    )


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Pillow's own font: the same letters on every machine, without font files of the system.
    return ImageFont.load_default(size=size)
