"""The probe for composites: what it takes for one, and which models it is for."""

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from benchmark.copies import composites
from imagematch.errors import SettingsError
from imagematch.kernels import embeddings
from imagematch.kernels.composite_probe import CompositeProbe, from_json, of_model
from imagematch.records import Bytes, Floats
from imagematch.settings import DEFAULTS

TEXT = files("imagematch").joinpath("composite_probe.json").read_text(encoding="utf-8")
CONTENT: dict[str, Any] = json.loads(TEXT)


def unit(*values: float) -> Floats:
    vector = np.array(values, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def test_the_likelier_a_composite_the_more_views_is_it_worth() -> None:
    probe = CompositeProbe(np.array([4, 0], np.float32), -2.6)
    assert probe.further_views(unit(1, 0.5)) == 15
    assert probe.further_views(unit(1, 2.5)) == 4
    assert probe.further_views(unit(-1, 0)) == 0


def test_there_is_a_probe_for_each_shipped_model_and_for_no_other() -> None:
    for weights in embeddings.WEIGHTS.values():
        probe = of_model(weights.sha256)
        assert probe is not None
        assert probe.weights.shape == (512,)
    assert of_model("0" * 64) is None
    assert of_model("") is None


def test_it_says_what_it_was_fitted_to() -> None:
    assert CONTENT["provenance"]["command"].startswith("scripts/fit_composites.py ")
    assert "tuning half" in CONTENT["provenance"]["data"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"models": {"a": {}}}',
        '{"models": {"a": {"sha256": "b", "intercept": 1, "weights": "none"}}}',
        '{"models": {"a": {"sha256": "b", "intercept": "none", "weights": [1.0]}}}',
        '{"models": {"a": {"sha256": "b", "intercept": 1, "weights": [[1.0]]}}}',
        '{"models": {"a": {"sha256": "b", "intercept": 1, "weights": [NaN]}}}',
    ],
)
def test_a_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="composite probes is damaged"):
        from_json(text)


@pytest.mark.model
def test_collages_of_real_photos_are_told_from_the_photos() -> None:
    data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")
    names = ("astronaut", "coffee", "chelsea", "rocket")
    photos: list[Bytes] = [np.asarray(getattr(data, name)()) for name in names]
    embedder = embeddings.load(DEFAULTS.describe)
    assert embedder is not None
    collages = [
        composites.collage(photos[0], photos[1:], np.random.default_rng(seed), 0.5)
        for seed in range(4)
    ]
    assert all(embedder.further_views(vector) <= 4 for vector in embedder.embed(photos))
    assert all(embedder.further_views(vector) > 4 for vector in embedder.embed(collages))
