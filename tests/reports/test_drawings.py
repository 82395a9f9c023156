"""Drawings reach the folder under safe names, and no file of the user is lost to them."""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagematch.errors import UsageError
from imagematch.reports import drawings
from tests.reports import builders
from tests.world import photo

DRAWN = drawings.encode(photo(1, 300, 200))
MATCH = "0123456789ab-fedcba987654"
NAME = f"photo_{MATCH}.png"


def save(folder: Path, query: str = "in/photo.jpg") -> Path:
    return drawings.save_drawing(folder, query, MATCH, DRAWN)


def test_a_drawing_is_kept_to_the_pixel_and_is_smaller_for_a_page() -> None:
    wide = photo(2, 1600, 400)
    drawn = drawings.encode(wide)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(drawn.png))), wide)
    picture = drawn.picture
    assert (picture.width, picture.height) == (1200, 300)
    assert Image.open(io.BytesIO(picture.jpeg)).size == (1200, 300)


def test_a_small_drawing_is_not_enlarged_for_a_page() -> None:
    assert (DRAWN.picture.width, DRAWN.picture.height) == (300, 200)


@given(st.text(max_size=300) | st.sampled_from(builders.HOSTILE))
def test_no_name_of_a_query_leads_out_of_the_folder_or_misleads(query: str) -> None:
    name = drawings.file_name(query, MATCH)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]*_0123456789ab-fedcba987654\.png", name)
    assert len(name) < 100


def test_a_drawing_is_named_after_the_query_and_the_pair(tmp_path: Path) -> None:
    assert save(tmp_path) == tmp_path / NAME
    assert (tmp_path / NAME).read_bytes() == DRAWN.png


def test_the_drawing_of_the_same_pair_is_replaced(tmp_path: Path) -> None:
    save(tmp_path)
    other = drawings.encode(photo(3, 30, 20))
    assert drawings.save_drawing(tmp_path, "photo.jpg", MATCH, other) == tmp_path / NAME
    assert (tmp_path / NAME).read_bytes() == other.png
    assert len(list(tmp_path.iterdir())) == 1


def foreign_file(path: Path) -> None:
    Image.fromarray(photo(4, 30, 20)).save(path)


def foreign_text(path: Path) -> None:
    path.write_text("notes", encoding="utf-8")


def empty_file(path: Path) -> None:
    path.touch()


def foreign_folder(path: Path) -> None:
    path.mkdir()


def pipe(path: Path) -> None:
    os.mkfifo(path)  # reading it would wait for ever


def link_to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def link_to_a_drawing(path: Path) -> None:
    target = path.with_name("elsewhere.png")
    target.write_bytes(DRAWN.png)
    path.symlink_to(target)


needs_pipes = pytest.param(
    pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
)


@pytest.mark.parametrize(
    "occupy",
    [
        foreign_file,
        foreign_text,
        empty_file,
        foreign_folder,
        needs_pipes,
        link_to_nothing,
        link_to_a_drawing,
    ],
)
def test_what_imagematch_did_not_draw_stays(tmp_path: Path, occupy: Callable[[Path], None]) -> None:
    occupy(tmp_path / NAME)
    before = (tmp_path / NAME).lstat()
    saved = save(tmp_path)
    assert saved == tmp_path / f"photo_{MATCH}_2.png"
    assert saved.read_bytes() == DRAWN.png
    assert (tmp_path / NAME).lstat() == before
    assert save(tmp_path) == saved
    assert not (tmp_path / "nowhere").exists()


def test_the_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    drawings.make_folder(tmp_path / "a" / "b")
    drawings.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    for wanted in ("notes", "notes/inside"):
        with pytest.raises(UsageError, match="can't be made"):
            drawings.make_folder(tmp_path / wanted)
    assert (tmp_path / "notes").read_text() == "mine"
