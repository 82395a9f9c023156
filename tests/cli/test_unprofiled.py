"""Photos without a profile link nobody, are counted, and do not multiply."""

from pathlib import Path

from tests.conftest import CommandLine
from tests.world import photo, save


def test_copies_in_a_flat_folder_are_counted_once_each_and_link_nobody(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    save(photo(1), folder / "0.jpg")
    for number in range(1, 30):
        (folder / f"{number}.jpg").write_bytes((folder / "0.jpg").read_bytes())
    index = tmp_path / "index"
    assert imagematch("index", folder, "--index", index, "--preset", "hashes").code == 0
    linked = imagematch("link", "--index", index, "--json")
    assert linked.json()["links"] == []
    assert "29 matching pairs link nobody" in linked.err
