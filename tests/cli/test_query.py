"""`imagematch query`: found in any form, ranked, explained; silent about what is not there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tests.conftest import CommandLine, World
from tests.world import mirrored, photo, reposted, save

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "query.schema.json").read_text()
)


def test_a_mirrored_recompressed_copy_is_found_first(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    query = save(mirrored(photo(4)), tmp_path / "q.jpg", quality=50)
    [answer] = imagematch("query", query, "--index", world.index, "--jsonl").lines()
    jsonschema.validate(answer, SCHEMA)
    assert (answer["query"], answer["status"]) == (str(query), "ok")
    best = answer["matches"][0]
    assert (best["path"], best["kind"]) == ("site1/profile4/4.jpg", "copy")
    assert best["evidence"]["mirrored"]
    assert best["evidence"]["inliers"] >= 10
    assert (best["site"], best["profile"], best["collection"]) == ("site1", "profile4", "ads")


@pytest.mark.model
def test_a_cropped_mirrored_watermarked_copy_is_found_first_with_the_real_model(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert imagematch("index", world.ads, "--index", index, "--site-from-path").code == 0
    queries = [save(reposted(photo(seed), seed), tmp_path / f"{seed}.jpg") for seed in range(3, 9)]
    answers = imagematch("query", *queries, "--index", index, "--jsonl").lines()
    for seed, answer in zip(range(3, 9), answers, strict=True):
        jsonschema.validate(answer, SCHEMA)
        assert answer["matches"][0]["path"].endswith(f"/{seed}.jpg")
        assert answer["matches"][0]["kind"] in ("copy", "part")
    stranger = save(photo(5000), tmp_path / "stranger.jpg")
    assert imagematch("query", stranger, "--index", index, "--jsonl").json()["matches"] == []


def test_a_photo_that_is_not_indexed_finds_nothing(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    query = save(photo(5000), tmp_path / "q.jpg")
    assert imagematch("query", query, "--index", world.index, "--jsonl").json()["matches"] == []
    ran = imagematch("query", query, "--index", world.index)
    assert (ran.code, "not seen before" in ran.out) == (0, True)


def card() -> Image.Image:
    """A business card: some lines of text on plain ground."""
    page = Image.new("RGB", (600, 400), "white")
    pen = ImageDraw.Draw(page)
    for line in range(4):
        pen.text((40, 60 + 70 * line), "Call 555 010 0", fill="black", font_size=40)
    return page


@pytest.mark.parametrize(
    ("picture", "gate"),
    [
        (Image.fromarray(photo(4)).resize((40, 30)), "tiny"),
        (Image.fromarray(photo(4)).resize((900, 20)), "tiny"),
        (Image.new("RGB", (300, 200), (90, 20, 60)), "flat"),
        (card(), "drawn"),
        (Image.fromarray(photo(4)).filter(ImageFilter.GaussianBlur(12)), "vague"),
    ],
    ids=["a thumbnail", "a strip", "one colour", "a card", "a soft photo without model"],
)
def test_an_answer_says_that_only_identical_pixels_were_looked_for(
    imagematch: CommandLine, world: World, tmp_path: Path, picture: Image.Image, gate: str
) -> None:
    query = tmp_path / "q.png"
    picture.save(query)

    [answer] = imagematch("query", query, "--index", world.index, "--json").json()

    jsonschema.validate(answer, SCHEMA)
    assert (answer["status"], answer["matches"], answer["gate"]) == ("ok", [], gate)
    [note] = answer["notes"]
    assert note.startswith("Only identical pixels were looked for: ")
    shown = imagematch("query", query, "--index", world.index).out
    assert "not seen before" not in shown
    assert f"Note: {note}" in shown
    page = tmp_path / "page.html"
    imagematch("query", query, "--index", world.index, "--html", page)
    assert note in page.read_text("utf-8")


def test_a_long_page_is_told_from_a_thumbnail(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    """A page of a phone with five photos in a fourth of it, and a strip."""
    notes = []
    for height in (4000, 9000):
        page = Image.new("RGB", (400, height), "white")
        for number in range(5):
            page.paste(Image.fromarray(photo(4 + number)), (40, height // 6 * (number + 1)))
        page.save(tmp_path / "page.png")
        words = ("query", tmp_path / "page.png", "--index", world.index, "--json")
        [answer] = imagematch(*words).json()
        jsonschema.validate(answer, SCHEMA)
        notes += answer["notes"]
    assert "compared at 102 × 1024 px" in notes[0]
    assert "a long strip" in notes[1]
    assert all("cut them out" in note for note in notes)


def test_an_ordinary_photo_gets_no_note(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    queries = [save(photo(seed), tmp_path / f"{seed}.jpg") for seed in (4, 5000)]
    answers = imagematch("query", *queries, "--index", world.index, "--jsonl").lines()
    assert [(answer["gate"], answer["notes"]) for answer in answers] == [("", []), ("", [])]


def test_a_photo_seen_in_several_places_has_an_entry_for_each(
    imagematch: CommandLine, world: World
) -> None:
    query = world.ads / "site9" / "berta" / "same.jpg"
    matches = imagematch("query", query, "--index", world.index, "--jsonl").json()["matches"]
    assert [(match["path"], match["kind"], match["confidence"]) for match in matches] == [
        ("site1/profile1/1.jpg", "exact", 1.0),
        ("site9/berta/same.jpg", "exact", 1.0),
    ]
    assert len({match["photo"] for match in matches}) == 1


def test_matches_are_sorted_by_confidence(imagematch: CommandLine, world: World) -> None:
    query = world.ads / "site9" / "anna" / "again.jpg"
    matches = imagematch("query", query, "--index", world.index, "--jsonl").json()["matches"]
    confidences = [match["confidence"] for match in matches]
    assert len(confidences) == 2
    assert confidences == sorted(confidences, reverse=True)
    assert matches[1]["confidence"] < 1


def test_only_the_collection_that_was_asked_for_is_searched(
    imagematch: CommandLine, world: World
) -> None:
    query = world.ads / "site2" / "profile2" / "2.jpg"
    words = ("query", query, "--index", world.index, "--jsonl")
    everywhere = {match["collection"] for match in imagematch(*words).json()["matches"]}
    assert everywhere == {"ads", "missing"}
    [hit] = imagematch(*words, "--collection", "missing").json()["matches"]
    assert (hit["collection"], hit["path"]) == ("missing", "known.jpg")
    ran = imagematch(*words, "--collection", "nowhere")
    assert (ran.code, "ads, missing" in ran.err) == (2, True)


def reposts(imagematch: CommandLine, tmp_path: Path, copies: int) -> Path:
    """An index in which many ads show copies of one photo, and a gallery has it too."""
    for number in range(copies):
        copy = tmp_path / "ads" / "site" / f"p{number}" / "x.jpg"
        save(photo(3), copy, quality=95 - number)
    save(mirrored(photo(3)), tmp_path / "gallery" / "known.jpg", quality=30)
    index = tmp_path / "index"
    words = ("--index", index, "--json")
    ran = imagematch("index", tmp_path / "ads", "--preset", "hashes", "--site-from-path", *words)
    assert ran.code == 0
    assert imagematch("gallery", "add", "missing", tmp_path / "gallery", *words).code == 0
    return index


def test_a_gallery_answers_although_many_ads_are_nearer(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    index = reposts(imagematch, tmp_path, 30)
    words = ("query", tmp_path / "ads" / "site" / "p0" / "x.jpg", "--index", index, "--jsonl")
    matches = imagematch(*words, "--collection", "missing").json()["matches"]
    assert [match["path"] for match in matches] == ["known.jpg"]


def test_top_limits_photos_and_min_confidence_zero_shows_all_that_were_scored(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    index = reposts(imagematch, tmp_path, 14)
    words = ("query", tmp_path / "ads" / "site" / "p0" / "x.jpg", "--index", index, "--jsonl")

    def found(*more: str | int) -> int:
        return len(imagematch(*words, *more).json()["matches"])

    assert found("--top", 3) == 3
    assert found() == 10
    assert found("--min-confidence", 0) == 15
    assert found("--min-confidence", 0, "--top", 2) == 2
    assert found("--min-confidence", 1) == 1


def test_a_folder_stands_for_its_files(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    save(photo(1), tmp_path / "export" / "a" / "1.jpg")
    save(photo(2), tmp_path / "export" / "2.jpg")
    (tmp_path / "export" / "link.jpg").symlink_to("nowhere")
    ran = imagematch("query", tmp_path / "export", "--index", world.index, "--jsonl")
    names = [answer["query"] for answer in ran.lines()]
    assert names == [str(tmp_path / "export" / name) for name in ("2.jpg", "a/1.jpg")]
    assert "link.jpg" in ran.err
    assert ran.code == 0


def test_a_query_that_can_not_be_read_fails_and_the_others_are_answered(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photo")
    good = world.ads / "site0" / "profile3" / "3.jpg"
    words = ("query", tmp_path / "missing.jpg", broken, good, "--index", world.index)
    ran = imagematch(*words, "--jsonl")
    answers = ran.lines()
    for answer in answers:
        jsonschema.validate(answer, SCHEMA)
    assert [answer["status"] for answer in answers] == ["failed", "failed", "ok"]
    assert answers[0]["error"].startswith("unreadable:")
    assert answers[1]["error"].startswith("not_an_image:")
    assert ran.code == 1
    assert imagematch(*words).code == 1
    page = imagematch(*words, "--html", tmp_path / "q.html")
    assert (page.code, (tmp_path / "q.html").exists()) == (1, True)


def test_the_same_query_twice_is_answered_twice(imagematch: CommandLine, world: World) -> None:
    query = world.ads / "site0" / "profile3" / "3.jpg"
    one, two = imagematch("query", query, query, "--index", world.index, "--jsonl").lines()
    assert one == two
    assert one["matches"]


def test_json_is_an_array_of_what_jsonl_prints_line_by_line(
    imagematch: CommandLine, world: World
) -> None:
    words = ("query", world.ads / "site0", "--index", world.index)
    assert imagematch(*words, "--json").json() == imagematch(*words, "--jsonl").lines()


def test_a_query_changes_nothing(imagematch: CommandLine, world: World, tmp_path: Path) -> None:
    from tests.contents import contents, file_digests

    before = contents(world.index), file_digests(world.index / "vectors")
    query = save(photo(5001), tmp_path / "q.jpg")
    assert imagematch("query", query, "--index", world.index).code == 0
    assert (contents(world.index), file_digests(world.index / "vectors")) == before


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("form", ["--jsonl", "--json", ""])
def test_a_reader_that_has_seen_enough_is_no_error(world: World, form: str) -> None:
    command = f'"{sys.executable}" -m imagematch.cli query "{world.ads}" "{world.ads}" '
    pipeline = f'{{ {command} --index "{world.index}" {form}; echo $? >&2; }} | true'
    done = subprocess.run(["sh", "-c", pipeline], capture_output=True, text=True, check=False)
    *said, code = done.stderr.splitlines()
    assert (code, [line for line in said if "Looking up photos" not in line]) == ("0", [])


def test_further_pictures_of_a_file_are_counted_in_every_form(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    slides = [Image.fromarray(photo(seed)) for seed in (4, 5, 6)]
    path, page = tmp_path / "slides.gif", tmp_path / "page.html"
    slides[0].save(path, save_all=True, append_images=slides[1:], duration=900)
    [answer] = imagematch("query", path, "--index", world.index, "--jsonl").lines()
    jsonschema.validate(answer, SCHEMA)
    assert answer["further_pictures"] == 2
    assert answer["matches"][0]["path"].endswith("/4.jpg")
    said = imagematch("query", path, "--index", world.index)
    assert "2 further pictures" in said.out
    imagematch("query", path, "--index", world.index, "--html", page)
    assert "2 further pictures" in page.read_text()
    still = save(photo(4), tmp_path / "still.jpg")
    [plain] = imagematch("query", still, "--index", world.index, "--jsonl").lines()
    assert plain["further_pictures"] == 0
