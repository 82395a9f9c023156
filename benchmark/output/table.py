"""A table, for a Markdown document or for a terminal."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from imagematch import formatting

#: What stands where there is no figure.
NONE = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as texts.

    Attributes:
        numbers_from: columns from this one on hold numbers, and are set to the right.
        totals: the last row sums up the others.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers_from: int = 1
    totals: bool = False

    def markdown(self) -> str:
        """The table as Markdown, without an empty line around it."""
        rule = ["---" if at < self.numbers_from else "---:" for at in range(len(self.head))]
        rows = [[_cell(text) for text in row] for row in self.rows]
        if self.totals:
            rows[-1][0] = f"**{rows[-1][0]}**"
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (self.head, rule, *rows))

    def text(self) -> str:
        """The table for a terminal, in columns; long headings take several lines."""
        heads = [_wrapped(text) for text in self.head]
        lines = max(len(head) for head in heads)
        top = [
            tuple(head[at - lines] if at >= lines - len(head) else "" for head in heads)
            for at in range(lines)
        ]
        rows = [tuple(formatting.printable(text) for text in row) for row in self.rows]
        columns = list(zip(*top, *rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        rule = tuple("-" * width for width in widths)
        return "\n".join(self._line(row, widths) for row in (*top, rule, *rows))

    def _line(self, row: Sequence[str], widths: Sequence[int]) -> str:
        cells = (
            text.ljust(width) if at < self.numbers_from else text.rjust(width)
            for at, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(cells).rstrip()


def milliseconds(seconds: float) -> str:
    """A time with three significant digits, or the whole number of a longer one."""
    if math.isnan(seconds):
        return NONE
    value = seconds * 1000
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _wrapped(heading: str) -> list[str]:
    """A heading in lines of about ten characters."""
    return textwrap.wrap(heading, 11, break_long_words=False) or [""]


def _cell(text: str) -> str:
    return formatting.printable(text).replace("|", "\\|")
