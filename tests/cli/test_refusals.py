"""What can't work is refused before it does harm, and what is unfinished is said."""

from pathlib import Path

import pytest

from imagematch.stores.index import Index
from tests.conftest import CommandLine, World
from tests.world import ad_sites


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    return ad_sites(tmp_path / "ads", range(4))


def test_folders_that_overlap_are_not_indexed_twice(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    index = ("--index", tmp_path / "index", "--preset", "hashes")
    assert imagematch("index", ads, *index).code == 0
    (tmp_path / "way").symlink_to(ads)
    inside, around = next(path for path in sorted(ads.iterdir()) if path.is_dir()), tmp_path
    for folder in (inside, around, tmp_path / "way" / inside.name):
        refused = imagematch("index", folder, *index)
        assert refused.code == 2
        assert "in common" in refused.err
    again = imagematch("index", tmp_path / "way", *index, "--json")
    assert again.json()["known"] == 4


def test_a_folder_that_is_gone_for_good_can_be_said_to_be(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    index = ("--index", tmp_path / "index", "--preset", "hashes")
    imagematch("index", ads, *index)
    ads.rename(tmp_path / "moved")
    assert imagematch("index", ads, *index).code == 3
    assert imagematch("index", ads, *index, "--allow-lost").code == 0
    status = imagematch("status", "--index", tmp_path / "index", "--json").json()
    assert status["files"]["vanished"] == 4
    assert imagematch("index", tmp_path / "never", *index, "--allow-lost").code == 3


def test_refused_commands_leave_no_index(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert imagematch("index", ads, "--manifest", tmp_path / "no.csv", "--index", index).code == 2
    assert imagematch("index", "", "--index", index).code == 2
    assert not index.exists()
    index.write_text("a file")
    assert imagematch("index", ads, "--index", index).code == 2


def test_redescribe_without_another_preset_describes_all_again(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    index = ("--index", tmp_path / "index", "--json")
    imagematch("index", ads, *index, "--preset", "hashes")
    assert imagematch("index", ads, *index, "--redescribe").json()["described"] == 4


def test_an_index_that_is_not_finished_says_so(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    imagematch("index", ads, "--index", index, "--preset", "hashes")
    with Index.write(index, "a test") as opened:
        opened.photos.forget_fingerprints([1])
        opened.remove_vectors([1])
    for command in (("query", ads), ("link",)):
        assert "Warning: 1 photo of" in imagematch(*command, "--index", index).err


def test_a_finished_index_warns_of_nothing(imagematch: CommandLine, world: World) -> None:
    assert "Warning" not in imagematch("link", "--index", world.index).err
