"""The labelled texts of identifiers, and the command that measures with them."""

import json

import pytest

from benchmark.identifiers.identifiers_command import (
    REPORTING,
    TUNING,
    Counts,
    LabelledText,
    labelled,
    measure,
    mistakes,
)
from imagematch.kernels.identifiers.finding import normalise
from tests.conftest import CommandLine

LANGUAGES = {"en", "nl", "fr", "de", "es", "it", "pt", "ro"}


@pytest.mark.parametrize("half", [TUNING, REPORTING])
def test_each_half_has_all_languages_and_texts_without_contacts(half: str) -> None:
    texts = labelled(half)
    assert len(texts) >= 200
    assert {text.language for text in texts} == LANGUAGES
    without = [text for text in texts if not text.labels]
    assert {text.language for text in without} == LANGUAGES
    assert len(without) >= len(texts) / 4


def test_no_text_is_in_both_halves() -> None:
    tuning, reporting = ({text.text for text in labelled(half)} for half in (TUNING, REPORTING))
    assert tuning & reporting == set()


@pytest.mark.parametrize("half", [TUNING, REPORTING])
def test_labels_are_normal_forms(half: str) -> None:
    for text in labelled(half):
        for kind, value in text.labels:
            identifier = normalise(kind, value)
            assert identifier is not None, (text.text, value)
            assert (identifier.kind, identifier.value) == (kind, value)


@pytest.mark.parametrize("half", [TUNING, REPORTING])
def test_figures_do_not_fall_behind_those_in_the_documents(half: str) -> None:
    counts = measure(labelled(half))["all"]
    assert counts.precision is not None
    assert counts.precision >= 0.97
    assert counts.recall is not None
    assert counts.recall >= 0.95


def test_wrong_and_missed_are_counted_by_kind() -> None:
    text = LabelledText("nl", ("NL",), "0610000012", frozenset({("email", "lola@example.com")}))
    counts = measure([text])
    assert counts["phone"] == Counts(right=0, wrong=1, missed=0)
    assert counts["email"] == Counts(right=0, wrong=0, missed=1)
    assert (counts["all"].precision, counts["all"].recall) == (0.0, 0.0)
    assert (counts["phone"].recall, counts["email"].precision) == (None, None)
    [line] = mistakes([text])
    assert "wrong: phone +31610000012; missed: email lola@example.com" in line


def test_the_command_shows_both_halves(benchmark: CommandLine) -> None:
    ran = benchmark("identifiers")
    assert ran.code == 0
    assert ran.out.count("precision") == 2
    assert f"{REPORTING}: {len(labelled(REPORTING))} texts" in ran.out


def test_the_command_gives_the_same_as_json(benchmark: CommandLine) -> None:
    ran = benchmark("identifiers", "--half", TUNING, "--json")
    assert ran.code == 0
    measured = json.loads(ran.out)
    assert list(measured) == [TUNING]
    assert measured[TUNING]["all"]["right"] == measure(labelled(TUNING))["all"].right
