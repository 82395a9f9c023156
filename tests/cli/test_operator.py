"""`imagematch operator`: what people say of profiles and clusters, and what follows from it."""

import csv
import itertools
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import imagematch
from imagematch.errors import UsageError
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.audit import AuditLog
from imagematch.stores.lock import write_lock
from tests import recipes
from tests.conftest import CommandLine, Ran
from tests.reports.builders import HOSTILE

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
PHONE, OTHER, THIRD = "+447700900123", "+447700900456", "+447700900789"

#: Two clusters of two, and a profile alone; their ids, by the profile that was indexed first.
ADS = (
    *(("one", "a", PHONE), ("two", "b", PHONE)),
    *(("one", "c", OTHER), ("two", "d", OTHER)),
    ("three", "e", THIRD),
)


class Case:
    """An index of ads without photos, in a folder."""

    def __init__(self, folder: Path, run: CommandLine) -> None:
        self.folder, self.directory = folder, folder / "index"
        self._run = run

    def __call__(self, *words: str | Path) -> Ran:
        return self._run(*words, "--index", self.directory)

    def say(self, *words: str) -> str:
        """Decide something that can be decided; returns what is said of it."""
        ran = self("operator", *words)
        assert ran.code == 0, ran.err
        return ran.err

    def index(self, ads: Iterable[Sequence[str]] = ADS) -> "Case":
        index_ads(self.folder, self.directory, ads)
        return self

    def clusters(self) -> list[list[str]]:
        report = recipes.link_profiles(self.directory)
        return sorted([str(each) for each in cluster.profiles] for cluster in report.clusters)

    def cluster_of(self, profile: str) -> str:
        report = recipes.link_profiles(self.directory)
        [found] = [each.id for each in report.clusters if profile in map(str, each.profiles)]
        return found

    def history(self) -> Any:
        return self("decisions", "list", "--json").json()


def index_ads(folder: Path, directory: Path, ads: Iterable[Sequence[str]]) -> None:
    (folder / "ads").mkdir(parents=True, exist_ok=True)
    with (folder / "ads.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("path", "site", "profile", "phone"), *(("", *ad) for ad in ads)]
        )
    source = FolderSource(folder / "ads", manifest=folder / "ads.csv")
    recipes.index_folder(directory, IndexRequest(source, preset="hashes"), Unwatched())


@pytest.fixture
def case(tmp_path: Path, imagematch: CommandLine) -> Case:
    return Case(tmp_path, imagematch).index()


AB, CD, E = ["one/a", "two/b"], ["one/c", "two/d"], "three/e"


