"""Profiles of an index to links and clusters."""

from collections.abc import Mapping
from dataclasses import replace

from imagematch.records import LinkReport
from imagematch.services.session import Session


def link_profiles(session: Session, change: Mapping[str, object] | None = None) -> LinkReport:
    """Join the profiles of an index by what they share.

    Args:
        change: settings of the group `link` that differ from the index's own.
    """
    from imagematch.stages import link

    with session.reading() as index:
        settings = replace(index.settings.link, **(change or {}))  # type: ignore[arg-type]
        return link.run(index, settings)
