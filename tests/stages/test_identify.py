"""Reading identifiers: once, in batches, whatever a text does and whenever a run is killed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imagematch.errors import Stopped
from imagematch.kernels.identifiers import cells
from imagematch.records import RootLabels, SightingInfo
from imagematch.runtime.executors import Executor, SerialExecutor, open_executor
from imagematch.runtime.monitor import Unwatched
from imagematch.settings import DEFAULTS, WorkerSettings
from imagematch.stages import identify
from imagematch.stages.identify import IdentifyReport
from imagematch.stores.index import Index
from tests.stores.builders import add, create, scanned

TEXT = "call me on 06 1000 0012"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        opened.settings = replace(DEFAULTS, scan=replace(DEFAULTS.scan, phone_region="NL"))
        yield opened


def ads(index: Index, *texts: str) -> None:
    files = (
        scanned(f"{place}.jpg", None, SightingInfo("site", f"p{place}", text=text))
        for place, text in enumerate(texts)
    )
    add(index, *files)


def run(index: Index, executor: Executor | None = None) -> IdentifyReport:
    return identify.run(index, executor or SerialExecutor(), Unwatched())


def shown(index: Index) -> list[tuple[str, str]]:
    return sorted((each.value, each.profile.handle) for each in index.identifiers.shown())


def test_a_second_run_reads_nothing(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    ads(index, TEXT, "", TEXT)
    assert run(index).read == 2
    expected = [("+31610000012", "p0"), ("+31610000012", "p2")]
    assert shown(index) == expected
    monkeypatch.setattr(identify, "_read_all", lambda *_: pytest.fail("read again"))
    assert run(index).read == 0
    assert shown(index) == expected


def test_photos_of_one_ad_are_read_once(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    reading = cells.read

    def noted(ad: Sequence[cells.Cell], regions: Sequence[str]) -> Any:
        read.append(ad)
        return reading(ad, regions)

    monkeypatch.setattr(cells, "read", noted)
    ads(index, TEXT, TEXT, TEXT)
    run(index)
    assert (len(read), len(shown(index))) == (1, 3)


@pytest.mark.parametrize("change", ["reader", "region"])
def test_another_reader_or_country_has_all_read_again(
    index: Index, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    ads(index, TEXT)
    run(index)
    if change == "reader":
        monkeypatch.setattr(identify, "READER", identify.READER + 1)
    else:
        index.settings = replace(DEFAULTS, scan=replace(DEFAULTS.scan, phone_region="US"))
    assert run(index).read == 1
    assert shown(index) == ([("+31610000012", "p0")] if change == "reader" else [])


class StopsAt(Unwatched):
    """Stops after a number of sightings."""

    def __init__(self, most: int) -> None:
        self.left = most

    def advance(self, count: int = 1) -> None:
        self.left -= count

    def check(self) -> None:
        if self.left <= 0:
            raise Stopped("enough")


def test_a_stopped_run_goes_on_where_it_was(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identify, "_TOGETHER", 2)
    ads(index, *([TEXT] * 5))
    with pytest.raises(Stopped):
        identify.run(index, SerialExecutor(), StopsAt(2))
    assert (len(shown(index)), index.identifiers.count_unread()) == (2, 3)
    assert run(index).read == 3
    assert len(shown(index)) == 5


def test_a_run_that_dies_before_a_commit_has_read_nothing_of_it(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    ads(index, TEXT)
    with monkeypatch.context() as patched:
        patched.setattr("imagematch.stores.identifiers._ids", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(index)
    assert (shown(index), index.identifiers.count_unread()) == ([], 1)
    assert run(index).read == 1


def test_marked_columns_are_read_also_standard_ones(index: Index) -> None:
    info = SightingInfo("tg", "lola_zz", extra={"Snap": "zora_1", "price": "0610000012"})
    ads_of = index.collections.ensure("ads", "ads")
    labels = RootLabels(identifiers=(("Snap", "handle"), ("profile", "handle")))
    index.collections.ensure_root(ads_of, Path("/ads"), labels)
    add_with(index, info, labels)
    run(index)
    assert sorted((each.value, each.place) for each in index.identifiers.shown()) == [
        ("handle:lola_zz", "profile"),
        ("handle:zora_1", "Snap"),
    ]


def add_with(index: Index, info: SightingInfo, labels: RootLabels) -> None:
    root_id = index.collections.ensure_root(index.collections.get("ads"), Path("/ads"), labels)
    run_id = index.catalogue.start_run("index", "", "/ads")
    index.sightings.add_files(root_id, run_id, [scanned("a.jpg", None, info)], [])


def test_a_megabyte_of_digits_is_read_to_the_limit_and_stalls_nothing(index: Index) -> None:
    ads(index, "1" * 1_000_000, TEXT, "+31 " * 250_000)
    report = run(index)
    assert (report.read, report.notes) == (3, [])
    assert shown(index) == [("+31610000012", "p1")]


@pytest.mark.slow
def test_a_text_that_takes_too_long_costs_that_ad_alone(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify, "_FEW", 0)
    monkeypatch.setattr(identify, "_read", hanging)
    ads(index, TEXT, "hang", TEXT + "!")
    with open_executor(WorkerSettings(count=1, chunk=3, seconds_per_file=3)) as executor:
        report = run(index, executor)
    assert [(note.problem, note.where) for note in report.notes] == [("unread_text", "1.jpg")]
    assert [who for _, who in shown(index)] == ["p0", "p2"]
    assert run(index).read == 0


def hanging(region: str, asked: Sequence[Any]) -> Any:
    """What a worker does in place of reading."""
    while any(cell.text == "hang" for ad in asked for cell in ad):
        pass
    return [cells.read(ad, (region,)) for ad in asked]


def test_a_text_that_raises_costs_that_ad_alone(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = cells.read

    def raising(ad: Sequence[cells.Cell], regions: Sequence[str]) -> Any:
        if ad[0].text == "raise":
            raise RecursionError
        return reading(ad, regions)

    monkeypatch.setattr(cells, "read", raising)
    ads(index, TEXT, "raise", TEXT)
    assert [note.where for note in run(index).notes] == ["1.jpg"]
    assert [who for _, who in shown(index)] == ["p0", "p2"]
