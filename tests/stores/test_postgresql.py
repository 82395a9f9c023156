"""A catalogue in PostgreSQL: it behaves as one in SQLite does, and says what is in the way."""

import inspect
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import URL, create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError

from imagematch.errors import (
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexTooOld,
    IndexUnavailable,
    SettingsError,
)
from imagematch.records import SightingInfo
from imagematch.settings import DEFAULTS, Settings, StoreSettings
from imagematch.stores import catalogue as catalogue_module
from imagematch.stores import postgresql, schema
from imagematch.stores.catalogue import Catalogue, Purpose
from imagematch.stores.index import HeldIndex, Index
from tests.conftest import CommandLine
from tests.contents import contents, differences, file_digests
from tests.stores import (
    test_decision_history,
    test_identifiers,
    test_index,
    test_operator_decisions,
    test_photos_and_matches,
    test_sightings,
)
from tests.stores.builders import MODEL, add, create, decision, scanned
from tests.stores.postgresql_server import Server, running_server
from tests.world import ad_sites, mirrored, photo, save

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as started:
        yield started


def text_of(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def settings_with(url: URL | str) -> Settings:
    named = url if isinstance(url, str) else text_of(url)
    return replace(DEFAULTS, store=StoreSettings(catalogue=named))


def made(directory: Path, url: URL) -> Path:
    """An empty index whose catalogue is in a database."""
    with Index.create(directory, "test", settings_with(url), MODEL):
        pass
    return directory


@pytest.fixture
def url(server: Server) -> URL:
    return server.new_schema()


@pytest.fixture
def directory(tmp_path: Path, url: URL) -> Path:
    return made(tmp_path / "index", url)


@pytest.fixture
def index(directory: Path) -> Iterator[Index]:
    with Index.write(directory, "test") as opened:
        yield opened


# --- what SQLite's tests ask for ---------------------------------------------------------------

#: About the file of SQLite, with settings that do not name the database, or with zero bytes.
_ONLY_SQLITE = {
    "test_vectors_without_a_catalogue_do_not_get_into_a_new_index",
    "test_existing_index_keeps_its_settings_and_embedder",
    "test_change_to_a_preset_forgets_the_model_of_ones_own",
    "test_what_a_source_says_comes_back_as_it_was",
}


_SHARED = (
    *(test_decision_history, test_identifiers, test_index, test_operator_decisions),
    *(test_photos_and_matches, test_sightings),
)


def _shared_tests() -> dict[str, Callable[..., None]]:
    """The tests of an index or its tables; here they get the fixtures of this module."""
    return {
        name: test
        for module in _SHARED
        for name, test in vars(module).items()
        if name.startswith("test_")
        and name not in _ONLY_SQLITE
        and {"index", "directory"} & inspect.signature(test).parameters.keys()
    }


globals().update(_shared_tests())
described = test_photos_and_matches.described  # a fixture of some of them


# --- the catalogue -----------------------------------------------------------------------------


def opened(url: URL, purpose: Purpose) -> "closing[Catalogue]":
    return closing(Catalogue.open(url, purpose))


def test_transaction_of_a_reader_sees_one_state(url: URL) -> None:
    Catalogue.create(url, "{}")
    query = text("SELECT value FROM meta WHERE key = 'key'")
    with opened(url, "run") as writer, opened(url, "read") as reader:
        writer.put("key", "old")
        with reader.begin() as connection:
            assert connection.execute(query).scalar() == "old"
            writer.put("key", "new")
            assert connection.execute(query).scalar() == "old"
        assert reader.get("key") == "new"


def test_reader_cannot_write(url: URL) -> None:
    Catalogue.create(url, "{}")
    with opened(url, "read") as reader:
        with pytest.raises(IndexDamaged, match="read-only transaction"):
            reader.put("key", "value")
        assert reader.get("key") is None


def test_index_that_stays_open_outlives_the_sessions_of_its_server(
    server: Server, directory: Path
) -> None:
    """As where the server is started anew, or a firewall forgets connections that are idle."""
    with closing(HeldIndex(directory)) as held:
        for _ in range(2):
            with held.state() as index:
                assert index.photos.counts()["all"] == 0
            with server.connect() as session:
                session.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )


