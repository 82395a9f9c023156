"""Traces from end to end: what is gone is still matched, and answers say what was not seen."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from imagematch.records import QueryOptions, QueryResult
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.index import Index
from tests import recipes
from tests.conftest import CommandLine
from tests.world import ad_sites, mirrored, photo, save

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
HASHES = '[describe]\npreset = "hashes"\n'


def index_of(index: Path, folder: Path, text: str = "") -> Path:
    index.mkdir(exist_ok=True)
    (index / "settings.toml").write_text(HASHES + text)
    recipes.index_folder(
        index, IndexRequest(FolderSource(folder, site_from_path=True)), Unwatched()
    )
    return index


def asked(index: Path, query: Path, **options: object) -> QueryResult:
    wanted = QueryOptions(**options)  # type: ignore[arg-type]
    [answer] = recipes.query_photos(index, [str(query)], wanted, Unwatched())
    return answer


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    return ad_sites(tmp_path / "ads", range(4))


@pytest.fixture
def query(tmp_path: Path) -> Path:
    return save(mirrored(photo(2)), tmp_path / "query.jpg")


# --- what is found -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["renamed", "deleted", "emptied", "overwritten", "unreadable"])
def test_a_copy_is_found_by_the_trace_of_a_photo_that_is_gone(
    tmp_path: Path, ads: Path, query: Path, how: str
) -> None:
    index = index_of(tmp_path / "index", ads)
    if how == "renamed":
        ads.rename(tmp_path / "elsewhere")
    elif how == "deleted":
        shutil.rmtree(ads)
    else:
        for path in ads.rglob("*.jpg"):
            path.unlink()
            if how == "overwritten":
                save(photo(777), path)
            elif how == "unreadable":
                path.mkdir()
    answer = asked(index, query)
    [match] = answer.matches
    assert match.sighting.path == "site2/profile2/2.jpg"
    assert (match.judgement.kind, match.judgement.evidence.rule) == ("copy", "trace")
    assert match.judgement.evidence.geometry is not None
    assert match.judgement.evidence.geometry.mirrored
    assert answer.not_looked_at >= 1
    [note] = answer.notes
    assert f"{answer.not_looked_at} candidate" in note
    assert (str(ads) in note) == (how in ("renamed", "deleted"))
    assert ("gone" in note) == (how not in ("overwritten", "unreadable"))


def test_where_files_are_there_or_pictures_are_kept_nothing_changes(
    tmp_path: Path, ads: Path, query: Path
) -> None:
    index = index_of(tmp_path / "index", ads, "[store]\nkeep_pictures = true\n")
    for gone in (False, True):
        if gone:
            ads.rename(tmp_path / "elsewhere")
        answer = asked(index, query)
        geometry = answer.matches[0].judgement.evidence.geometry
        assert geometry is not None
        assert (geometry.kept, geometry.traced) == (gone, False)
        assert (answer.not_looked_at, answer.notes) == (0, ())


def test_a_stranger_finds_nothing_and_is_told_what_was_not_seen(tmp_path: Path, ads: Path) -> None:
    index = index_of(tmp_path / "index", ads)
    stranger = save(photo(5000), tmp_path / "stranger.jpg")
    ads.rename(tmp_path / "elsewhere")
    scored = asked(index, stranger, min_confidence=0.0)
    assert asked(index, stranger).matches == ()
    photos = {match.sighting.photo for match in scored.matches}
    assert scored.not_looked_at == len(photos)


def test_without_a_trace_a_pair_stays_unverified_and_is_counted(
    tmp_path: Path, ads: Path, query: Path
) -> None:
    index = index_of(tmp_path / "index", ads, "[store]\nkeep_traces = false\n")
    with Index.read(index) as opened:
        assert opened.traces.stats().count == 0
    ads.rename(tmp_path / "elsewhere")
    answer = asked(index, query, min_confidence=0.0)
    assert {match.judgement.evidence.rule for match in answer.matches} == {"unverified"}
    assert answer.not_looked_at == len(answer.matches) >= 1
    assert "by the trace" not in answer.notes[0]


def test_indexing_matches_by_traces_and_says_how_many_pairs_it_could_not_see(
    imagematch: CommandLine, tmp_path: Path, ads: Path
) -> None:
    index = index_of(tmp_path / "index", ads)
    ads.rename(tmp_path / "elsewhere")
    later = save(mirrored(photo(1)), tmp_path / "later" / "site9" / "berta" / "1.jpg").parents[2]
    ran = imagematch("index", later, "--site-from-path", "--index", index, "--json")
    report = ran.json()
    jsonschema.validate(report, json.loads((SCHEMAS / "index.schema.json").read_text()))
    assert (report["matches"], report["not_looked_at"]) == (1, 1)
    [(_, _, judgement)] = recipes.stored_matches(index)
    assert (judgement.kind, judgement.evidence.rule) == ("copy", "trace")
    link = imagematch("link", "--index", index, "--json").json()
    jsonschema.validate(link, json.loads((SCHEMAS / "link.schema.json").read_text()))
    assert link["links"][0]["pairs"][0]["evidence"]["traced"]
    again = save(mirrored(photo(3)), later / "site9" / "berta" / "3.jpg")
    assert "1 was judged without a look" in imagematch("index", later, "--index", index).out
    assert again.exists()


# --- what is said --------------------------------------------------------------------------------


def test_every_answer_says_how_many_candidates_could_not_be_looked_at(
    imagematch: CommandLine, tmp_path: Path, ads: Path, query: Path
) -> None:
    index = index_of(tmp_path / "index", ads)
    ads.rename(tmp_path / "elsewhere")
    data = imagematch("query", query, "--index", index, "--jsonl").json()
    jsonschema.validate(data, json.loads((SCHEMAS / "query.schema.json").read_text()))
    assert data["not_looked_at"] >= 1
    assert data["matches"][0]["evidence"]["traced"]
    [note] = data["notes"]
    words = imagematch("query", query, "--index", index).out.replace("\n", "")
    assert "could not be looked at" in words
    assert "the keypoints in view agree" in words
    assert "nobody has seen its pixels" in words
    page = tmp_path / "page.html"
    imagematch("query", query, "--index", index, "--html", page)
    assert "could not be looked at" in page.read_text()
    assert "Keypoints that agree" in page.read_text()
    drawn = imagematch("query", query, "--index", index, "--explain", tmp_path / "drawn")
    assert "could not be looked at" in drawn.out.replace("\n", "")
    assert "no drawing of" in drawn.err
    assert note.endswith("query again.")


def test_status_says_how_many_traces_there_are_and_how_large(
    imagematch: CommandLine, tmp_path: Path, ads: Path
) -> None:
    index = index_of(tmp_path / "index", ads)
    data = imagematch("status", "--json", "--index", index).json()
    jsonschema.validate(data, json.loads((SCHEMAS / "status.schema.json").read_text()))
    assert data["traces"]["kept"] == 4
    assert 4 * 200 < data["traces"]["bytes"] <= 4 * 1011
    assert "Traces       of 4 photos" in imagematch("status", "--index", index).out


# --- keeping and forgetting ----------------------------------------------------------------------


def test_photos_from_before_get_a_trace_by_describing_them_again(tmp_path: Path, ads: Path) -> None:
    index = index_of(tmp_path / "index", ads, "[store]\nkeep_traces = false\n")
    index_of(index, ads)

    def kept() -> int:
        with Index.read(index) as opened:
            return opened.traces.stats().count

    assert kept() == 0
    again = IndexRequest(FolderSource(ads, site_from_path=True), redescribe=True)
    recipes.index_folder(index, again, Unwatched())
    assert kept() == 4


def test_a_damaged_trace_counts_as_none(tmp_path: Path, ads: Path, query: Path) -> None:
    index = index_of(tmp_path / "index", ads)
    with Index.write(index, "test") as opened, opened.catalogue.change() as connection:
        connection.exec_driver_sql("UPDATE traces SET trace = zeroblob(500)")
    ads.rename(tmp_path / "elsewhere")
    answer = asked(index, query, min_confidence=0.0)
    assert {match.judgement.evidence.rule for match in answer.matches} == {"unverified"}
    assert answer.not_looked_at >= 1
