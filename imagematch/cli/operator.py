"""`imagematch operator`: what a person says of who runs two profiles or clusters, for ever."""

from collections.abc import Iterator
from pathlib import Path

import click

import imagematch
from imagematch import formatting, link_wording
from imagematch.amounts import counted
from imagematch.cli.console import say
from imagematch.cli.options import actor_option, index_option, note_option
from imagematch.records import OperatorDecision, OperatorEffect, OperatorVerdict

left_argument = click.argument("left", metavar="A")
right_argument = click.argument("right", metavar="B")


@click.group("operator")
def operator_group() -> None:
    """Say whether one operator runs two profiles or clusters.

    A and B are each the id of a cluster (C12) or a profile (site/handle), as `imagematch link`
    shows them. What is said is kept between the profiles that are there now, holds in every later
    run, and stands in the reports. Of two decisions about the same two profiles, the later counts.

    \b
    Example:
      imagematch operator same siteA/anna siteB/bella --note "same tattoo shop"
    """


@operator_group.command("same")
@left_argument
@right_argument
@note_option
@actor_option
@index_option
def same_command(left: str, right: str, note: str, actor: str, directory: Path) -> None:
    """Join A and B: they have one operator, whatever they share.

    \b
    Examples:
      imagematch operator same siteA/anna siteB/bella --note "same tattoo shop"
      imagematch operator same C12 C40
    """
    _decide(directory, left, right, "same", note, actor)


@operator_group.command("not-same")
@left_argument
@right_argument
@note_option
@actor_option
@index_option
def not_same_command(left: str, right: str, note: str, actor: str, directory: Path) -> None:
    """Keep A and B apart: they do not have the same operator, whatever they share.

    \b
    Examples:
      imagematch operator not-same siteA/anna siteB/bella --note "her photos were stolen"
      imagematch operator not-same C12 siteB/bella
    """
    _decide(directory, left, right, "not_same", note, actor)


@operator_group.command("reopen")
@left_argument
@right_argument
@note_option
@actor_option
@index_option
def reopen_command(left: str, right: str, note: str, actor: str, directory: Path) -> None:
    """Take back the decision about A and B, also what it says of other profiles.

    Clusters that were joined have one id: name a profile of each.

    \b
    Example:
      imagematch operator reopen siteA/anna siteB/bella
    """
    _decide(directory, left, right, "reopen", note, actor)


def _decide(
    directory: Path, left: str, right: str, verdict: OperatorVerdict, note: str, actor: str
) -> None:
    with imagematch.open(directory, actor=actor) as index:
        made = index.decide_operator(left, right, verdict, note=note)
        effect = index.effect_of(made)
    for line in _lines(made, effect):
        say(formatting.printable(line))


def _lines(made: OperatorDecision, effect: OperatorEffect) -> Iterator[str]:
    """What was decided, what clusters look like by it, and what can't hold beside it."""
    together = bool(effect.profiles)
    one = f"{counted(effect.profiles, 'profile')} are one cluster now"
    sides = link_wording.sides(made)
    if made.verdict == "same":
        yield f"{sides}: one operator. {one if together else 'They are not in one cluster'}."
    elif made.verdict == "not_same":
        yield f"{sides}: not the same operator. They stay apart, whatever they share."
    else:
        rest = f"{one} by all else" if together else "By all else they are not in one cluster"
        yield f"{sides}: nothing is said of them any more. {rest}."
    for replaced in effect.replaced:
        yield f"This replaces: {link_wording.said_of(replaced)}"
    for unmet in effect.unmet:
        yield f"This can't hold: {link_wording.said_of(unmet)}"
    for apart in effect.apart:
        yield f"Because of: {link_wording.said_of(apart)}"
    if effect.unmet:
        yield "Take back what is wrong with `imagematch operator reopen A B`."
