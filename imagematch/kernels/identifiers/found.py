"""What was found in a text, and where."""

from dataclasses import dataclass

from imagematch.records import Identifier


@dataclass(frozen=True, slots=True)
class Found:
    """An identifier in a text.

    Attributes:
        start, end: characters of the text; the end is behind the last one.
    """

    identifier: Identifier
    start: int
    end: int
