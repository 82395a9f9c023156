"""The sample world is the same on every build, and its truth is complete and consistent."""

import csv
import hashlib
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.scripts import script

pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
pytest.importorskip("matplotlib", reason="one sample photo comes with Matplotlib")

make_samples, demo = script("make_samples"), script("demo")


def contents(folder: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of every file."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("samples")
    make_samples.build(out)
    return out


@pytest.fixture(scope="module")
def truth(world: Path) -> list[dict[str, str]]:
    return demo.read_truth(world)


@pytest.fixture(scope="module")
def manifest(world: Path) -> list[dict[str, str]]:
    with (world / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_two_builds_have_the_same_bytes(world: Path, tmp_path: Path) -> None:
    make_samples.picture.cache_clear()
    make_samples.build(tmp_path)
    assert contents(tmp_path) == contents(world)


def test_a_second_build_replaces_the_first_and_keeps_the_credits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_samples, "WORLD", make_samples.WORLD[:3])
    (tmp_path / "README.md").write_text("credits")
    make_samples.build(tmp_path)
    first = contents(tmp_path)
    (tmp_path / "ads" / "left over.jpg").write_bytes(b"from an older world")
    make_samples.build(tmp_path)
    assert contents(tmp_path) == first
    assert "README.md" in first


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "ads").mkdir()
    (tmp_path / "ads" / "mine.jpg").write_bytes(b"mine")
    with pytest.raises(SystemExit, match="not made by this script"):
        make_samples.build(tmp_path)
    assert contents(tmp_path) == {"ads/mine.jpg": hashlib.sha256(b"mine").hexdigest()}


def test_the_world_is_small_and_every_photo_opens(world: Path) -> None:
    photos = list(world.rglob("*.jpg"))
    assert sum(photo.stat().st_size for photo in photos) < 8 * 2**20
    for photo in photos:
        with Image.open(photo) as image:
            assert image.format == "JPEG"
            assert 150 <= max(image.size) <= make_samples.LONGEST_SIDE
            image.load()


def test_there_are_four_sites_and_about_twenty_profiles_of_two_to_four_photos(
    manifest: list[dict[str, str]],
) -> None:
    photos = Counter((row["site"], row["profile"]) for row in manifest)
    assert len({site for site, _ in photos}) == 4
    assert 18 <= len(photos) <= 24
    assert set(photos.values()) <= {2, 3, 4}


def test_the_manifest_has_one_row_for_every_photo_of_an_ad(
    world: Path, manifest: list[dict[str, str]]
) -> None:
    ads = {path.relative_to(world / "ads").as_posix() for path in (world / "ads").rglob("*.jpg")}
    assert sorted(row["path"] for row in manifest) == sorted(ads)
    for row in manifest:
        assert row["path"].startswith(f"{row['site']}/{row['profile']}/")
        assert row["email"].endswith("@example.com")
        assert "555" in row["phone"] or not row["phone"]


def test_every_file_in_the_truth_exists_and_no_pair_stands_there_twice(
    world: Path, truth: list[dict[str, str]]
) -> None:
    for row in truth:
        assert (world / row["left"]).is_file()
        assert (world / row["right"]).is_file()
    assert len({frozenset((row["left"], row["right"])) for row in truth}) == len(truth)


def test_a_row_always_joins_two_owners_and_says_how(truth: list[dict[str, str]]) -> None:
    for row in truth:
        assert Path(row["left"]).parent != Path(row["right"]).parent
        assert row["relation"] in {"exact", "copy", "part", "scene", "none"}
        assert row["links"] in {"yes", "no"}
        assert row["how"]
        if row["relation"] in {"scene", "none"}:
            assert row["links"] == "no"


def test_byte_identical_files_of_different_owners_are_the_exact_rows(
    world: Path, truth: list[dict[str, str]]
) -> None:
    hashes = {path: sha for path, sha in contents(world).items() if path.endswith(".jpg")}
    identical = {
        frozenset((left, right))
        for left, right in combinations(hashes, 2)
        if hashes[left] == hashes[right] and Path(left).parent != Path(right).parent
    }
    exact = {frozenset((r["left"], r["right"])) for r in truth if r["relation"] == "exact"}
    assert exact == identical


@pytest.mark.parametrize(
    "word",
    [
        "byte-identical",
        "recompressed",
        "cropped",
        "mirrored",
        "watermarked",
        "phone number",
        "screenshot",
        "collage of four",
        "grayscale",
    ],
)
def test_every_way_of_reuse_links_two_profiles(truth: list[dict[str, str]], word: str) -> None:
    ads = [
        row for row in truth if row["left"].startswith("ads/") and row["right"].startswith("ads/")
    ]
    assert any(word in row["how"] for row in ads if row["links"] == "yes")


