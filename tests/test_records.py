"""Every record that comes out can be pickled and copied, and nobody can alter it."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import imagematch
from imagematch import conversions, presets, records
from imagematch.records import QueryOptions
from imagematch.runtime.monitor import Unwatched
from imagematch.services import (
    environment,
    health,
    indexing,
    jobs,
    querying,
    reindexing,
    reviewing,
    status,
)
from imagematch.services.indexing import IndexRequest
from imagematch.settings import DEFAULTS
from imagematch.sources.folder_source import FolderSource
from tests import recipes
from tests.conftest import World
from tests.reports import builders
from tests.world import mirrored, new_pairs, photo, save

#: What goes in, or from one stage to the next.
_NEVER_OUT = {
    *("FoundFile", "Locator", "RootLabels", "Fingerprint"),
    *("QueryOptions", "IndexRequest", "Package", "Identifier", "Showing", "FoundAd"),
}


@pytest.fixture(scope="module")
def outputs(world: World, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What every recipe returns, of a small index of its own and of the world."""
    base = tmp_path_factory.mktemp("records")
    index, ads = base / "index", base / "ads"
    shown = {name: ads / "site" / name / "x.jpg" for name in ("anna", "berta", "clara")}
    for path, quality in zip(shown.values(), (90, 60, 75), strict=True):
        save(photo(1), path, quality=quality)
    save(mirrored(photo(2)), ads / "site" / "anna" / "2.jpg")
    save(photo(2), ads / "site" / "dora" / "2.jpg")
    (ads / "broken.jpg").write_text("no photo")
    (ads / "pipe").symlink_to(ads / "nowhere")
    manifest = base / "ads.csv"
    manifest.write_text(
        "path,site,profile,text\nsite/anna/x.jpg,site,anna,call @anna_one\nno.jpg,site,anna,1\n"
    )
    source = FolderSource(ads, manifest=manifest, site_from_path=True)
    request = IndexRequest(source, preset="hashes")
    indexed = recipes.index_folder(index, request, Unwatched())
    linked = recipes.link_profiles(index)
    told = recipes.reindex(index, [jobs.Job("first", source)], Unwatched())
    found = _found(index)
    decided = recipes.decide(index, linked.links[0].pairs[0].id, "confirm", "seen")
    kept = recipes.settle_hot(index, [str(shown["anna"])], "keep")
    ignored = recipes.ignore(
        index, [str(ads / "site/dora/2.jpg"), str(ads / "broken.jpg")], "", Unwatched()
    )
    again = recipes.link_profiles(index)
    job = jobs.Job("nightly", FolderSource(ads, no_manifest=True, site_from_path=False))
    return [
        *(indexed, linked, told, decided, kept, ignored, again),
        recipes.reindex(index, [job], Unwatched()),
        new_pairs(index, range(100)),
        list(recipes.query_photos(index, map(str, shown.values()), QueryOptions(), Unwatched())),
        list(recipes.query_photos(index, [str(manifest)], QueryOptions(), Unwatched())),
        recipes.stored_matches(index),
        recipes.hot_photos(index),
        recipes.reach_of_hot(index, [str(shown["anna"])], "release"),
        recipes.ignored(index),
        recipes.history(index),
        recipes.status_of(index),
        list(recipes.failed_files(index)),
        health.check(index, wanted=True),
        recipes.link_profiles(world.index),
        recipes.list_galleries(world.index),
        recipes.status_of(world.index),
        list(_explained(world)),
        list(
            querying.compare_files(
                presets.with_preset(DEFAULTS, "hashes"),
                [(str(shown["anna"]), str(shown["berta"]))],
                Unwatched(),
            )
        ),
        list(recipes.query_hashes(index, _listed(index), QueryOptions(), Unwatched())),
        list(recipes.hashes_of(index)),
        found,
        # What it takes more than a small index to meet.
        builders.report(),
        builders.result((builders.sighting(), builders.judgement())),
    ]


def _listed(index: Path) -> list[records.ListedHashes | records.UnusableLine]:
    [known, *_] = recipes.hashes_of(index)
    return [records.ListedHashes(pdq=known.pdq), records.UnusableLine(2, "no hash")]


def _found(index: Path) -> list[Any]:
    with imagematch.open(index) as opened:
        said = opened.decide_operator("site/anna", "site/dora", "not_same")
        return [opened.find("anna"), said, opened.effect_of(said)]


def _explained(world: World) -> Iterator[Any]:
    query = [str(world.ads / "site9" / "anna" / "again.jpg")]
    found = list(recipes.query_photos(world.index, query, QueryOptions(), Unwatched()))
    yield from recipes.explain_matches(world.index, found)


def _records(value: Any) -> Iterator[Any]:
    """All data classes in a value, itself included."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield value
        for field in dataclasses.fields(value):
            yield from _records(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _records(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _records(part)


def _pickled(protocol: int, value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, protocol))  # noqa: S301


_COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{
        f"pickle {protocol}": partial(_pickled, protocol)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("way", _COPIES)
def test_a_copy_of_all_that_comes_out_is_the_same(outputs: list[Any], way: str) -> None:
    for output in outputs:
        again = _COPIES[way](output)
        assert again == output
        assert repr(again) == repr(output)
    for record in _records(outputs):
        again = _COPIES[way](record)
        assert again == record
        assert dataclasses.asdict(again) == dataclasses.asdict(record)


def test_nothing_that_comes_out_can_be_altered(outputs: list[Any]) -> None:
    for record in _records([outputs, *map(copy.deepcopy, outputs)]):
        for field in dataclasses.fields(record):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, field.name, None)
            with pytest.raises(dataclasses.FrozenInstanceError):
                delattr(record, field.name)


@pytest.mark.parametrize(
    "module", [records, indexing, reviewing, reindexing, status, health, environment]
)
def test_these_tests_meet_every_record(outputs: list[Any], module: ModuleType) -> None:
    met = {type(record).__name__ for record in _records(outputs)}
    defined = {
        name
        for name, value in vars(module).items()
        if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
    }
    assert {name for name in defined - met if not name.startswith("_")} <= _NEVER_OUT


def test_all_that_comes_out_is_json_and_a_copy_says_the_same(outputs: list[Any]) -> None:
    said = set()
    for record in _records(outputs):
        if hasattr(record, "to_dict"):
            data = record.to_dict()
            assert json.loads(json.dumps(data, allow_nan=False)) == data
            assert pickle.loads(pickle.dumps(record)).to_dict() == data  # noqa: S301
            said.add(type(record).__name__)
    assert said >= {kind.__name__ for kind in conversions._SHAPES}


def test_a_report_survives_a_pickle_in_a_file(outputs: list[Any], tmp_path: Path) -> None:
    file = tmp_path / "reports.pickle"
    file.write_bytes(pickle.dumps(outputs))
    assert pickle.loads(file.read_bytes()) == outputs  # noqa: S301
