"""Draw docs/img/report.png and explain.jpg: what `query` shows of one sample photo.

The samples come in (built where absent), pictures go out: `--html` in a real browser, and the
drawing of `--explain`. The query is the cat of the sample world, a photo under CC0, so that the
pictures may be published. Needs Chromium or Chrome.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from demo import build_samples, imagematch

#: Size of the window, and what is kept of it (left, top, right, bottom): the first match; CSS px.
WINDOW = (1180, 1200)
KEPT = (0, 466, 1180, 1058)
#: Colours of the PNG: enough for one photo and flat ground, a third of the bytes.
COLOURS = 256
#: Of the drawing: px, and of the JPEG, since its lines are of more colours.
WIDTH, QUALITY = 1000, 82

SWITCH = 'id="reveal" type="checkbox"'


def make_page(samples: Path, folder: Path) -> Path:
    """Index the samples and look the cat up; returns the page, with its pictures revealed.

    Args:
        folder: gets the index and the page.
    """
    index, page = folder / "index", folder / "report.html"
    ads, query = samples / "ads", samples / "queries" / "found.jpg"
    imagematch("index", ads, "--manifest", samples / "manifest.csv", "--index", index, "--json")
    imagematch("query", query, "--index", index, "--html", page)
    html = page.read_text(encoding="utf-8")
    if SWITCH not in html:
        sys.exit(f"{page} has no switch that reveals the pictures; wanted {SWITCH!r}")
    html = html.replace(SWITCH, f"{SWITCH} checked", 1)
    # A reader's index has a short path; this one's is a temporary folder.
    page.write_text(html.replace(str(folder), "indexes").replace(f"{samples}/", ""), "utf-8")
    return page


def copy_drawing(samples: Path, folder: Path, out: Path) -> None:
    """Save what `--explain` draws of the best match in the index of `make_page`."""
    query, drawings = samples / "queries" / "found.jpg", folder / "drawings"
    imagematch("query", query, "--index", folder / "index", "--top", "1", "--explain", drawings)
    (drawn,) = drawings.iterdir()
    with Image.open(drawn) as image:
        height = round(image.height * WIDTH / image.width)
        image.resize((WIDTH, height)).save(out, quality=QUALITY)


def photograph(browser: str, page: Path, out: Path) -> None:
    """Save what a browser shows of a page."""
    width, height = WINDOW
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={page.parent / 'profile'}",
        f"--window-size={width},{height}",
        f"--screenshot={page.parent / 'shot.png'}",
        page.as_uri(),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(page.parent / "shot.png") as shot:
        shot.convert("RGB").crop(KEPT).quantize(COLOURS).save(out, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the README's picture of a report.")
    parser.add_argument("--samples", type=Path, default=Path("samples"), help="built if absent")
    parser.add_argument("--out", type=Path, default=Path("docs/img/report.png"))
    given = parser.parse_args()
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("no Chromium or Chrome is installed; the picture needs one")
    build_samples(given.samples)
    with tempfile.TemporaryDirectory() as folder:
        samples, explained = given.samples.resolve(), given.out.with_name("explain.jpg")
        photograph(browser, make_page(samples, Path(folder)), given.out)
        copy_drawing(samples, Path(folder), explained)
    print(f"Wrote {given.out} and {explained}")


if __name__ == "__main__":
    main()