def test_one_export_may_be_taken_over_by_several_at_once(directory: Path) -> None:
    exported = [
        decision("confirm", "a", "b", at=f"2026-01-01T00:00:{n:02}.000+00:00") for n in range(50)
    ]
    together = threading.Barrier(4)

    def take_over(_: int) -> int:
        with Index.decide(directory) as index:
            together.wait(30)
            return index.decisions.merge(exported)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(take_over, range(4))) == [0, 0, 0, 50]


def test_of_many_who_say_something_of_operators_at_once_one_is_the_last(directory: Path) -> None:
    together = threading.Barrier(4)

    def say(number: int) -> None:
        made = test_operator_decisions.said("a", "b", who=str(number))
        with Index.decide(directory) as index:
            together.wait(30)
            for _ in range(5):
                index.operator_decisions.add(made, test_operator_decisions.unlogged)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(say, range(4)))
    with Index.read(directory) as index:
        made = index.operator_decisions.history()
    assert len({each.at for each in made}) == len(made) == 20


def test_foreign_keys_hold(index: Index) -> None:
    values = {"collection_id": 77, "path": "/", "raw": b"", "site_from_path": False, "manifest": ""}
    with pytest.raises(IntegrityError), index.catalogue.change() as connection:
        connection.execute(insert(schema.roots).values(values))


class Killed(BaseException):
    """Stands for the end of the process."""


