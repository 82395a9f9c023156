"""Build the sample world: ads of a few invented sites, a reference gallery, queries and the truth.

Free photos from two Python packages and pictures painted from noise come in; a folder of ads with
planted reuse, planted look-alikes and a `truth.csv` that knows them all goes out, the same bytes
on every run. samples/README.md credits the photos and explains the files.
"""

import argparse
import csv
import hashlib
import io
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image
from sample_pictures import picture

from benchmark.copies import composites, edits
from imagematch.records import Bytes

type Alter = Callable[[Bytes, np.random.Generator], Bytes]

LONGEST_SIDE = 800  # px, of a saved photo
JPEG_QUALITY = 88
GALLERY = "case-0417"
#: Pictures that many people show without having anything to do with each other.
EVERYBODYS = frozenset({"no-photo", "blank"})


@dataclass(frozen=True, slots=True)
class Ad:
    """One profile and what its ads say; all contact details are from ranges kept for fiction."""

    site: str
    profile: str
    phone: str
    location: str
    text: str


@dataclass(frozen=True, slots=True)
class Post:
    """One file of the world and how it comes about.

    Attributes:
        path: relative to the samples, `/` between parts.
        bases: the pictures it shows, the main one first.
        how: what was done to it, in words; empty for the photo as first posted.
        alter: does it to the main picture; None for the photo as first posted.
        part: the picture is only a part of the post (collage, screenshot).
        alike: posts with the same word look alike without sharing a photo.
    """

    path: str
    bases: tuple[str, ...]
    how: str = ""
    alter: Alter | None = None
    part: bool = False
    alike: str = ""

    @property
    def owner(self) -> str:
        """Whose post it is: the folder, or the file itself for a query."""
        return self.path if self.path.startswith("queries/") else self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class TruthRow:
    """What is true of one pair of files: a row of truth.csv."""

    left: str
    right: str
    relation: str
    how: str
    links: str


# --- what posters do ---------------------------------------------------------------------------


def _saved_again(rgb: Bytes, rng: np.random.Generator) -> Bytes:
    return edits.recompress(edits.downscale(rgb, rng, 0.5), rng, 0.6)


def _chained(rgb: Bytes, rng: np.random.Generator) -> Bytes:
    marked = edits.watermark(edits.mirror(rgb, rng, 1.0), rng, 0.6, text="plazalist.example.com")
    return edits.recompress(edits.crop(marked, rng, 0.15), rng, 0.5)


def _cropped_number(rgb: Bytes, rng: np.random.Generator) -> Bytes:
    return edits.phone_number(edits.crop(rgb, rng, 0.3), rng, 0.8, number="+1 202 555 0177")


def _collage(others: Sequence[str], rgb: Bytes, rng: np.random.Generator) -> Bytes:
    return composites.collage(rgb, [picture(name) for name in others], rng, 0.4)


def _edit(edit: edits.Edit, strength: float) -> Alter:
    return lambda rgb, rng: edit(rgb, rng, strength)


def _same_stamp(rgb: Bytes, _rng: np.random.Generator) -> Bytes:
    """The same watermark at the same place on whatever photo it is."""
    return edits.watermark(rgb, np.random.default_rng(24), 0.7, text="best-photos.example.com")


def _same_app(rgb: Bytes, _rng: np.random.Generator) -> Bytes:
    """The same app with the same words around whatever photo it is."""
    return composites.screenshot(rgb, np.random.default_rng(7), 0.3, title="Today near you")


# --- the world ---------------------------------------------------------------------------------

