"""Whatever the kernels do with one photo or pair, it fails alone, is told of once, and is kept."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, BinaryIO

import jsonschema
import pytest

from imagematch import __version__, presets
from imagematch.kernels import confidence
from imagematch.records import Geometry, Judgement
from imagematch.runtime.monitor import Unwatched
from imagematch.services import indexing, querying
from imagematch.settings import DEFAULTS
from imagematch.sources.folder_source import FolderSource
from imagematch.sources.reading import Contents, read_once
from imagematch.stages import compare, describe, explain, query, thumbnails, verify
from imagematch.stages import installation as installation_module
from imagematch.stores.index import Index
from tests import recipes
from tests.conftest import CommandLine, Ran
from tests.contents import contents
from tests.stages import killers
from tests.stages.killers import marked
from tests.world import mirrored, photo, save

REPORT = "Please report it"
SCHEMA = Path(__file__).parents[1] / "docs" / "schemas" / "status.schema.json"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index to be, with settings for tests."""
    directory = tmp_path / "index"
    directory.mkdir()
    settings = "[describe]\npreset = 'hashes'\n[workers]\ncount = 2\n"
    (directory / "settings.toml").write_text(settings)
    return directory


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Kernels that do what photos say; `undo` makes them behave."""
    monkeypatch.setattr(describe, "describe_files", killers.describe_misbehaving)
    monkeypatch.setattr(query, "describe_queries", killers.query_misbehaving)
    monkeypatch.setattr(verify, "verify_pairs", killers.verify_misbehaving)
    return monkeypatch


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Something else under a name, for a while."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owner, name, value)
        yield


def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, this is another version."""
    monkeypatch.setattr(installation_module, "__version__", "99.0")


def folder_of(folder: Path, good: int, bad: Sequence[str] = ("raise",)) -> Path:
    """Photos of which some make the kernels misbehave."""
    for seed in range(good):
        save(photo(seed, 160, 120), folder / f"good{seed}.jpg")
    for number, what in enumerate(bad):
        path = folder / f"bad{number} {what}.jpg"
        marked(save(photo(1000 + number, 160, 120), path), what)
    return folder


def counts(ran: Ran) -> dict[str, int]:
    names = ("seen", "described", "known", "failed", "failed_new")
    return {name: ran.json()[name] for name in names}


def quiet(ran: Ran) -> None:
    """It ended well, and says of old failures no more than that there are some."""
    assert ran.code == 0, ran.err
    assert "Traceback" not in ran.err
    assert REPORT not in ran.err


