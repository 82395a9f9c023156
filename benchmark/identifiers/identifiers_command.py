"""`python -m benchmark identifiers`: are contacts in ads found, and nothing that is none?

The texts are labelled. Who wrote the program wrote them, too, so that they say what it does with
the tricks that its author knows. None is a real ad.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmark.output.table import NONE, Table
from imagematch.cli.console import write_json
from imagematch.cli.options import json_option
from imagematch.kernels.identifiers.finding import find
from imagematch.records import IdentifierKind
from imagematch.reports import json as json_report

TUNING, REPORTING = "tuning", "reporting"

#: What is counted: a kind of identifier, and its value.
type Labels = frozenset[tuple[IdentifierKind, str]]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One text with all identifiers that a person sees in it.

    Attributes:
        language: of the text, ISO 639.
        regions: countries of numbers without a country code, ISO 3166.
    """

    language: str
    regions: tuple[str, ...]
    text: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class Counts:
    """How often something was found rightly, wrongly, or not at all."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float | None:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        return self.right / (self.right + self.missed) if self.right + self.missed else None


def labelled(half: str) -> list[LabelledText]:
    """The texts of one half, of the file beside this module."""
    lines = Path(__file__).with_name(f"{half}.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        LabelledText(
            row["language"],
            tuple(row["regions"]),
            row["text"],
            frozenset((kind, value) for kind, value in row["identifiers"]),
        )
        for row in map(json.loads, lines)
    ]


def found_in(text: LabelledText) -> Labels:
    """What imagematch finds in a text."""
    found = (each.identifier for each in find(text.text, text.regions))
    return frozenset((identifier.kind, identifier.value) for identifier in found)


def measure(texts: Iterable[LabelledText]) -> dict[str, Counts]:
    """Counts by kind of identifier, those of all kinds last, as `all`."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for text in texts:
        found = found_in(text)
        for counter, labels in (
            (right, found & text.labels),
            (wrong, found - text.labels),
            (missed, text.labels - found),
        ):
            counter.update(kind for kind, _ in labels)
    kinds = sorted(right | wrong | missed)
    by_kind = {kind: Counts(right[kind], wrong[kind], missed[kind]) for kind in kinds}
    return by_kind | {"all": Counts(right.total(), wrong.total(), missed.total())}


def table(counts: dict[str, Counts]) -> Table:
    """One row a kind."""
    rows = tuple(
        (
            kind,
            *(map(str, (count.right, count.wrong, count.missed))),
            *(map(_share, (count.precision, count.recall))),
        )
        for kind, count in counts.items()
    )
    head = ("kind", "right", "wrong", "missed", "precision", "recall")
    return Table(head, rows, totals=True)


def mistakes(texts: Iterable[LabelledText]) -> Iterable[str]:
    """The texts of which not all was found or too much, with what."""
    for text in texts:
        found = found_in(text)
        if found != text.labels:
            wrong = ", ".join(f"{kind} {value}" for kind, value in sorted(found - text.labels))
            missed = ", ".join(f"{kind} {value}" for kind, value in sorted(text.labels - found))
            yield f"{text.language} {text.text!r}: wrong: {wrong or NONE}; missed: {missed or NONE}"


def _share(share: float | None) -> str:
    return NONE if share is None else f"{share:.3f}"


@click.command("identifiers")
@click.option(
    "--half",
    "halves",
    type=click.Choice([TUNING, REPORTING]),
    multiple=True,
    default=[TUNING, REPORTING],
    help="Only this half. Rules were made by looking at the tuning half; figures to report are of "
    "the other.  [default: both]",
)
@click.option("--mistakes", "with_mistakes", is_flag=True, help="Also list the texts read wrongly.")
@json_option
def identifiers_command(halves: Sequence[str], with_mistakes: bool, as_json: bool) -> None:
    """Measure how well phones, handles and other contacts are found in texts.

    The texts come with the benchmark, in eight languages, with the tricks that posters use, and
    with prices, heights, dates and other numbers that are no contacts.

    \b
    Example:
      python -m benchmark identifiers --half tuning --mistakes
    """
    texts = {half: labelled(half) for half in halves}
    measured = {half: measure(texts[half]) for half in halves}
    if as_json:
        write_json(json_report.dumps(_plain(measured), indent=2))
        return
    for half in halves:
        click.echo(f"{half}: {len(texts[half])} texts\n\n{table(measured[half]).text()}\n")
        if with_mistakes:
            click.echo("\n".join((*mistakes(texts[half]), "")))


def _plain(measured: dict[str, dict[str, Counts]]) -> dict[str, dict[str, dict[str, object]]]:
    return {
        half: {
            kind: {
                "right": count.right,
                "wrong": count.wrong,
                "missed": count.missed,
                "precision": count.precision,
                "recall": count.recall,
            }
            for kind, count in counts.items()
        }
        for half, counts in measured.items()
    }