ADS = (
    Ad("lunamarket", "mara_k", "+1 202-555-0101", "Northhaven", "Cat sitter, evenings"),
    Ad("lunamarket", "kaffee-ecke", "+1 (202) 555-0102", "Port Ellis", "Espresso bar, opens at 7"),
    Ad("lunamarket", "nova77", "+1 202 555 0103", "Port Ellis", "Poster: night launch, A2"),
    Ad("lunamarket", "oliver.b", "202-555-0104", "Northhaven", "Framed portrait of an admiral"),
    Ad("lunamarket", "سوق_النور", "+12025550105", "Sarrat", "عملات قديمة للبيع"),
    Ad("lunamarket", "quiet.corner", "", "Sarrat", "Room to let, garden side"),
    Ad("cityboard", "pikolo", "+12025550102", "Port Ellis", "Best coffee in town; catering too"),
    Ad("cityboard", "jun_森", "+1 202 555 0107", "Millbrook", "写真 lessons, beginners welcome"),
    Ad("cityboard", "field-notes", "+1 202 555 0108", "Millbrook", "Space memorabilia, signed"),
    Ad("cityboard", "teo", "+1 202 555 0109", "Sarrat", "Old coins, sold together only"),
    Ad("cityboard", "garage.nine", "+1 202 555 0110", "Millbrook", "Motorcycle, one owner"),
    Ad("plazalist", "anna.m", "+1 202-555-0111", "Northhaven", "Pet care and plants"),
    Ad("plazalist", "lía", "+1 202 555 0112", "Port Ellis", "Cámara réflex, como nueva"),
    Ad("plazalist", "workshop12", "+1 202 555 0113", "Millbrook", "Frames and prints made here"),
    Ad("plazalist", "zofia_ż", "+1 202 555 0114", "Northhaven", "Wall art for surgeries"),
    Ad("plazalist", "two.wheels", "+1 202 555 0115", "Sarrat", "Bikes bought and sold"),
    Ad("bazaar24", "user48213", "+1 202 555 0116", "Port Ellis", "cups + saucers, set of 6"),
    Ad("bazaar24", "seller_9", "+1 202 555 0117", "Millbrook", "NASA poster, no frame"),
    Ad("bazaar24", "hollow-oak", "+1 202 555 0118", "Sarrat", "Prints, four for the price of 3"),
    Ad("bazaar24", "kestrel", "+1 202 555 0119", "Port Ellis", "Rocket poster, cheap"),
    Ad("bazaar24", "mi_casa", "+1 202 555 0120", "Northhaven", "Ceiling stars for a nursery"),
    Ad("bazaar24", "blue.door", "", "Port Ellis", "Landscapes in oil"),
)


def _ad(path: str, base: str, how: str = "", alter: Alter | None = None, alike: str = "") -> Post:
    return Post(f"ads/{path}", (base,), how, alter, alike=alike)


PANELS = ("mosaic-1", "valley-8", "skyline-6")

REUSED = (
    _ad("lunamarket/kaffee-ecke/IMG_0412.jpg", "coffee"),
    _ad("cityboard/pikolo/espresso.jpg", "coffee"),
    _ad("bazaar24/user48213/cup1.jpg", "coffee", "grayscale", _edit(edits.grayscale, 1.0)),
    _ad("lunamarket/mara_k/IMG_20240311_214702.jpg", "cat"),
    _ad("plazalist/anna.m/photo (1).jpg", "cat", "downscaled and recompressed", _saved_again),
    _ad("plazalist/anna.m/photo (2).jpg", "galaxies"),
    _ad(
        "bazaar24/mi_casa/stars.jpg",
        "galaxies",
        "mirrored, watermarked, cropped to 85 % and recompressed",
        _chained,
    ),
    _ad("lunamarket/nova77/launch-poster.jpg", "rocket"),
    _ad("bazaar24/kestrel/1.jpg", "rocket", "cropped to 65 %", _edit(edits.crop, 0.35)),
    _ad("bazaar24/kestrel/2.jpg", "valley-1"),
    _ad(
        "bazaar24/blue.door/öl_auf_leinwand.jpg",
        "valley-1",
        "turned by a quarter",
        _edit(edits.rotate_quarter, 1.0),
    ),
    _ad("cityboard/jun_森/写真 01.jpg", "camera"),
    _ad("plazalist/lía/cámara.jpg", "camera", "mirrored", _edit(edits.mirror, 1.0)),
    _ad("cityboard/field-notes/DSC00871.jpg", "astronaut"),
    _ad(
        "bazaar24/seller_9/poster_front.jpg",
        "astronaut",
        "watermarked",
        partial(edits.watermark, strength=0.7, text="bazaar24.example.com"),
    ),
    _ad("plazalist/workshop12/frame-03.jpg", "hopper"),
    _ad(
        "lunamarket/oliver.b/admiral.jpg",
        "hopper",
        "a phone number on it",
        partial(edits.phone_number, strength=0.9, number="+1 202 555 0104"),
    ),
    _ad("cityboard/teo/coins_all.jpg", "coins"),
    Post(
        "ads/lunamarket/سوق_النور/عملات قديمة ٣.jpg",
        ("coins",),
        "in a phone screenshot",
        partial(
            composites.screenshot, strength=0.2, title="teo", text="Old coins, sold together only"
        ),
        part=True,
    ),
    _ad("plazalist/zofia_ż/obraz_2.jpg", "tissue"),
    Post(
        "ads/bazaar24/hollow-oak/4for3.jpg",
        ("tissue", *PANELS),
        "in a collage of four",
        partial(_collage, PANELS),
        part=True,
    ),
    _ad("cityboard/garage.nine/wall.jpg", "skyline-1", "framed", _edit(edits.border, 0.5)),
    Post(f"gallery/{GALLERY}/reference-1.jpg", ("galaxies",)),
    Post(f"gallery/{GALLERY}/reference-2.jpg", ("skyline-1",)),
    Post(f"gallery/{GALLERY}/reference-3.jpg", ("mosaic-9",)),
)