def check(data: object, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(data)


# --- what follows ------------------------------------------------------------------------------


def test_profiles_that_share_nothing_are_one_cluster_because_a_person_says_so(case: Case) -> None:
    assert case.clusters() == [AB, CD]
    said = case.say("same", "one/a", E, "--note", "same tattoo shop")
    assert "one/a and three/e: one operator. 3 profiles are one cluster now." in said
    assert case.clusters() == [["one/a", E, "two/b"], CD]
    case.say("reopen", E, "one/a")
    assert case.clusters() == [AB, CD]


def test_clusters_become_one_and_fall_apart_again_by_profiles_of_each(case: Case) -> None:
    first, second = case.cluster_of("one/a"), case.cluster_of("one/c")
    said = case.say("same", first, second)
    assert "one/a with 1 other profile and one/c with 1 other profile: one operator" in said
    assert "4 profiles are one cluster now" in said
    assert case.clusters() == [sorted(AB + CD)]
    ran = case("operator", "reopen", first, second)
    assert ran.code == 2  # there is no such cluster any more
    assert "part of another" in ran.err
    # All that the decision said is taken back, not only what it says of these two.
    assert "nothing is said of them any more" in case.say("reopen", "two/b", "two/d")
    assert case.clusters() == [AB, CD]


def test_profiles_stay_apart_whatever_they_share(case: Case) -> None:
    said = case.say("not-same", "one/a", "two/b")
    assert "one/a and two/b: not the same operator. They stay apart, whatever they share." in said
    assert case.clusters() == [CD]
    said = case.say("reopen", "one/a", "two/b")
    assert "2 profiles are one cluster now by all else" in said
    assert case.clusters() == [AB, CD]


def test_of_two_decisions_about_the_same_profiles_the_later_counts(case: Case) -> None:
    case.say("not-same", "one/a", E)
    case.say("same", E, "one/a")
    assert ["one/a", E, "two/b"] in case.clusters()
    case.say("not-same", "one/a", E)
    assert case.clusters() == [AB, CD]
    assert [entry["in_force"] for entry in case.history()["operators"]] == [False, False, True]


def test_what_a_decision_about_clusters_replaces_is_told(case: Case) -> None:
    case.say("same", "one/a", E)
    case.say("not-same", E, "one/c", "--actor", "bob")
    said = case.say("same", case.cluster_of("one/a"), case.cluster_of("one/c"))
    assert "This replaces: three/e and one/c: bob said on" in said
    assert "5 profiles are one cluster now" in said
    assert "replaces" not in case.say("same", "one/a", E)  # nothing else was said of these


def test_what_was_said_holds_for_a_cluster_that_grows(case: Case) -> None:
    case.say("not-same", case.cluster_of("one/a"), case.cluster_of("one/c"))
    # The newcomer shows the numbers of both.
    more = (*ADS, ("four", "n", PHONE), ("four", "n", OTHER), ("four", "m", OTHER))
    case.index(more)
    together = case.clusters()
    assert not any({"one/a", "one/c"} <= set(cluster) for cluster in together)
    assert not any({"two/b", "two/d"} <= set(cluster) for cluster in together)
    [said] = case.history()["operators"]
    assert [profile["profile"] for profile in said["left"]] == ["a", "b"]
    assert [profile["profile"] for profile in said["right"]] == ["c", "d"]


def test_what_can_not_hold_beside_it_is_told_with_the_reason(case: Case) -> None:
    case.say("same", "one/a", E, "--actor", "anna")
    case.say("not-same", E, "one/c", "--actor", "bob")
    said = case.say("same", "one/a", "one/c", "--actor", "cleo")
    assert "This can't hold: one/a and three/e: anna said on" in said
    assert "Because of: three/e and one/c: bob said on" in said
    assert "imagematch operator reopen A B" in said
    report = case("link", "--json").json()
    check(report, "link")
    assert [entry["who"] for entry in report["apart"]] == ["bob"]
    assert [entry["who"] for entry in report["unmet"]] == ["anna"]
    shown = case("link").out
    assert "Kept apart by what people said" in shown
    assert "rules it out" in shown
    assert "can't hold" not in case.say("reopen", "one/a", E)


# --- what people type --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ("one/a", "one/nobody", ["neither a cluster nor a profile", "imagematch link"]),
        ("C999", "one/a", ["neither a cluster", "became part of another"]),
        ("C٣", "one/a", ["neither a cluster"]),
        ("", "one/a", ["neither a cluster"]),
        ("one/a", "one/a", ["in common", "two different"]),
        ("cluster", "one/a", ["one/a in common"]),
        ("'; DROP TABLE operator_decisions;--", "one/a", ["neither a cluster"]),
        ("n" * 100_000, "one/a", ["characters left out"]),
        ("\u202eC12\n", "one/a", ["\\u202eC12\\n is neither"]),
    ],
)
def test_what_is_nothing_of_that_is_refused_with_the_next_step(
    case: Case, left: str, right: str, words: list[str]
) -> None:
    if left == "cluster":
        left = case.cluster_of("one/a")
    for verdict in ("same", "not-same", "reopen"):
        ran = case("operator", verdict, left, right)
        assert ran.code == 2
        assert "Traceback" not in ran.err
        assert all(word in ran.err for word in words), ran.err
    assert case.history()["operators"] == []


def test_nothing_to_take_back_is_said(case: Case) -> None:
    ran = case("operator", "reopen", "one/a", "two/b")
    assert ran.code == 2
    assert "nobody has said" in ran.err


