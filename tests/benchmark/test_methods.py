"""Other methods are measured fairly: on the same photos, each with what it can do."""

from pathlib import Path

import pytest

from benchmark.quality import methods
from benchmark.quality.cases import Case
from imagematch.errors import Stopped
from imagematch.runtime.monitor import Unwatched
from tests.world import mirrored, photo, save


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("photos")
    for number in range(25):
        save(photo(number), made / f"{number}.jpg")
    (made / "broken.jpg").write_bytes(b"not a photo")
    return made


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    made: Path = tmp_path_factory.mktemp("queries")
    same = save(photo(3), made / "same.jpg", quality=60)
    turned = save(mirrored(photo(4)), made / "mirrored.jpg")
    return [
        Case("same", "recompress", (), "3.jpg", same, indexed=True),
        Case("mirrored", "mirror", (), "4.jpg", turned, indexed=True),
        Case("gone", "blur", (), "5.jpg", made / "gone.jpg", indexed=True),
    ]


PHOTOS = [f"{number}.jpg" for number in range(25)]


def test_hashes_find_what_they_can(folder: Path, cases: list[Case]) -> None:
    runs = methods.run(["phash", "pdq"], folder, [*PHOTOS, "broken.jpg"], cases, Unwatched())
    phash, pdq = runs
    assert [run.method for run in runs] == ["imagehash phash", "PDQ, 8 orientations"]
    assert phash.hits["same"][0].photo == pdq.hits["same"][0].photo == "3.jpg"
    # Only PDQ tries the query mirrored.
    assert pdq.hits["mirrored"][0].photo == "4.jpg"
    assert pdq.hits["mirrored"][0].score > 0.8 > phash.hits["mirrored"][0].score
    assert not any(run.calibrated for run in runs)


def test_twenty_photos_are_named_best_first_and_a_lost_query_names_none(
    folder: Path, cases: list[Case]
) -> None:
    (run,) = methods.run(["pdq"], folder, PHOTOS, cases, Unwatched())
    scores = [hit.score for hit in run.hits["same"]]
    assert len(scores) == 20
    assert scores == sorted(scores, reverse=True)
    assert scores[0] <= 1
    assert "gone" not in run.hits
    assert run.seconds_photo > 0 < run.seconds_query


@pytest.mark.model
def test_embeddings_see_through_what_hashes_do_not(folder: Path, tmp_path: Path) -> None:
    cropped = save(photo(3)[40:200, 60:260], tmp_path / "cropped.jpg")
    case = Case("cropped", "crop", (), "3.jpg", cropped, indexed=True)
    small, full = methods.run(["sscd-small", "sscd-full"], folder, PHOTOS, [case], Unwatched())
    for run in (small, full):
        assert run.hits["cropped"][0].photo == "3.jpg"
        assert -1 <= run.hits["cropped"][-1].score < run.hits["cropped"][0].score <= 1.00001
    assert small.hits["cropped"] != full.hits["cropped"]


def test_nothing_asked_is_nothing_done(tmp_path: Path) -> None:
    assert methods.run([], tmp_path, [], [], Unwatched()) == []


def test_a_wish_to_stop_is_heeded(folder: Path, cases: list[Case]) -> None:
    class Impatient(Unwatched):
        def check(self) -> None:
            raise Stopped("enough")

    with pytest.raises(Stopped):
        methods.run(["pdq"], folder, PHOTOS, cases, Impatient())