LOOK_ALIKES = (
    *(
        _ad(f"{place}.jpg", "no-photo")
        for place in (
            "lunamarket/oliver.b/2",
            "lunamarket/quiet.corner/no_image",
            "cityboard/teo/default",
            "cityboard/garage.nine/03",
            "plazalist/lía/sin-foto",
            "plazalist/two.wheels/placeholder",
            "bazaar24/blue.door/nophoto",
        )
    ),
    _ad("bazaar24/seller_9/none.jpg", "no-photo", "downscaled", _edit(edits.downscale, 0.4)),
    _ad("lunamarket/mara_k/IMG_20240311_214711.jpg", "blank"),
    _ad("bazaar24/hollow-oak/scan0001.jpg", "blank"),
    _ad("cityboard/garage.nine/01.jpg", "motorcycle-left", alike="scene"),
    _ad("plazalist/two.wheels/bike_left_side.jpg", "motorcycle-right", alike="scene"),
    _ad("bazaar24/mi_casa/wall.jpg", "valley-2", "watermarked", _same_stamp, "the same watermark"),
    _ad(
        "plazalist/workshop12/frame-07.jpg",
        "valley-3",
        "watermarked",
        _same_stamp,
        "the same watermark",
    ),
    *(
        Post(f"ads/{path}", (base,), "in a phone screenshot", _same_app, True, "the same app")
        for path, base in (
            ("lunamarket/nova77/Screenshot_20240311-2147.jpg", "brick"),
            ("cityboard/pikolo/Screenshot_2024-03-12-09-03.jpg", "grass"),
        )
    ),
)

FILLERS = (
    _ad("lunamarket/kaffee-ecke/IMG_0413.jpg", "marble-1"),
    _ad("lunamarket/oliver.b/frame.jpg", "mosaic-2"),
    _ad("lunamarket/quiet.corner/garden.jpg", "valley-4"),
    _ad("lunamarket/quiet.corner/path.jpg", "gravel"),
    _ad("lunamarket/سوق_النور/صورة.jpg", "marble-2"),
    _ad("cityboard/jun_森/写真 02.jpg", "skyline-2"),
    _ad("cityboard/field-notes/DSC00872.jpg", "marble-3"),
    _ad("plazalist/lía/vista.jpg", "skyline-3"),
    _ad("plazalist/zofia_ż/obraz_1.jpg", "retina"),
    _ad("bazaar24/user48213/table.jpg", "mosaic-3"),
    _ad("bazaar24/blue.door/hills.jpg", "valley-5"),
    _ad("plazalist/two.wheels/shop.jpg", "skyline-4"),
)

