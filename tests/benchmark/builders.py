"""Finished runs of the benchmark for tests: small ones to the letter, and an invented large one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.pairs.hard import HardPair
from benchmark.quality.cases import Benchmark, Case, HardVerdict, Hit, MethodRun

FOLDER, PICTURES = Path("photos"), Path("made")


def case(name: str, source: str, *, edit: str = "blur", indexed: bool = True) -> Case:
    """A case whose picture would be in the folder `queries`."""
    return Case(name, edit, (f"{edit} 0.3",), source, Path("queries") / f"{name}.jpg", indexed)


def claim(photo: str, score: float, kind: str = "copy") -> Hit:
    """A hit that a user is shown."""
    return Hit(photo, score, kind, counts=True)


def run(
    hits: Mapping[str, Sequence[Hit]], method: str = "balanced", *, calibrated: bool = True
) -> MethodRun:
    """What one method answered."""
    return MethodRun(
        method, {name: tuple(found) for name, found in hits.items()}, 0.0345, 0.5, calibrated
    )


def verdict(
    group: str, kind: str, confidence: float = 0.1, *, may_be_scene: bool = False
) -> HardVerdict:
    """What a hard pair came out as."""
    pair = HardPair(group, Path(f"hard/{group}-l.jpg"), Path(f"hard/{group}-r.jpg"), may_be_scene)
    return HardVerdict(pair, kind, confidence)


def benchmark(
    cases: Sequence[Case] = (),
    runs: Sequence[MethodRun] = (),
    *,
    hard: Sequence[HardVerdict] = (),
    twins: Sequence[tuple[str, str]] = (),
    folder: Path = FOLDER,
) -> Benchmark:
    """A finished run."""
    return Benchmark(
        folder,
        "python -m benchmark quality photos --seed 7",
        1234,
        tuple(cases),
        tuple(runs),
        tuple(hard),
        tuple(twins),
        "a machine, 2 cores",
        PICTURES,
    )


SMALL = benchmark(
    [case("a", "1.jpg"), case("b", "2.jpg", edit="crop_20", indexed=False)],
    [
        run({"a": [claim("1.jpg", 0.9996)], "b": [claim("9.jpg", 0.8)]}),
        run({"a": [Hit("1.jpg", 31.0)]}, "hash", calibrated=False),
    ],
    hard=[verdict("flat", "scene", 0.25), verdict("flat", "", 0.0)],
    twins=[("1.jpg", "3.jpg")],
)


# --- a large one ---------------------------------------------------------------------------------

EDITS = (
    *("recompress", "downscale", "crop_70", "crop_40", "crop_20", "mirror", "rotate_90"),
    *("rotate_free", "stretch", "perspective", "filter", "grayscale", "blur", "border"),
    *("watermark", "phone_number", "emoji", "hidden_face", "caption", "screenshot_phone"),
    *("screenshot_web", "inset", "collage_2", "collage_4", "collage_9", "screen_photo", "chain"),
)


@dataclass(frozen=True, slots=True)
class Skill:
    """How an invented method does: by how much the scores of originals are above the others'."""

    method: str
    lead: float
    seconds_photo: float
    seconds_query: float
    calibrated: bool = False


SKILLS = (
    Skill("imagehash phash", 0.2, 0.004, 0.0003),
    Skill("PDQ, 8 orientations", 0.6, 0.011, 0.004),
    Skill("SSCD small", 2.2, 0.036, 0.030),
    Skill("SSCD full", 2.5, 0.171, 0.166),
    Skill("imagematch fast", 3.6, 0.047, 0.120, True),
    Skill("imagematch balanced", 5.2, 0.049, 0.700, True),
    Skill("imagematch thorough", 5.7, 0.190, 2.100, True),
)


def invented(folder: Path = FOLDER, cases: int = 600, seed: int = 0) -> Benchmark:
    """A run whose figures look like those of a real one; two in five cases have no original."""
    rng = np.random.default_rng(seed)
    made = [
        Case(
            f"q{number:04}",
            edit := EDITS[number % len(EDITS)],
            (f"{edit} 0.{number % 10}", *(("blur 0.4", "emoji") if edit == "chain" else ())),
            f"site{number % 7}/photo{number}.jpg",
            folder / "queries" / f"q{number:04}.jpg",
            bool(rng.random() < 0.6),
        )
        for number in range(cases)
    ]
    hardness = dict(zip(EDITS, rng.gamma(1.5, 1.1, len(EDITS)), strict=True))
    runs = [_invented_run(skill, made, hardness, rng) for skill in SKILLS]
    hard = [
        _invented_verdict(group, folder, number, rng)
        for group in ("same_place", "same_watermark", "same_phone_frame", "flat", "apart")
        for number in range(60)
    ]
    twins = [(f"site1/photo{n}.jpg", f"site2/photo{n + 1}.jpg") for n in range(1, 30, 7)]
    return benchmark(made, runs, hard=hard, twins=twins, folder=folder)


def _invented_run(
    skill: Skill, cases: Sequence[Case], hardness: Mapping[str, float], rng: np.random.Generator
) -> MethodRun:
    hits = {}
    for one in cases:
        found = [
            _hit(f"site9/photo{rng.integers(len(cases))}.jpg", rng.normal(-4, 1.2), skill)
            for _ in range(3)
        ]
        if one.indexed:
            logit = rng.normal(skill.lead * 1.6 - hardness[one.edit], 2)
            if logit > -5:
                found.append(_hit(one.source, logit, skill))
        hits[one.name] = tuple(sorted(found, key=lambda hit: -hit.score))
    return MethodRun(skill.method, hits, skill.seconds_photo, skill.seconds_query, skill.calibrated)


def _hit(photo: str, logit: float, skill: Skill) -> Hit:
    if not skill.calibrated:
        return Hit(photo, round(float(logit), 1))
    confidence = float(1 / (1 + np.exp(-logit)))
    kind = "scene" if confidence < 0.3 and logit * 10 % 2 < 1 else "copy"
    return Hit(photo, min(confidence, 0.9999), kind, counts=confidence >= 0.5)


def _invented_verdict(
    group: str, folder: Path, number: int, rng: np.random.Generator
) -> HardVerdict:
    pair = HardPair(
        group,
        folder / "hard" / f"{group}{number}-left.jpg",
        folder / "hard" / f"{group}{number}-right.jpg",
        group == "same_place",
    )
    draw = rng.random()
    if draw < 0.01:
        return HardVerdict(pair, "copy", 0.93)
    if draw < (0.5 if group == "same_place" else 0.03):
        return HardVerdict(pair, "scene", 0.05)
    return HardVerdict(pair, "", float(rng.random() * 0.2))
