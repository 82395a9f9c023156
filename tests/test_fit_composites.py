"""The script that fits the probe for composites, and what it says of those it had not seen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.quality import suite
from imagematch.kernels.composite_probe import CompositeProbe
from tests.scripts import script
from tests.world import photo, save

pytest.importorskip("scipy", reason="the probe is fitted with scipy, which scikit-image brings")

fit_composites = script("fit_composites")

Picture: Any = fit_composites.Picture


def seen(count: int) -> list[Any]:
    """A photo, an edited one and a composite of each of some sources."""
    return [
        Picture(Path(str(number)), str(number), edits)
        for number in range(count)
        for edits in ((), ("blur",), ("tilt", "collage_4"))
    ]


def vectors(pictures: list[Any], apart: float, axes: int = 8) -> np.ndarray:
    """Unit vectors of noise; those of composites are moved along the first axis."""
    drawn = np.random.default_rng(0).normal(size=(len(pictures), axes))
    drawn[:, 0] += apart * np.array([picture.composite for picture in pictures])
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_the_plane_parts_composites_from_photos() -> None:
    pictures = seen(300)
    rows = vectors(pictures, 8.0)
    fitted = fit_composites.fit(rows, pictures, 0.01)
    probe = CompositeProbe(fitted.weights.astype(np.float32), fitted.intercept)
    told = [probe.further_views(row.astype(np.float32)) > 4 for row in rows]
    wrong = sum(one != picture.composite for one, picture in zip(told, pictures, strict=True))
    assert wrong < 30
    assert int(np.abs(fitted.weights).argmax()) == 0


def test_a_share_of_the_photos_is_taken_for_composites_and_no_more() -> None:
    pictures = seen(300)
    rows = vectors(pictures, 2.0)
    fitted = fit_composites.fit(rows, pictures, 0.05)
    told, of = fit_composites.counted(pictures, fitted.accepted)["photos"]
    assert (told, of) == (15, 300)
    # The plane that ships says about the same, though it was fitted to these photos.
    photos = np.array([not picture.edits for picture in pictures])
    assert 0 < (rows[photos] @ fitted.weights + fitted.intercept > 0).sum() <= 20


def test_what_can_not_be_known_is_not_told_by_heart() -> None:
    """Figures are of pictures that the fit had not seen: there, noise tells nothing."""
    pictures = seen(40)
    fitted = fit_composites.fit(vectors(pictures, 0.0, 64), pictures, 0.1)
    composite = np.array([picture.composite for picture in pictures])
    by_heart = vectors(pictures, 0.0, 64)[composite] @ fitted.weights + fitted.intercept > 0
    told, of = fit_composites.counted(pictures, fitted.accepted)["collage_4"]
    assert told / of < by_heart.mean() / 2


@pytest.mark.parametrize("half", [suite.TUNING, suite.REPORTING])
def test_pictures_are_the_photos_of_a_half_and_what_is_made_of_them(
    tmp_path: Path, half: str
) -> None:
    for number in range(24):
        save(photo(number), tmp_path / "photos" / f"{number}.jpg")
    (tmp_path / "made").mkdir()
    found = fit_composites.pictures(tmp_path / "photos", half, 30, 1, tmp_path / "made")
    mine = {one.path for one in suite.photos_of(tmp_path / "photos") if one.half == half}
    assert {picture.source for picture in found if not picture.edits} == mine
    assert {picture.source for picture in found} == mine
    assert all(picture.path.is_file() for picture in found)
    assert {picture.composite for picture in found} == {True, False}
