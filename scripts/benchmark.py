"""Measure speed and memory of `imagematch index` on a folder of photos.

Runs the real command line in processes of its own and prints tables. Times depend on the machine
and on what else it does: compare figures of one run with each other, not with those of another.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from imagematch.records import FoundFile
from imagematch.sources.folder import walk

#: Those that index differently: `fast` and `balanced` differ in queries only.
PRESETS = ("hashes", "balanced", "thorough")

#: Seconds between two looks at the memory of the process tree.
_LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of a command.

    Attributes:
        seconds: wall clock, whole process.
        peak_mb: largest proportional memory of the process and its children together, MiB.
    """

    seconds: float
    peak_mb: float
    output: str


def main() -> None:
    """Print the tables."""
    arguments = _arguments()
    photos = arguments.photos
    if photos is None or not photos.is_dir():
        sys.exit(f"no folder of photos at {photos}: name one, as in `make bench PHOTOS=FOLDER`")
    with tempfile.TemporaryDirectory(prefix="imagematch-bench-") as scratch:
        home = Path(scratch)
        files = [entry for entry in walk(photos) if isinstance(entry, FoundFile)]
        some = _subset(photos, files, arguments.subset, home / "subset")
        print(f"{len(files)} photos, and {arguments.subset} of them; {psutil.cpu_count()} CPUs\n")
        print_speed(photos, some, home)


def print_speed(photos: Path, some: Path, home: Path) -> None:
    """Photos a second, where the time goes, and peak memory for few and for all photos."""
    print("Whole process, results stored and matched. Shares are of the work of all processes.")
    parts = ("scan", "decode", "hash", "embed", "store", "search", "verify")
    print(f"{'preset':12}{'photos':>8}{'seconds':>9}{'per s':>8}{'MiB':>7}  again s  ", end="")
    print("  ".join(f"{part:>6}" for part in parts))
    for preset in PRESETS:
        for folder in (some, photos):
            index = home / f"{preset}-{folder.name}"
            command = ["index", str(folder), "--index", str(index), "--preset", preset, "--json"]
            first = measured(command)
            again = measured(command)
            seen = json.loads(first.output)["seen"]
            spent = _spent(index)
            total = sum(spent.values())
            print(
                f"{preset:12}{seen:8}{first.seconds:9.1f}{seen / first.seconds:8.1f}"
                f"{first.peak_mb:7.0f}{again.seconds:9.1f}  "
                + "  ".join(f"{spent.get(part, 0) / total:6.1%}" for part in parts),
                flush=True,
            )


def measured(arguments: Sequence[str]) -> Measured:
    """Run an imagematch command and watch the memory of all its processes."""
    start = time.perf_counter()
    with subprocess.Popen(
        _imagematch(*arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(_memory(psutil.Process(process.pid))))
            time.sleep(_LOOK_EVERY)
        seconds = time.perf_counter() - start
        output = process.stdout.read() if process.stdout else ""
    if process.returncode not in (0, 1):
        sys.exit(f"imagematch {' '.join(arguments)} ended with exit code {process.returncode}")
    return Measured(seconds, peak / 2**20, output)


def _memory(process: psutil.Process) -> Iterator[int]:
    """Bytes of each process of a tree; shared pages are shared out where the system tells."""
    try:
        for member in (process, *process.children(recursive=True)):
            memory = member.memory_full_info() if psutil.LINUX else member.memory_info()
            yield getattr(memory, "pss", memory.rss)
    except psutil.Error:  # it has just ended
        return


def _imagematch(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "imagematch.cli", *arguments]


def _spent(index: Path) -> dict[str, float]:
    """Seconds by part of the first run."""
    status = subprocess.run(
        _imagematch("status", "--index", str(index), "--json"),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    runs: list[dict[str, Any]] = json.loads(status.stdout)["runs"]
    spent: dict[str, float] = runs[-1]["counts"]["spent"]
    return spent


def _subset(photos: Path, files: Sequence[FoundFile], count: int, folder: Path) -> Path:
    """A folder with some of the photos, evenly chosen."""
    step = max(1, len(files) // count)
    _copy(photos, files[::step][:count], folder)
    return folder


def _copy(photos: Path, files: Sequence[FoundFile], folder: Path) -> None:
    for file in files:
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / file.path, target)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("photos", type=Path, nargs="?", help="folder of photos to measure with")
    parser.add_argument("--subset", type=int, default=500, help="photos of the smaller runs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
