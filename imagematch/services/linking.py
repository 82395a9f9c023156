"""Profiles of an index to links and clusters."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from imagematch.records import LinkReport, Reach
from imagematch.services.session import Session


def link_profiles(
    session: Session,
    change: Mapping[str, object] | None = None,
    ask: Callable[[Reach, int], object] = lambda _reach, _most: None,
) -> LinkReport:
    """Join the profiles of an index by the photos they share.

    Args:
        change: settings of the group `link` that differ from the index's own.
        ask: told beforehand how far photos reach that make more links each than `link.ask_links`,
            which comes with it, and about which nobody has decided; may raise.
    """
    from imagematch.stages import link

    with session.reading() as index:
        settings = replace(index.settings.link, **(change or {}))  # type: ignore[arg-type]
        return link.run(index, settings, lambda reach: ask(reach, settings.ask_links))
