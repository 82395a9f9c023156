"""Measure imagematch on a folder of photos: speed and memory of `index`, quality of `query`.

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

import numpy as np
import psutil
from PIL import Image

from imagematch.kernels import edits
from imagematch.records import FoundFile
from imagematch.sources.folder import walk

#: Those that index differently: `fast` and `balanced` differ in queries only.
PRESETS = ("hashes", "balanced", "thorough")

#: Edits of the quality table, each at this strength (0-1).
STRENGTH = 0.5

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
        print_quality(photos, files, home, arguments.queries, arguments.seed)


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


def print_quality(
    photos: Path, files: Sequence[FoundFile], home: Path, queries: int, seed: int
) -> None:
    """How often an edited copy finds its original, and a new photo finds nothing."""
    rng = np.random.default_rng(seed)
    order = [files[int(place)] for place in rng.permutation(len(files))]
    half = len(order) // 2
    known, unknown = order[:half], order[half:][:queries]
    indexed = home / "known"
    _copy(photos, known, indexed)
    index = home / "quality"
    subprocess.run(
        _imagematch("index", str(indexed), "--index", str(index), "--json"),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    print(f"\n{min(queries, half)} edited copies of {half} indexed photos for each edit")
    print(f"{'edit':16}{'found':>8}{'ms each':>9}")
    for name, edit in edits.EDITS.items():
        folder = home / f"queries-{name}"
        folder.mkdir()
        for number, file in enumerate(known[:queries]):
            rgb = np.asarray(Image.open(photos / file.path).convert("RGB"))
            Image.fromarray(edit(rgb, rng, STRENGTH)).save(folder / f"{number:05}.png")
        answers, each = _asked(folder, index)
        found = sum(
            bool(answer["matches"]) and answer["matches"][0]["path"] == file.path
            for answer, file in zip(answers, known[:queries], strict=True)
        )
        print(f"{name:16}{found / len(answers):8.1%}{each * 1000:9.0f}", flush=True)
    folder = home / "unknown"
    _copy(photos, unknown, folder)
    answers, each = _asked(folder, index)
    wrong = [answer for answer in answers if answer["matches"]]
    print(f"{'(not indexed)':16}{len(wrong) / len(answers):8.1%}{each * 1000:9.0f}")
    for answer in wrong:
        best = answer["matches"][0]
        print(f"  {Path(answer['query']).relative_to(folder)} = {best['path']}? {best['kind']}")


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


def _asked(folder: Path, index: Path) -> tuple[list[dict[str, Any]], float]:
    """The answers of `query` to a folder in order, and seconds for each."""
    start = time.perf_counter()
    done = subprocess.run(
        _imagematch("query", str(folder), "--index", str(index), "--jsonl"),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return answers, (time.perf_counter() - start) / len(answers)


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
    parser.add_argument("--queries", type=int, default=50, help="query photos for each edit")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
