"""What printed pictures are made of: made-up words and names, and a sheet to write them on.

Words are drawn from a seeded generator. All names are invented, and all phone numbers are from the
range kept free for fiction. Kept apart from `drawn.printed`, which decides what is printed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmark.copies.marks import WHITE
from imagematch.kernels.resizing import Colour
from imagematch.records import Bytes

INK: Colour = (25, 25, 30)
GREY: Colour = (120, 120, 125)

_TEXT = """
about again air already always answer apple arrive autumn balcony before behind better bicycle bread
bridge bring bus call careful cat chair change cheap city clean close coffee cold come cook corner
dinner door early easy eight empty evening every far finally first floor four friend full garden
glass good half happy hear house hundred important key kitchen lamp last late left letter light
little long lunch market maybe minute money month morning never new next night nine number often old
only open other paper park pay perhaps picture please pool quick quiet rain ready remember rent
return right river road room school second send seven shop short sister slowly small sofa soon
station still stop street summer sunny table talk taxi ten three ticket today together tomorrow
tonight train tree twenty under until visit wait walk warm watch water week white window winter wish
work write year yellow yesterday
"""
_WORDS = tuple(_TEXT.split())
FIRST_NAMES = (
    "Ada",
    "Ben",
    "Cleo",
    "Dario",
    "Edda",
    "Finn",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Lars",
)
LAST_NAMES = (
    "Abel",
    "Brandt",
    "Costa",
    "Duval",
    "Egger",
    "Falk",
    "Gruber",
    "Holt",
    "Ivers",
    "Jansen",
    "Keller",
)
_AGENCIES = ("Blue Harbour", "Nordlicht", "Casa Verde", "Silver Lane", "Atelier 9", "Bright & Sons")


# --- words -------------------------------------------------------------------------------------


def phone_number(rng: np.random.Generator) -> str:
    """A number that belongs to nobody: 555-0100 to 555-0199 of some area."""
    return f"+1 {rng.integers(201, 990)} 555 01{rng.integers(0, 100):02d}"


def sentence(rng: np.random.Generator, shortest: int, longest: int) -> str:
    """Random words, as many as drawn, with a capital and a full stop."""
    words = rng.choice(_WORDS, int(rng.integers(shortest, longest + 1)))
    return f"{' '.join(words).capitalize()}."


def agency(rng: np.random.Generator) -> str:
    """The name of a business that does not exist."""
    return one_of(rng, _AGENCIES)


def one_of(rng: np.random.Generator, choices: Sequence[str]) -> str:
    """Any of the choices."""
    return choices[int(rng.integers(len(choices)))]


def word(rng: np.random.Generator) -> str:
    """One random word."""
    return one_of(rng, _WORDS)


def full_name(rng: np.random.Generator) -> str:
    """First and last name of nobody in particular."""
    return f"{one_of(rng, FIRST_NAMES)} {one_of(rng, LAST_NAMES)}"


def clock(rng: np.random.Generator) -> str:
    """A time of day."""
    return f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}"


def date(rng: np.random.Generator) -> str:
    """A day between 1960 and 2025."""
    return f"{rng.integers(1, 29)}.{rng.integers(1, 13)}.{rng.integers(1960, 2026)}"


def tint(rng: np.random.Generator, low: int, high: int) -> Colour:
    """A colour whose levels lie in [low, high)."""
    red, green, blue = (int(level) for level in rng.integers(low, high, 3))
    return red, green, blue


# --- a sheet to write on -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture that is drawn on; positions and sizes in px."""

    image: Image.Image
    draw: ImageDraw.ImageDraw

    @classmethod
    def of(cls, width: int, height: int, ground: Colour) -> "Sheet":
        """An empty sheet."""
        image = Image.new("RGB", (width, height), ground)
        return cls(image, ImageDraw.Draw(image))

    def write(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: Colour = INK,
        *,
        anchor: str = "lm",
    ) -> None:
        """Write one line; `anchor` says which point of it is at (x, y), as Pillow names them."""
        self.draw.text((x, y), text, colour, ImageFont.load_default(size), anchor=anchor)

    def length(self, text: str, size: float) -> float:
        """How wide a line is."""
        return self.draw.textlength(text, ImageFont.load_default(size))

    def lines(self, text: str, size: float, width: float) -> Iterator[str]:
        """The text broken into lines of at most `width`."""
        line = ""
        for next_word in text.split():
            longer = f"{line} {next_word}".strip()
            if line and self.length(longer, size) > width:
                yield line
                longer = next_word
            line = longer
        yield line

    def paragraph(self, x: float, y: float, text: str, size: float, width: float) -> float:
        """Write wrapped text below `y`; returns where the next paragraph begins."""
        for line in self.lines(text, size, width):
            self.write(x, y + size / 2, line, size)
            y += 1.4 * size
        return y + 0.7 * size

    def pixels(self) -> Bytes:
        """The picture as it is now, shape (H, W, 3)."""
        return np.array(self.image)


def logo(name: str, colour: Colour, height: int) -> Bytes:
    """An agency's logo: a bold sign and the name on an opaque label, shape (height, W, 3)."""
    size = 0.46 * height
    font = ImageFont.load_default(size)
    width = round(1.15 * height + font.getlength(name) + 0.35 * height)
    sheet = Sheet.of(width, height, WHITE)
    edge = 0.16 * height
    sheet.draw.ellipse((edge, edge, height - edge, height - edge), fill=colour)
    tip, low, high = 0.5 * height, 0.66 * height, 0.34 * height
    sheet.draw.polygon([(tip, high), (low, low), (high, low)], fill=WHITE)
    sheet.draw.rectangle((0, 0, width - 1, height - 1), outline=colour, width=max(1, height // 24))
    sheet.write(1.1 * height, height / 2, name, size, colour)
    return sheet.pixels()
