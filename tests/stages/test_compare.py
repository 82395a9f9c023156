"""Any two files are judged as a query would judge them, proposed or not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagematch import calibration
from imagematch.errors import Stopped
from imagematch.records import Failure, Judgement, QueryOptions
from imagematch.runtime.monitor import Unwatched
from imagematch.services import indexing, querying
from imagematch.settings import DEFAULTS, DescribeSettings
from imagematch.sources.folder_source import FolderSource
from tests import recipes
from tests.world import mirrored, photo, reposted, save

HASHES = replace(DEFAULTS, describe=DescribeSettings(preset="hashes"))


def judged(*pairs: tuple[Path, Path], **options: object) -> list[Judgement | Failure]:
    settings = replace(HASHES, **options)  # type: ignore[arg-type]
    texts = [(str(left), str(right)) for left, right in pairs]
    return list(querying.judge_files(settings, texts, Unwatched()))


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return save(photo(1), tmp_path / "known.jpg")


def test_a_copy_is_a_copy_and_a_stranger_is_nothing(known: Path, tmp_path: Path) -> None:
    copy = save(mirrored(photo(1)), tmp_path / "copy.jpg")
    stranger = save(photo(2), tmp_path / "stranger.jpg")
    first, second = judged((copy, known), (stranger, known))
    assert isinstance(first, Judgement)
    assert isinstance(second, Judgement)
    assert (first.kind, calibration.counts(first, DEFAULTS.match)) == ("copy", True)
    assert first.evidence.geometry is not None
    assert first.evidence.geometry.mirrored
    assert not calibration.counts(second, DEFAULTS.match)


def test_equal_bytes_and_equal_pixels_are_exact(known: Path, tmp_path: Path) -> None:
    one = save(photo(3), tmp_path / "a.png")
    other = save(photo(3), tmp_path / "b.bmp")
    rules = [said.evidence.rule for said in judged((known, known), (one, other))]  # type: ignore[union-attr]
    assert rules == ["same_bytes", "same_pixels"]


def test_a_file_that_can_not_be_described_fails_alone(known: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    one, other, good = judged((broken, known), (known, tmp_path / "gone.jpg"), (known, known))
    assert isinstance(one, Failure)
    assert isinstance(other, Failure)
    assert other.code == "unreadable"
    assert isinstance(good, Judgement)


def test_flat_pictures_are_not_measured_by_their_hashes(tmp_path: Path) -> None:
    grey = np.full((200, 200, 3), 120, np.uint8)
    one, other = save(grey, tmp_path / "1.jpg"), save(grey + 1, tmp_path / "2.jpg")
    (said,) = judged((one, other))
    assert isinstance(said, Judgement)
    assert said.evidence.pdq_distance is None
    assert not calibration.counts(said, DEFAULTS.match)


@pytest.mark.model
def test_a_pair_is_judged_as_the_query_of_one_against_an_index_of_the_other(
    known: Path, tmp_path: Path
) -> None:
    asked = save(reposted(photo(1)), tmp_path / "asked.jpg")
    folder = tmp_path / "folder"
    folder.mkdir()
    known.rename(folder / "known.jpg")
    recipes.index_folder(
        tmp_path / "index", indexing.IndexRequest(FolderSource(folder)), Unwatched()
    )
    options = QueryOptions(top=None, min_confidence=0.0)
    (answer,) = recipes.query_photos(tmp_path / "index", [str(asked)], options, Unwatched())
    (said,) = judged((asked, folder / "known.jpg"), describe=DEFAULTS.describe)
    assert [match.judgement for match in answer.matches] == [said]


def test_a_wish_to_stop_is_heeded(known: Path) -> None:
    class Impatient(Unwatched):
        def check(self) -> None:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        list(querying.judge_files(HASHES, [(str(known), str(known))] * 65, Impatient()))
