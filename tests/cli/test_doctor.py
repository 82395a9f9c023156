"""`imagematch doctor`: what it finds in a damaged index, what it mends, and what comes back."""

import json
import os
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from imagematch.errors import EmbedderUnavailable
from imagematch.kernels import embeddings
from imagematch.services import environment, opening
from imagematch.settings import DEFAULTS, Settings
from imagematch.stores import schema
from imagematch.stores.index import Index
from imagematch.stores.lock import write_lock
from tests.conftest import CommandLine, World
from tests.contents import contents, differences
from tests.stores.builders import add, create, describe, scanned, store_vectors

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def directory(world: World, tmp_path: Path) -> Path:
    """A copy of the small world's index, to damage."""
    return Path(shutil.copytree(world.index, tmp_path / "index"))


def states(data: Any, part: str = "findings") -> dict[str, str]:
    """The worst state of each check."""
    order = ("ok", "warning", "problem")
    found: dict[str, str] = {}
    for finding in data[part]:
        name = finding["check"]
        found[name] = max(found.get(name, "ok"), finding["state"], key=order.index)
    return found


def bad(data: Any) -> dict[str, str]:
    return {check: state for check, state in states(data).items() if state != "ok"}


# --- all is well -------------------------------------------------------------------------------


def test_sound_index_is_well(imagematch: CommandLine, world: World) -> None:
    ran = imagematch("doctor", "--json", "--index", world.index)
    data = ran.json()
    assert ran.code == 0
    assert bad(data) == {}
    assert states(data).keys() >= {
        *("lock", "settings", "audit", "catalogue", "vectors", "agreement")
    }
    assert states(data, "environment").keys() >= {
        *("python", "packages", "cpu", "memory", "disk", "weights", "decoders", "sqlite")
    }


def test_people_read_a_line_for_each_check_and_a_sum(imagematch: CommandLine, world: World) -> None:
    lines = imagematch("doctor", "--index", world.index).out.splitlines()
    assert lines[0] == "This machine"
    assert f"Index {world.index}" in lines
    assert "  ok        agreement: catalogue and vectors agree" in lines
    assert re.fullmatch(r"All is well\.|0 problems, \d+ warnings\.", lines[-1])


def test_looking_changes_no_byte_of_vectors_and_log(
    imagematch: CommandLine, directory: Path
) -> None:
    kept = [*(directory / "vectors").rglob("*.*"), directory / "audit.jsonl"]
    before = [path.read_bytes() for path in kept]
    imagematch("doctor", "--index", directory)
    assert [path.read_bytes() for path in kept] == before


def test_repair_of_a_sound_index_changes_nothing(
    imagematch: CommandLine, world: World, directory: Path
) -> None:
    ran = imagematch("doctor", "--repair", "--json", "--index", directory)
    assert (ran.code, ran.json()["repaired"]) == (0, [])
    assert differences(contents(world.index), contents(directory)) == []


