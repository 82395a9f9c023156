"""What the edits draw: letters and discs to put on a photo, and screens to show it on.

Arrays and words come in, RGB arrays of shape (H, W, 3), uint8, or letter masks of shape (H, W) go
out. Kept apart from the edits, which decide what is drawn and where.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from imagematch.kernels.resizing import Colour, resize, to_bytes
from imagematch.records import Bytes, Floats

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)
_LIGHT: tuple[Colour, Colour, Colour] = (WHITE, (20, 20, 25), (215, 215, 220))
_DARK: tuple[Colour, Colour, Colour] = ((18, 18, 20), WHITE, (60, 60, 60))
_RED: Colour = (230, 40, 70)
_BLUE: Colour = (30, 110, 240)
_YELLOW: Colour = (255, 205, 50)
_BROWN: Colour = (80, 50, 10)
_SCREEN = 390  # points across a phone's screen; everything of the app is laid out in points
_MIN_TEXT = 6  # px; smaller letters are no letters


def cover(rgb: Bytes, side: int) -> Bytes:
    """Fill a square of `side` px; what stands over is cut off on both sides alike."""
    short = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - short) // 2, (rgb.shape[1] - short) // 2
    return resize(rgb[top : top + short, left : left + short], side, side)


def filling(rgb: Bytes, width: int, height: int) -> Bytes:
    """Scale to fill a size in px; what stands over is cut off on both sides alike."""
    scale = min(rgb.shape[1] / width, rgb.shape[0] / height)
    kept_width, kept_height = max(1, int(width * scale)), max(1, int(height * scale))
    top, left = (rgb.shape[0] - kept_height) // 2, (rgb.shape[1] - kept_width) // 2
    return resize(rgb[top : top + kept_height, left : left + kept_width], width, height)


def blob(
    height: int, width: int, share: float, rng: np.random.Generator, *, soft: float | None = None
) -> Floats:
    """A wavy shape in the middle, shape (height, width), 0-1, that covers `share` of the area.

    Args:
        soft: sigma of its edge, as a share of the shorter side; 1 px where None.
    """
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    down, across = rows / height - 0.5, columns / width - 0.5
    angle = np.arctan2(down, across)
    waves = sum(
        rng.uniform(-0.06, 0.06) * np.cos(count * angle + rng.uniform(0, 6)) for count in (2, 3, 5)
    )
    # Between a rectangle and an ellipse, which alone would not fill enough without being cut off.
    reach = (np.abs(down) ** 3 + np.abs(across) ** 3) ** (1 / 3) / (1 + waves)
    inside = (reach <= np.quantile(reach, share)).astype(np.float32)
    sigma = 1.0 if soft is None else max(0.5, soft * min(height, width))
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), sigma))


# --- letters and discs -------------------------------------------------------------------------


def letters(text: str, size: float) -> Bytes:
    """Draw one line of text as a mask of shape (h, w): 255 inside the letters, 0 outside.

    Args:
        size: of the font, px.
    """
    font = _font(size)
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    ImageDraw.Draw(image).text((-left, -top), text, fill=255, font=font)
    return np.array(image)


def fitted_letters(text: str, width: int, height: int) -> Bytes:
    """Draw the text as large as fits into a box; of shape (0, 0) where none could read it."""
    trial = letters(text, 100)
    size = 100 * min(width / trial.shape[1], height / trial.shape[0])
    if size < _MIN_TEXT:
        return np.zeros((0, 0), dtype=np.uint8)
    return letters(text, size)[:height, :width]


def place(mask: Bytes, shape: tuple[int, ...], left: int, top: int) -> Bytes:
    """Put a mask on an empty one of the photo's shape."""
    whole = np.zeros(shape[:2], dtype=np.uint8)
    whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return whole


def blend(rgb: Bytes, mask: Bytes, colour: Colour, opacity: float) -> Bytes:
    """Paint where the mask (H, W) is set; opacity 0-1."""
    share = mask[:, :, None] * (opacity / 255)
    return to_bytes(rgb + (np.array(colour) - rgb) * share)


