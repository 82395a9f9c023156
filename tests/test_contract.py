"""The JSON contract: schemas are made from its types and refuse what is off; records speak it."""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import (
    Comparison,
    ExportedHashes,
    Failure,
    Gallery,
    HashLead,
    HashResult,
    IgnoredPhoto,
    IndexReport,
    InJson,
    ListedHashes,
    Profile,
    QueryResult,
)
from imagematch.reports import json as json_report
from imagematch.services.environment import Finding
from imagematch.services.health import Checkup
from imagematch.services.reindexing import JobOutcome, PassReport
from imagematch.services.reviewing import Recorded
from tests.reports import builders
from tests.scripts import script

SCRIPT = script("make_schemas")
INDEXED = IndexReport(
    *(10, 4, 3, 2, 1, 5, 1.25), not_looked_at=2, skipped_kinds={"json": 2}, moved=1
)
PASS = PassReport(
    (JobOutcome("ads", INDEXED), JobOutcome("phones", None, "the drive is gone")),
    *(3, Path("reports/now.json"), None),
)
QUERY = builders.result((builders.sighting(), builders.judgement()))
REPORT = builders.report()
ANNA, BELLA = Profile("siteA", "anna"), Profile("siteB", "bella")
SAID = replace(builders.link_between(ANNA, BELLA), decision=builders.said_of(ANNA, BELLA))
HOT = replace(REPORT.hot[0], decision=builders.decision("keep"))
IGNORED = IgnoredPhoto(
    builders.decision("ignore"), (builders.sighting(),), (builders.sighting("b.jpg"),)
)

#: What is valid, by the name of its schema.
SAMPLES: dict[str, dict[str, Any]] = {
    "compare": Comparison(
        "a.jpg", "b.jpg", "0" * 12 + "-" + "1" * 12, builders.judgement(), True
    ).to_dict(),
    "decisions": json_report.decisions(
        [
            (builders.decision("confirm"), True),
            (builders.said_of(ANNA, BELLA), False),
        ]
    ),
    "doctor": Checkup(
        Path("index"), (Finding("python", "ok", "3.12"),), (Finding("waiting", "warning", "2"),)
    ).to_dict(),
    "export-hashes": ExportedHashes(
        "0" * 64, "0" * 16, "0" * 64, 100, "", "ads", "a.jpg"
    ).to_dict(),
    "galleries": json_report.galleries([Gallery("missing", 4, 4)]),
    "hashes": HashResult(
        ListedHashes(pdq="0" * 64, label="one", line=2),
        (HashLead(builders.sighting(), False, 8, None, "turned 180 degrees", False),),
    ).to_dict(),
    "hot": json_report.hot_list([HOT]),
    "ignore": json_report.ignore_list([IGNORED]),
    "index": INDEXED.to_dict(),
    "link": replace(REPORT, links=(*REPORT.links, SAID), hot=(*REPORT.hot, HOT)).to_dict(),
    "query": QUERY.to_dict(),
    "reindex": PASS.to_dict(),
}

#: Keys that are not always there, and objects whose keys are names.
OPTIONAL, NAMED = {"not_looked_at"}, {"skipped_kinds"}

#: Numbers that can be negative: evidence in bits.
SIGNED = {"bits", "prior", "rest"}

#: Texts that have to be one of a few, or to look like something.
NARROW = {"kind", "band", "status", "state", "verdict", "gate", "about"} | {
    *("photo", "match", "sha256", "pixel_sha256", "subject")
}


def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SCRIPT.schemas()[f"{name}.schema.json"]))


# --- the files ---------------------------------------------------------------------------------


def test_the_schemas_are_up_to_date() -> None:
    assert SCRIPT.differing() == [], "run python scripts/make_schemas.py"


def test_schemas_that_differ_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(SCRIPT, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["make_schemas.py", "--check"])
    with pytest.raises(SystemExit, match=r"link\.schema\.json.* out of date"):
        SCRIPT.main()

    monkeypatch.setattr(sys, "argv", ["make_schemas.py"])
    SCRIPT.main()
    assert SCRIPT.differing() == []

    (tmp_path / "stray.schema.json").write_text("{}", encoding="utf-8")
    assert SCRIPT.differing() == [tmp_path / "stray.schema.json"]


# --- what schemas refuse -----------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_a_schema_takes_what_is_written_and_refuses_all_that_differs_in_one_place(
    name: str,
) -> None:
    schema = validator(name)
    schema.validate(SAMPLES[name])
    for what, data in _spoiled(SAMPLES[name]):
        assert not schema.is_valid(data), what


