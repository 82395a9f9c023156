"""Pictures of text that share layout and typeface, and differ in words: chats, cards, forms.

A seeded generator goes in and fixes a look (colours, sizes, an agency's name); what comes out draws
any number of pictures of that look, RGB of shape (H, W, 3), uint8, each with its own words.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from PIL import Image

from benchmark.copies import edits
from benchmark.copies.marks import BLACK, WHITE
from benchmark.drawn.sheets import (
    FIRST_NAMES,
    GREY,
    INK,
    LAST_NAMES,
    Sheet,
    agency,
    clock,
    date,
    full_name,
    logo,
    one_of,
    phone_number,
    sentence,
    tint,
    word,
)
from imagematch.kernels.resizing import Colour
from imagematch.records import Bytes

type Printer = Callable[[np.random.Generator], Bytes]

_JOBS = (
    "Sales manager",
    "Interior design",
    "Photographer",
    "Legal adviser",
    "Hair stylist",
    "Tax consultant",
    "Personal trainer",
    "Event planner",
)
_CALLS = ("CALL NOW", "Book today", "24 hours, 7 days", "WhatsApp / Telegram", "No hidden number")
_FIELDS = (
    "Surname",
    "First name",
    "Date of birth",
    "Street",
    "Postcode, town",
    "Telephone",
    "E-mail",
    "Occupation",
    "Arrival",
    "Departure",
)
_FORMS = ("REGISTRATION FORM", "APPLICATION", "GUEST CARD", "DELIVERY NOTE")


def chat(look: np.random.Generator) -> Printer:
    """Screenshots of chats: header with a name, bubbles with times, a line to type in."""
    dark = look.random() < 0.5
    ground, paper, ink = (
        ((14, 20, 26), (38, 48, 56), WHITE) if dark else ((232, 226, 216), WHITE, BLACK)
    )
    own = (0, 92, 75) if dark else (214, 248, 200)
    bar = (30, 40, 48) if dark else tint(look, 20, 130)
    width = int(look.integers(480, 720))
    height, size = round(width * look.uniform(1.6, 2.1)), width / 24

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(width, height, ground)
        y = 5.5 * size
        while y < height - 5 * size:
            y = bubble(sheet, rng, y)
        sheet.draw.rectangle((0, 0, width, 4.5 * size), fill=bar)
        sheet.write(size, 0.9 * size, clock(rng), 0.8 * size, WHITE)
        sheet.draw.ellipse((2.5 * size, 1.7 * size, 4.9 * size, 4.1 * size), fill=GREY)
        sheet.write(5.5 * size, 2.6 * size, full_name(rng), 1.1 * size, WHITE)
        sheet.write(5.5 * size, 3.7 * size, f"last seen {clock(rng)}", 0.75 * size, WHITE)
        field = (size, height - 2.6 * size, width - 3.6 * size, height - 0.6 * size)
        sheet.draw.rectangle((0, field[1] - 0.6 * size, width, height), fill=ground)
        sheet.draw.rounded_rectangle(field, size, fill=paper)
        sheet.write(2 * size, height - 1.6 * size, "Message", size, GREY)
        sheet.draw.ellipse((width - 3 * size, field[1], width - size, field[3]), fill=(0, 150, 120))
        return sheet.pixels()

    def bubble(sheet: Sheet, rng: np.random.Generator, y: float) -> float:
        words = list(sheet.lines(sentence(rng, 2, 18), size, 0.62 * width))
        long = max(sheet.length(line, size) for line in words)
        mine = rng.random() < 0.5
        left = width - long - 2.6 * size if mine else 0.8 * size
        below = y + 1.35 * size * len(words) + 1.5 * size
        box = (left, y, left + long + 1.8 * size, below)
        sheet.draw.rounded_rectangle(box, 0.6 * size, fill=own if mine else paper)
        for number, line in enumerate(words):
            sheet.write(left + 0.9 * size, y + size + 1.35 * size * number, line, size, ink)
        sheet.write(
            box[2] - 0.5 * size, below - 0.6 * size, clock(rng), 0.65 * size, GREY, anchor="rm"
        )
        return float(below + rng.uniform(0.3, 0.8) * size)

    return draw


def card(look: np.random.Generator) -> Printer:
    """Business cards of one agency: its logo, another person on each."""
    name, colour = agency(look), tint(look, 20, 170)
    paper = tint(look, 235, 256)
    centred, taken = bool(look.random() < 0.5), bool(look.random() < 0.5)

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(900, 514, paper)
        sign = Image.fromarray(logo(name, colour, 96))
        sheet.image.paste(sign, ((900 - sign.width) // 2 if centred else 50, 44))
        sheet.draw.rectangle((0, 486, 900, 514), fill=colour)
        x, anchor = (450, "mm") if centred else (50, "lm")
        person = full_name(rng)
        sheet.write(x, 210, person, 54, anchor=anchor)
        sheet.write(x, 268, one_of(rng, _JOBS), 30, colour, anchor=anchor)
        home = f"{word(rng).title()} Street {rng.integers(1, 200)}, 2. floor"
        mail = f"{person.split()[0].lower()}{rng.integers(10, 100)}@mail.example"
        for number, line in enumerate((phone_number(rng), mail, home)):
            sheet.write(x, 340 + 44 * number, line, 30, anchor=anchor)
        return _photographed(sheet.pixels(), rng) if taken else sheet.pixels()

    return draw


def banner(look: np.random.Generator) -> Printer:
    """Phone-number banners on plain ground: all that differs is the number and a line."""
    ground = (tint(look, 0, 256), WHITE, BLACK, (255, 225, 0))[look.integers(4)]
    ink = BLACK if sum(ground) > 380 else WHITE
    width, height = int(look.integers(600, 1000)), int(look.integers(240, 640))
    framed = bool(look.random() < 0.5)

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(width, height, ground)
        if framed:
            sheet.draw.rectangle((12, 12, width - 13, height - 13), outline=ink, width=6)
        sheet.write(width / 2, 0.27 * height, one_of(rng, _CALLS), 0.07 * width, ink, anchor="mm")
        sheet.write(width / 2, 0.56 * height, phone_number(rng), 0.105 * width, ink, anchor="mm")
        last = sentence(rng, 2, 4)
        sheet.write(width / 2, 0.82 * height, last, 0.04 * width, ink, anchor="mm")
        return sheet.pixels()

    return draw


def form(look: np.random.Generator) -> Printer:
    """Printed forms: the same heading, fields and boxes, filled in by different people."""
    title, taken = one_of(look, _FORMS), bool(look.random() < 0.5)
    fields = [_FIELDS[number] for number in look.permutation(len(_FIELDS))[:8]]
    pen: Colour = ((20, 40, 140), INK)[look.integers(2)]

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(760, 1040, (250, 250, 246))
        sheet.write(60, 80, title, 44)
        sheet.write(700, 80, f"No. {rng.integers(10**4, 10**5)}", 26, pen, anchor="rm")
        for number, field in enumerate(fields):
            y = 170 + 78 * number
            sheet.write(60, y, field, 22, GREY)
            sheet.draw.line((260, y + 18, 700, y + 18), fill=GREY, width=2)
            sheet.write(270, y, _answer(field, rng), 30, pen)
        for number in range(3):
            box = (60 + 220 * number, 830, 90 + 220 * number, 860)
            sheet.draw.rectangle(box, outline=INK, width=3)
            sheet.write(104 + 220 * number, 845, ("Yes", "No", "Later")[number], 24)
            if rng.random() < 0.5:
                sheet.draw.line((box[0], box[1], box[2], box[3]), fill=pen, width=5)
        sheet.draw.line((60, 980, 340, 980), fill=INK, width=2)
        sheet.write(60, 1004, "Signature", 18, GREY)
        sheet.write(80, 956, one_of(rng, LAST_NAMES), 40, pen)
        return _photographed(sheet.pixels(), rng) if taken else sheet.pixels()

    return draw


def notice(look: np.random.Generator) -> Printer:
    """Printed notices: a heading and paragraphs in one typeface and width, all words different."""
    taken, size = bool(look.random() < 0.5), float(look.uniform(24, 34))
    paper = ((252, 252, 250), (250, 246, 225), (230, 240, 252))[look.integers(3)]
    margin = int(look.integers(60, 110))

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(760, 1040, paper)
        heading = sentence(rng, 2, 3).rstrip(".").upper()
        sheet.write(380, 90, heading, 1.5 * size, anchor="mm")
        y = 170.0
        while y < 850:
            y = sheet.paragraph(margin, y, sentence(rng, 8, 30), size, 760 - 2 * margin)
        sheet.write(margin, 1000, phone_number(rng), size)
        return _photographed(sheet.pixels(), rng) if taken else sheet.pixels()

    return draw


#: What can be printed, by the name of the group of pairs; each call fixes a look.
KINDS: Mapping[str, Callable[[np.random.Generator], Printer]] = MappingProxyType(
    {
        "text_chat": chat,
        "text_card": card,
        "text_banner": banner,
        "text_form": form,
        "text_notice": notice,
    }
)


def _answer(field: str, rng: np.random.Generator) -> str:
    if field in ("Date of birth", "Arrival", "Departure"):
        return date(rng)
    if field == "Telephone":
        return phone_number(rng)
    if field in ("Surname", "First name"):
        return one_of(rng, LAST_NAMES if field == "Surname" else FIRST_NAMES)
    if field == "Occupation":
        return one_of(rng, _JOBS)
    if field == "E-mail":
        return f"{word(rng)}{rng.integers(100, 1000)}@mail.example"
    return f"{word(rng).title()} {rng.integers(1, 1000)}"


def _photographed(rgb: Bytes, rng: np.random.Generator) -> Bytes:
    """As a paper on a table: seen aslant, in some light."""
    aslant = edits.perspective(rgb, rng, float(rng.uniform(0.1, 0.5)))
    return edits.brightness(aslant, rng, float(rng.uniform(0, 0.2)))
