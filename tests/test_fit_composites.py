"""The script that fits the probe for composites, and what it says of those it had not seen."""

from pathlib import Path

import numpy as np
import pytest

from imagematch.kernels.composite_probe import CompositeProbe
from tests.scripts import script
from tests.world import photo, save

pytest.importorskip("scipy", reason="the probe is fitted with scipy, which scikit-image brings")

fit_composites = script("fit_composites")
Picture = fit_composites.Picture


def seen(count: int) -> list[Picture]:
    """A photo, an edited one and a composite of each of some sources."""
    return [
        Picture(Path(str(number)), str(number), edits)
        for number in range(count)
        for edits in ((), ("blur",), ("tilt", "collage_4"))
    ]


def vectors(pictures: list[Picture], apart: float) -> np.ndarray:
    """Unit vectors of noise; those of composites are moved along the first axis."""
    drawn = np.random.default_rng(0).normal(size=(len(pictures), 8))
    drawn[:, 0] += apart * np.array([picture.composite for picture in pictures])
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_the_plane_parts_composites_from_photos() -> None:
    pictures = seen(300)
    rows = vectors(pictures, 8.0)
    fitted = fit_composites.fit(rows, pictures, 0.01)
    probe = CompositeProbe(fitted.weights.astype(np.float32), fitted.intercept)
    told = [probe.accepts(row.astype(np.float32)) for row in rows]
    wrong = sum(one != picture.composite for one, picture in zip(told, pictures, strict=True))
    assert wrong < 30
    assert int(np.abs(fitted.weights).argmax()) == 0


def test_a_share_of_the_photos_is_taken_for_composites_and_no_more() -> None:
    pictures = seen(300)
    fitted = fit_composites.fit(vectors(pictures, 2.0), pictures, 0.05)
    assert fit_composites.shares(pictures, fitted.accepted)["photos"] == pytest.approx(
        0.05, abs=0.004
    )


def test_what_can_not_be_known_is_not_told_by_heart() -> None:
    """Figures are of pictures that the fit had not seen: there, noise tells nothing."""
    pictures = seen(40)
    fitted = fit_composites.fit(vectors(pictures, 0.0), pictures, 0.1)
    assert fit_composites.shares(pictures, fitted.accepted)["collage_4"] < 0.4


def test_pictures_are_the_photos_of_the_tuning_half_and_what_is_made_of_them(
    tmp_path: Path,
) -> None:
    for number in range(24):
        save(photo(number), tmp_path / "photos" / f"{number}.jpg")
    (tmp_path / "made").mkdir()
    found = fit_composites.pictures(tmp_path / "photos", 30, 1, tmp_path / "made")
    photos = {picture.source for picture in found if not picture.edits}
    assert 0 < len(photos) < 24
    assert {picture.source for picture in found} == photos
    assert all(picture.path.is_file() for picture in found)
    assert {picture.composite for picture in found} == {True, False}
