"""Asking before something reaches so far that it may well be a mistake."""

import sys

import click

from imagematch.amounts import counted
from imagematch.cli.console import say
from imagematch.errors import Stopped, UsageError
from imagematch.records import Reach


def agree(reach: Reach, most: int, *, yes: bool, what: str = "This") -> None:
    """Say how far something reaches, and go on only if somebody agrees where that is far.

    Args:
        most: links that need no agreement, `link.ask_links`.
        yes: somebody has agreed already.
        what: makes the links.

    Raises:
        UsageError: nobody is there to ask.
        Stopped: somebody was asked, and does not agree.
    """
    if not reach.links:
        return
    says = f"{what} makes {counted(reach.links, 'link')} of {counted(reach.profiles, 'profile')}"
    if yes or reach.links <= most:
        say(f"{says}.")
        return
    doubt = "A photo that so many profiles show is most often a placeholder or a logo."
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{says}, more than link.ask_links ({most:,}), so nothing was done. {doubt} If it is "
            f"what you want, run this again with --yes"
        )
    say(f"{says}. {doubt}")
    if not click.confirm("Go on?", err=True):
        raise Stopped("nothing was done")