def test_several_decisions_about_two_clusters_are_taken_back_one_by_one(case: Case) -> None:
    first, second = case.cluster_of("one/a"), case.cluster_of("one/c")
    case.say("not-same", "one/a", "one/c")
    case.say("not-same", "two/b", "two/d")
    ran = case("operator", "reopen", first, second)
    assert ran.code == 2
    assert "2 decisions are about these; name two profiles" in ran.err


def test_a_handle_with_slashes_and_one_that_two_profiles_are_shown_as(
    tmp_path: Path, imagematch: CommandLine
) -> None:
    ads = (("a", "b/c", PHONE), ("a/b", "c", OTHER), ("x", "y/z/1", THIRD))
    case = Case(tmp_path, imagematch).index(ads)
    ran = case("operator", "same", "a/b/c", "x/y/z/1")
    assert ran.code == 2
    assert "b/c on a; c on a/b" in ran.err
    case.say("same", "c", "y/z/1")  # the handles alone
    [said] = case.history()["operators"]
    assert said["left"] == [{"site": "a/b", "profile": "c"}]


def test_a_handle_like_the_id_of_a_cluster_is_not_taken_for_it(
    tmp_path: Path, imagematch: CommandLine
) -> None:
    case = Case(tmp_path, imagematch).index(ADS)
    mine = case.cluster_of("one/a")
    case.index((*ADS, ("four", mine, "+447700900999"), ("four", "C77", "+447700900998")))
    ran = case("operator", "same", mine, E)
    assert ran.code == 2
    assert f"{mine} is a cluster, and the handle of four/{mine}" in ran.err
    case.say("same", f"four/{mine}", E)
    case.say("same", "C77", "one/c")  # there is no such cluster
    handles = [entry["left"][0]["profile"] for entry in case.history()["operators"]]
    assert handles == [mine, "C77"]


NAMES = [*(name for name in HOSTILE if "\0" not in name), "=1+1", "وردة 🌹", 'it\'s "her"']


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_only_text(tmp_path: Path, imagematch: CommandLine, name: str) -> None:
    shown = name.encode("utf-8", "backslashreplace").decode()
    case = Case(tmp_path, imagematch).index((("one", shown, PHONE), ("two", "b", OTHER)))
    case.say("same", f"one/{name}", "two/b", "--note", name, "--actor", name)
    report = recipes.link_profiles(case.directory)
    assert len(report.clusters) == 1
    page, table, mine = (tmp_path / f"out.{kind}" for kind in ("html", "csv", "mine.csv"))
    case("link", "--html", page, "--csv", table)
    case("decisions", "list", "--csv", mine)
    html = page.read_text("utf-8")
    assert "<script" not in html
    assert "<img" not in html
    for path in (table, mine):
        text = path.read_text("utf-8-sig")
        rows = list(csv.reader(text.splitlines()))
        assert len(rows) == len(text.splitlines()) == 2
        assert not any(re.match(r"\s*[=+@-](?![\d.]+$)", cell) for cell in rows[1])
    for words in (("decisions", "list"), ("link",)):
        ran = case(*words)
        assert ran.code == 0
        assert not set(ran.out) & set("\x00\x1b\u202e")
    exported = case("decisions", "list", "--json").out
    (tmp_path / "decisions.json").write_text(exported, encoding="utf-8")
    ran = case("decisions", "import", tmp_path / "decisions.json")
    assert "1 decision in" in ran.err
    assert "0 of them new" in ran.err


def test_a_profile_is_named_as_it_is_shown_where_it_hides_something(
    tmp_path: Path, imagematch: CommandLine
) -> None:
    case = Case(tmp_path, imagematch).index((("one", "a\u202eb", PHONE), ("two", "b", OTHER)))
    case.say("same", "one/a\\u202eb", "two/b")
    assert len(case.clusters()) == 1


# --- what is shown -----------------------------------------------------------------------------