def _spoiled(sample: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sample with one thing wrong, and what that is."""
    for path in _paths(sample, ()):
        for what, wrong in _wrong(_at(sample, path), path[-1] if path else ""):
            spoiled = copy.deepcopy(sample)
            if path:
                _at(spoiled, path[:-1])[path[-1]] = wrong
            else:
                spoiled = wrong
            yield f"{path}: {what}", spoiled


def _wrong(value: Any, key: object) -> Iterator[tuple[str, Any]]:
    yield "another type", [[]] if isinstance(value, dict) else {"a": 1}
    if isinstance(value, dict) and key not in NAMED:
        yield "an unknown key", value | {"unknown": 1}
        for name in value.keys() - OPTIONAL:
            yield f"no {name}", {other: value[other] for other in value if other != name}
    if isinstance(value, str):
        yield "a number", 1
        if key in NARROW:
            yield "a text that is none of it", "nonsense"
    if type(value) in (int, float) and key not in SIGNED:
        yield "too low", -2


def _paths(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list) and "transform" not in path:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(part, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize("transform", [[], [[1, 0, 0]] * 2, [[1, 0, 0, 0]] * 3, [["a"] * 3] * 3])
def test_a_transform_has_three_rows_of_three(transform: list[Any]) -> None:
    answer = copy.deepcopy(SAMPLES["query"])
    answer["matches"][0]["evidence"]["transform"] = transform
    assert not validator("query").is_valid(answer)


def test_a_query_either_failed_and_says_why_or_has_matches() -> None:
    failed = QueryResult("b.heic", failure=Failure("corrupt", "it ends")).to_dict()
    schema = validator("query")
    schema.validate(failed)
    assert not schema.is_valid(failed | {"matches": SAMPLES["query"]["matches"]})
    assert not schema.is_valid({key: failed[key] for key in failed if key != "error"})
    assert not schema.is_valid(SAMPLES["query"] | {"error": "corrupt: it ends"})


@pytest.mark.parametrize(
    ("name", "verdict"), [("hot", "ignore"), ("ignore", "keep"), ("link", "reject")]
)
def test_a_decision_is_one_that_can_be_made_about_that(name: str, verdict: str) -> None:
    text = json.dumps(SAMPLES[name]).replace('"keep"', f'"{verdict}"')
    if name == "ignore":
        text = text.replace('"verdict": "ignore"', f'"verdict": "{verdict}"')
    assert not validator(name).is_valid(json.loads(text))


# --- records -----------------------------------------------------------------------------------

any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # lone surrogates, too
any_number = st.floats(allow_nan=True, allow_infinity=True)


@given(any_text)
def test_what_a_record_says_is_what_a_program_reads_whatever_strangers_wrote(name: str) -> None:
    report = builders.named_report(name)
    said = report.to_dict()

    read = json.loads("".join(json_report.link_lines(report)).encode("utf-8"))
    assert read == said
    validator("link").validate(said)
    [cluster] = report.clusters
    parts = (*cluster.shared, *cluster.stops, *cluster.doubts, *report.bridges, *report.common)
    for record in (*report.links, *report.hot, *report.gallery_hits, cluster, *parts):
        assert json.loads(json_report.dumps(record.to_dict()).encode("utf-8")) == record.to_dict()


@given(any_number, any_number, any_number)
def test_no_number_that_json_lacks_is_said(cosine: float, overlap: float, term: float) -> None:
    fit = builders.geometry(overlap=overlap, transform=((term, 0, 0),) * 3)
    judged = builders.judgement(fit=fit)
    judged = replace(judged, evidence=replace(judged.evidence, cosine=cosine))
    pair = builders.pair(judged=judged)
    for record in (pair, judged, judged.evidence, builders.result((pair.left, judged))):
        json_report.dumps(record.to_dict())


def test_a_job_says_its_name_first_then_what_became_of_it() -> None:
    done, failed = (outcome.to_dict() for outcome in PASS.outcomes)
    assert failed == {"name": "phones", "status": "failed", "error": "the drive is gone"}
    assert list(done)[:3] == ["name", "status", "seen"]
    assert list(done)[-4:] == ["new", "changed", "moved", "vanished"]
    assert PASS.to_dict()["jobs"] == [done, failed]


def test_a_decision_of_the_history_says_what_it_is_about() -> None:
    made = builders.decision("confirm")
    said = Recorded(made, in_force=False).to_dict()
    assert (said["subject"], said["in_force"]) == (made.subject, False)
    assert made.to_dict().items() <= said.items()


def test_what_is_said_belongs_to_who_asked() -> None:
    said = QUERY.to_dict()
    said["matches"].clear()
    assert QUERY.to_dict() == SAMPLES["query"]


def test_a_match_says_who_how_sure_and_why() -> None:
    (match,) = QUERY.matches
    said = match.to_dict()
    assert match.profile == Profile("siteA", "anna")
    assert (match.id, match.kind) == (said["match"], said["kind"])
    assert match.confidence == said["confidence"] == 0.998
    assert match.why.startswith("The same photo: 64 matching points fit one perspective")

    pair = builders.pair(judged=builders.judgement("part"))
    assert (pair.id, pair.kind, pair.confidence) == tuple(
        pair.to_dict()[key] for key in ("match", "kind", "confidence")
    )
    assert "of the left photo" in pair.why


def test_what_a_match_says_of_itself_takes_no_memory() -> None:
    assert not any(hasattr(record, "__dict__") for record in (builders.pair(), *QUERY.matches))


def test_nobody_is_named_where_nobody_knows_who_showed_a_photo() -> None:
    assert builders.sighting(site="siteA", profile="").profile is None


def test_a_record_without_a_place_in_the_contract_says_so() -> None:
    class Stranger(InJson):
        pass

    with pytest.raises(TypeError, match="Stranger"):
        Stranger().to_dict()


def test_the_types_are_not_loaded_before_somebody_asks_for_json() -> None:
    asked = (
        "import sys; import imagematch.records, imagematch.reports.json, "
        "imagematch.services.status, imagematch.services.reindexing, imagematch.cli.outcomes; "
        "sys.exit('msgspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
