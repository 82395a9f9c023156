"""A real browser shows the report, keeps pictures blurred, and runs nothing that a name says."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagematch.records import Picture
from imagematch.reports import html, save
from tests.reports import builders

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed"),
]


def browse(page: Path, *arguments: str) -> str:
    """Open a page without a window; returns what the browser writes to stdout."""
    return run(page, *arguments).stdout.decode("utf-8")


def console(page: Path) -> str:
    """What the browser says on the console of a page, and elsewhere."""
    return run(page, "--dump-dom", "--enable-logging=stderr").stderr.decode("utf-8", "replace")


def run(page: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    assert BROWSER is not None
    return subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            f"--user-data-dir={page.parent / 'profile'}",
            *arguments,
            page.as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )


def checkerboard() -> bytes:
    """A JPEG of black and white squares, whose edges a blur can't keep."""
    squares = np.indices((16, 16)).sum(axis=0) % 2
    board = np.kron(squares, np.ones((15, 15))) * 255
    data = io.BytesIO()
    Image.fromarray(board.astype(np.uint8)).save(data, "JPEG", quality=95)
    return data.getvalue()


def screenshot(page: Path) -> np.ndarray:
    """What the page looks like: grey levels, shape (1600, 1280), int16."""
    target = page.with_suffix(".png")
    browse(page, f"--screenshot={target}", "--window-size=1280,1600")
    return np.asarray(Image.open(target).convert("L"), dtype=np.int16)


def test_hostile_names_run_nothing_and_the_page_is_whole(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    for name in builders.HOSTILE[:4]:
        save(page, html.link_page(builders.named_report(name), builders.ABOUT, lambda _: None))

        dom = browse(page, "--dump-dom")

        assert "<title>imagematch report</title>" in dom
        assert "<script" not in dom
        assert "How to read this report" in dom


def test_the_policy_stops_a_script_even_if_one_got_in(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    script = "<script>document.title = 'owned'</script><img src='x' onerror='document.title = 1'>"
    text = html.link_page(builders.report(), builders.ABOUT, lambda _: None)

    save(page, text.replace("</main>", script + "</main>"))
    assert "<title>imagematch report</title>" in browse(page, "--dump-dom")

    # The same page without its policy: the script would have run.
    save(page, text.replace("Content-Security-Policy", "nothing").replace("</main>", script))
    assert "<title>imagematch report</title>" not in browse(page, "--dump-dom")


@pytest.mark.parametrize("name", ["zoe", *builders.HOSTILE[:2]])
def test_the_policy_of_a_page_forbids_nothing_that_is_on_it(tmp_path: Path, name: str) -> None:
    """A style at an element of a drawing would be ignored, and said so on the console."""
    page = tmp_path / "report.html"
    text = html.link_page(builders.named_report(name), builders.ABOUT, lambda _: checkerboard())

    save(page, text)
    assert "Content Security Policy" not in console(page)

    save(page, text.replace("<h2>", '<h2 style="color: red">', 1))
    assert "Content Security Policy" in console(page)


def test_pictures_are_blurred_until_they_are_asked_for(tmp_path: Path) -> None:
    """The policy's hashes must fit, too: without its styles, the page shows no picture at all."""
    hit = builders.result((builders.sighting(), builders.judgement()))
    text = html.query_page(
        [hit], builders.ABOUT, lambda _: checkerboard(), {"in/a.jpg": checkerboard()}
    )
    page = tmp_path / "report.html"

    save(page, text)
    blurred = screenshot(page)
    save(page, text.replace('id="reveal" type="checkbox"', 'id="reveal" type="checkbox" checked'))
    revealed = screenshot(page)

    # Where the two differ are the pictures: sharp squares there, an even grey while blurred.
    changed = np.argwhere(np.abs(blurred - revealed) > 60)
    assert len(changed) > 10_000
    row, column = changed[len(changed) // 2]
    around = np.s_[row - 20 : row + 20, column - 20 : column + 20]
    assert np.ptp(revealed[around]) > 200
    assert np.ptp(blurred[around]) < 60


def test_a_drawing_keeps_its_shape_and_is_blurred_until_it_is_asked_for(tmp_path: Path) -> None:
    found = builders.sighting()
    hit = builders.result((found, builders.judgement()))
    drawing = Picture(checkerboard(), 800, 200)
    text = html.query_page(
        [hit], builders.ABOUT, lambda _: None, {}, drawings={("in/a.jpg", found.photo): drawing}
    )
    page = tmp_path / "report.html"

    save(page, text)
    blurred = screenshot(page)
    save(page, text.replace('id="reveal" type="checkbox"', 'id="reveal" type="checkbox" checked'))
    revealed = screenshot(page)

    # A picture as high as wide stands in the middle of a frame that is four times as wide as high.
    below_switch = 400
    rows, columns = np.nonzero(np.abs(blurred - revealed)[below_switch:] > 100)
    rows += below_switch
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.1)
    assert 150 < np.ptp(rows) < 400
    centre = np.s_[rows.min() + 40 : rows.max() - 40, columns.min() + 40 : columns.max() - 40]
    assert np.ptp(revealed[centre]) > 200
    assert np.ptp(blurred[centre]) < 60