QUERIES = (
    Post("queries/found.jpg", ("cat",), "cropped to 70 %, a phone number on it", _cropped_number),
    Post(
        "queries/screen.jpg",
        ("astronaut",),
        "photographed from a screen",
        _edit(edits.screen_photo, 0.6),
    ),
    Post("queries/unknown.jpg", ("marble-9",)),
)

WORLD = (*REUSED, *LOOK_ALIKES, *FILLERS, *QUERIES)


# --- building ----------------------------------------------------------------------------------


def encoded(post: Post) -> bytes:
    """Make the post's file: altered, at most `LONGEST_SIDE` px long, as JPEG."""
    rgb = picture(post.bases[0])
    if post.alter is not None:
        seed = int.from_bytes(hashlib.sha256(post.path.encode()).digest()[:8])
        rgb = post.alter(rgb, np.random.default_rng(seed))
    image = Image.fromarray(rgb)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def truth(files: Mapping[str, bytes]) -> list[TruthRow]:
    """Name every pair of different owners that shares a picture or looks as if it did."""
    rows = []
    for left, right in combinations(WORLD, 2):
        if left.owner == right.owner:
            continue
        shared = set(left.bases) & set(right.bases)
        how = "; ".join(word for word in (left.how, right.how) if word)
        if shared:
            same = files[left.path] == files[right.path]
            relation = "exact" if same else "part" if left.part or right.part else "copy"
            profiles = not right.path.startswith("queries/") and not shared <= EVERYBODYS
            words = "byte-identical" if same else how
            rows.append(TruthRow(left.path, right.path, relation, words, _yes(profiles)))
        elif left.alike and left.alike == right.alike:
            relation = "scene" if left.alike == "scene" else "none"
            words = "two photos of one scene" if relation == "scene" else left.alike
            rows.append(TruthRow(left.path, right.path, relation, words, "no"))
    return rows


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def manifest() -> list[list[str]]:
    """The rows of manifest.csv, header first; paths are relative to the folder of the ads."""
    ads = {f"ads/{ad.site}/{ad.profile}": (number, ad) for number, ad in enumerate(ADS, 1)}
    header = ["path", "site", "profile", "url", "ad_id", "posted_at"]
    header += ["phone", "email", "location", "text"]
    rows = [header]
    start = datetime(2024, 3, 1, 8, 15, tzinfo=UTC)
    for count, post in enumerate(sorted(_ad_posts(), key=lambda post: post.path)):
        number, ad = ads[post.owner]
        ad_id = f"{ad.site[:2].upper()}-{10400 + 7 * number}"
        url = f"https://{ad.site}.example.com/ad/{ad_id.lower()}"
        posted = (start + timedelta(hours=5 * count)).isoformat()
        email = f"contact{number:02d}@example.com"
        path = post.path.removeprefix("ads/")
        contact = (ad.phone, email, ad.location, ad.text)
        rows.append([path, ad.site, ad.profile, url, ad_id, posted, *contact])
    return rows


def _ad_posts() -> Iterable[Post]:
    return (post for post in WORLD if post.path.startswith("ads/"))


def build(out: Path) -> None:
    """Write the whole world to `out`, in place of an earlier one.

    Raises:
        SystemExit: `out` holds something that this script did not make.
    """
    if (out / "ads").exists() and not (out / "truth.csv").exists():
        sys.exit(f"{out / 'ads'} exists, but was not made by this script; choose another --out")
    new = out / ".building"
    shutil.rmtree(new, ignore_errors=True)
    files = {post.path: encoded(post) for post in WORLD}
    for path, data in files.items():
        target = new / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    _write_csv(new / "manifest.csv", manifest())
    header = ["left", "right", "relation", "how", "links"]
    rows = [[row.left, row.right, row.relation, row.how, row.links] for row in truth(files)]
    _write_csv(new / "truth.csv", [header, *rows])
    for made in sorted(new.iterdir()):
        old = out / made.name
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        made.rename(old)
    new.rmdir()


def _write_csv(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the sample world.")
    parser.add_argument("--out", type=Path, default=Path("samples"), help="folder to write to")
    out = parser.parse_args().out
    build(out)
    print(f"{len(WORLD)} photos of {len(ADS)} profiles, a gallery and queries are in {out}")


if __name__ == "__main__":
    main()
