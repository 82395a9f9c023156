"""Printed grids whose layout is always the same: codes, puzzles, calendars, tables, boards.

A seeded generator goes in and fixes a look; what comes out draws any number of sheets of it, RGB of
shape (H, W, 3), uint8, each with entries of its own.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from benchmark.copies.marks import BLACK, WHITE
from benchmark.drawn import sheets
from benchmark.drawn.printed import Printer
from benchmark.drawn.sheets import GREY, INK, Sheet, one_of, tint
from imagematch.records import Bytes

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


# --- QR codes ----------------------------------------------------------------------------------


def qr_matrix(version: int, rng: np.random.Generator) -> np.ndarray:
    """A code that looks like a QR code of a version: its fixed patterns, random modules elsewhere.

    Returns:
        Shape (17 + 4 * version,) * 2, bool; True is dark. No reader gets a text out of it.

    Source: ISO/IEC 18004 for the finder, timing and alignment patterns.
    """
    side = 17 + 4 * version
    modules = rng.random((side, side)) < 0.5
    for row, column in ((0, 0), (0, side - 7), (side - 7, 0)):
        _finder(modules, row, column)
    dots = np.arange(8, side - 8)
    modules[6, dots] = modules[dots, 6] = dots % 2 == 0
    if version > 1:
        middle = side - 7
        modules[middle - 2 : middle + 3, middle - 2 : middle + 3] = True
        modules[middle - 1 : middle + 2, middle - 1 : middle + 2] = False
        modules[middle, middle] = True
    return modules


def _finder(modules: np.ndarray, row: int, column: int) -> None:
    side = len(modules)
    modules[max(0, row - 1) : min(side, row + 8), max(0, column - 1) : min(side, column + 8)] = (
        False
    )
    modules[row : row + 7, column : column + 7] = True
    modules[row + 1 : row + 6, column + 1 : column + 6] = False
    modules[row + 2 : row + 5, column + 2 : column + 5] = True


def _qr_picture(version: int, side: int, rng: np.random.Generator) -> Image.Image:
    modules = np.pad(qr_matrix(version, rng), 4)
    small = Image.fromarray(np.where(modules, 0, 255).astype(np.uint8))
    return small.resize((side, side), Image.Resampling.NEAREST).convert("RGB")


def qr_code(look: np.random.Generator) -> Printer:
    """A code on plain paper, perhaps with a line of text."""
    version, side = int(look.integers(1, 8)), int(look.integers(500, 720))
    paper = (WHITE, (250, 248, 240), tint(look, 225, 256))[look.integers(3)]
    words = one_of(look, ("", "SCAN ME", "Pay here", "Menu", "Wi-Fi", "Join the group"))

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(side + 40, side + (110 if words else 40), paper)
        sheet.image.paste(_qr_picture(version, side, rng), (20, 20))
        if words:
            sheet.write(side / 2 + 20, side + 64, words, 50, anchor="mm")
        return sheet.pixels()

    return draw


def flyer(look: np.random.Generator) -> Printer:
    """A flyer with another code on each: a heading, a picture of a sign, words, the code."""
    name, colour = sheets.agency(look), tint(look, 20, 170)
    version, side = int(look.integers(2, 8)), int(look.integers(300, 440))
    sign = Image.fromarray(sheets.logo(name, colour, 84))
    title, words = sheets.sentence(look, 2, 3).rstrip(".").upper(), sheets.sentence(look, 8, 16)

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(620, 860, WHITE)
        sheet.draw.rectangle((0, 0, 620, 150), fill=colour)
        sheet.write(310, 75, title, 40, WHITE, anchor="mm")
        sheet.image.paste(sign, ((620 - sign.width) // 2, 176))
        sheet.paragraph(60, 290, words, 24, 500)
        sheet.image.paste(_qr_picture(version, side, rng), ((620 - side) // 2, 830 - side))
        return sheet.pixels()

    return draw


# --- grids -------------------------------------------------------------------------------------


def sudoku(look: np.random.Generator) -> Printer:
    """A sudoku: nine by nine fields with a third of the digits; some are written in by hand."""
    cell, thin = int(look.integers(58, 80)), int(look.integers(1, 3))
    pen, level = (((20, 40, 150), GREY)[look.integers(2)], one_of(look, ("easy", "hard", "No. 7")))
    given_share = float(look.uniform(0.28, 0.45))
    titled = bool(look.random() < 0.6)

    def draw(rng: np.random.Generator) -> Bytes:
        top, side = (90 if titled else 30), 9 * cell
        sheet = Sheet.of(side + 60, side + top + 30, (252, 252, 250))
        if titled:
            sheet.write(30, 45, f"Sudoku  {level}", 40)
        for number in range(10):
            wide = 5 if number % 3 == 0 else thin
            at = 30 + cell * number
            sheet.draw.line((at, top, at, top + side), fill=BLACK, width=wide)
            down = top + cell * number
            sheet.draw.line((30, down, 30 + side, down), fill=BLACK, width=wide)
        base = (np.arange(9)[:, None] * 3 + np.arange(9)[:, None] // 3 + np.arange(9)) % 9
        digits = rng.permutation(9)[base][_shuffled(rng)][:, _shuffled(rng)] + 1
        shown, written = rng.random((9, 9)) < given_share, rng.random((9, 9)) < 0.15
        for row, column in np.argwhere(shown | written):
            x, y = 30 + cell * (column + 0.5), top + cell * (row + 0.5)
            ink = INK if shown[row, column] else pen
            sheet.write(x, y, str(digits[row, column]), 0.62 * cell, ink, anchor="mm")
        return sheet.pixels()

    return draw


def _shuffled(rng: np.random.Generator) -> np.ndarray:
    """An order of nine lines that keeps each three of a block together."""
    return np.concatenate([3 * block + rng.permutation(3) for block in rng.permutation(3)])


def crossword(look: np.random.Generator) -> Printer:
    """A crossword: the same black fields and numbers, other letters."""
    count, cell = int(look.integers(11, 16)), int(look.integers(44, 58))
    black = look.random((count, count)) < 0.17
    black |= black[::-1, ::-1]

    def draw(rng: np.random.Generator) -> Bytes:
        side = count * cell
        sheet = Sheet.of(side + 60, side + 60, WHITE)
        number = 0
        for row in range(count):
            for column in range(count):
                x, y = 30 + column * cell, 30 + row * cell
                if black[row, column]:
                    sheet.draw.rectangle((x, y, x + cell, y + cell), fill=BLACK)
                    continue
                sheet.draw.rectangle((x, y, x + cell, y + cell), outline=INK, width=2)
                if row == 0 or column == 0 or black[row - 1, column] or black[row, column - 1]:
                    number += 1
                    sheet.write(x + 4, y + 9, str(number), 11)
                if rng.random() < 0.75:
                    letter = chr(65 + int(rng.integers(26)))
                    middle = x + cell / 2, y + cell * 0.58
                    sheet.write(*middle, letter, 0.55 * cell, (30, 50, 150), anchor="mm")
        return sheet.pixels()

    return draw


def calendar(look: np.random.Generator) -> Printer:
    """A month on the wall: other days, some with a note."""
    colour, width = tint(look, 20, 190), 900
    lined = bool(look.random() < 0.7)

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(width, 760, WHITE)
        sheet.draw.rectangle((0, 0, width, 110), fill=colour)
        title = f"{one_of(rng, _MONTHS)} {rng.integers(2019, 2027)}"
        sheet.write(width / 2, 55, title, 58, WHITE, anchor="mm")
        wide = (width - 40) / 7
        for number, day in enumerate(_DAYS):
            sheet.write(20 + wide * (number + 0.5), 140, day, 26, colour, anchor="mm")
        first, days = int(rng.integers(7)), int(rng.integers(28, 32))
        for field in range(42):
            x, y = 20 + wide * (field % 7), 170 + 96 * (field // 7)
            if lined:
                box = (x, y, x + wide, y + 96)
                sheet.draw.rectangle(box, outline=(190, 190, 190), width=2)
            if first <= field < first + days:
                sheet.write(x + 10, y + 22, str(field - first + 1), 30)
                if rng.random() < 0.3:
                    sheet.write(x + 8, y + 66, sheets.word(rng), 22, (20, 40, 160))
        return sheet.pixels()

    return draw


def table(look: np.random.Generator) -> Printer:
    """A table of numbers: a price list or a timetable, with the same heads and lines."""
    heads = [sheets.word(look).title() for _ in range(int(look.integers(4, 7)))]
    rows, colour, striped = int(look.integers(10, 20)), tint(look, 20, 170), look.random() < 0.5
    title = sheets.sentence(look, 2, 3).rstrip(".")

    def draw(rng: np.random.Generator) -> Bytes:
        width, height = 860, 150 + 44 * rows
        sheet = Sheet.of(width, height, (253, 253, 252))
        sheet.write(30, 45, title, 38, colour)
        wide = (width - 60) / len(heads)
        sheet.draw.rectangle((30, 84, width - 30, 124), fill=colour)
        for column, head in enumerate(heads):
            sheet.write(40 + wide * column, 104, head, 22, WHITE)
        for row in range(rows):
            y = 124 + 44 * row
            if striped and row % 2:
                sheet.draw.rectangle((30, y, width - 30, y + 44), fill=(232, 236, 242))
            sheet.write(40, y + 22, sheets.word(rng).title(), 21)
            for column in range(1, len(heads)):
                value = f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}"
                sheet.write(40 + wide * column, y + 22, value, 21)
            sheet.draw.line((30, y + 44, width - 30, y + 44), fill=GREY, width=1)
        return sheet.pixels()

    return draw


def chessboard(look: np.random.Generator) -> Printer:
    """A chess diagram: one board, other pieces on it, drawn as discs with letters."""
    cell = int(look.integers(70, 96))
    light, dark = tint(look, 190, 250), tint(look, 60, 150)
    rim = tint(look, 30, 120)

    def draw(rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(8 * cell + 80, 8 * cell + 80, rim)
        for row in range(8):
            sheet.write(20, 40 + cell * (row + 0.5), str(8 - row), 24, WHITE, anchor="mm")
            sheet.write(
                40 + cell * (row + 0.5), 60 + 8 * cell, "abcdefgh"[row], 24, WHITE, anchor="mm"
            )
            for column in range(8):
                x, y = 40 + column * cell, 40 + row * cell
                sheet.draw.rectangle(
                    (x, y, x + cell, y + cell), fill=(light, dark)[(row + column) % 2]
                )
        squares = rng.permutation(64)[: rng.integers(9, 24)]
        for number, square in enumerate(squares):
            x, y = 40 + cell * (square % 8 + 0.5), 40 + cell * (square // 8 + 0.5)
            own, ink = ((WHITE, BLACK), ((40, 40, 40), WHITE))[number % 2]
            reach = 0.36 * cell
            sheet.draw.ellipse(
                (x - reach, y - reach, x + reach, y + reach), fill=own, outline=INK, width=3
            )
            piece = one_of(rng, "KQRBNPPPP")
            sheet.write(x, y, piece, 0.44 * cell, ink, anchor="mm")
        return sheet.pixels()

    return draw


#: Codes, alone and on flyers.
CODES: tuple[Callable[[np.random.Generator], Printer], ...] = (qr_code, qr_code, flyer)

#: Other grids that are filled in.
GRIDS: tuple[Callable[[np.random.Generator], Printer], ...] = (
    crossword,
    calendar,
    table,
    chessboard,
)
