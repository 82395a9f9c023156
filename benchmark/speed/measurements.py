"""What the parts of the speed benchmark hand to each other."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmark.speed.scale import ScalePoint


@dataclass(frozen=True, slots=True)
class Photos:
    """A set of files that is measured.

    Attributes:
        name: as tables show it.
        megapixels: of a photo, on average.
        megabytes: of a file, on average.
    """

    name: str
    count: int
    megapixels: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Timed:
    """One contender on one set of photos.

    Attributes:
        seconds: wall clock of the whole process, each round; empty where it did not run.
        processor: processor time of all its processes together, each round, s.
        peak: the most memory of all its processes together, bytes.
        written: bytes on the disk when it was done; 0 where it writes nothing.
        note: why it did not run.
    """

    name: str
    photos: int
    seconds: tuple[float, ...] = ()
    processor: tuple[float, ...] = ()
    peak: float = math.nan
    written: int = 0
    note: str = ""

    @property
    def rate(self) -> float:
        """Photos a second, whole process; the median round."""
        return self.photos / median(self.seconds) if self.seconds else math.nan

    @property
    def best_rate(self) -> float:
        """The same of the fastest round."""
        return self.photos / min(self.seconds) if self.seconds else math.nan

    @property
    def each(self) -> float:
        """Processor seconds a photo; the median round."""
        return median(self.processor) / self.photos if self.processor else math.nan


@dataclass(frozen=True, slots=True)
class Ratio:
    """Photos a second of one contender over those of another.

    Attributes:
        value: median over the rounds, each with the two runs of that round; NaN where one of
            them did not run.
        low, high: of the rounds.
        target: least wanted; 0 where none was set.
    """

    of: str
    to: str
    value: float
    low: float
    high: float
    target: float = 0.0

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where that can't be told."""
        return None if math.isnan(self.value) or not self.target else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Throughput:
    """All contenders on one set of photos, and the ratios that matter."""

    photos: Photos
    timed: tuple[Timed, ...]
    ratios: tuple[Ratio, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Where the processor time of indexing goes.

    Attributes:
        seconds: processor seconds by step, without the steps inside it; together they are all
            that the run took but starting.
    """

    preset: str
    photos: int
    seconds: Mapping[str, float]


def step_names(steps: Sequence[Steps]) -> list[str]:
    """All steps of some presets, in the order of the one that has most."""
    by_number = sorted(steps, key=lambda one: -len(one.seconds))
    return list(dict.fromkeys(name for one in by_number for name in one.seconds))


@dataclass(frozen=True, slots=True)
class Peak:
    """What indexing so many photos took.

    Attributes:
        bytes: the most memory of all processes together.
        processor: processor time of all processes together, s.
    """

    preset: str
    photos: int
    bytes: float
    processor: float


@dataclass(frozen=True, slots=True)
class Pass:
    """One way in which a tree of files has changed, and what looking at it again took.

    Attributes:
        changed: files that were renamed or touched.
        seconds: wall clock of `imagematch reindex`, each round.
    """

    what: str
    changed: int
    seconds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Looking at a tree again in which nothing, or little, has changed.

    Attributes:
        first: wall clock of the first `reindex`, which indexes it, s.
        find: of `find TREE -printf '%s %T@ %p\\n'`, each round, s; empty where there is none.
        peak: the most memory of an unchanged pass, bytes.
    """

    files: int
    first: float
    find: tuple[float, ...]
    passes: tuple[Pass, ...]
    peak: float

    @property
    def ratio(self) -> float:
        """Seconds of an unchanged pass over those of `find`; the median over the rounds."""
        again = self.passes[0].seconds
        if not self.find:
            return math.nan
        return median(ours / theirs for ours, theirs in zip(again, self.find, strict=True))


@dataclass(frozen=True, slots=True)
class Growth:
    """How one cost grows.

    Attributes:
        name: of the cost, as tables show it.
        unit: "s", "ms", "bytes" and so on.
        sizes: numbers of photos, ascending.
        target: what the cost should be at most, by number of photos.
    """

    name: str
    unit: str
    sizes: tuple[int, ...]
    values: tuple[float, ...]
    target: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long queries took, s."""

    queries: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """The same queries of an index at rest, and while it was reindexed."""

    idle: Latency
    busy: Latency


@dataclass(frozen=True, slots=True)
class Held:
    """An index that stays open.

    Attributes:
        cold: s, a first query, as a command of its own.
        imports: s, a process that loads what any program of this kind does.
        alone: queries of one thread.
        together: of several at once.
        beside: of as many, while another thread adds photos and one decides.
        decisions: that were made meanwhile.
    """

    cold: float
    imports: float
    alone: Latency
    together: Latency
    beside: Latency
    decisions: int


@dataclass(frozen=True, slots=True)
class Speed:
    """Everything that one run measured; parts that were not asked for are empty.

    Attributes:
        folder: name of the measured folder.
        command: that repeats the run.
        machine: what it ran on, in words.
        peers: versions of the peers' packages.
    """

    folder: str
    command: str
    machine: str
    rounds: int
    workers: int
    peers: Mapping[str, str]
    throughput: tuple[Throughput, ...] = ()
    steps: tuple[Steps, ...] = ()
    peaks: tuple[Peak, ...] = ()
    unchanged: Unchanged | None = None
    busy: UnderLoad | None = None
    held: Held | None = None
    search: tuple[ScalePoint, ...] = ()
    growth: tuple[Growth, ...] = ()
