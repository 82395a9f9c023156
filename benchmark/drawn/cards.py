"""Cards and papers of one design for different people: identity cards, bank cards, letters, bills.

A seeded generator goes in and fixes a design; what comes out draws any number of sheets of it, RGB
of shape (H, W, 3), uint8, each for another person with a photo of their own. Names, banks and
countries are invented.
"""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image

from benchmark.copies.marks import BLACK, WHITE, filling
from benchmark.drawn import grounds, sheets
from benchmark.drawn.sheets import GREY, INK, Sheet, one_of, tint
from imagematch.kernels.resizing import Colour, to_bytes
from imagematch.records import Bytes

#: Draws one sheet of a design, for the photo of somebody.
type Issuer = Callable[[Bytes, np.random.Generator], Bytes]

_COUNTRIES = ("REPUBLIC OF EXAMPLIA", "NORDLAND", "KINGDOM OF SAMPLE", "FREE STATE OF ALBORA")
_IDENTITY = ("IDENTITY CARD", "RESIDENCE PERMIT", "STUDENT CARD", "EMPLOYEE CARD", "MEMBER CARD")
_LICENCE = ("DRIVING LICENCE", "PERMIS DE CONDUIRE", "FÜHRERSCHEIN")
_BANKS = ("EXAMPLE BANK", "Nordbank", "Banca Sempre", "First Harbour", "credit union 7")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def identity_card(look: np.random.Generator) -> Issuer:
    """An identity card: heading, photo, names and numbers on a pattern of fine lines."""
    width, height = 860, int(look.uniform(530, 560))
    ground = guilloche(look, width, height)
    bar, ink = tint(look, 10, 120), ((INK), tint(look, 10, 80))[look.integers(2)]
    country, title = one_of(look, _COUNTRIES), one_of(look, _IDENTITY)
    right, ghost = bool(look.random() < 0.3), bool(look.random() < 0.4)
    tall = int(look.uniform(0.5, 0.66) * height)
    fields = ("Surname", "Given names", "Date of birth", "Nationality", "Document no.")
    gap, zone = tall / 4.4, bool(look.random() < 0.4)

    def issue(photo: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = _sheet(ground)
        sheet.draw.rectangle((0, 0, width, 70), fill=bar)
        sheet.write(30, 35, f"{country}   {title}", 30, WHITE)
        wide = round(tall * 0.78)
        left = width - wide - 40 if right else 40
        sheet.image.paste(Image.fromarray(filling(photo, wide, tall)), (left, 104))
        answers = (
            one_of(rng, sheets.LAST_NAMES).upper(),
            one_of(rng, sheets.FIRST_NAMES).upper(),
            sheets.date(rng),
            one_of(rng, ("EXAMPLIAN", "NORDIC", "ALBORAN", "SAMPLER")),
            code(rng, 9),
        )
        x = 40 if right else left + wide + 40
        for number, (field, answer) in enumerate(zip(fields, answers, strict=True)):
            sheet.write(x, 112 + gap * number, field, 17, GREY)
            sheet.write(x, 138 + gap * number, answer, 29, ink)
        if ghost:
            small = filling(photo, wide // 2, tall // 2).astype(float)
            at = (x + 240, 110 + tall // 2)
            back = np.array(sheet.image.crop((*at, at[0] + wide // 2, at[1] + tall // 2)), float)
            faint = to_bytes(0.65 * back + 0.35 * small.mean(axis=2, keepdims=True))
            sheet.image.paste(Image.fromarray(faint), at)
        if zone:
            for number in range(2):
                line = code(rng, 14) + "<" * 6 + code(rng, 10)
                sheet.write(40, height - 58 + 32 * number, line, 28, BLACK)
        return sheet.pixels()

    return issue


def licence(look: np.random.Generator) -> Issuer:
    """A driving licence: numbered lines beside the photo, a flag, a signature, classes."""
    width, height = 860, 540
    ground = guilloche(look, width, height, pale=0.45)
    flag = tint(look, 20, 160)
    title, ink = one_of(look, _LICENCE), INK
    band = tint(look, 150, 240)

    def issue(photo: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = _sheet(ground)
        sheet.draw.rectangle((0, 0, width, 84), fill=band)
        sheet.draw.rectangle((24, 14, 108, 70), fill=flag)
        sheet.write(66, 42, "EX", 26, (255, 220, 60), anchor="mm")
        sheet.write(140, 42, title, 38, (90, 40, 100))
        sheet.image.paste(Image.fromarray(filling(photo, 220, 280)), (30, 120))
        lines = (
            f"1.  {one_of(rng, sheets.LAST_NAMES).upper()}",
            f"2.  {one_of(rng, sheets.FIRST_NAMES).upper()}",
            f"3.  {sheets.date(rng)}  {sheets.word(rng).upper()}",
            f"4a. {sheets.date(rng)}   4c. {sheets.word(rng).upper()}",
            f"4b. {sheets.date(rng)}",
            f"5.  {code(rng, 11)}",
            f"8.  {sheets.word(rng).title()} Street {rng.integers(1, 200)}",
        )
        for number, line in enumerate(lines):
            sheet.write(284, 136 + 46 * number, line, 27, ink)
        _sign(sheet, (60, 430, 240, 500), rng)
        kinds = "  ".join(one_of(rng, ("AM", "A1", "B", "BE", "C1", "L")) for _ in range(3))
        sheet.write(284, 492, f"9.  {kinds}", 30, ink)
        return sheet.pixels()

    return issue


def bank_card(look: np.random.Generator) -> Issuer:
    """A bank card: the bank's name and art, a chip, a number, a name, a sign at the lower right."""
    width, height = (856, 540) if look.random() < 0.85 else (540, 856)
    art = _art(look, width, height)
    bank = one_of(look, _BANKS)
    light = art.mean() > 140
    ink: Colour = BLACK if light else WHITE
    chip = (float(look.uniform(0.06, 0.1)) * width, float(look.uniform(0.3, 0.42)) * height)
    signs = (
        ((220, 20, 40), (245, 160, 40)),
        ((20, 60, 160), (40, 150, 220)),
        ((150, 150, 150), (200, 200, 200)),
    )[look.integers(3)]
    number_at = float(look.uniform(0.56, 0.64)) * height
    size = width / (16 if width > height else 13)

    def issue(_photo: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = _sheet(art)
        sheet.write(0.06 * width, 0.11 * height, bank, size * 0.85, ink)
        left, top = chip
        box = (left, top, left + 104, top + 82)
        sheet.draw.rounded_rectangle(box, 12, fill=(206, 176, 96), outline=(120, 100, 50), width=2)
        for part in (0.33, 0.66):
            x, y = left + 104 * part, top + 82 * part
            sheet.draw.line((x, top, x, top + 82), fill=(120, 100, 50), width=2)
            sheet.draw.line((left, y, left + 104, y), fill=(120, 100, 50), width=2)
        for arc in range(4):
            reach = 12 + 11 * arc
            middle = (left + 140, top + 41)
            curve = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
            sheet.draw.arc(curve, -45, 45, fill=ink, width=4)
        parts = [f"{rng.integers(10**4):04d}" for _ in range(4)]
        sheet.write(0.06 * width, number_at, " ".join(parts), size, ink)
        expires = f"{rng.integers(1, 13):02d}/{rng.integers(26, 34)}"
        sheet.write(0.06 * width, number_at + 1.3 * size, f"VALID THRU {expires}", size / 2, ink)
        sheet.write(0.06 * width, 0.9 * height, sheets.full_name(rng).upper(), size * 0.62, ink)
        for place, colour in enumerate(signs):
            x = width - 180 + 56 * place
            sheet.draw.ellipse((x, height - 140, x + 96, height - 44), fill=colour)
        return sheet.pixels()

    return issue


def letter(look: np.random.Generator) -> Issuer:
    """A letter with the head of some business: its logo, address, a date, words, a signature."""
    name, colour = sheets.agency(look), tint(look, 20, 170)
    sign = Image.fromarray(sheets.logo(name, colour, 90))
    foot = f"{name} · {sheets.word(look).title()} Street 12 · {sheets.phone_number(look)}"
    size = float(look.uniform(19, 24))

    def issue(_photo: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(760, 1060, (252, 252, 250))
        sheet.image.paste(sign, (60, 50))
        sheet.draw.rectangle((60, 160, 700, 164), fill=colour)
        for number, line in enumerate(
            (
                sheets.full_name(rng),
                f"{sheets.word(rng).title()} Road {rng.integers(1, 300)}",
                f"{rng.integers(10**4, 10**5)} {sheets.word(rng).title()}",
            )
        ):
            sheet.write(60, 210 + 30 * number, line, size)
        sheet.write(700, 320, sheets.date(rng), size, anchor="rm")
        sheet.write(60, 370, sheets.sentence(rng, 3, 5), size + 3)
        y = 420.0
        while y < 800:
            y = sheet.paragraph(60, y, sheets.sentence(rng, 12, 34), size, 640)
        _sign(sheet, (60, 890, 300, 960), rng)
        sheet.draw.line((60, 1000, 700, 1000), fill=GREY, width=1)
        sheet.write(380, 1025, foot, 16, GREY, anchor="mm")
        return sheet.pixels()

    return issue


def certificate(look: np.random.Generator) -> Issuer:
    """A certificate: a border of fine lines, a great heading, a name, a seal."""
    width, height = (1060, 760) if look.random() < 0.6 else (760, 1060)
    border = guilloche(look, width, height)
    edge = int(look.uniform(36, 70))
    border[edge : height - edge, edge : width - edge] = tint(look, 240, 256)
    title = one_of(look, ("CERTIFICATE", "DIPLOMA", "MARRIAGE CERTIFICATE", "GIFT VOUCHER"))
    seal, faced = tint(look, 100, 220), bool(look.random() < 0.3)

    def issue(photo: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = _sheet(border)
        sheet.write(width / 2, 0.19 * height, title, width / 15, seal, anchor="mm")
        sheet.write(width / 2, 0.3 * height, "This is to certify that", 24, GREY, anchor="mm")
        sheet.write(width / 2, 0.41 * height, sheets.full_name(rng), width / 17, anchor="mm")
        for number in range(3):
            line = sheets.sentence(rng, 5, 7)
            sheet.write(width / 2, (0.52 + 0.055 * number) * height, line, 24, anchor="mm")
        sheet.write(0.2 * width, 0.82 * height, sheets.date(rng), 24, anchor="mm")
        _sign(sheet, (0.6 * width, 0.76 * height, 0.85 * width, 0.86 * height), rng)
        x, y = 0.46 * width, 0.8 * height
        sheet.draw.ellipse((x - 50, y - 50, x + 50, y + 50), fill=seal, outline=GREY, width=4)
        sheet.write(x, y, "SEAL", 26, WHITE, anchor="mm")
        if faced:
            sheet.image.paste(Image.fromarray(filling(photo, 120, 150)), (edge + 30, edge + 30))
        return sheet.pixels()

    return issue


def invoice(look: np.random.Generator) -> Issuer:
    """A bill: a head, a table of items with prices, a total, bank details."""
    name, colour = sheets.agency(look), tint(look, 20, 170)
    sign = Image.fromarray(sheets.logo(name, colour, 72))
    rows = int(look.integers(7, 14))
    account = f"IBAN EX{look.integers(10**9, 10**10)}"

    def issue(_photo: Bytes, rng: np.random.Generator) -> Bytes:
        sheet = Sheet.of(760, 1060, WHITE)
        sheet.image.paste(sign, (700 - sign.width, 40))
        sheet.write(50, 80, "INVOICE", 46, colour)
        sheet.write(50, 150, f"No. {rng.integers(10**5, 10**6)}   {sheets.date(rng)}", 22)
        sheet.write(50, 190, sheets.full_name(rng), 22)
        sheet.draw.rectangle((50, 240, 710, 280), fill=colour)
        for x, head in ((64, "Item"), (450, "Quantity"), (610, "Price")):
            sheet.write(x, 260, head, 20, WHITE)
        total = 0.0
        for row in range(rows):
            y, count, price = 308 + 44 * row, rng.integers(1, 10), rng.uniform(3, 400)
            total += count * price
            sheet.write(64, y, f"{sheets.word(rng)} {sheets.word(rng)}".capitalize(), 20)
            sheet.write(490, y, str(count), 20, anchor="mm")
            sheet.write(696, y, f"{price:.2f}", 20, anchor="rm")
            sheet.draw.line((50, y + 22, 710, y + 22), fill=(215, 215, 215), width=1)
        sheet.write(696, 330 + 44 * rows, f"Total  {total:.2f}", 28, anchor="rm")
        sheet.write(50, 1010, account, 18, GREY)
        return sheet.pixels()

    return issue


#: Papers, in turn.
PAPERS = (letter, certificate, invoice)


def guilloche(look: np.random.Generator, width: int, height: int, *, pale: float = 0.6) -> Bytes:
    """Fine waving lines in three colours, as on documents of value."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) / height
    picture = np.full((height, width, 3), 246.0)
    for _ in range(3):
        bend = sum(
            look.uniform(0.02, 0.12)
            * np.sin(
                2 * np.pi * (look.uniform(0.5, 3) * columns + look.uniform(0.3, 2) * rows)
                + look.uniform(0, 6)
            )
            for _ in range(3)
        )
        line = np.sin(2 * np.pi * look.uniform(12, 45) * (rows * look.uniform(0.3, 1) + bend))
        ink = 255 - look.uniform(40, 230, 3)
        picture -= (ink * (1 - pale) * 0.6) * np.clip(line, 0, 1)[:, :, None]
    return to_bytes(picture)


def code(rng: np.random.Generator, length: int) -> str:
    """Letters and digits in no order."""
    pool = _LETTERS + "0123456789" * 2
    return "".join(pool[number] for number in rng.integers(0, len(pool), length))


def _sheet(ground: Bytes) -> Sheet:
    sheet = Sheet.of(ground.shape[1], ground.shape[0], WHITE)
    sheet.image.paste(Image.fromarray(ground), (0, 0))
    return sheet


def _sign(sheet: Sheet, box: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    """A signature: a line of a pen that nobody can read."""
    count = 40
    x = np.linspace(box[0], box[2], count) + rng.normal(0, 6, count)
    y = (box[1] + box[3]) / 2 + (box[3] - box[1]) * 0.4 * np.sin(
        np.cumsum(rng.uniform(0, 2, count))
    )
    y *= 1.0
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    sheet.draw.line(points, fill=(25, 35, 110), width=3, joint="curve")


def _art(look: np.random.Generator, width: int, height: int) -> Bytes:
    """What a bank prints on its cards: a gradient, waves, circles, stone."""
    ground = grounds.gradient(look, width, height).astype(float)
    ground = ground * 0.75
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    way = look.integers(4)
    if way == 1:
        for _ in range(5):
            edge = height * look.uniform(0.1, 0.9) + 0.12 * height * np.sin(
                columns / width * look.uniform(2, 7) + look.uniform(0, 6)
            )
            ground = np.where((rows > edge)[:, :, None], ground + look.uniform(-26, 30, 3), ground)
    elif way == 2:
        for _ in range(7):
            centre = look.uniform(0, 1, 2) * (width, height)
            distance = np.hypot(columns - centre[0], rows - centre[1])
            ring = np.abs(distance - look.uniform(0.1, 0.5) * width) < look.uniform(4, 40)
            ground = np.where(ring[:, :, None], ground + look.uniform(-30, 40, 3), ground)
    elif way == 3:
        ground = cv2.addWeighted(ground, 0.7, guilloche(look, width, height).astype(float), 0.3, 0)
    return to_bytes(ground)
