"""From evidence to a kind and a confidence: the rules, their order, and what never happens."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import imagematch
from imagematch.errors import SettingsError
from imagematch.kernels.confidence import Calibration, Logistic, features, judge
from imagematch.records import Geometry, Judgement
from imagematch.settings import DEFAULTS

#: Made up; what is shipped is fitted, and must keep to the same rules.
MADE_UP: dict[str, Any] = {
    "blind_penalty": 2.0,
    "models": {
        "geometry": {"intercept": -6, "weights": {"log_inliers": 1.5, "correlation": 5.0}},
        "appearance": {"intercept": -9, "weights": {"cosine": 10.0, "pdq": 4.0}},
        "embedding": {"intercept": -9.5, "weights": {"cosine": 12.0}},
        "hash": {"intercept": -2.5, "weights": {"pdq": 6.0}},
    },
}
CALIBRATIONS = {
    "made up": Calibration.from_json(json.dumps(MADE_UP)),
    "shipped": Calibration.from_json(
        (imagematch.__path__[0] + "/calibration.json")
        and open(imagematch.__path__[0] + "/calibration.json", encoding="utf-8").read()
    ),
}