def test_what_people_said_is_explained_wherever_links_are_shown(case: Case, tmp_path: Path) -> None:
    case.say("same", "one/a", E, "--note", "same tattoo shop", "--actor", "anna")
    case.say("not-same", "one/c", "two/d", "--note", "stolen", "--actor", "bob")
    report = case("link", "--json").json()
    check(report, "link")
    [link] = [link for link in report["links"] if link["decision"]]
    assert {link["left"]["profile"], link["right"]["profile"]} == {"a", "e"}
    assert link["decision"].items() >= {
        ("verdict", "same"),
        ("who", "anna"),
        ("note", "same tattoo shop"),
    }
    assert [entry["who"] for entry in report["apart"]] == ["bob"]
    page, table = tmp_path / "page.html", tmp_path / "table.csv"
    case("link", "--html", page, "--csv", table)
    day = link["decision"]["at"][:10]
    sentence = f"anna said on {day} that they have one operator: same tattoo shop"
    for shown in (case("link").out, page.read_text("utf-8"), table.read_text("utf-8-sig")):
        assert sentence in shown
    apart = f"bob said on {day} that they do not have the same operator: stolen"
    for shown in (case("link").out, page.read_text("utf-8")):
        assert apart in shown
    assert "as anna said" in page.read_text("utf-8")


def test_the_history_has_both_kinds_in_order_of_time(case: Case, tmp_path: Path) -> None:
    sha256 = "ab" * 32
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps({"decisions": [photo_entry(sha256, at="2026-05-09T05:12:31Z")]}))
    assert case("decisions", "import", file).code == 0
    case.say("same", "one/a", E, "--note", "tattoo")
    case.say("not-same", "one/a", E)
    made = case.history()
    check(made, "decisions")
    assert (len(made["decisions"]), len(made["operators"])) == (1, 2)
    lines = case("decisions", "list").out.splitlines()
    assert lines[0].startswith("hot abab")
    assert lines[1].startswith("operator one/a and three/e: ")
    assert lines[1].endswith("that they have one operator: tattoo (replaced since)")
    assert lines[2].endswith("that they do not have the same operator")
    table = tmp_path / "mine.csv"
    case("decisions", "list", "--csv", table)
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    assert [row["about"] for row in rows] == ["hot", "operator", "operator"]
    assert (rows[1]["left_profiles"], rows[1]["right_profiles"]) == ("one/a", "three/e")
    assert case("status", "--json").json()["decisions"]["operator"] == 1
    assert "1 about operators" in case("status").out
    with imagematch.open(case.directory) as index:
        assert [entry.in_force for entry in index.decisions()] == [True, False, True]
        said = [entry.to_dict() for entry in index.decisions()]
    assert said == [*made["decisions"], *made["operators"]]


# --- the history -------------------------------------------------------------------------------


def photo_entry(sha256: str, at: str = "2026-05-09T05:12:31.000+00:00") -> dict[str, Any]:
    return {
        "about": "hot",
        "photos": [{"sha256": sha256, "pixel_sha256": ""}],
        "kind": None,
        "verdict": "keep",
        "who": "anna",
        "at": at,
        "note": "",
    }


def entry(**changes: object) -> dict[str, Any]:
    return {
        "left": [{"site": "one", "profile": "a"}],
        "right": [{"site": "three", "profile": "e"}],
        "verdict": "same",
        "who": "anna",
        "at": "2026-05-09T05:12:31.000+00:00",
        "note": "",
        **changes,
    }


def test_decisions_hold_in_another_index_that_takes_them_over(
    case: Case, tmp_path: Path, imagematch: CommandLine
) -> None:
    case.say("same", case.cluster_of("one/a"), E, "--note", "same tattoo shop")
    case.say("not-same", "one/c", "two/d")
    (tmp_path / "decisions.json").write_text(case("decisions", "list", "--json").out, "utf-8")
    # The same profiles in another order, so that no number is the same.
    other = Case(tmp_path / "other", imagematch).index(reversed(ADS))
    for new in (2, 0):
        ran = other("decisions", "import", tmp_path / "decisions.json")
        assert f"2 decisions in {tmp_path / 'decisions.json'}, {new} of them new." in ran.err
    assert other.clusters() == case.clusters() == [["one/a", E, "two/b"]]
    assert other.history() == case.history()
    logged = AuditLog(other.directory / "audit.jsonl").read().entries
    imports = [each.details for each in logged if each.event == "decisions imported"]
    assert [(each["decisions"], each["new"]) for each in imports] == [(2, 2), (2, 0)]


