"""Fit what the trace of a photo is worth, and write imagematch/trace_calibration.json.

Works on one half of a folder of photos: lays the traces of its photos over edited copies of them,
and those of hard pairs over each other. What is fitted comes from the tuning half; with `--half
reporting`, the present file is tried on the other one.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from calibrate import made
from calibration_fit import fit_logistic

from benchmark.pairs import hard
from benchmark.quality import suite
from imagematch.calibration import Logistic
from imagematch.errors import PhotoError
from imagematch.kernels import decode, keypoints, trace_confidence, traces, views
from imagematch.kernels.decode import DecodedPhoto
from imagematch.records import Geometry
from imagematch.settings import DEFAULTS

OUT = Path(__file__).parents[1] / "imagematch" / "trace_calibration.json"

#: What the model sees; more of any of these never lowers a confidence.
FEATURES = ("log_inliers", "correlation", "agreement", "closeness")

#: Views of a query that are tried; a query of the product tries those that its embedding names.
_VIEWS = 6


@dataclass(frozen=True, slots=True)
class Example:
    """A pair of which it is known whether both derive from one photograph.

    Attributes:
        group: the edit, or why the pair is hard.
        geometry: of the trace of the second laid over the first; None where it left none.
    """

    group: str
    names: tuple[str, str]
    true: bool
    geometry: Geometry | None

    @property
    def laid_over(self) -> bool:
        return self.geometry is not None and self.geometry.reason in ("accepted", "pixels_differ")


def pairs(
    folder: Path, labelled: Path | None, arguments: argparse.Namespace, scratch: Path
) -> Iterator[tuple[str, Path, Path, bool]]:
    """Group, query, photo, and whether they are one photograph."""
    half = arguments.half
    photos = suite.photos_of(folder)
    mine = [photo for photo in photos if photo.half == half]
    rng = np.random.default_rng(arguments.seed)
    plans = suite.plan(photos, half, arguments.queries, arguments.seed)
    for case in made(folder, plans, scratch / "pictures"):
        if case.indexed:
            yield case.edit, case.path, folder / case.source, True
        other = mine[rng.integers(len(mine))].path
        if other != case.source:
            yield "stranger", case.path, folder / other, False
    files = [folder / photo.path for photo in mine]
    (scratch / "hard").mkdir()
    for pair in hard.make(
        files, scratch / "hard", arguments.seed, labelled=labelled, pairs=arguments.hard_pairs
    ):
        yield pair.group, pair.left, pair.right, False


def measured(group: str, query: Path, photo: Path, true: bool) -> Example | None:
    """Lay the trace of a photo over a query; None where one of the two can't be decoded."""
    try:
        shown, trace = _decoded(query), _trace(photo)
    except PhotoError:
        return None
    geometry = None
    if trace is not None:
        found = []
        for _, box in zip(range(_VIEWS), views.boxes(shown.rgb, further=False), strict=False):
            features = keypoints.extract(shown.rgb, shown.width, DEFAULTS.verify, box)
            found.append(traces.compare(features, trace, DEFAULTS.verify))
        geometry = max(found, key=traces.says)
    return Example(group, (query.name, photo.name), true, geometry)


def _decoded(path: Path) -> DecodedPhoto:
    return decode.decode(path.read_bytes(), DEFAULTS.decode)


@cache
def _trace(path: Path) -> traces.Trace | None:
    photo = _decoded(path)
    return traces.read(traces.make(photo.rgb, photo.width))


def fit(examples: Sequence[Example]) -> Logistic:
    """Fit the model to all pairs that a trace could be laid over."""
    rows = [
        (trace_confidence.features(example.geometry), example.true)
        for example in examples
        if example.geometry is not None and example.laid_over
    ]
    true = np.array([row[1] for row in rows], np.float64)
    return fit_logistic([row[0] for row in rows], true, FEATURES)


def confidence(example: Example, model: Logistic) -> float:
    """0-1; 0 where nothing could be laid over."""
    if example.geometry is None or example.geometry.reason != "accepted":
        return 0.0
    return model.probability(trace_confidence.features(example.geometry))


def report(examples: Sequence[Example], model: Logistic) -> None:
    """Print what the model says of the examples."""
    sure = partial(confidence, model=model)
    least = DEFAULTS.match.min_confidence_unverified
    for true in (True, False):
        mine = [example for example in examples if example.true == true]
        shown = Counter(example.group for example in mine if 0.98 * sure(example) >= least)
        total = Counter(example.group for example in mine)
        print(f"{'copies' if true else 'others'}: {sum(shown.values())} of {len(mine)} shown")
        print("  " + ", ".join(f"{name} {shown[name]}/{count}" for name, count in total.items()))
    print("surest of the others:")
    others = [example for example in examples if not example.true]
    for example in sorted(others, key=lambda one: -sure(one))[:12]:
        print(f"  {sure(example):.3f} {example.group} {example.names} {example.geometry}")


def main() -> None:
    """Measure, fit, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="folder, looked through recursively")
    parser.add_argument("--labelled", type=Path, help="folder with pairs.csv: photo_a, photo_b")
    parser.add_argument("--half", choices=(suite.TUNING, suite.REPORTING), default=suite.TUNING)
    parser.add_argument("--queries", type=int, default=110, help="with an original (default: 110)")
    parser.add_argument("--hard-pairs", type=int, default=220, help="(default: 220)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help=f"save {OUT.name}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagematch-calibrate-") as scratch:
        wanted = pairs(arguments.photos, arguments.labelled, arguments, Path(scratch))
        examples = [one for pair in wanted if (one := measured(*pair)) is not None]
    if arguments.half == suite.REPORTING:
        report(examples, trace_confidence.shipped())
        return
    model = fit(examples)
    report(examples, model)
    laid = [example for example in examples if example.laid_over]
    content = {
        "provenance": {
            "date": datetime.now(UTC).date().isoformat(),
            "command": f"scripts/calibrate_traces.py PHOTOS --labelled SAME_PLACE "
            f"--queries {arguments.queries} --hard-pairs {arguments.hard_pairs} "
            f"--seed {arguments.seed} --write",
            "data": f"the tuning half of {arguments.photos.name!r}",
            "examples": {
                "laid_over": len(laid),
                "laid_over_copies": sum(example.true for example in laid),
            },
            "versions": {
                name: version(name) for name in ("imagematch", "numpy", "opencv-python-headless")
            },
        },
        "model": {"intercept": model.intercept, "weights": dict(model.weights)},
    }
    written = json.dumps(content, indent=2)
    print(written)
    if arguments.write:
        OUT.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