def test_no_index_is_only_a_problem_where_one_was_named(
    imagematch: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("IMAGEMATCH_INDEX", raising=False)
    assert imagematch("doctor").code == 0
    ran = imagematch("doctor", "--index", "nowhere")
    assert ran.code == 3
    assert "there is no index in nowhere" in ran.out
    monkeypatch.setenv("IMAGEMATCH_INDEX", "elsewhere")
    assert imagematch("doctor").code == 3
    assert list(tmp_path.iterdir()) == []


# --- damage and repair -------------------------------------------------------------------------


def shard(directory: Path, what: str = "vectors") -> Path:
    return max((directory / "vectors").rglob(f"*.{what}.npy"), key=lambda path: path.stat().st_size)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, Callable[[Path], None]] = {
    "a flipped bit in vectors": lambda index: flip(shard(index)),
    "a flipped bit in ids": lambda index: flip(shard(index, "ids")),
    "a cut shard": lambda index: cut(shard(index)),
    "a deleted shard": lambda index: shard(index).unlink(),
    "a deleted manifest": lambda index: (index / "vectors/pdq/manifest.json").unlink(),
    "a damaged manifest": lambda index: flip(index / "vectors/pdq/manifest.json"),
    "no vectors at all": lambda index: shutil.rmtree(index / "vectors"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_vectors_are_found_repaired_and_as_they_were(
    imagematch: CommandLine, world: World, directory: Path, damage: str
) -> None:
    DAMAGES[damage](directory)
    before = imagematch("doctor", "--json", "--index", directory)
    assert before.code == 3
    assert states(before.json())["vectors"] == "problem"
    told = [finding for finding in before.json()["findings"] if finding["check"] == "vectors"]
    assert any("--repair" in finding["advice"] for finding in told)

    repaired = imagematch("doctor", "--repair", "--json", "--index", directory)
    assert repaired.code == 0, repaired.out
    assert repaired.json()["repaired"]
    assert imagematch("doctor", "--json", "--index", directory).code == 0

    again = imagematch(
        "index", world.ads, "--site-from-path", "--index", directory, "--preset", "hashes"
    )
    assert again.code == 0, again.err
    assert differences(contents(world.index), contents(directory)) == []


def test_lost_embeddings_are_described_again_by_the_next_run(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        root = add(index, scanned("a.jpg"), scanned("b.jpg"), root=str(tmp_path))
        describe(index, root)
    flip(next((directory / "vectors").rglob("embedding-*/*.vectors.npy")))
    ran = imagematch("doctor", "--repair", "--index", directory)
    assert ran.code == 0
    assert "2 photos wait to be described" in ran.out
    assert "run the command that indexed it again" in ran.out
    assert "repaired  settled: 4 embedding vectors of described photos are missing" in ran.out
    entry = json.loads((directory / "audit.jsonl").read_text().splitlines()[-1])
    assert entry["event"] == "repaired"
    with Index.write(directory, "test") as index:
        describe(index, root)
    assert imagematch("doctor", "--index", directory).code == 0


@pytest.mark.parametrize("content", [b"", b"garbage" * 500])
def test_damaged_catalogue_is_not_touched_and_the_way_out_is_told(
    imagematch: CommandLine, world: World, directory: Path, content: bytes
) -> None:
    log = (directory / "audit.jsonl").read_bytes()
    catalogue = directory / "catalogue.sqlite"
    for path in directory.glob("catalogue.sqlite-*"):
        path.unlink()
    catalogue.write_bytes(content)
    for words in ([], ["--repair"]):
        ran = imagematch("doctor", *words, "--json", "--index", directory)
        assert ran.code == 3
        (told,) = (entry for entry in ran.json()["findings"] if entry["check"] == "catalogue")
        assert "audit.jsonl" in told["advice"]
        assert catalogue.read_bytes() == content
    catalogue.unlink()
    for command in (("index", world.ads, "--site-from-path"), ("gallery", "add", "missing")):
        folder = [] if command[0] == "index" else [world.gallery]
        assert imagematch(*command, *folder, "--index", directory).code == 0
    assert differences(contents(world.index), contents(directory)) == []
    assert (directory / "audit.jsonl").read_bytes().startswith(log)


def test_damage_inside_the_catalogue_is_found(imagematch: CommandLine, directory: Path) -> None:
    catalogue = directory / "catalogue.sqlite"
    content = bytearray(catalogue.read_bytes())
    content[8192:40960] = os.urandom(40960 - 8192)
    catalogue.write_bytes(content)
    ran = imagematch("doctor", "--json", "--index", directory)
    assert ran.code == 3
    assert states(ran.json())["catalogue"] == "problem"


def test_equal_numbers_do_not_hide_a_difference(imagematch: CommandLine, tmp_path: Path) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        root = add(index, scanned("a.jpg"))
        ids = describe(index, root)
        store_vectors(index, add(index, scanned("b.jpg"), root="/more"))
        index.remove_vectors(ids)
    ran = imagematch("doctor", "--json", "--index", directory)
    assert (ran.code, states(ran.json())["agreement"]) == (3, "problem")
    ran = imagematch("doctor", "--repair", "--json", "--index", directory)
    assert (ran.code, states(ran.json())["agreement"]) == (0, "ok")


def test_vectors_of_a_killed_run_are_only_a_warning(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        store_vectors(index, add(index, scanned("a.jpg")))
    ran = imagematch("doctor", "--json", "--index", directory)
    assert (ran.code, states(ran.json())["agreement"]) == (0, "warning")


def test_older_schema_is_brought_up_to_date(
    imagematch: CommandLine, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = text("ALTER TABLE photos ADD COLUMN mood TEXT")
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    step = {schema.VERSION: lambda connection: connection.execute(statement)}
    monkeypatch.setattr(schema, "MIGRATIONS", step)
    ran = imagematch("doctor", "--json", "--index", directory)
    assert (ran.code, bad(ran.json())) == (3, {"schema": "problem"})
    ran = imagematch("doctor", "--repair", "--json", "--index", directory)
    assert ran.code == 0
    assert ran.json()["repaired"] == [
        f"brought the catalogue from an older schema to version {schema.VERSION}"
    ]


def test_newer_schema_asks_for_a_newer_program(imagematch: CommandLine, directory: Path) -> None:
    with Index.write(directory, "test") as index:
        index.catalogue.put("schema_version", "99")
    for words in ([], ["--repair"]):
        ran = imagematch("doctor", *words, "--json", "--index", directory)
        assert (ran.code, states(ran.json())["schema"]) == (3, "problem")


# --- what is left lying about ------------------------------------------------------------------


def test_settings_that_cannot_be_read_are_named(imagematch: CommandLine, directory: Path) -> None:
    (directory / "settings.toml").write_text("[store]\nbatches = 3\n")
    for words in ([], ["--repair"]):
        ran = imagematch("doctor", *words, "--index", directory)
        assert ran.code == 3
        assert "unknown setting 'batches'" in ran.out
        assert "correct that line" in ran.out


def test_leftovers_are_warnings_that_a_repair_takes_away(
    imagematch: CommandLine, directory: Path
) -> None:
    (directory / ".settings.toml.00ff.partial").write_bytes(b"half")
    with (directory / "audit.jsonl").open("ab") as log:
        log.write(b'{"time": "20')
    ran = imagematch("doctor", "--json", "--index", directory)
    assert (ran.code, bad(ran.json())) == (0, {"temporary files": "warning", "audit": "warning"})
    ran = imagematch("doctor", "--repair", "--json", "--index", directory)
    assert bad(ran.json()) == {"audit": "warning"}


def test_waiting_photos_and_missing_folders_are_warnings(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        add(index, scanned("a.jpg"), root="/no/such/drive")
    ran = imagematch("doctor", "--json", "--index", directory)
    assert (ran.code, bad(ran.json())) == (0, {"waiting": "warning", "folders": "warning"})


def test_writer_is_named_and_a_repair_waits_for_it(
    imagematch: CommandLine, directory: Path
) -> None:
    with write_lock(directory, "imagematch index photos"):
        ran = imagematch("doctor", "--json", "--index", directory)
        assert ran.code == 0
        assert "(imagematch index photos)" in ran.json()["findings"][0]["message"]
        ran = imagematch("doctor", "--repair", "--index", directory)
    assert ran.code == 3
    assert "is being written to by" in ran.err


# --- this machine ------------------------------------------------------------------------------


def no_weights(_settings: object) -> None:
    raise EmbedderUnavailable("the weights are missing")


def test_missing_weights_are_a_problem_only_of_an_index_that_uses_them(
    imagematch: CommandLine, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "find_model", no_weights)
    ran = imagematch("doctor", "--json", "--index", world.index)
    assert (ran.code, states(ran.json(), "environment")["weights"]) == (0, "warning")
    ran = imagematch("doctor", "--json", "--index", create(tmp_path / "index"))
    assert (ran.code, states(ran.json(), "environment")["weights"]) == (1, "problem")


@pytest.mark.model
@pytest.mark.parametrize(
    ("runtime", "state", "said"),
    [
        ("onnxruntime", "ok", "embeddings are computed by ONNX Runtime"),
        ("cuda", "problem", "onnxruntime-gpu"),
        ("abacus", "problem", "there is no runtime 'abacus'"),
    ],
)
def test_what_computes_embeddings_is_named_and_missed(
    imagematch: CommandLine, tmp_path: Path, runtime: str, state: str, said: str
) -> None:
    directory = create(tmp_path / "index", opening.named_embedder(DEFAULTS.describe))
    (directory / "settings.toml").write_text(f'[describe]\nruntime = "{runtime}"\n')
    data = imagematch("doctor", "--json", "--index", directory).json()
    (finding,) = [found for found in data["environment"] if found["check"] == "runtime"]
    assert finding["state"] == state
    assert said in finding["message"]


def test_packages_that_do_not_fit_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = environment.Package("no-such-package", "no_such_module", "1.0", 1)
    too_old = environment.Package("numpy", "numpy", "999.0", 999)
    too_new = environment.Package("numpy", "numpy", "0.1", 0)
    monkeypatch.setattr(environment, "PACKAGES", (made_up, too_old, too_new))
    found = [
        finding
        for finding in environment.check_environment(Path(), None)
        if finding.check == "packages"
    ]
    assert [finding.state for finding in found] == ["problem", "problem", "warning"]
    assert found[0].advice == 'pip install "no-such-package>=1.0"'


def test_packages_checked_are_those_that_are_declared() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        found[1]: found[2]
        for found in map(re.compile(r"([\w-]+)>=([\d.]+)").match, project["dependencies"])
        if found
    }
    checked = {package.name: package.lowest for package in environment.PACKAGES}
    assert checked.items() <= declared.items()
    # What these need is found by importing them.
    assert declared.keys() - checked.keys() <= {"markupsafe"}


def test_newest_versions_are_those_of_the_lock_file() -> None:
    lock = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w-]+)==(\d+)", lock, re.MULTILINE))
    assert {package.name: str(package.newest) for package in environment.PACKAGES}.items() <= (
        locked.items()
    )


def test_little_memory_advises_fewer_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "memory_bytes", lambda: 2**30)
    workers = Settings(workers=type(DEFAULTS.workers)(count=8))
    (found,) = (
        finding
        for finding in environment.check_environment(Path(), workers)
        if finding.check == "memory"
    )
    assert (found.state, found.advice) == (
        "warning",
        "set workers.count = 2 in the index's settings.toml",
    )