def test_histories_that_are_merged_either_way_are_the_same(
    case: Case, tmp_path: Path, imagematch: CommandLine
) -> None:
    other = Case(tmp_path / "other", imagematch).index()
    for say in (case.say, other.say, case.say):
        say("same", "one/a", E)
        say("not-same", "one/a", "one/c")
    for source, target in ((case, other), (other, case)):
        file = source.folder / "decisions.json"
        file.write_text(source("decisions", "list", "--json").out, "utf-8")
        assert target("decisions", "import", file).code == 0
    assert case.history() == other.history()
    assert case.clusters() == other.clusters()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"verdict": "keep"}, "is no decision about operators"),
        ({"verdict": ["same"]}, "is no decision about operators"),
        ({"left": []}, "two different profiles"),
        ({"right": [{"site": "one", "profile": "a"}]}, "two different profiles"),
        ({"left": "one/a"}, "can't be used"),
        ({"left": [{"site": "one"}]}, "is missing"),
        ({"left": [{"site": "one", "profile": 3}]}, "is not text"),
        ({"left": None}, "can't be used"),
        ({"at": "2026-05-09T05:12:31"}, "no time zone"),
        ({"at": "9999-05-09T05:12:31+00:00"}, "in the future"),
        ({"at": "yesterday"}, "yesterday"),
        ({"note": 3}, "is not text"),
        ({"who": None}, "is not text"),
    ],
)
def test_an_import_is_taken_whole_or_not_at_all(
    case: Case, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    file = tmp_path / "decisions.json"
    whole = {"decisions": [photo_entry("ab" * 32)], "operators": [entry(), entry(**changes)]}
    file.write_text(json.dumps(whole))
    ran = case("decisions", "import", file)
    assert ran.code == 2
    assert "decision about operators 2" in ran.err
    assert message in ran.err
    assert case.history() == {"decisions": [], "operators": []}


@pytest.mark.parametrize("operators", [3, None, {}])
def test_a_list_that_is_none_is_refused(case: Case, tmp_path: Path, operators: object) -> None:
    file = tmp_path / "decisions.json"
    file.write_text(json.dumps({"decisions": [], "operators": operators}))
    ran = case("decisions", "import", file)
    assert ran.code == 2
    assert "holds no decisions" in ran.err


def test_what_is_said_of_profiles_that_are_not_there_waits_for_them(
    case: Case, tmp_path: Path
) -> None:
    file = tmp_path / "decisions.json"
    later = {"site": "later", "profile": "z"}
    file.write_text(json.dumps({"decisions": [], "operators": [entry(right=[later])]}))
    assert case("decisions", "import", file).code == 0
    assert case.clusters() == [AB, CD]
    assert case.history()["operators"][0]["in_force"]
    case.index((*ADS, ("later", "z", "+447700900999")))
    assert case.clusters() == [["later/z", "one/a", "two/b"], CD]


# --- locks, logs, several at once --------------------------------------------------------------


def test_what_people_say_waits_for_no_run_and_is_logged(case: Case) -> None:
    with write_lock(case.directory, "imagematch index somewhere"):
        case.say("same", "one/a", E, "--note", "tattoo", "--actor", "anna")
    [logged] = [
        each
        for each in AuditLog(case.directory / "audit.jsonl").read().entries
        if each.event == "decision"
    ]
    assert logged.actor == "anna"
    assert logged.details == {
        "about": "operator",
        "verdict": "same",
        "left": [["one", "a"]],
        "right": [["three", "e"]],
        "note": "tattoo",
    }


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device", "audit.jsonl")


def test_what_can_not_be_logged_is_not_kept(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "decisions.json"
    both = {"decisions": [photo_entry("ab" * 32)], "operators": [entry()]}
    file.write_text(json.dumps(both))
    with monkeypatch.context() as patched:
        patched.setattr(AuditLog, "record", full)
        assert case("operator", "same", "one/a", E).code == 3
        assert case("decisions", "import", file).code == 3
    assert case.history() == {"decisions": [], "operators": []}


def test_killed_import_takes_over_neither_kind(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imagematch.stores import operator_decisions

    def dying(*_: object) -> None:
        raise sqlite3.DatabaseError

    file = tmp_path / "decisions.json"
    both = {"decisions": [photo_entry("ab" * 32)], "operators": [entry()]}
    file.write_text(json.dumps(both))
    with monkeypatch.context() as patched:
        patched.setattr(operator_decisions, "_row", dying)
        with pytest.raises(sqlite3.DatabaseError):
            recipes.take_over(case.directory, file)
    assert case.history() == {"decisions": [], "operators": []}


def test_of_many_who_say_something_at_once_each_is_recorded_and_the_last_one_counts(
    case: Case,
) -> None:
    with imagematch.open(case.directory) as index:

        def decide(number: int) -> None:
            verdict = "same" if number % 2 else "not_same"
            index.decide_operator("one/a", E, verdict, actor=f"person {number}")  # type: ignore[arg-type]

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(decide, range(24)))
        made = index.decisions()
    assert len({entry.decision.who for entry in made}) == 24
    assert all(one.decision.at < two.decision.at for one, two in itertools.pairwise(made))
    assert [entry.in_force for entry in made] == [False] * 23 + [True]
    assert (["one/a", E, "two/b"] in case.clusters()) == (made[-1].decision.verdict == "same")


def test_processes_that_say_something_at_once_do_not_hinder_each_other(case: Case) -> None:
    command = [sys.executable, "-m", "imagematch.cli", "operator"]
    at = ["one/a", E, "--index", str(case.directory)]
    started = [
        subprocess.Popen([*command, verdict, *at], stderr=subprocess.PIPE, text=True)
        for verdict in ("same", "not-same", "same")
    ]
    assert [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(case.history()["operators"]) == 3


@pytest.mark.parametrize("words", ["same", "not-same", "reopen"])
def test_a_missing_index_says_how_to_make_one(
    imagematch: CommandLine, tmp_path: Path, words: str
) -> None:
    ran = imagematch("operator", words, "one/a", E, "--index", tmp_path / "nowhere")
    assert ran.code == 3
    assert "there is no index in" in ran.err
    assert not (tmp_path / "nowhere").exists()


# --- the Python API ----------------------------------------------------------------------------


def test_a_program_says_it_and_sees_what_follows(case: Case) -> None:
    with imagematch.open(case.directory, actor="m.k") as index:
        made = index.decide_operator("one/a", E, "same", note="tattoo")
        assert isinstance(made, imagematch.OperatorDecision)
        assert (made.who, made.note, made.verdict) == ("m.k", "tattoo", "same")
        assert index.effect_of(made).profiles == 3
        assert index.effect_of(made).unmet == ()
        [link] = [link for link in index.link().links if link.decision]
        assert link.decision == made
        other = index.decide_operator("one/a", "two/b", "not_same", actor="a.b")
        assert other.who == "a.b"
        assert index.link().apart == (other,)
        assert index.effect_of(other).profiles == 0
        with pytest.raises(UsageError, match="in common"):
            index.decide_operator("one/a", "one/a", "same")
    assert made.to_dict()["left"] == [{"site": "one", "profile": "a"}]


CALLS: list[Callable[[imagematch.Index], object]] = [
    lambda index: index.decide_operator("one/a", E, "same"),
    lambda index: index.decisions(),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_index_does_nothing_any_more(
    case: Case, call: Callable[[imagematch.Index], object]
) -> None:
    index = imagematch.open(case.directory)
    index.close()
    with pytest.raises(UsageError, match="closed"):
        call(index)