def test_killed_creation_leaves_no_index_and_can_be_repeated(
    tmp_path: Path, url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(catalogue_module.Catalogue, "_set_default", staticmethod(die))
        with pytest.raises(Killed):
            made(tmp_path, url)
    with pytest.raises(IndexMissing), Index.read(tmp_path):
        pass
    made(tmp_path, url)
    with Index.read(tmp_path) as index:
        assert index.catalogue.check() == []


def test_writer_brings_an_older_catalogue_up_to_date(
    url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    Catalogue.create(url, "{}")
    step = schema.VERSION + 1
    statement = text("ALTER TABLE photos ADD COLUMN mood TEXT")
    monkeypatch.setattr(schema, "VERSION", step)
    monkeypatch.setattr(schema, "MIGRATIONS", {step: lambda to: to.execute(statement)})
    with pytest.raises(IndexTooOld, match="doctor --repair"):
        Catalogue.open(url, "read")
    for _ in range(2):
        with opened(url, "run") as catalogue, catalogue.begin() as connection:
            assert connection.execute(text("SELECT mood FROM photos")).all() == []


def test_catalogue_of_the_first_version_keeps_its_data_and_gets_decisions(
    directory: Path, url: URL
) -> None:
    with Index.write(directory, "test") as index:
        add(index, scanned("a.jpg"))
        # All that later versions added.
        with index.catalogue.change() as connection:
            later = schema.decisions, schema.folders, schema.inodes
            for table in (*later, schema.failures, schema.failed_pairs):
                table.drop(connection)
            for name in ("files_by_run", "files_unread", "photos_by_gate"):
                connection.execute(text(f"DROP INDEX {name}"))
        index.catalogue.put("schema_version", "1")
    with pytest.raises(IndexTooOld, match="version 1"):
        Catalogue.open(url, "read")
    with Index.write(directory, "test") as index:
        assert index.catalogue.version() == schema.VERSION
        assert index.catalogue.check() == []
        assert index.photos.counts()["all"] == 1
        kept = index.decisions.add([decision("reject", "a.jpg", "b.jpg")])
    with Index.read(directory) as index:
        assert index.decisions.history() == kept


def test_names_too_long_for_an_index_of_the_server_are_kept(index: Index) -> None:
    dice = random.Random(1)
    path, handle = (
        "".join(chr(dice.randrange(0x4E00, 0x9000)) for _ in range(n)) for n in (1300, 9000)
    )
    info = SightingInfo(site="s", profile=handle)
    root = add(index, scanned(path, None, info), scanned(path + "\\", None, info))
    assert {file.path for file in index.known.files_of(root)} == {path, path + "\\"}
    asked = {name: name for name in (path, path + "\\", path[1:])}
    assert index.known.files_under(root, asked).keys() == {path, path + "\\"}
    assert index.sightings.counts()["profiles"] == 1
    with pytest.raises(IntegrityError):
        index.sightings.add_files(root, 1, [scanned(path)], [])


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_source_says_comes_back_as_it_was(index: Index, words: str) -> None:
    info = SightingInfo("site", words, text=words, extra={words + "\0": words + "\udcff"})
    place = f"/{len(index.catalogue.last_runs(1000))}"
    add(index, scanned("a.jpg", None, info), root=place)
    found = index.sightings.sightings_of([1])[1]
    assert [entry.info for entry in found if entry.root == place] == [info]


def test_zero_byte_in_text_is_spelled_out(index: Index) -> None:
    index.catalogue.start_run("index", "a\0b", "/")
    assert index.catalogue.last_runs(1)[0].job == r"a\x00b"


def test_text_is_ordered_by_code_points(server: Server, tmp_path: Path) -> None:
    with Index.write(made(tmp_path, server.new_database()), "test") as index:
        for name in ("b", "a", "B", "ä", "Z", "_"):
            index.collections.ensure(name, "ads")
        assert [entry.name for entry in index.collections.all()] == ["B", "Z", "_", "a", "b", "ä"]


# --- one index, one database, one writer -------------------------------------------------------


def test_second_directory_cannot_use_the_database_of_another(directory: Path, url: URL) -> None:
    other = directory.with_name("other")
    with pytest.raises(IndexUnavailable, match="tables of another index"):
        made(other, url)
    for opening in (Index.read(other), Index.write(other, "test")):
        with pytest.raises(IndexUnavailable, match="index in another directory"), opening:
            pass
    with Index.read(directory) as index:
        assert index.compare(repair=False) == []


def test_tables_of_another_program_are_left_alone(server: Server, tmp_path: Path) -> None:
    url = server.new_database()
    with server.connect(url.database or "") as session:
        session.execute("CREATE TABLE photos (mine text)")
    with pytest.raises(IndexUnavailable, match="a database or a schema of its own"):
        made(tmp_path, url)
    with server.connect(url.database or "") as session:
        tables = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == [("photos",)]


def test_writer_elsewhere_is_noticed_without_the_lock_of_the_directory(
    url: URL, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = ("SET LOCAL lock_timeout = '50ms'", *postgresql._ALONE[1:])
    with monkeypatch.context() as patched, Index.write(directory, "test"):
        patched.setattr(postgresql, "_ALONE", soon)
        with pytest.raises(IndexLocked, match="another process"):
            Catalogue.open(url, "run")
        with Index.read(directory) as reader:
            assert reader.photos.counts()["all"] == 0
    with opened(url, "run") as catalogue:
        assert catalogue.version() == schema.VERSION


def test_index_that_lost_the_name_of_its_database_is_not_made_anew(directory: Path) -> None:
    before = file_digests(directory / "vectors")
    (directory / "settings.toml").unlink()
    with pytest.raises(SettingsError, match=r"put store\.catalogue back"):
        create(directory)
    assert file_digests(directory / "vectors") == before


def test_file_of_an_index_is_not_passed_over_for_a_database(tmp_path: Path, url: URL) -> None:
    create(tmp_path)
    with (tmp_path / "settings.toml").open("a") as settings:
        settings.write(f"[store]\ncatalogue = '{text_of(url)}'\n")
    with pytest.raises(SettingsError, match="can't be moved"), Index.read(tmp_path):
        pass


# --- what is in the way ------------------------------------------------------------------------


def test_missing_database_and_missing_schema_are_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match='database "nowhere" does not exist'):
        made(tmp_path / "a", server.url("nowhere"))
    with pytest.raises(IndexUnavailable, match="no schema has been selected"):
        made(tmp_path / "b", server.url(options="-csearch_path=nowhere"))


def test_database_that_cannot_hold_every_name_is_refused(server: Server, tmp_path: Path) -> None:
    with server.connect() as session:
        session.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    with pytest.raises(IndexUnavailable, match="ENCODING 'UTF8'"):
        made(tmp_path, server.url("ascii"))


def test_server_that_stops_is_no_damage(server: Server, index: Index) -> None:
    with server.connect() as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        )
    with pytest.raises(IndexUnavailable, match="at the moment") as caught:
        index.catalogue.put("key", "value")
    assert type(caught.value) is IndexUnavailable


def test_lost_table_is_found(index: Index) -> None:
    with index.catalogue.change() as connection:
        connection.execute(text("DROP TABLE candidates"))
    assert index.catalogue.check() == ["catalogue: the table candidates is gone"]
    with pytest.raises(IndexDamaged, match="doctor"):
        index.matches.waiting()


# --- the commands ------------------------------------------------------------------------------


def prepared(directory: Path, url: URL | None) -> Path:
    """An empty folder for an index, with settings that wait in it."""
    directory.mkdir(parents=True)
    named = f"catalogue = '{text_of(url)}'\n" if url else ""
    (directory / "settings.toml").write_text(
        f"[describe]\npreset = 'hashes'\n[workers]\ncount = 1\n[store]\nbatch = 4\n{named}"
    )
    return directory


def in_sqlite(index: Path, url: URL, copy: Path) -> Path:
    """Copy an index, with its catalogue in a file, so that it can be compared with another."""
    shutil.copytree(index, copy)
    (copy / "catalogue.id").unlink()
    lines = (copy / "settings.toml").read_text().splitlines(keepends=True)
    kept = (line for line in lines if not line.startswith("catalogue ="))
    (copy / "settings.toml").write_text("".join(kept))
    ours, theirs = create_engine(url), create_engine(f"sqlite:///{copy}/catalogue.sqlite")
    with ours.begin() as reading, theirs.begin() as writing:
        schema.METADATA.create_all(writing)
        for table in schema.METADATA.sorted_tables:
            rows: list[Any] = [row._asdict() for row in reading.execute(select(table))]
            if table is schema.meta:
                rows = [row for row in rows if row["key"] != "owner"]
            if rows:
                writing.execute(insert(table), rows)
    ours.dispose()
    theirs.dispose()
    return copy


def ads_with_copies(folder: Path, count: int) -> Path:
    """Photos, a mirrored and an identical copy, one file that fails and one of an odd name."""
    ad_sites(folder, range(count))
    save(mirrored(photo(0)), folder / "site9" / "anna" / "again.jpg")
    (folder / "site9" / "berta").mkdir(parents=True)
    same = folder / "site1" / "profile1" / "1.jpg"
    shutil.copy(same, folder / "site9" / "berta" / "same \\ Ω.jpg")
    (folder / "site9" / "berta" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    return folder


def test_every_command_works_as_with_a_file(
    server: Server, tmp_path: Path, imagematch: CommandLine
) -> None:
    url = server.new_database()
    ads = ads_with_copies(tmp_path / "ads", 8)
    save(photo(2), tmp_path / "missing" / "known.jpg", quality=60)
    save(photo(1000), tmp_path / "missing" / "other.jpg")
    theirs, ours = prepared(tmp_path / "file", None), prepared(tmp_path / "server", url)
    jobs = tmp_path / "jobs.toml"
    jobs.write_text(f"[[job]]\nname = 'night'\nfolder = '{ads}'\nevery = '1h'\n")

    def both(*words: str | Path, code: int = 0) -> None:
        """Run a command on both indexes; what it answers must be the same, times aside."""
        answers = []
        for index in (theirs, ours):
            ran = imagematch(*words, "--index", index)
            assert ran.code == code, ran.err
            if "--json" in words:
                answers.append(re.sub(r'"seconds": [0-9.]+', "", ran.out))
        assert answers[1:] == answers[:1]

    index = ("index", ads, "--site-from-path", "--json")
    both(*index, code=1)
    before = file_digests(ours / "vectors")
    both(*index)  # what failed before is no news
    assert file_digests(ours / "vectors") == before
    both("gallery", "add", "missing", tmp_path / "missing")
    both("gallery", "list", "--json")
    both("query", ads / "site0" / "profile0" / "0.jpg", "--json", "--min-confidence", "0")
    both("link", "--json")
    both("operator", "same", "site0/profile0", "site1/profile1", "--note", "tattoo")
    both("operator", "not-same", "site1/profile1", "site9/berta")
    for index_directory in (theirs, ours):
        report = imagematch("link", "--json", "--index", index_directory).json()
        assert [link["decision"]["note"] for link in report["links"] if link["decision"]]
        assert len(report["apart"]) == 1
    both("operator", "reopen", "site1/profile1", "site9/berta")
    exported = tmp_path / "decisions.json"
    exported.write_text(imagematch("decisions", "list", "--json", "--index", theirs).out, "utf-8")
    both("decisions", "import", exported)
    (ads / "site2" / "profile2" / "2.jpg").rename(ads / "site2" / "profile2" / "moved.jpg")
    (ads / "site0" / "profile3" / "3.jpg").unlink()
    save(photo(50), ads / "site1" / "profile4" / "4.jpg")
    both("reindex", "--jobs", jobs)  # what failed, failed before
    found = contents(in_sqlite(ours, url, tmp_path / "copy 1"))
    assert differences(found, contents(theirs)) == []
    assert len(found["matches"]) >= 2
    both("gallery", "remove", "missing")
    copy = in_sqlite(ours, url, tmp_path / "copy 2")
    assert differences(contents(copy), contents(theirs)) == []

    status = imagematch("status", "--json", "--index", ours).json()
    assert status["photos"] == 11
    assert status["catalogue"].startswith("PostgreSQL ")
    for words in (("doctor",), ("doctor", "--repair")):
        ran = imagematch(*words, "--index", ours)
        assert ran.code == 0, ran.out + ran.err
        assert "PostgreSQL" in ran.out


def test_killed_indexing_ends_like_that_of_a_file_never_killed(
    server: Server, tmp_path: Path, imagematch: CommandLine
) -> None:
    url = server.new_database()
    ads = ads_with_copies(tmp_path / "ads", 16)
    words = ("index", ads, "--site-from-path", "--index")
    theirs, ours = prepared(tmp_path / "file", None), prepared(tmp_path / "server", url)
    assert imagematch(*words, theirs).code == 1
    command = [sys.executable, "-m", "imagematch.cli", *map(str, words), str(ours)]
    dice = random.Random(5)
    kills, longest = 0, 2.0
    while True:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            _, said = process.communicate(timeout=dice.uniform(0.5, longest) if kills < 8 else 60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        # 0: the one before was killed when it had told of its failure, and not yet ended.
        assert process.returncode in (0, 1), said.decode()
        if kills >= 4:
            break
        # Too fast to be killed: from the start again, and sooner.
        longest *= 0.8
        shutil.rmtree(ours)
        url = server.new_database()
        prepared(ours, url)
    copy = in_sqlite(ours, url, tmp_path / "copy")
    assert differences(contents(copy), contents(theirs)) == []
    assert imagematch("doctor", "--index", ours).code == 0


def test_commands_say_that_the_server_is_not_there(tmp_path: Path, imagematch: CommandLine) -> None:
    url = URL.create(
        "postgresql+psycopg", "me", "hidden", database="x", query={"host": str(tmp_path / "none")}
    )
    index = prepared(tmp_path / "index", url)
    ads = ad_sites(tmp_path / "ads", range(1))
    for words in (("index", ads), ("query", ads), ("status",), ("doctor",), ("doctor", "--repair")):
        ran = imagematch(*words, "--index", index)
        assert ran.code == 3, ran.err
        said = ran.out + ran.err
        assert "can't be used at the moment" in " ".join(said.split())
        assert "hidden" not in said
        assert "Traceback" not in said
    assert not (index / "vectors").exists()


def test_missing_driver_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(IndexUnavailable, match=r'pip install "imagematch\[postgres\]"'):
        made(tmp_path, URL.create("postgresql+psycopg", "me", database="x"))


@pytest.mark.parametrize(
    "named", ["nonsense secret", "sqlite:///secret", "mysql://a:secret@b/c", "postgresql://secret@"]
)
def test_address_of_no_database_is_refused_without_repeating_it(named: str) -> None:
    with pytest.raises(SettingsError, match=r"store\.catalogue") as caught:
        postgresql.parse(named)
    assert "secret" not in str(caught.value)


def test_passwords_are_not_shown() -> None:
    url = postgresql.parse("postgresql://me:one@host/db?password=two&sslpassword=three&port=1")
    assert postgresql.shown(url) == "postgresql+psycopg://me:***@host/db?port=1"
