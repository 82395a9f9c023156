"""Screens that show a different photo in one interface: news, games, calls, stories, players.

A seeded generator goes in and fixes an interface; what comes out shows any photos in
it, RGB of shape (H, W, 3), uint8.
"""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from benchmark.copies.avatars import in_circle
from benchmark.copies.marks import BLACK, WHITE, filling
from benchmark.drawn import sheets
from benchmark.drawn.sheets import GREY, Sheet, one_of, tint
from imagematch.kernels.resizing import Colour, resize, to_bytes
from imagematch.records import Bytes

#: Shows photos in an interface; how many of them it takes is the maker's.
type Screen = Callable[[Sequence[Bytes], np.random.Generator], Bytes]


def lower_third(look: np.random.Generator) -> Screen:
    """Television news: a channel's sign above, bars with headline and ticker below."""
    width, height = 1024, 576
    colour, second = tint(look, 20, 190), tint(look, 10, 120)
    channel, tall = one_of(look, ("NEWS 7", "LIVE 24", "K-TV", "MORNING")), look.uniform(0.2, 0.38)
    headline = sheets.sentence(look, 4, 6).rstrip(".").upper()
    ticker, split = sheets.sentence(look, 14, 16), bool(look.random() < 0.3)

    def show(photos: Sequence[Bytes], rng: np.random.Generator) -> Bytes:
        sheet = _over(filling(photos[0], width, height))
        top = height * (1 - tall)
        if split:  # a studio's border around the reporter
            sheet.draw.rectangle((0, 0, width, 40), fill=second)
            sheet.draw.rectangle((0, 0, 60, height), fill=second)
            sheet.draw.rectangle((width - 60, 0, width, height), fill=second)
        sheet.draw.rectangle((0, top, width, height - 50), fill=colour)
        sheet.draw.rectangle((0, height - 50, width, height), fill=second)
        sheet.draw.rectangle((40, top - 34, 220, top), fill=(220, 20, 30))
        sheet.write(130, top - 17, "BREAKING", 26, WHITE, anchor="mm")
        sheet.write(50, top + (height - 50 - top) * 0.4, headline, 44, WHITE)
        name = f"{sheets.full_name(rng)}, {sheets.word(rng)}"
        sheet.write(50, top + (height - 50 - top) * 0.78, name, 26, (235, 235, 235))
        sheet.write(20, height - 25, ticker, 24, WHITE)
        sheet.draw.rectangle((width - 190, 24, width - 30, 84), fill=colour)
        sheet.write(width - 110, 54, channel, 32, WHITE, anchor="mm")
        sheet.write(30, 40, sheets.clock(rng), 28, WHITE)
        return sheet.pixels()

    return show


def game(look: np.random.Generator) -> Screen:
    """A game: a map, bars of health, slots with items, a score; the view is another."""
    width, height = 1024, 640
    colour = tint(look, 60, 230)
    minimap = sheets.tint(look, 60, 150)
    roads = look.uniform(0, 1, (6, 4))
    items = [tint(look, 40, 250) for _ in range(9)]

    def show(photos: Sequence[Bytes], rng: np.random.Generator) -> Bytes:
        sheet = _over(filling(photos[0], width, height))
        sheet.draw.ellipse((20, 20, 220, 220), fill=minimap, outline=BLACK, width=6)
        for x0, y0, x1, y1 in roads * 120 + 60:
            sheet.draw.line((x0, y0, x1, y1), fill=(220, 220, 210), width=6)
        for number, bar in enumerate(((200, 30, 30), (40, 90, 220))):
            y = height - 110 + 40 * number
            sheet.draw.rectangle((20, y, 270, y + 28), fill=BLACK, outline=WHITE, width=2)
            sheet.draw.rectangle((24, y + 4, 24 + 240 * rng.uniform(0.3, 1), y + 24), fill=bar)
        for number, item in enumerate(items):
            x = 310 + 70 * number
            box = (x, height - 90, x + 60, height - 30)
            sheet.draw.rectangle(box, fill=(35, 35, 40), outline=colour, width=4)
            sheet.draw.regular_polygon((x + 30, height - 60, 20), 3 + number % 5, fill=item)
            sheet.write(x + 52, height - 40, str(rng.integers(1, 40)), 18, WHITE, anchor="rm")
        sheet.draw.rectangle((width - 250, 20, width - 20, 150), fill=(30, 30, 36))
        for number, line in enumerate(("SCORE", "KILLS", "TIME")):
            sheet.write(width - 235, 42 + 42 * number, line, 24, colour)
            sheet.write(
                width - 35, 42 + 42 * number, str(rng.integers(0, 9999)), 24, WHITE, anchor="rm"
            )
        return sheet.pixels()

    return show