def smiley(rgb: Bytes, x: int, y: int, radius: int) -> Bytes:
    """Paint a smiling disc over the photo; centre and radius in px, radius at least 1."""
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    _disc(draw, x, y, radius, _YELLOW)
    for side in (-1, 1):
        _disc(draw, x + side * 0.35 * radius, y - 0.25 * radius, 0.12 * radius, _BROWN)
    mouth = (x - 0.55 * radius, y - 0.45 * radius, x + 0.55 * radius, y + 0.6 * radius)
    draw.arc(mouth, 20, 160, fill=_BROWN, width=max(1, radius // 10))
    return np.array(image)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Pillow's own font: the same letters on every machine, without font files of the system.
    return ImageFont.load_default(size=max(_MIN_TEXT, size))


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


# --- a phone app -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhoneApp:
    """What an ad app on a phone shows around a photo.

    Attributes:
        clock: time in the status bar, "21:47".
        title: of the ad, in the bar above the photo.
        likes: first line below the buttons.
        text: caption, wrapped to the screen.
        dark: light letters on a dark ground.
    """

    clock: str
    title: str
    likes: str
    text: str
    dark: bool = False


def phone_screen(photo: Bytes, app: PhoneApp, width: int, margin: int) -> Bytes:
    """Show a photo in the app, between the title bar and the buttons, in the middle.

    Args:
        photo: shape (H, W, 3), W at most `width`.
        width: of the screen, px; its height follows from the photo, at least 1.9 times that.
        margin: plain ground above and below the photo, px each.
    """
    paper, ink, faint = _DARK if app.dark else _LIGHT
    unit = width / _SCREEN
    top = round(104 * unit) + margin
    below = top + photo.shape[0] + margin
    image = Image.new("RGB", (width, max(round(below + 250 * unit), round(1.9 * width))), paper)
    image.paste(Image.fromarray(photo), ((width - photo.shape[1]) // 2, top))
    pen = _Pen(ImageDraw.Draw(image), unit, ink, faint)
    pen.status_bar(app.clock)
    pen.title_bar(app.title)
    pen.buttons(below / unit + 30)
    pen.paragraph(below / unit + 62, [app.likes], app.text)
    pen.tabs(image.height / unit)
    return np.array(image)


@dataclass(frozen=True, slots=True)
class WebAd:
    """What a page of an ad site shows around a photo."""

    address: str
    title: str
    facts: tuple[str, ...]


def browser_window(photo: Bytes, ad: WebAd, width: int) -> Bytes:
    """Show a photo in a page: to the left, with the facts at its right or, if it is wide, below.

    Args:
        photo: shape (H, W, 3), W at most 0.8 times `width`.
        width: of the window, px; its height follows from the photo.
    """
    unit = width / 640
    beside = photo.shape[1] < 0.62 * width
    top, left = round(118 * unit), round(24 * unit)
    height = top + photo.shape[0] + round((60 if beside else 170) * unit)
    image = Image.new("RGB", (width, max(height, round(330 * unit))), WHITE)
    image.paste(Image.fromarray(photo), (left, top))
    pen = _Pen(ImageDraw.Draw(image), unit, (40, 44, 52), (222, 225, 230))
    pen.draw.rectangle(pen.scaled(0, 0, 640, 40), fill=pen.faint)
    pen.block(90, 8, 600, 32, 12, fill=WHITE)
    pen.write(104, 20, ad.address, 13)
    for dot in range(3):
        pen.disc(20 + 20 * dot, 20, 5, (_RED, _YELLOW, _BLUE)[dot])
    pen.draw.rectangle(pen.scaled(0, 40, 640, 76), fill=_BLUE)
    pen.write(24, 58, "Classifieds   Home   Search   Log in", 14, colour=WHITE)
    pen.write(24, 98, ad.title, 20)
    across = (left + photo.shape[1]) / unit + 18 if beside else 24
    down = 136 if beside else (top + photo.shape[0]) / unit + 22
    for number, fact in enumerate(ad.facts):
        pen.write(across, down + 24 * number, fact, 14)
    pen.block(across, down + 100, across + 120, down + 128, 5, fill=_RED)
    pen.write(across + 60, down + 114, "Contact", 14, colour=WHITE, anchor="mm")
    return np.array(image)


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws the app's parts; all positions in points."""

    draw: ImageDraw.ImageDraw
    unit: float  # px a point
    ink: Colour
    faint: Colour

    def status_bar(self, clock: str) -> None:
        self.write(24, 22, clock, 15)
        for bar in range(4):
            self.block(300 + 6 * bar, 25 - 3 * bar, 303.5 + 6 * bar, 29, 0, fill=self.ink)
        self.block(338, 16, 366, 29, 3)
        self.block(340.5, 18.5, 356, 26.5, 1, fill=self.ink)

    def title_bar(self, title: str) -> None:
        self.stroke((26, 62), (16, 73), (26, 84))
        self.disc(60, 73, 17, self.faint)
        self.disc(60, 68, 6, self.ink)
        self.draw.chord(self.scaled(50, 75, 70, 95), 190, 350, fill=self.ink)
        self.write(88, 73, title, 18)
        for dot in range(3):
            self.disc(350 + 8 * dot, 73, 2, self.ink)

    def buttons(self, middle: float) -> None:
        for side in (-1, 1):
            self.disc(28 + 5 * side, middle - 4, 6, _RED)
        heart = (17.4, middle - 2, 38.6, middle - 2, 28, middle + 11)
        self.draw.polygon(self.scaled(*heart), fill=_RED)
        self.block(58, middle - 10, 80, middle + 8, 6)
        self.stroke((64, middle + 8), (62, middle + 14))
        self.stroke((102, middle - 9), (124, middle - 9), (110, middle + 11), (102, middle - 9))
        self.block(238, middle - 17, 370, middle + 17, 17, fill=_BLUE)
        self.write(304, middle, "Send message", 15, colour=WHITE, anchor="mm")

    def paragraph(self, top: float, lines: list[str], text: str) -> None:
        font = _font(15 * self.unit)
        wrapped = [*lines, ""]
        for word in text.split():
            if self.draw.textlength(f"{wrapped[-1]} {word}", font=font) > 354 * self.unit:
                wrapped.append("")
            wrapped[-1] = f"{wrapped[-1]} {word}".strip()
        for number, line in enumerate(wrapped):
            self.write(18, top + 23 * number, line, 15)

    def tabs(self, height: float) -> None:
        self.stroke((0, height - 58), (_SCREEN, height - 58))
        for tab in range(5):
            x, y = 39 + 78 * tab, height - 34
            self.block(x - 10, y - 10, x + 10, y + 10, 2 + 2 * tab)
        self.block(130, height - 9, 260, height - 5, 2, fill=self.ink)

    def scaled(self, *points: float) -> list[float]:
        return [point * self.unit for point in points]

    def write(
        self,
        x: float,
        middle: float,
        text: str,
        size: float,
        colour: Colour | None = None,
        anchor: str = "lm",
    ) -> None:
        where = (x * self.unit, middle * self.unit)
        self.draw.text(where, text, colour or self.ink, _font(size * self.unit), anchor=anchor)

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        _disc(self.draw, x * self.unit, y * self.unit, radius * self.unit, colour)

    def stroke(self, *points: tuple[float, float]) -> None:
        flat = [share for point in points for share in point]
        width = max(1, round(2.2 * self.unit))
        self.draw.line(self.scaled(*flat), fill=self.ink, width=width, joint="curve")

    def block(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        radius: float,
        fill: Colour | None = None,
    ) -> None:
        """A rounded rectangle: filled, or drawn as an outline."""
        corners = self.scaled(left, top, right, bottom)
        if fill is None:
            width = max(1, round(1.6 * self.unit))
            self.draw.rounded_rectangle(corners, radius * self.unit, outline=self.ink, width=width)
        else:
            self.draw.rounded_rectangle(corners, radius * self.unit, fill=fill)