# --- the whole kind at once ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("misbehaving")
def test_a_thousand_photos_of_which_fifty_make_the_kernels_misbehave(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    with (index / "settings.toml").open("a") as file:
        file.write("seconds_per_file = 3\nchunk = 2\n")
    ads = tmp_path / "ads"
    for number in range(950):
        save(photo(number, 96, 72), ads / f"{number:04}.jpg")
    quick = (*killers.RAISING, *killers.DYING, *killers.NONSENSE, *killers.BROKEN_LISTS)
    for number, what in enumerate([*islice(cycle(quick), 44), *killers.HANGING * 6]):
        path = ads / f"{number * 19:04} {what}.jpg"
        marked(save(photo(2000 + number, 96, 72), path), what)

    first = imagematch("index", ads, "--index", index, "--json")
    assert first.code == 1
    wanted = {"seen": 1000, "described": 950, "known": 0, "failed": 50, "failed_new": 50}
    assert counts(first) == wanted
    assert REPORT in first.err
    again = imagematch("index", ads, "--index", index, "--json")
    assert counts(again) == {**wanted, "described": 0, "known": 950, "failed_new": 0}
    assert again.code == 0, again.err
    assert "50 files failed before" in again.err

    listed = imagematch("status", "--failures", "--json", "--index", index).json()["failures"]
    codes: dict[str, set[str]] = {}
    for failure in listed:
        assert failure["message"]
        assert bool(failure["traceback"]) == (failure["code"] == "internal")
        what = re.sub(r"^\d+ |\.jpg$", "", failure["path"])
        codes.setdefault(what, set()).add(failure["code"])
    assert len(listed) == 50
    for what, found in codes.items():
        if what in killers.DYING:
            assert found == {"crashed"}, what
        elif what in killers.HANGING:
            assert found == {"timeout"}, what
        else:
            assert found == {"internal"}, what
    photos = contents(index)["photos"]
    assert sum(entry["state"] == "described" for entry in photos) == 950
    with Index.read(index) as opened:
        assert opened.compare(repair=False) == []


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("misbehaving")
def test_a_new_failure_is_told_of_once_and_kept_with_its_traceback(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    ads = folder_of(tmp_path / "ads", 3)
    words = ("index", ads, "--index", index)
    ran = imagematch(*words)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    assert "1 failed:" in ran.err
    assert "bad0 raise.jpg: internal: imagematch itself failed on it" in ran.err
    assert "ZeroDivisionError: a photo that nobody foresaw" in ran.err
    assert REPORT in ran.err
    ran = imagematch(*words)
    quiet(ran)
    assert "1 file failed before" in ran.err

    ran = imagematch("status", "--failures", "--index", index)
    assert "bad0 raise.jpg: internal: " in ran.out
    assert "killers.py" in ran.out
    assert "in _misbehaving" in ran.out
    assert f"imagematch {__version__}" in ran.out
    assert REPORT in ran.err
    ran = imagematch("doctor", "--index", index)
    assert ran.code == 0
    assert "1 photo and 0 pairs of photos failed by an error in imagematch itself" in ran.out
    assert "status --failures" in ran.out


def test_a_file_that_failed_is_tried_again_by_another_version_and_no_earlier(
    tmp_path: Path, index: Path, imagematch: CommandLine, misbehaving: pytest.MonkeyPatch
) -> None:
    ads = folder_of(tmp_path / "ads", 2, ["raise", "raise"])
    (ads / "broken.jpg").write_bytes((ads / "good0.jpg").read_bytes()[:30])
    words = ("index", ads, "--index", index, "--json")
    assert imagematch(*words).code == 1
    with replaced(describe, "describe_files", describe_never):
        assert counts(imagematch(*words))["failed"] == 3
    newer(misbehaving)
    # They fail again, and that is no news.
    ran = imagematch(*words)
    quiet(ran)
    assert (counts(ran)["failed"], counts(ran)["failed_new"]) == (3, 0)
    misbehaving.undo()
    newer(misbehaving)
    assert counts(imagematch(*words))["described"] == 0  # this version has tried already
    misbehaving.setattr(installation_module, "__version__", "100.0")
    ran = imagematch(*words)
    quiet(ran)
    assert (counts(ran)["described"], counts(ran)["failed"]) == (2, 1)
    assert "broken.jpg" in imagematch("status", "--failures", "--index", index).out


def describe_never(*_: object, **__: object) -> list[Any]:
    raise AssertionError("nothing was to be tried")


def test_a_decoder_that_was_missing_and_now_is_there_is_tried(
    tmp_path: Path, index: Path, imagematch: CommandLine, misbehaving: pytest.MonkeyPatch
) -> None:
    ads = folder_of(tmp_path / "ads", 1)
    words = ("index", ads, "--index", index, "--json")
    with replaced(installation_module, "has_heic", lambda: False):
        assert imagematch(*words).code == 1
        misbehaving.undo()
        assert counts(imagematch(*words))["failed"] == 1
    assert counts(imagematch(*words))["described"] == 1


@pytest.mark.usefixtures("misbehaving")
def test_a_failure_that_a_killed_run_never_told_of_is_news_to_the_next(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    ads = folder_of(tmp_path / "ads", 2)
    with replaced(indexing, "_catch_up", die), pytest.raises(Killed):
        recipes.index_folder(index, indexing.IndexRequest(FolderSource(ads)), Unwatched())
    ran = imagematch("index", ads, "--index", index)
    assert ran.code == 1
    assert "bad0 raise.jpg" in ran.err
    quiet(imagematch("index", ads, "--index", index))


@pytest.mark.usefixtures("misbehaving")
def test_another_copy_of_a_file_that_failed_is_news(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    ads = folder_of(tmp_path / "ads", 1)
    words = ("index", ads, "--index", index)
    assert imagematch(*words).code == 1
    (ads / "copy.jpg").write_bytes((ads / "bad0 raise.jpg").read_bytes())
    ran = imagematch(*words)
    assert ran.code == 1
    assert "copy.jpg" in ran.err
    assert "1 file failed before" in ran.err
    (ads / "copy.jpg").rename(ads / "renamed.jpg")
    quiet(imagematch(*words))


def test_a_file_that_can_not_be_read_is_news_only_once(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    ads = folder_of(tmp_path / "ads", 1, [])
    (ads / "large.jpg").write_bytes(bytes(5000))
    with (index / "settings.toml").open("a") as file:
        file.write("[decode]\nmax_bytes = 4000\n")
    (ads / "good0.jpg").write_bytes((ads / "good0.jpg").read_bytes()[:3900])
    words = ("index", ads, "--index", index, "--json")
    assert imagematch(*words).code == 1
    ran = imagematch(*words)
    assert (ran.code, counts(ran)["failed"], counts(ran)["failed_new"]) == (0, 1, 0)


def test_an_error_while_a_file_is_hashed_fails_that_file(
    tmp_path: Path, index: Path, imagematch: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imagematch.stages import scan

    before = read_once

    def read_or_raise(file: BinaryIO, name: str, *limits: int) -> Contents:
        if "good1" in name:
            raise OverflowError("a size that nobody foresaw")
        return before(file, name, *limits)

    monkeypatch.setattr(scan, "read_once", read_or_raise)
    ads = folder_of(tmp_path / "ads", 3, [])
    ran = imagematch("index", ads, "--index", index, "--json")
    assert ran.code == 1
    assert counts(ran) == {"seen": 3, "described": 2, "known": 0, "failed": 1, "failed_new": 1}
    assert "good1.jpg: internal: " in ran.err
    monkeypatch.undo()
    assert counts(imagematch("index", ads, "--index", index, "--json"))["described"] == 1


# --- the other doors -----------------------------------------------------------------------------


@pytest.mark.usefixtures("misbehaving")
def test_gallery_and_scheduled_jobs_tell_of_new_failures_only(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    ads = folder_of(tmp_path / "ads", 2)
    for words in (
        ("gallery", "add", "missing", folder_of(tmp_path / "missing", 1)),
        ("reindex", "--jobs", tmp_path / "jobs.toml"),
    ):
        (tmp_path / "jobs.toml").write_text(f"[[job]]\nname = 'ads'\nfolder = '{ads}'\n")
        ran = imagematch(*words, "--index", index, "--json")
        assert ran.code == 1, ran.err
        assert REPORT in ran.err
        quiet(imagematch(*words, "--index", index, "--json"))


@pytest.mark.usefixtures("misbehaving")
def test_photos_to_ignore_fail_alone_and_are_told_of_once(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    assert imagematch("index", folder_of(tmp_path / "ads", 2, []), "--index", index).code == 0
    logos = folder_of(tmp_path / "logos", 1)
    ran = imagematch("ignore", "add", logos, "--index", index)
    assert ran.code == 1
    assert "1 on the list" in ran.err
    assert "bad0 raise.jpg" in ran.err
    assert REPORT in ran.err
    ran = imagematch("ignore", "add", logos, "--index", index)
    quiet(ran)
    assert "1 file failed before" in ran.err
    # Who names a file wants to know what became of it.
    lone = marked(save(photo(77), tmp_path / "lone" / "x.jpg"), "raise")
    for _ in range(2):
        ran = imagematch("ignore", "add", lone, "--index", index)
        assert ran.code == 1
        assert "x.jpg: internal: imagematch itself failed on it" in ran.err


@pytest.mark.usefixtures("misbehaving")
def test_queries_for_which_kernels_misbehave_fail_alone(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    assert imagematch("index", folder_of(tmp_path / "ads", 3, []), "--index", index).code == 0
    bad = ["raise", "exit", "segfault", "nothing", "no pixels", "no hash", "other photo"]
    asked = folder_of(tmp_path / "asked", 3, bad)
    ran = imagematch("query", asked, "--index", index, "--jsonl")
    assert ran.code == 1
    assert REPORT in ran.err
    answers = {Path(line["query"]).name: line for line in ran.lines()}
    assert len(answers) == 3 + len(bad)
    for name, answer in answers.items():
        assert answer["status"] == ("ok" if name.startswith("good") else "failed")
        assert bool(answer["matches"]) == name.startswith("good")
        if "segfault" in name:
            assert answer["error"].startswith("crashed: ")
        elif answer["status"] == "failed":
            assert answer["error"].startswith("internal: "), name


@pytest.mark.parametrize("name", ["raises", "nonsense", "dies"])
def test_a_pair_that_can_not_be_compared_costs_a_query_no_answer(
    tmp_path: Path, index: Path, imagematch: CommandLine, name: str
) -> None:
    save(photo(1), tmp_path / "ads" / f"{name}.jpg")
    save(photo(2), tmp_path / "ads" / "fine.jpg")
    assert imagematch("index", tmp_path / "ads", "--index", index).code == 0
    for seed in (1, 2):
        save(mirrored(photo(seed)), tmp_path / "asked" / f"{seed}.jpg")
    with replaced(verify, "verify_pairs", killers.verify_misbehaving):
        ran = imagematch("query", tmp_path / "asked", "--index", index, "--jsonl")
    assert ran.code == 0, ran.err
    unsure, sure = ran.lines()
    # Found by its hashes, and nothing else is said of it.
    assert unsure["matches"][0]["path"] == f"{name}.jpg"
    assert unsure["matches"][0]["evidence"]["inliers"] is None
    assert sure["matches"][0]["evidence"]["inliers"] > 0


def test_pictures_that_can_not_be_made_cost_no_report(
    tmp_path: Path, index: Path, imagematch: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ads = folder_of(tmp_path / "ads", 5, [])
    assert imagematch("index", ads, "--index", index).code == 0
    with (index / "settings.toml").open("a") as file:
        file.write("internal_in_a_row = 3\n")
    words = ("query", ads, "--index", index)
    page, drawings = tmp_path / "page.html", tmp_path / "drawings"
    monkeypatch.setattr(thumbnails, "_thumbnails", killers.thumbnails_in_vain)
    for draw in (killers.draw_in_vain, killers.draw_nonsense):
        monkeypatch.setattr(explain, "draw_matches", draw)
        ran = imagematch(*words, "--html", page, "--explain", drawings)
        assert ran.code == 0, ran.err
        assert "no drawing of" in ran.err
        assert "good1.jpg" in page.read_text()
    assert list(drawings.iterdir()) == []


def test_pairs_of_files_are_judged_although_others_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "describe_queries", killers.query_misbehaving)
    monkeypatch.setattr(compare, "describe_files", killers.describe_misbehaving)
    good = str(save(photo(1), tmp_path / "1.jpg"))
    copy = str(save(mirrored(photo(1)), tmp_path / "2.jpg"))
    bad = str(marked(save(photo(3), tmp_path / "3.jpg"), "raise"))
    nan = str(marked(save(photo(4), tmp_path / "4.jpg"), "nan"))
    settings = presets.with_preset(DEFAULTS, "hashes")
    pairs = [(good, copy), (bad, good), (good, bad), (good, nan), (good, copy)]
    found = list(querying.compare_files(settings, pairs, Unwatched()))
    assert [one.judgement is not None for one in found] == [True, False, False, False, True]
    assert [[(file.path, file.failure.code) for file in one.failures] for one in found[1:4]] == [
        [(bad, "internal")],
        [(bad, "internal")],
        [(nan, "internal")],
    ]


# --- pairs ---------------------------------------------------------------------------------------


@pytest.fixture
def couples(tmp_path: Path) -> Path:
    """Two photos with a mirrored copy each; of one, the names make the kernels raise."""
    for seed, name in ((1, "raises"), (2, "fine")):
        save(photo(seed), tmp_path / "ads" / f"{name}.jpg")
        save(mirrored(photo(seed)), tmp_path / "ads" / f"{name} copy.jpg")
    return tmp_path / "ads"


def inliers(index: Path) -> list[int]:
    """Of each match, whether it was verified by geometry."""
    with Index.read(index) as opened:
        seen = [match.judgement.evidence.geometry for match in opened.matches.matches()]
    return sorted((one.inliers if one else 0) for one in seen)


def test_a_pair_that_can_not_be_compared_is_kept_told_of_once_and_tried_by_another_version(
    couples: Path, index: Path, imagematch: CommandLine, misbehaving: pytest.MonkeyPatch
) -> None:
    words = ("index", couples, "--index", index, "--json")
    ran = imagematch(*words)
    assert ran.code == 1
    assert (ran.json()["failed"], ran.json()["failed_pairs"]) == (0, 1)
    assert "1 pair of photos could not be compared" in ran.err
    assert REPORT in ran.err
    assert ran.json()["matches"] == 2  # the hashes of both say so
    assert inliers(index)[0] == 0 < inliers(index)[1]

    told = imagematch("status", "--failures", "--index", index)
    assert "raises copy.jpg and " in told.out
    assert "ZeroDivisionError: a pair that nobody foresaw" in told.out
    assert "in _compare_in_vain" in told.out
    assert REPORT in told.err
    said = imagematch("status", "--failures", "--json", "--index", index).json()
    jsonschema.validate(said, json.loads(SCHEMA.read_text("utf-8")))
    (pair,) = said["pair_failures"]
    assert (said["failed_pairs"], pair["code"]) == (1, "internal")
    assert {Path(path).name for path in pair["paths"]} == {"raises.jpg", "raises copy.jpg"}
    assert "1 pair of photos failed" in imagematch("doctor", "--index", index).out

    misbehaving.undo()
    ran = imagematch(*words)
    quiet(ran)
    assert ran.json()["failed_pairs"] == 0
    assert inliers(index)[0] == 0  # not tried again every night
    newer(misbehaving)
    ran = imagematch(*words)
    quiet(ran)
    assert all(inliers(index))
    assert len(inliers(index)) == 2
    assert imagematch("status", "--json", "--index", index).json()["failed_pairs"] == 0


def test_a_pair_that_fails_again_with_another_version_is_no_news(
    couples: Path, index: Path, imagematch: CommandLine, misbehaving: pytest.MonkeyPatch
) -> None:
    words = ("index", couples, "--index", index, "--json")
    assert imagematch(*words).code == 1
    newer(misbehaving)
    ran = imagematch(*words)
    quiet(ran)
    said = imagematch("status", "--failures", "--json", "--index", index).json()
    assert said["pair_failures"][0]["installation"].startswith("imagematch 99.0,")
    assert inliers(index)[0] == 0
    assert len(inliers(index)) == 2


@pytest.mark.parametrize(
    "error", [OverflowError("math range error"), ZeroDivisionError(), None], ids=repr
)
def test_rules_that_fail_on_a_pair_fail_that_pair(
    couples: Path,
    index: Path,
    imagematch: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception | None,
) -> None:
    before = confidence.judge

    def judge(*, geometry: Geometry | None, **rest: Any) -> Judgement:
        judged = before(geometry=geometry, **rest)
        if geometry is None:
            return judged
        if error is None:
            return Judgement(judged.kind, float("nan"), judged.evidence)
        raise error

    monkeypatch.setattr(confidence, "judge", judge)
    ran = imagematch("index", couples, "--index", index, "--json")
    assert ran.code == 1
    assert ran.json()["failed_pairs"] == 2
    assert inliers(index) == [0, 0]
    ran = imagematch("query", couples / "fine.jpg", "--index", index, "--json")
    assert ran.code == 0, ran.err
    assert len(ran.json()[0]["matches"]) == 2


# --- too many ------------------------------------------------------------------------------------


def test_a_broken_installation_ends_the_run_and_blames_no_file(
    tmp_path: Path, index: Path, imagematch: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (index / "settings.toml").open("a") as file:
        file.write("internal_in_a_row = 10\n")
    first = folder_of(tmp_path / "ads", 3)
    monkeypatch.setattr(describe, "describe_files", killers.describe_misbehaving)
    assert imagematch("index", first, "--index", index).code == 1
    monkeypatch.setattr(describe, "describe_files", killers.fail_always)
    for seed in range(20):
        save(photo(100 + seed, 160, 120), first / f"more{seed:02}.jpg")
    ran = imagematch("index", first, "--index", index)
    assert ran.code == 3
    for word in ("10 files or pairs in a row", "imagematch doctor", "has no attribute 'resize'"):
        assert word in ran.err
    status = imagematch("status", "--json", "--index", index).json()
    assert (status["described"], status["failed"], status["pending"]) == (3, 1, 20)
    assert status["runs"][0]["state"] == "failed"

    # A scheduled job fails alone.
    (tmp_path / "jobs.toml").write_text(
        f"[[job]]\nname = 'ads'\nfolder = '{first}'\n"
        f"[[job]]\nname = 'none'\nfolder = '{tmp_path / 'none'}'\n"
    )
    (tmp_path / "none").mkdir()
    ran = imagematch("reindex", "--jobs", tmp_path / "jobs.toml", "--index", index)
    assert ran.code == 1
    assert "Job ads failed: 10 files or pairs in a row" in ran.err
    assert "none: 0 files seen" in ran.out

    monkeypatch.undo()
    ran = imagematch("index", first, "--index", index, "--json")
    quiet(ran)
    assert ran.json()["described"] == 20


@pytest.mark.usefixtures("misbehaving")
def test_what_was_described_before_a_broken_installation_is_kept(
    tmp_path: Path, index: Path, imagematch: CommandLine
) -> None:
    with (index / "settings.toml").open("a") as file:
        file.write("internal_in_a_row = 5\n")
    ads = folder_of(tmp_path / "ads", 0, ["raise"] * 6)
    save(photo(1), ads / "a.jpg")
    save(photo(2), ads / "z.jpg")
    marked(save(photo(3), ads / "Z.jpg"), "raise")  # before all others: one alone is no reason
    assert imagematch("index", ads, "--index", index).code == 3
    said = contents(index)["photos"]
    states = sorted(entry["state"] for entry in said)
    assert states.count("described") == 1
    assert states.count("failed") == 1
    with (index / "settings.toml").open("a") as file:
        file.write("\n")
    text = (index / "settings.toml").read_text().replace("in_a_row = 5", "in_a_row = 0")
    (index / "settings.toml").write_text(text)
    ran = imagematch("index", ads, "--index", index, "--json")
    assert (ran.json()["described"], ran.json()["failed"]) == (1, 7)


def test_a_query_with_a_broken_installation_ends(
    tmp_path: Path, index: Path, imagematch: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ads = folder_of(tmp_path / "ads", 12, [])
    assert imagematch("index", ads, "--index", index).code == 0
    with (index / "settings.toml").open("a") as file:
        file.write("internal_in_a_row = 10\n")
    monkeypatch.setattr(query, "describe_queries", killers.fail_always)
    ran = imagematch("query", ads, "--index", index, "--jsonl")
    assert ran.code == 3
    assert "imagematch doctor" in ran.err
    assert all(json.loads(line)["status"] == "failed" for line in ran.out.splitlines())
