"""What says where a folder's photos are from is remembered: later runs must not lose it."""

import csv
from pathlib import Path

import pytest

from imagematch.stores.index import Index
from tests.conftest import CommandLine
from tests.world import photo, save


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    """One photo of one profile."""
    folder = tmp_path / "ads"
    (folder / "siteA" / "anna").mkdir(parents=True)
    save(photo(1), folder / "siteA" / "anna" / "1.jpg")
    return folder


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest that gives the photo to another profile."""
    path = tmp_path / "ads.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["path", "site", "profile"], ["siteA/anna/1.jpg", "siteB", "berta"]]
        )
    return path


def profiles(index: Path) -> set[tuple[str, str]]:
    with Index.read(index) as opened:
        found = opened.sightings.sightings_of([1])[1]
    return {(sighting.info.site, sighting.info.profile) for sighting in found}


def test_a_run_without_options_keeps_the_sites_of_the_last(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    command = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes")
    assert imagematch(*command, "--site-from-path").code == 0
    assert imagematch(*command).code == 0
    assert profiles(tmp_path / "index") == {("siteA", "anna")}
    assert imagematch(*command, "--no-site-from-path").code == 0
    assert profiles(tmp_path / "index") == {("", "")}


def test_a_run_without_options_keeps_the_manifest_of_the_last(
    imagematch: CommandLine, ads: Path, manifest: Path, tmp_path: Path
) -> None:
    command = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes")
    assert imagematch(*command, "--manifest", manifest).code == 0
    assert imagematch(*command).code == 0
    assert profiles(tmp_path / "index") == {("siteB", "berta")}


def test_a_manifest_that_is_gone_is_not_silently_forgotten(
    imagematch: CommandLine, ads: Path, manifest: Path, tmp_path: Path
) -> None:
    command = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes")
    imagematch(*command, "--manifest", manifest)
    manifest.unlink()
    refused = imagematch(*command)
    assert refused.code == 2
    assert str(manifest) in refused.err
    assert "--no-manifest" in refused.err
    assert profiles(tmp_path / "index") == {("siteB", "berta")}
    assert imagematch(*command, "--no-manifest", "--site-from-path").code == 0
    assert profiles(tmp_path / "index") == {("siteA", "anna")}