def test_look_alikes_link_no_one(truth: list[dict[str, str]]) -> None:
    apart = [row for row in truth if row["links"] == "no"]
    wording = Counter((row["relation"], row["how"]) for row in apart)
    assert wording["none", "the same watermark"] == 1
    assert wording["none", "the same app"] == 1
    assert wording["scene", "two photos of one scene"] == 1
    # Seven profiles with the same placeholder make 21 pairs; two with a blank picture one more.
    assert wording["exact", "byte-identical"] == 22


def test_no_look_alike_hides_a_true_link_between_the_same_profiles(
    truth: list[dict[str, str]],
) -> None:
    apart = {demo.owners_of(row) for row in truth if row["relation"] in {"scene", "none"}}
    assert not apart & demo.linked_owners(truth)


def test_the_gallery_and_the_queries_have_something_to_find_and_something_not(
    world: Path, truth: list[dict[str, str]]
) -> None:
    shown = {row[side] for row in truth for side in ("left", "right")}
    for folder in ("gallery", "queries"):
        files = {path.relative_to(world).as_posix() for path in (world / folder).rglob("*.jpg")}
        assert files & shown
        assert files - shown


def sighting(world: Path, path: str) -> dict[str, str]:
    """A sighting as `link --json` writes it."""
    kind, first, second, *_ = path.split("/")
    ad = kind == "ads"
    return {
        "photo": hashlib.sha256((world / path).read_bytes()).hexdigest(),
        "path": path.split("/", 1 if ad else 2)[-1],
        "collection": "ads" if ad else first,
        "site": first if ad else "",
        "profile": second if ad else "",
    }


@pytest.fixture
def perfect(world: Path, truth: list[dict[str, str]]) -> dict[str, Any]:
    """What `link --json` says when it finds all of the truth and nothing else."""
    report: dict[str, Any] = {"links": [], "gallery_hits": []}
    for row in truth:
        if row["links"] == "yes":
            left, right = sighting(world, row["left"]), sighting(world, row["right"])
            pair = {"left": left, "right": right}
            if "gallery/" in row["left"] + row["right"]:
                report["gallery_hits"].append(pair)
            else:
                report["links"].append({"left": left, "right": right, "pairs": [pair]})
    return report


def test_the_demo_accepts_a_perfect_report(world: Path, perfect: dict[str, Any]) -> None:
    result = demo.check(world, perfect)
    assert not result.missed
    assert not result.false
    count = len(perfect["links"]) + len(perfect["gallery_hits"])
    assert result.summary() == f"{count} of {count} reuses found, 0 false links"


def test_the_demo_names_a_missed_reuse(world: Path, perfect: dict[str, Any]) -> None:
    lost = perfect["links"].pop()
    result = demo.check(world, perfect)
    assert len(result.missed) == 1
    assert lost["left"]["path"] in result.missed[0]


def test_the_demo_does_not_take_the_right_profiles_with_the_wrong_photos_for_a_find(
    world: Path, perfect: dict[str, Any]
) -> None:
    perfect["links"][0]["pairs"][0]["left"]["photo"] = "0" * 64
    result = demo.check(world, perfect)
    assert len(result.missed) == 1
    assert not result.false


def test_the_demo_names_a_false_link_and_a_false_gallery_hit(
    world: Path, truth: list[dict[str, str]], perfect: dict[str, Any]
) -> None:
    scene = next(row for row in truth if row["relation"] == "scene")
    left, right = sighting(world, scene["left"]), sighting(world, scene["right"])
    pair = {"left": left, "right": right}
    perfect["links"].append({"left": left, "right": right, "pairs": [pair]})
    reference = sighting(world, "gallery/case-0417/reference-3.jpg")
    perfect["gallery_hits"].append({"left": reference, "right": right})
    result = demo.check(world, perfect)
    assert len(result.false) == 2
    assert result.summary().endswith("2 false links")


def test_the_demo_leaves_an_index_alone_that_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    with pytest.raises(SystemExit, match="not made by the demo"):
        demo.fresh_index(tmp_path)
    assert (tmp_path / "index").is_dir()


def test_the_demo_deletes_the_index_of_its_last_run(tmp_path: Path) -> None:
    index = demo.fresh_index(tmp_path)
    index.mkdir()
    assert not demo.fresh_index(tmp_path).exists()
