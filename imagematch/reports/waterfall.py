"""A link's evidence in bits as a waterfall: a link in; rows of a label, an SVG bar and bits out.

The table of these rows is its own text alternative, so that the bars are hidden from screen
readers. Bars are drawn in shapes and not in colours alone: what speaks for a link is filled, what
speaks against it is an outline. Nothing is styled inline, as the policy of the pages demands.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from imagematch import formatting, link_wording
from imagematch.amounts import counted
from imagematch.records import Link, SharedItem

#: Items with a row of their own; more of them would say no more.
MOST_ITEMS = 10

PRIOR = "Before anything is known"
REST = "All else they show"
TOTAL = "All together"

#: Of a label.
_MOST_CHARACTERS = 60

#: Units of a drawing; it is stretched to whatever room there is.
_WIDTH, _HEIGHT = 1000.0, 100.0
_TOP, _BOTTOM = 22.0, 78.0
#: So that a bar of no bits can be seen.
_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a waterfall.

    Attributes:
        bar: the drawing of the step, from where the evidence stood to where it stands.
        word: what kind of thing the label names; "" where it names none.
        total: it is the sum of all others.
    """

    word: str
    label: str
    bits: str
    bar: Markup
    total: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    word: str
    label: str
    bits: float


def rows(link: Link) -> tuple[Row, ...]:
    """The prior, each shared item, the rest and their sum, each beginning where the last ended."""
    steps = list(_steps(link))
    ends = [0.0]
    for step in steps:
        ends.append(ends[-1] + step.bits)
    scale = _Scale(ends)
    made = [
        Row(
            step.word,
            step.label,
            link_wording.signed_bits(step.bits),
            _drawn(scale, before, after, "for" if step.bits >= 0 else "against", before, after),
        )
        for step, before, after in zip(steps, ends, ends[1:], strict=False)
    ]
    bar = _drawn(scale, 0.0, ends[-1], "sum", ends[-1])
    total = Row("", TOTAL, link_wording.signed_bits(link.bits), bar, total=True)
    return (*made, total)


def _steps(link: Link) -> Iterator[_Step]:
    yield _Step("", PRIOR, link.prior)
    shown = link.shared if len(link.shared) <= MOST_ITEMS else link.shared[: MOST_ITEMS - 1]
    for item in shown:
        yield _Step(link_wording.item_word(item.kind), _label(item), item.bits)
    if more := link.shared[len(shown) :]:
        label = counted(len(more), "more shared item")
        yield _Step("", label, sum(item.bits for item in more))
    if link.rest or not link.shared:
        yield _Step("", REST, link.rest)


def _label(item: SharedItem) -> str:
    """What an item is called: a photo by its file, as photos have no names of their own."""
    name = link_wording.item_value(item.kind, item.value)
    if item.sighting is not None:
        name = item.sighting.path.rpartition("/")[2] or item.sighting.path
    return formatting.shortened(formatting.printable(name), _MOST_CHARACTERS)


class _Scale:
    """Bits to places from left to right."""

    def __init__(self, ends: Sequence[float]) -> None:
        self._least = min(*ends, 0.0)
        self._span = (max(*ends, 0.0) - self._least) or 1.0

    def __call__(self, bits: float) -> float:
        return 10.0 + (bits - self._least) / self._span * (_WIDTH - 20.0)


def _drawn(
    scale: _Scale, start: float, end: float, shape: str, above: float, below: float | None = None
) -> Markup:
    """A bar, with the line where the evidence is even.

    Args:
        above, below: bits at which it is joined to the rows there; None for none.
    """
    left, right = sorted((scale(start), scale(end)))
    width = max(right - left, _LEAST)
    joints = f"M{scale(above):.1f} 0V{_TOP:g}"
    if below is not None:
        joints += f"M{scale(below):.1f} {_BOTTOM:g}V{_HEIGHT:g}"
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path class="even" d="M{scale(0.0):.1f} 0V{_HEIGHT:g}"/>'
        f'<path class="joint" d="{joints}"/>'
        f'<rect class="{shape}" x="{left:.1f}" y="{_TOP:g}" width="{width:.1f}" '
        f'height="{_BOTTOM - _TOP:g}"/></svg>'
    )
