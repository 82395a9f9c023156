"""`imagematch status`: the contract's keys, an overview for people, and every failure."""

import json
from pathlib import Path

import jsonschema
import pytest

from imagematch.records import Failure
from imagematch.services.status import how_searched
from imagematch.stores.index import Index
from imagematch.stores.lock import write_lock
from imagematch.stores.vectors import StoreStats
from tests.conftest import CommandLine, World
from tests.stores.builders import add, create, describe, match, scanned

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "status.schema.json"


def checked(data: object) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(data)
    assert isinstance(data, dict)
    assert set(data) <= set(schema["properties"]), "a key that the schema does not explain"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Two described ads that match, one that waits, one that failed in two ways, and a gallery."""
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        root = add(index, scanned("a.jpg"), scanned("b.jpg"), scanned("gone.jpg"))
        ids = describe(index, root)
        match(index, [(ids[0], ids[1])])
        index.sightings.finish_scan(root, 1, [3], {})
        unreadable = Failure("unreadable", "no permission")
        add(index, scanned("w.jpg"), scanned("\u202ex", failure=unreadable), root="/more")
        add(index, scanned("bad.jpg"), collection="refs", root="/refs")
        index.photos.save_failed([(5, Failure("corrupt", "bad data"))], "here", 1)
    return directory


def test_json_has_the_contract_and_follows_the_schema(
    imagematch: CommandLine, directory: Path
) -> None:
    ran = imagematch("status", "--json", "--index", directory)
    data = ran.json()
    checked(data)
    assert (ran.code, ran.err) == (0, "")
    assert (data["photos"], data["described"], data["pending"]) == (5, 3, 1)
    assert (data["sightings"], data["failed"], data["matches"]) == (6, 2, 1)
    assert data["files"] == {"present": 5, "vanished": 1, "replaced": 0}
    assert data["collections"] == {"ads": 5, "refs": 1}
    assert data["galleries"] == [{"name": "refs", "files": 1, "photos": 1}]
    assert (data["preset"], data["embedder"]) == ("balanced", "sscd-small:abababababab@288")
    assert data["vectors"]["embedding"]["vectors"] == 6
    assert data["writer"] is None


def test_counts_of_a_real_index_agree_with_each_other(
    imagematch: CommandLine, world: World
) -> None:
    data = imagematch("status", "--json", "--index", world.index).json()
    checked(data)
    assert (data["photos"], data["sightings"], data["failed"]) == (15, 16, 0)
    assert sum(data["collections"].values()) == data["sightings"]
    assert sum(data["matches_by_kind"].values()) == data["matches"] > 0
    assert data["embedder"] is None
    assert data["bytes"] > data["vectors"]["PDQ"]["bytes"] > 0
    assert [run["state"] for run in data["runs"]] == ["done", "done"]
    assert {"decode", "hash", "search", "verify"} <= data["runs"][0]["counts"]["spent"].keys()


def test_people_get_an_overview(imagematch: CommandLine, directory: Path) -> None:
    out = imagematch("status", "--index", directory).out
    for words in (
        "5, 3 of them described",
        "1 waits to be described; run the same index command again",
        "5 present, 1 vanished",
        "2 failed; `imagematch status --failures` says why",
        "gallery refs: 1 photo in 1 file",
        "1: 1 copy",
        "search: every vector is compared, which so few allow",
        "nobody at the moment",
    ):
        assert words in out
    assert all(len(line.rstrip()) == len(line) for line in out.splitlines())


def test_every_failure_is_listed_with_its_reason(imagematch: CommandLine, directory: Path) -> None:
    ran = imagematch("status", "--failures", "--index", directory)
    assert ran.out.splitlines() == [
        r"/more/\u202ex: unreadable: no permission",
        "/refs/bad.jpg: corrupt: bad data",
    ]
    data = imagematch("status", "--failures", "--json", "--index", directory).json()
    checked(data)
    assert len(data["failures"]) == data["failed"]
    assert data["failures"][1] == {
        "collection": "refs",
        "root": "/refs",
        "path": "bad.jpg",
        "code": "corrupt",
        "message": "bad data",
        "traceback": "",
        "installation": "here",
    }
    assert (data["failed_pairs"], data["pair_failures"]) == (0, [])


def test_no_failure_is_said_so(imagematch: CommandLine, world: World) -> None:
    ran = imagematch("status", "--failures", "--index", world.index)
    assert (ran.out, ran.err, ran.code) == ("", "No file has failed.\n", 0)


def test_writer_is_named(imagematch: CommandLine, directory: Path) -> None:
    with write_lock(directory, "imagematch index photos"):
        data = imagematch("status", "--json", "--index", directory).json()
        out = imagematch("status", "--index", directory).out
    assert "(imagematch index photos)" in data["writer"]
    assert "(imagematch index photos)" in out


def test_missing_index_is_exit_code_3(imagematch: CommandLine, tmp_path: Path) -> None:
    ran = imagematch("status", "--index", tmp_path)
    assert (ran.code, ran.out) == (3, "")
    assert "there is no index" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_choice_of_search_is_explained() -> None:
    embeddings = StoreStats("float", 512, 1_052_897, 0, 5, 0, 1_048_576, 3)
    assert how_searched(embeddings) == (
        "inverted lists with 4-bit product quantisation, exact re-ranking, for 3 shards of "
        "1,048,576 vectors; every vector is compared of the other 4,321"
    )
    assert how_searched(StoreStats("binary", 32, 9000, 0, 1, 0, 9000, 1)).endswith(
        "for 1 shard of 9,000 vectors"
    )
