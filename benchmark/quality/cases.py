"""What the parts of the quality benchmark hand to each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.pairs.hard import HardPair
from imagematch.records import Failure


@dataclass(frozen=True, slots=True)
class Case:
    """One query picture, and what is to be found with it.

    Attributes:
        name: unique, and the stem of its file.
        edit: the class that tables show, "crop_20"; "chain" for several edits in a row.
        steps: what was done, in order, with strengths: ("crop_40", "blur 0.31").
        source: the edited photo, relative to the folder that is measured.
        path: the picture, a JPEG.
        indexed: the source is in the index and must be found; else nothing must be.
        beside: further photos that the picture shows, relative likewise; none of them is indexed.
    """

    name: str
    edit: str
    steps: tuple[str, ...]
    source: str
    path: Path
    indexed: bool
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo that a method names for a query.

    Attributes:
        photo: relative to the folder that is measured.
        score: higher is surer; scales differ between methods. A probability for imagematch.
        kind: "exact", "copy", "part", "scene", of imagematch only.
        counts: imagematch shows it by default, or would as a `scene` if asked for those.
    """

    photo: str
    score: float
    kind: str = ""
    counts: bool = False

    @property
    def is_claim(self) -> bool:
        """It is shown as a copy by default; a `scene` is a lead to another photograph."""
        return self.counts and self.kind != "scene"


@dataclass(frozen=True, slots=True)
class MethodRun:
    """What one method answered to all cases.

    Attributes:
        method: as tables show it.
        hits: best first, by the name of the case; nothing for a case without an answer.
        seconds_photo, seconds_query: of one processor core, for one photo indexed and one query;
            NaN where there is none, or the system does not say.
        calibrated: scores are meant as probabilities.
        whole: hits are all that was scored; else only what is shown, whose calibration would say
            nothing about the rest.
    """

    method: str
    hits: Mapping[str, tuple[Hit, ...]]
    seconds_photo: float
    seconds_query: float
    calibrated: bool = False
    whole: bool = True


@dataclass(frozen=True, slots=True)
class HardVerdict:
    """What imagematch says about a hard pair.

    Attributes:
        kind: "exact", "copy", "part" or "scene" of a pair that counts, "" of one that does not.
        confidence: 0-1, of common origin.
    """

    pair: HardPair
    kind: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Direction:
    """A run the other way round: edited pictures are indexed, and untouched photos are asked.

    Attributes:
        cases: their picture is the photo, and their source the name of an edited picture.
    """

    cases: tuple[Case, ...]
    run: MethodRun


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A finished run.

    Attributes:
        folder: what was measured.
        command: that repeats the run.
        photos: indexed.
        twins: pairs of untouched photos that imagematch takes for one photograph; left out of
            the figures, and shown, so that a person can check them.
        machine: processor, cores and versions, in words.
        pictures: the folder that the pictures of cases and hard pairs were written to.
        backwards: the other direction; None where it was not asked for.
        failed: files that were left out because they can't be used, and why.
    """

    folder: Path
    command: str
    photos: int
    cases: tuple[Case, ...]
    runs: tuple[MethodRun, ...]
    hard: tuple[HardVerdict, ...]
    twins: tuple[tuple[str, str], ...]
    machine: str
    pictures: Path
    backwards: Direction | None = None
    failed: tuple[tuple[str, Failure], ...] = ()

    @property
    def queries(self) -> Path:
        """The folder of the edited pictures."""
        return self.pictures / "queries"
