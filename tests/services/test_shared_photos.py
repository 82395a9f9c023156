"""The real model on real photos: copies come first, strangers find nothing, places do not match.

The photos are a fixed sample of the measuring data, in the order of the SHA-256 of their names.
"""

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.copies import edits
from imagematch.records import Bytes, QueryResult
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stages.query import QueryOptions
from imagematch.stores.index import Index
from tests import recipes
from tests.conftest import SHARED_DATA
from tests.world import save

pytestmark = [pytest.mark.slow, pytest.mark.shared_data, pytest.mark.model]

_INDEXED, _HELD_OUT, _EDITED = 240, 40, 24

#: The share of edited copies that must be found first. This test found
#: 88 of 96 with the preset balanced: all that were cropped or mirrored, 18 of 24 watermarked.
_RECALL = 0.9

#: The share of strangers that may find something; 0 of 40 did.
_FALSE = 0.05


def edited(rgb: Bytes, way: str, rng: np.random.Generator) -> Bytes:
    """A copy as a reposter makes it."""
    match way:
        case "cropped":
            rgb = edits.crop(rgb, rng, 0.4)
        case "mirrored":
            rgb = edits.mirror(edits.brightness(rgb, rng, 0.4), rng, 1.0)
        case "watermarked":
            rgb = edits.phone_number(edits.watermark(rgb, rng, 0.6), rng, 0.7)
        case "all of it":
            rgb = edits.watermark(edits.mirror(edits.crop(rgb, rng, 0.2), rng, 1.0), rng, 0.5)
    return edits.recompress(rgb, rng, 0.6)


WAYS = ("cropped", "mirrored", "watermarked", "all of it")


@pytest.fixture(scope="module")
def photos() -> list[Path]:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"there is no measuring data in {SHARED_DATA}")
    found = [path for path in (SHARED_DATA / "photos").rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: hashlib.sha256(path.name.encode()).digest())


@pytest.fixture(scope="module")
def index(photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the first photos, each at its own profile."""
    base: Path = tmp_path_factory.mktemp("shared")
    for number, path in enumerate(photos[:_INDEXED]):
        target = base / "ads" / path.parent.name / str(number) / path.name
        target.parent.mkdir(parents=True)
        target.write_bytes(path.read_bytes())
    request = IndexRequest(FolderSource(base / "ads", site_from_path=True))
    report = recipes.index_folder(base / "index", request, Unwatched())
    assert (report.seen, report.failed, report.skipped) == (_INDEXED, 0, 0)
    assert report.failed_pairs == 0
    return base / "index"


def asked(index: Path, queries: list[Path]) -> list[QueryResult]:
    options = QueryOptions()
    return list(recipes.query_photos(index, map(str, queries), options, Unwatched()))


def test_edited_copies_come_first(index: Path, photos: list[Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wanted = []
    for number, path in enumerate(photos[:_EDITED]):
        rgb = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8)
        for way in WAYS:
            query = save(edited(rgb, way, rng), tmp_path / f"{number} {way}.jpg")
            wanted.append((query, f"/{number}/{path.name}"))
    results = asked(index, [query for query, _ in wanted])
    missed = [
        result.query
        for result, (_, path) in zip(results, wanted, strict=True)
        if not result.matches or not result.matches[0].sighting.path.endswith(path)
    ]
    assert len(missed) <= (1 - _RECALL) * len(wanted), missed


def test_photos_that_are_not_indexed_find_nothing(index: Path, photos: list[Path]) -> None:
    strangers = photos[_INDEXED : _INDEXED + _HELD_OUT]
    false = [
        (
            result.query,
            [(m.sighting.path, m.judgement.kind, m.judgement.confidence) for m in result.matches],
        )
        for result in asked(index, strangers)
        if result.matches
    ]
    assert len(false) <= _FALSE * len(strangers), false


def test_photos_of_one_place_never_pass_for_copies(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "same_place"
    with (folder / "pairs.csv").open(newline="") as file:
        pairs = {frozenset(list(row.values())[:2]) for row in csv.DictReader(file)}
    assert len(pairs) == 33
    report = recipes.index_folder(
        tmp_path / "index", IndexRequest(FolderSource(folder)), Unwatched()
    )
    assert report.failed_pairs == 0
    with Index.read(tmp_path / "index") as opened:
        matches = list(opened.matches.matches())
        sightings = opened.sightings.sightings_of(
            sorted({photo for match in matches for photo in (match.photo_a, match.photo_b)})
        )
    false = [
        match
        for match in matches
        if match.judgement.kind != "scene"
        and frozenset(sightings[photo][0].path for photo in (match.photo_a, match.photo_b)) in pairs
    ]
    assert false == []
