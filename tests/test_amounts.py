"""Numbers, nouns and rates are what a person would say."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import imagematch
from imagematch.amounts import agreeing, average, counted, rate


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 matches"), (1, "1 match"), (2, "2 matches"), (1234, "1,234 matches")]
)
def test_a_noun_follows_its_number(count: int, said: str) -> None:
    assert counted(count, "match", "matches") == said


def test_an_s_makes_most_plurals_and_the_rest_of_a_sentence_agrees() -> None:
    assert (counted(1, "photo"), counted(7, "photo")) == ("1 photo", "7 photos")
    assert (agreeing(1, "is", "are"), agreeing(0, "is", "are")) == ("is", "are")


@pytest.mark.parametrize(
    ("a_second", "said"),
    [
        (12345.6, "12,346 photos a second"),
        (10.4, "10 photos a second"),
        (2.5, "2.5 photos a second"),
        (2.0, "2 photos a second"),
        (1.0, "1 photo a second"),
        (0.4, "24 photos a minute"),
        (1 / 60, "1 photo a minute"),
        (0.01, "36 photos an hour"),
    ],
)
def test_a_rate_is_told_by_the_time_that_has_a_whole_one(a_second: float, said: str) -> None:
    assert rate(a_second, "photo") == said


@pytest.mark.parametrize(
    ("count", "seconds", "said"),
    [
        (3, 2.6, ""),  # a handful
        (19, 3600, ""),
        (1000, 0.5, ""),  # over before anything can be told
        (0, 0.0, ""),
        (20, 50.0, "24 photos a minute"),
        (1000, 10.0, "100 photos a second"),
    ],
)
def test_a_run_that_tells_nothing_has_no_rate(count: int, seconds: float, said: str) -> None:
    assert average(count, seconds, "photo") == said


@given(st.floats(1e-9, 1e9), st.sampled_from([("photo", ""), ("match", "matches"), ("", "")]))
def test_no_rate_says_one_of_many(a_second: float, names: tuple[str, str]) -> None:
    said = rate(a_second, *names)
    assert not re.match(r"1 (photos|matches) |[^1.]*[02-9] (photo|match) |1\.0 ", said)


# --- everywhere --------------------------------------------------------------------------------

PACKAGE = Path(imagematch.__file__).parent

#: What follows a number in a text, and must not where there may be one.
_PLURALS = re.compile(
    r"^ (?:[a-z-]+ )?(photos|files|matches|profiles|links|clusters|pairs|sightings|decisions|hits|"
    r"copies|near-copies|photographs|traces|pictures|vectors|shards|entries|lines|rows|notes|"
    r"problems|warnings|workers|cores|candidates|points|others|drawings|bytes|fields|ids|groups|"
    r"failures|jobs|folders|galleries|wait|are|were|have|link|match)\b(?!/)"
)
#: The numbers in these are never one, or never shown to anybody but a programmer.
_NEVER_ONE = {
    "{} ids come with {} vectors",
    "{} bytes, over the limit of {} (decode.max_bytes)",
    "fewer than {} photos tell nothing",
    "all {} packages are of tested versions",
    "all {} profiles",  # of a cluster, as the next
    "{} of {} profiles",
    "{} decisions are about these; name two profiles of the one that you want to take back, see "
    "`imagematch decisions list`",
    "{} may be any of {} profiles: {}. Give the site and the handle, or the cluster that the "
    "profile is in; `imagematch link` shows them",
}


def test_no_text_has_a_plural_that_a_number_may_contradict() -> None:
    """Texts with a number before a plural noun go by `counted`."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if place.startswith(("benchmark/", "kernels/")) or place == "amounts.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.JoinedStr) or _as_text(node) in _NEVER_ONE:
                continue
            for value, after in zip(node.values, node.values[1:], strict=False):
                if (
                    isinstance(value, ast.FormattedValue)
                    and isinstance(after, ast.Constant)
                    and _PLURALS.match(str(after.value))
                    and _is_number(value)
                ):
                    found.append(f"{place}:{node.lineno}: {_as_text(node)}")
    assert found == []


def _as_text(node: ast.JoinedStr) -> str:
    return "".join(
        str(value.value) if isinstance(value, ast.Constant) else "{}" for value in node.values
    )


def _is_number(value: ast.FormattedValue) -> bool:
    """Whether a text names a number there, as far as its spelling tells."""
    spelled = ast.unparse(value.value)
    if "_path(" in spelled or re.match(
        r"(counted|agreeing|_|shown\.|self\._shown|wording\.|name\b|text\b|path)", spelled
    ):
        return False
    return value.format_spec is not None or bool(
        re.search(
            r"len\(|sum\(|count|total|number|photos$|files$|pairs$|matches$|profiles$|"
            r"seen$|new$|problems$|warnings$|left$|known$|lost$|most$|more$|bytes$|size$",
            spelled,
        )
    )
