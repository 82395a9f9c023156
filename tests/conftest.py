"""What tests of several parts share: the command line in this process, and a small world."""

import io
import json
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from imagematch.cli import main
from tests.world import ad_sites, mirrored, photo, save

# A busy machine is no defect: no example of any test is held to a time.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Shells start background jobs with Ctrl-C ignored, and programs under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: The measuring data beside the checkout, which most machines do not have.
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command line did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """The objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


type CommandLine = Callable[..., Ran]


def run_program(program: Callable[[], None], *words: str | Path) -> Ran:
    """Run a program, named by the first word, in this process; it must print valid UTF-8."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before = sys.argv
    sys.argv = [*map(str, words)]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            program()
    finally:
        sys.argv = before
    texts = (stream.buffer.getvalue().decode() for stream in (out, err))
    return Ran(_code(end.value), *texts)


def run_command(*words: str | Path) -> Ran:
    """Run `imagematch WORDS`."""
    return run_program(main, "imagematch", *words)


def _code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)


@pytest.fixture
def imagematch() -> CommandLine:
    """The command line as a function."""
    return run_command


@dataclass(frozen=True, slots=True)
class World:
    """Twelve photos on three sites, copies of some, a gallery, and an index of all that.

    site9/anna shows photo 0 mirrored; photo 1 is also, byte for byte, at site9/berta;
    the gallery "missing" has a recompressed photo 2, and a photo that no ad shows.
    """

    ads: Path
    gallery: Path
    index: Path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The small world, indexed with the preset `hashes`; for looking only."""
    base: Path = tmp_path_factory.mktemp("world")
    made = World(base / "ads", base / "missing", base / "index")
    ad_sites(made.ads, range(12))
    save(mirrored(photo(0)), made.ads / "site9" / "anna" / "again.jpg")
    (made.ads / "site9" / "berta").mkdir(parents=True)
    same = made.ads / "site1" / "profile1" / "1.jpg"
    (made.ads / "site9" / "berta" / "same.jpg").write_bytes(same.read_bytes())
    save(photo(2), made.gallery / "known.jpg", quality=60)
    save(photo(1000), made.gallery / "other.jpg")
    for words in (
        ("index", made.ads, "--site-from-path", "--preset", "hashes"),
        ("gallery", "add", "missing", made.gallery),
    ):
        ran = run_command(*words, "--index", made.index)
        assert ran.code == 0, ran.err
    return made


@pytest.fixture
def shared_data() -> Path:
    """The measuring data; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"there is no measuring data in {SHARED_DATA}")
    return SHARED_DATA
