"""What says where a folder's photos are from is remembered: later runs must not lose it."""

import csv
import json
import os
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


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_manifest_may_name_files_by_absolute_paths(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    (tmp_path / "current").symlink_to(ads)
    save(photo(2), ads / "siteA" / "anna" / "2 b.jpg")
    path = tmp_path / "ads.jsonl"
    rows = [
        {"path": str(tmp_path / "current" / "siteA" / "anna" / "1.jpg"), "profile": "berta"},
        {"path": (ads / "siteA" / "anna" / "2 b.jpg").as_uri(), "profile": "berta"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")

    ran = imagematch("index", tmp_path / "current", "--manifest", path, "--index", tmp_path / "i")

    assert (ran.code, ran.err.count("notes on the manifest")) == (0, 0), ran.err
    assert profiles(tmp_path / "i") == {("", "berta")}


def test_a_manifest_can_not_name_files_beside_the_folder(
    imagematch: CommandLine, ads: Path, tmp_path: Path
) -> None:
    save(photo(2), tmp_path / "other" / "2.jpg")
    path = tmp_path / "ads.csv"
    path.write_text(f"path,profile\n{tmp_path / 'other' / '2.jpg'},berta\n", "utf-8")

    ran = imagematch("index", ads, "--manifest", path, "--index", tmp_path / "i")

    assert ran.code == 1
    assert "no path may leave the root" in ran.err
