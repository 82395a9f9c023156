"""Any two files are judged as a query would judge them, proposed or not."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagematch.errors import Stopped
from imagematch.records import Comparison, QueryOptions, match_id
from imagematch.runtime.monitor import Unwatched
from imagematch.services import indexing, querying
from imagematch.settings import DEFAULTS, DescribeSettings
from imagematch.sources.folder_source import FolderSource
from tests import recipes
from tests.world import mirrored, photo, reposted, save

HASHES = replace(DEFAULTS, describe=DescribeSettings(preset="hashes"))


def compared(*pairs: tuple[Path, Path], **options: object) -> list[Comparison]:
    settings = replace(HASHES, **options)  # type: ignore[arg-type]
    texts = [(str(left), str(right)) for left, right in pairs]
    return list(querying.compare_files(settings, texts, Unwatched()))


def codes(comparison: Comparison) -> dict[str, str]:
    """Why files could not be compared, by name."""
    return {Path(file.path).name: file.failure.code for file in comparison.failures}


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return save(photo(1), tmp_path / "known.jpg")


def test_a_copy_is_a_copy_and_a_stranger_is_nothing(known: Path, tmp_path: Path) -> None:
    copy = save(mirrored(photo(1)), tmp_path / "copy.jpg")
    stranger = save(photo(2), tmp_path / "stranger.jpg")
    first, second = compared((copy, known), (stranger, known))
    assert first.judgement is not None
    assert (first.judgement.kind, first.counts) == ("copy", True)
    assert first.judgement.evidence.geometry is not None
    assert first.judgement.evidence.geometry.mirrored
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (copy, known)]
    assert first.id == match_id(*hashes)
    assert second.judgement is not None
    assert not second.counts


def test_equal_bytes_and_equal_pixels_are_exact(known: Path, tmp_path: Path) -> None:
    one = save(photo(3), tmp_path / "a.png")
    other = save(photo(3), tmp_path / "b.bmp")
    found = [said.judgement for said in compared((known, known), (one, other))]
    rules = [judgement.evidence.rule for judgement in found if judgement is not None]
    assert rules == ["same_bytes", "same_pixels"]


def test_a_file_that_can_not_be_described_fails_alone(known: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    gone = tmp_path / "gone.jpg"
    pairs = [(broken, known), (known, gone), (broken, gone), (gone, gone), (known, known)]
    one, other, both, same, good = compared(*pairs)
    assert list(codes(one)) == ["broken.jpg"]
    assert codes(other) == {"gone.jpg": "unreadable"}
    assert list(codes(both)) == ["broken.jpg", "gone.jpg"]
    assert len(same.failures) == 1
    assert (one.judgement, one.id, one.counts) == (None, "", False)
    assert good.counts


def test_flat_pictures_are_not_measured_by_their_hashes(tmp_path: Path) -> None:
    grey = np.full((200, 200, 3), 120, np.uint8)
    one, other = save(grey, tmp_path / "1.jpg"), save(grey + 1, tmp_path / "2.jpg")
    (said,) = compared((one, other))
    assert said.judgement is not None
    assert said.judgement.evidence.pdq_distance is None
    assert not said.counts


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
    (said,) = compared((asked, folder / "known.jpg"), describe=DEFAULTS.describe)
    assert [(match.judgement, match.id) for match in answer.matches] == [(said.judgement, said.id)]


def test_a_wish_to_stop_is_heeded(known: Path) -> None:
    class Impatient(Unwatched):
        def check(self) -> None:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        list(querying.compare_files(HASHES, [(str(known), str(known))] * 65, Impatient()))
