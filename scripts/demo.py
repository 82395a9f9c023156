"""Run imagematch on the sample world and compare what it says with the truth.

The samples come in (built where absent), an index and an HTML report go out, made with the real
command line; the exit code is 1 when a planted reuse is missed or a link is false.
"""

import argparse
import csv
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Two owners (a profile's or a gallery's folder) and the SHA-256 of the photos that join them.
type Join = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """What `link` said, held against truth.csv.

    Attributes:
        wanted: planted reuses between two profiles, or a profile and a gallery.
        missed: those that no link or gallery hit shows, in words.
        false: links and gallery hits between owners that share nothing, in words.
    """

    wanted: int
    missed: tuple[str, ...]
    false: tuple[str, ...]

    def summary(self) -> str:
        """The line that the demo ends with."""
        links = "false link" if len(self.false) == 1 else "false links"
        found = self.wanted - len(self.missed)
        return f"{found} of {self.wanted} reuses found, {len(self.false)} {links}"


def read_truth(samples: Path) -> list[dict[str, str]]:
    """The rows of truth.csv."""
    with (samples / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def owners_of(row: dict[str, str]) -> frozenset[str]:
    """The folders that the two files of a row lie in: `ads/SITE/PROFILE`, `gallery/NAME`."""
    return frozenset(row[side].rpartition("/")[0] for side in ("left", "right"))


def linked_owners(rows: Sequence[dict[str, str]]) -> set[frozenset[str]]:
    """Which two profiles, or profile and gallery, truly belong together."""
    return {owners_of(row) for row in rows if row["links"] == "yes"}


def check(samples: Path, report: dict[str, Any]) -> Check:
    """Hold the object that `link --json` printed against the truth."""
    rows = [row for row in read_truth(samples) if row["links"] == "yes"]
    pairs = [pair for link in report["links"] for pair in link["pairs"]] + report["gallery_hits"]
    shown = {_join(pair) for pair in pairs}
    missed = [
        f"{row['left']} and {row['right']} ({row['how']})"
        for row in rows
        if (owners_of(row), _photos(samples, row)) not in shown
    ]
    sides = [(link["left"], link["right"]) for link in report["links"]]
    joined = {frozenset(f"ads/{side['site']}/{side['profile']}" for side in two) for two in sides}
    joined |= {_join(pair)[0] for pair in report["gallery_hits"]}
    false = sorted(" and ".join(sorted(owners)) for owners in joined - linked_owners(rows))
    return Check(len(rows), tuple(missed), tuple(false))


def _photos(samples: Path, row: dict[str, str]) -> frozenset[str]:
    files = (samples / row[side] for side in ("left", "right"))
    return frozenset(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


def _join(pair: dict[str, Any]) -> Join:
    sides = (pair["left"], pair["right"])
    return frozenset(map(_owner, sides)), frozenset(side["photo"] for side in sides)


def _owner(sighting: dict[str, Any]) -> str:
    if sighting["collection"] == "ads":
        return f"ads/{sighting['site']}/{sighting['profile']}"
    return f"gallery/{sighting['collection']}"


def imagematch(*words: str | Path) -> str:
    """Run one command, shown as one would type it; returns what it printed.

    Raises:
        SystemExit: the command failed; with its exit code.
    """
    arguments = [str(word) for word in words]
    print(f"\n$ imagematch {shlex.join(arguments)}", flush=True)
    # UTF-8 mode: Windows would otherwise print names in the terminal's code page.
    command = [sys.executable, "-X", "utf8", "-m", "imagematch.cli", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode:
        print(done.stdout)
        print(f"The command failed with exit code {done.returncode}; see above.", file=sys.stderr)
        sys.exit(done.returncode)
    return done.stdout


def build_samples(samples: Path) -> None:
    """Build the samples where they are missing, or older than what builds them."""
    truth, sources = samples / "truth.csv", Path(__file__).parent.glob("*sample*.py")
    newest = max(source.stat().st_mtime for source in sources)
    complete = truth.exists() and (samples / "ads").is_dir()
    if complete and truth.stat().st_mtime >= newest:
        return
    from make_samples import build  # needs the photos of two packages that a user may lack

    print(f"Building the samples in {samples} ...", flush=True)
    build(samples)


def fresh_index(out: Path) -> Path:
    """Where this run keeps its index; an earlier run's is deleted, anybody else's never.

    Raises:
        SystemExit: there is an index that the demo did not make.
    """
    index, note = out / "index", out / "demo.txt"
    if index.exists() and not note.exists():
        sys.exit(f"{index} exists, but was not made by the demo; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    note.write_text(
        "Made by scripts/demo.py, which deletes index/ and makes it anew on each run.\n"
    )
    shutil.rmtree(index, ignore_errors=True)
    return index


def run(samples: Path, out: Path) -> Check:
    """Index, query and link the samples, and write the report."""
    build_samples(samples)
    index = fresh_index(out)
    ads, manifest = samples / "ads", samples / "manifest.csv"
    counts = json.loads(
        imagematch("index", ads, "--manifest", manifest, "--index", index, "--json")
    )
    print(f"{counts['seen']} photos seen, {counts['described']} described")
    for gallery in sorted((samples / "gallery").iterdir()):
        print(imagematch("gallery", "add", gallery.name, gallery, "--index", index), end="")
    print(imagematch("query", samples / "queries" / "found.jpg", "--index", index), end="")
    report = json.loads(imagematch("link", "--index", index, "--json"))
    print(f"{len(report['links'])} links and {len(report['gallery_hits'])} gallery hits", end="; ")
    print(f"{len(report['hot'])} photos set aside, {len(report['scenes'])} leads to a place")
    imagematch("link", "--index", index, "--html", out / "report.html")
    return check(samples, report)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run imagematch on the samples.")
    parser.add_argument("--samples", type=Path, default=Path("samples"), help="built if absent")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="for index and report")
    given = parser.parse_args()
    result = run(given.samples, given.out)
    for missed in result.missed:
        print(f"missed: {missed}")
    for false in result.false:
        print(f"false: {false}")
    print(f"\n{result.summary()}")
    print(f"\nThe report: {(given.out / 'report.html').resolve()}")
    print("Next, on a folder of your own (its folders name the sites, theirs the profiles):")
    print("  imagematch index FOLDER --site-from-path && imagematch link --html report.html")
    if result.missed or result.false:
        sys.exit(1)


if __name__ == "__main__":
    main()
