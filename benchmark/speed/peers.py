"""The tools that one would pick instead, each in an environment of its own.

They come from `benchmark-requirements.lock`, never with imagematch. One that is not there is a
row that says so.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.speed import plain_loop

IMMACULATE = "immaculate"
#: Of `immaculate --method`.
IMMACULATE_METHODS = ("phash", "pdq", "sscd_distilled", "sscd")

#: Packages that one would write a loop with, and what it computes.
_LOOPED = {"imagehash": "imagehash pHash", "pdqhash": "pdqhash"}

_ASK = (
    "import json, sys; from importlib import metadata; "
    "print(json.dumps({d.metadata['Name'].lower(): d.version for d in metadata.distributions()}))"
)
NOT_INSTALLED = "not installed"
_SECONDS_TO_ANSWER = 60


@dataclass(frozen=True, slots=True)
class Peer:
    """One way of doing it without imagematch.

    Attributes:
        name: as tables show it.
        package: that has to be installed.
        words: after the interpreter of the environment; the folder of photos comes last.
    """

    name: str
    package: str
    words: tuple[str, ...]

    def command(self, environment: "Environment", photos: Path) -> list[str]:
        """What to run."""
        return [str(environment.python), *self.words, str(photos)]


@dataclass(frozen=True, slots=True)
class Environment:
    """Where peers are installed.

    Attributes:
        versions: by package, in lower case; empty where there is no environment.
    """

    python: Path
    versions: Mapping[str, str] = field(default_factory=dict)

    def missing(self, peer: Peer) -> str:
        """Why a peer can't run; "" where it can."""
        return "" if peer.package in self.versions else NOT_INSTALLED


def immaculate(method: str) -> str:
    """How tables call it."""
    return f"{IMMACULATE} {method}"


def plain_loop_of(package: str) -> str:
    """How tables call a script of one's own."""
    return f"{_LOOPED[package]}, a plain loop"


def all_peers() -> Iterator[Peer]:
    """Every peer, in the order of tables."""
    for method in IMMACULATE_METHODS:
        yield Peer(immaculate(method), IMMACULATE, ("-m", IMMACULATE, "--json", "--method", method))
    script = str(Path(plain_loop.__file__))
    for package in _LOOPED:
        yield Peer(plain_loop_of(package), package, (script, package))


def environment(folder: Path | None) -> Environment:
    """What an environment's folder holds; nothing where it is None or no environment."""
    if folder is None:
        return Environment(Path())
    # Not resolved: the interpreter of an environment is a link, and its path tells which one.
    ways = (folder.absolute() / way for way in ("bin/python", "Scripts/python.exe"))
    for python in ways:
        if python.is_file():
            return Environment(python, _versions(python))
    return Environment(Path())


def _versions(python: Path) -> dict[str, str]:
    try:
        answer = subprocess.run(
            [str(python), "-c", _ASK], capture_output=True, timeout=_SECONDS_TO_ANSWER, check=True
        )
        found = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return {str(name): str(version) for name, version in found.items()}