def call(look: np.random.Generator, people: int) -> Screen:
    """A video call: a grid of people with their names, a bar of buttons."""
    columns = 1 if people == 1 else 2
    rows = -(-people // columns)
    width, gap = 1024, int(look.integers(6, 18))
    dark: Colour = ((32, 33, 36), (20, 20, 26), (60, 64, 70))[look.integers(3)]
    cell_width = (width - gap * (columns + 1)) // columns
    cell_height = round(cell_width * (9 / 16 if columns > 1 else 0.6))
    height = rows * (cell_height + gap) + gap + 90

    def show(photos: Sequence[Bytes], rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(width, height, dark)
        for number, photo in enumerate(photos):
            x = gap + number % columns * (cell_width + gap)
            y = gap + number // columns * (cell_height + gap)
            sheet.image.paste(Image.fromarray(filling(photo, cell_width, cell_height)), (x, y))
            label = (x + 10, y + cell_height - 40, x + 190, y + cell_height - 8)
            sheet.draw.rounded_rectangle(label, 6, fill=(20, 20, 20))
            sheet.write(x + 20, y + cell_height - 24, sheets.full_name(rng), 20, WHITE)
        for number in range(6):
            middle, colour = width / 2 + 70 * (number - 2.5), (70, 74, 80)
            if number == 5:
                colour = (220, 40, 40)
            disc = (middle - 26, height - 71, middle + 26, height - 19)
            sheet.draw.ellipse(disc, fill=colour)
            sheet.draw.rectangle((middle - 9, height - 54, middle + 9, height - 36), fill=WHITE)
        sheet.write(24, height - 45, sheets.clock(rng), 22, WHITE)
        return sheet.pixels()

    return show


def story(look: np.random.Generator) -> Screen:
    """An app's story: lines above, a name, stickers and a question, a field to answer in."""
    width, height = 540, 960
    colour, lines = tint(look, 40, 240), int(look.integers(2, 7))
    question, wide = sheets.sentence(look, 3, 5), bool(look.random() < 0.5)
    name = one_of(look, sheets.FIRST_NAMES).lower()
    vote_at = float(look.uniform(0.55, 0.75)) * height

    def show(photos: Sequence[Bytes], rng: np.random.Generator) -> Bytes:
        if wide:
            picture = filling(photos[0], width, height)
        else:  # the photo across, the rest of the screen in one colour
            picture = np.full((height, width, 3), colour, np.uint8)
            tall = min(round(photos[0].shape[0] * width / photos[0].shape[1]), round(0.6 * height))
            picture[(height - tall) // 2 : (height - tall) // 2 + tall] = filling(
                photos[0], width, tall
            )
        sheet = _over(picture)
        step = (width - 20) / lines
        for number in range(lines):
            box = (10 + step * number + 2, 12, 10 + step * (number + 1) - 2, 17)
            sheet.draw.rounded_rectangle(box, 3, fill=WHITE if number < 2 else GREY)
        sheet.draw.ellipse((16, 32, 64, 80), fill=colour, outline=WHITE, width=3)
        sheet.write(76, 56, f"{name}_{rng.integers(10, 99)}   {rng.integers(1, 23)} h", 22, WHITE)
        vote = (60, vote_at, width - 60, vote_at + 150)
        sheet.draw.rounded_rectangle(vote, 18, fill=WHITE)
        sheet.write(width / 2, vote_at + 38, question, 24, BLACK, anchor="mm")
        for number, answer in enumerate(("YES", "NO")):
            x = 80 + 195 * number
            sheet.draw.rounded_rectangle((x, vote_at + 74, x + 180, vote_at + 130), 12, fill=colour)
            sheet.write(x + 90, vote_at + 102, answer, 28, WHITE, anchor="mm")
        sheet.draw.rounded_rectangle(
            (16, height - 70, width - 90, height - 20), 25, outline=WHITE, width=3
        )
        sheet.write(40, height - 45, "Send message", 20, WHITE)
        sheet.draw.polygon(
            [(width - 70, height - 66), (width - 20, height - 45), (width - 70, height - 24)],
            fill=WHITE,
        )
        return sheet.pixels()

    return show


def chat_list(look: np.random.Generator, side: int) -> Screen:
    """A list of chats, mostly text, with one photo as the avatar of each."""
    dark = look.random() < 0.5
    paper, ink = ((20, 26, 33), WHITE) if dark else (WHITE, BLACK)
    accent = tint(look, 30, 200)

    def show(photos: Sequence[Bytes], rng: np.random.Generator) -> Bytes:
        row = side + 24
        sheet = Sheet.of(480, 70 + row * len(photos), paper)
        sheet.draw.rectangle((0, 0, 480, 60), fill=accent)
        sheet.write(20, 30, "Chats", 26, WHITE)
        for number, photo in enumerate(photos):
            y = 70 + row * number
            sheet.image.paste(Image.fromarray(in_circle(photo, side, paper)), (14, y + 10))
            sheet.write(side + 32, y + 10 + side * 0.3, sheets.full_name(rng), 20, ink)
            sheet.write(side + 32, y + 10 + side * 0.7, sheets.sentence(rng, 2, 4), 16, GREY)
            sheet.write(464, y + 10 + side * 0.3, sheets.clock(rng), 14, GREY, anchor="rm")
        return sheet.pixels()

    return show


def initials(rng: np.random.Generator, side: int, ground: Colour) -> Bytes:
    """The avatar of somebody without a photo: two letters on a disc of some colour."""
    big = Sheet.of(256, 256, ground)
    letters = f"{one_of(rng, sheets.FIRST_NAMES)[0]}{one_of(rng, sheets.LAST_NAMES)[0]}"
    big.draw.ellipse((2, 2, 253, 253), fill=tint(rng, 60, 210))
    big.write(128, 128, letters, 104, WHITE, anchor="mm")
    return resize(big.pixels(), side, side)


def _over(photo: Bytes) -> Sheet:
    """A sheet with a photo on it, to draw an interface on."""
    sheet = Sheet.of(photo.shape[1], photo.shape[0], WHITE)
    sheet.image.paste(Image.fromarray(to_bytes(photo)), (0, 0))
    return sheet
