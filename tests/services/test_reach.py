"""Nobody joins hundreds of profiles by mistake: how many there will be is asked before."""

import shutil
import sys
from collections.abc import Callable
from math import comb
from pathlib import Path

import click
import pytest

from imagematch.cli import asking
from imagematch.errors import Stopped
from imagematch.records import Reach, SightingInfo, Verdict
from imagematch.stores.index import Index
from tests import recipes
from tests.conftest import CommandLine, Ran
from tests.stores.builders import add, create, decision, describe, match, scanned, sha

PROFILES = 160  # 12,720 links, more than `link.ask_links`


@pytest.fixture
def crowd(tmp_path: Path) -> Path:
    """An index of one photo on 160 profiles, others on 4 and on 8, and a copy of the first on 2
    more."""
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        shown = [("crowd", number) for number in range(PROFILES)]
        shown += [("few", 900 + number) for number in range(4)] + [("copy", 500), ("copy", 501)]
        shown += [("some", 700 + number) for number in range(8)]
        root = add(
            index,
            *(
                scanned(f"{name}{number}.jpg", name, SightingInfo("site", f"p{number:03}"))
                for name, number in shown
            ),
        )
        describe(index, root)
        match(index, [(1, 3)])
    return directory


def settings(directory: Path, text: str) -> None:
    (directory / "settings.toml").write_text(f"[link]\n{text}\n")


Run = Callable[..., Ran]


@pytest.fixture
def run(crowd: Path, imagematch: CommandLine) -> Run:
    return lambda *words: imagematch(*words, "--index", crowd)


def joined(directory: Path) -> int:
    """Pairs of profiles in one cluster."""
    return sum(comb(len(each.profiles), 2) for each in recipes.link_profiles(directory).clusters)


def decided(directory: Path) -> int:
    return len(recipes.history(directory))


def test_release_of_a_photo_on_many_profiles_is_refused_without_yes(run: Run, crowd: Path) -> None:
    ran = run("hot", "release", sha("crowd"))
    assert ran.code == 2
    total = comb(PROFILES + 2, 2)  # its copy shows it, too
    assert f"{total:,} links of {PROFILES + 2} profiles" in ran.err
    assert "--yes" in ran.err
    assert decided(crowd) == 0
    ran = run("hot", "release", sha("crowd"), "--yes")
    assert (ran.code, decided(crowd)) == (0, 1)
    assert f"This makes {total:,} links" in ran.err
    assert joined(crowd) == total + comb(4, 2)  # those of another photo


def test_release_of_a_photo_on_few_profiles_is_told_and_done(run: Run, crowd: Path) -> None:
    ran = run("hot", "release", sha("some"))
    assert (ran.code, decided(crowd)) == (0, 1)
    assert "This makes 28 links of 8 profiles." in ran.err
    again = run("hot", "release", sha("some"))
    assert "This makes" not in again.err
    # So few profiles are joined by a photo alone.
    assert "This makes" not in run("hot", "release", sha("few")).err


def test_what_takes_links_away_or_makes_none_says_nothing(run: Run) -> None:
    for verdict in ("keep", "reopen"):
        ran = run("hot", verdict, sha("crowd"))
        assert (ran.code, "makes" in ran.err) == (0, False)


@pytest.mark.parametrize(
    ("before", "words"), [("keep", ("hot", "reopen")), ("ignore", ("ignore", "remove"))]
)
def test_what_is_taken_back_joins_nobody_where_many_show_it(
    run: Run, crowd: Path, before: Verdict, words: tuple[str, ...]
) -> None:
    with Index.write(crowd, "test") as index:
        index.decisions.add([decision(before, "crowd")])
    ran = run(*words, sha("crowd"))
    assert (ran.code, decided(crowd)) == (0, 2)
    assert "This makes" not in ran.err
    assert joined(crowd) == comb(4, 2)


def test_a_confirmed_match_that_joins_crowds_is_asked_about(run: Run, crowd: Path) -> None:
    assert run("hot", "release", sha("crowd"), "--yes").code == 0
    settings(crowd, "ask_links = 500")
    named = "-".join(sorted((sha("crowd"), sha("few"))))
    ran = run("decide", named, "confirm")
    assert (ran.code, decided(crowd)) == (2, 1)
    # Each of 162 profiles with each of 4.
    assert "648 links of 166 profiles" in ran.err
    assert run("decide", named, "confirm", "--yes").code == 0
    assert run("decide", named, "reopen").code == 0


def test_decisions_of_another_index_are_asked_about_together(
    run: Run, crowd: Path, tmp_path: Path, imagematch: CommandLine
) -> None:
    other = tmp_path / "other"
    shutil.copytree(crowd, other)
    assert run("hot", "release", sha("crowd"), sha("few"), "--yes").code == 0
    file = tmp_path / "decisions.json"
    file.write_text(run("decisions", "list", "--json").out)
    # What the index has already changes nothing.
    assert run("decisions", "import", file).code == 0
    ran = imagematch("decisions", "import", file, "--index", other)
    assert (ran.code, decided(other)) == (2, 0)
    assert "--yes" in ran.err
    assert imagematch("decisions", "import", file, "--yes", "--index", other).code == 0
    assert decided(other) == 2


def test_what_is_foreseen_is_what_comes(crowd: Path) -> None:
    before = joined(crowd)
    foreseen, _ = recipes.reach_of_hot(crowd, [sha("crowd")], "release")
    recipes.settle_hot(crowd, [sha("crowd")], "release")
    assert joined(crowd) - before == foreseen.links


# --- on a terminal -----------------------------------------------------------------------------


@pytest.mark.parametrize("agrees", [True, False])
def test_on_a_terminal_somebody_is_asked(monkeypatch: pytest.MonkeyPatch, agrees: bool) -> None:
    asked: list[str] = []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        return agrees

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", confirm)
    asking.agree(Reach(5, 10), 10, yes=False)
    asking.agree(Reach(50, 1225), 10, yes=True)
    assert asked == []
    if agrees:
        asking.agree(Reach(50, 1225), 10, yes=False)
    else:
        with pytest.raises(Stopped):
            asking.agree(Reach(50, 1225), 10, yes=False)
    assert len(asked) == 1
