"""Broken files of every format end in a reason or in fingerprints, in no other way.

They go through all that a worker does with a photo: decoding, hashes, views, the kept picture, the
thumbnail, and being compared as a query and as an indexed photo. `python -m tests.mutation_run`
tries as many as one likes.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.mutation_run import EXPECTED, outcomes
from tests.mutations import mutated, sound_files

#: How many files, of which a fifth or more must still be pictures: others test little.
_FILES = 2000


def test_the_same_number_gives_the_same_file() -> None:
    assert all(mutated(seed) == mutated(seed) for seed in range(50))
    assert len({mutated(seed) for seed in range(200)}) > 190


def test_the_files_that_get_broken_are_sound(tmp_path: Path) -> None:
    for name, data in sound_files().items():
        (tmp_path / name).write_bytes(data)
    came = dict(outcomes(str(path) for path in sorted(tmp_path.iterdir())))
    assert len(came) > 40
    assert set(came.values()) == {"described"}, came


@pytest.mark.slow
def test_mutated_files_end_in_a_reason_or_in_fingerprints() -> None:
    counts: Counter[str] = Counter()
    for seed, came in outcomes(range(_FILES)):
        assert came in EXPECTED, f"file {seed}: {came}"
        counts[came] += 1
    assert counts.total() == _FILES
    assert counts["described"] > _FILES / 5
    assert counts["corrupt"] > _FILES / 10
