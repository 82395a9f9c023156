"""The Python API: one index that stays open, for many threads, beside other programs."""

import io
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import imagematch
from imagematch.errors import IndexMissing, Stopped, UsageError
from imagematch.records import HashResult, ListedHashes
from imagematch.stages import hash_lookup
from imagematch.stores.audit import AuditLog
from imagematch.stores.lock import write_lock
from tests.processes import expect_nobody_left, marked_environment, new_mark
from tests.world import ad_sites, mirrored, photo, save

_SETTINGS = """
[describe]
preset = "hashes"
[store]
batch = 2
[workers]
count = 2
chunk = 2
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """An index that is still to be made, with quick settings."""
    made = tmp_path / "index"
    made.mkdir()
    (made / "settings.toml").write_text(_SETTINGS)
    return made


@pytest.fixture
def index(tmp_path: Path, directory: Path) -> Iterator[imagematch.Index]:
    """Four photos of four profiles, the first of them also by another one, mirrored."""
    ads = ad_sites(tmp_path / "ads", range(4))
    save(mirrored(photo(0)), ads / "site9" / "anna" / "again.jpg")
    with imagematch.open(directory, create=True, actor="m.k") as opened:
        opened.add(ads, site_from_path=True)
        yield opened


def only_match(index: imagematch.Index) -> str:
    (link,) = index.link().links
    (pair,) = link.pairs
    return pair.id


def python(code: str, *words: str | Path) -> "subprocess.Popen[str]":
    """Run a program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.PIPE, text=True
    )


# --- opening -----------------------------------------------------------------------------------


def test_importing_loads_nothing_heavy() -> None:
    heavy = ["numpy", "cv2", "faiss", "onnxruntime", "sqlalchemy", "PIL", "click", "rich"]
    code = f"import sys, imagematch; print([name for name in {heavy} if name in sys.modules])"
    assert python(code).communicate()[0].strip() == "[]"


def test_every_public_name_is_there_and_sorted() -> None:
    assert imagematch.__all__ == sorted(imagematch.__all__)
    for name in imagematch.__all__:
        assert getattr(imagematch, name) is not None
    assert set(imagematch.__all__) <= set(dir(imagematch))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        imagematch.nothing  # noqa: B018 - looked at


def test_an_index_that_is_not_there_is_said_so_at_once(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="imagematch index FOLDER"):
        imagematch.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_opening_starts_nothing_and_leaving_leaves_nothing(
    tmp_path: Path, index: imagematch.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = new_mark()
    for name, value in marked_environment(mark).items():
        monkeypatch.setenv(name, value)
    with imagematch.open(index.directory) as opened:
        expect_nobody_left(mark)
        assert opened.query(save(photo(1), tmp_path / "query.jpg")).matches
    expect_nobody_left(mark)


def test_the_default_index_is_that_of_the_command_line(
    index: imagematch.Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEMATCH_INDEX", str(index.directory))
    with imagematch.open() as opened:
        assert opened.status().photos == 5


# --- questions ---------------------------------------------------------------------------------


def test_the_first_program_of_the_manual(tmp_path: Path, index: imagematch.Index) -> None:
    query = save(photo(0), tmp_path / "photo.jpg", quality=60)
    said = [
        (str(match.profile), match.confidence, match.why) for match in index.query(query).matches
    ]
    assert {profile for profile, _, _ in said} == {"site0/profile0", "site9/anna"}
    assert all(confidence > 0.9 and why for _, confidence, why in said)
    decided = index.decide(index.query(query).matches[0].id, "reject", note="another room")
    assert (decided.verdict, decided.note, decided.who) == ("reject", "another room", "m.k")


def test_a_photo_may_be_held_in_any_form(tmp_path: Path, index: imagematch.Index) -> None:
    path = save(photo(1), tmp_path / "query.jpg", quality=70)
    data = path.read_bytes()
    with Image.open(path) as image:
        pixels = np.asarray(image)
        with path.open("rb") as file:
            forms: list[Any] = [
                path,
                str(path),
                data,
                bytearray(data),
                io.BytesIO(data),
                file,
                image,
                pixels,
            ]
            results = list(index.query_all(forms))
    (expected,) = results[0].matches
    for result in results:
        (match,) = result.matches
        assert (match.id[:6], match.confidence) != ("", 0)
        assert match.sighting == expected.sighting
        assert match.confidence == expected.confidence
    assert [result.query for result in results[2:]] == [
        *["(in memory)"] * 3,
        *[str(path)] * 2,
        "(in memory)",
    ]


def test_an_image_of_which_the_file_ends_early_is_named(
    tmp_path: Path, index: imagematch.Index
) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(save(photo(1), tmp_path / "query.jpg").read_bytes()[:2000])
    with Image.open(path) as image, pytest.raises(UsageError, match=r"cut\.jpg can't be read"):
        index.query(image)


@pytest.mark.parametrize("kind", ["pdq", "phash"])
def test_near_ads_do_not_keep_a_gallery_from_answering_to_a_hash(
    tmp_path: Path, index: imagematch.Index, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(photo(1), tmp_path / "missing" / "anna.jpg", quality=30)
    index.add(tmp_path / "missing", collection="missing", gallery=True)
    (ad,) = (known for known in index.hashes("ads") if known.path.endswith("1.jpg"))
    monkeypatch.setattr(hash_lookup, "_MOST", 1)
    asked = ListedHashes(**{kind: getattr(ad, kind)})
    (found,) = index.query_hashes([asked], collection="missing")
    assert isinstance(found, HashResult)
    assert [lead.sighting.path for lead in found.leads] == ["anna.jpg"]


class Arriving(io.BytesIO):
    """Gives a part at a time, as a pipe or a connection does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(1000 if size is None else min(size, 1000))


def test_a_photo_that_arrives_in_parts_is_read_whole(
    tmp_path: Path, index: imagematch.Index
) -> None:
    data = save(photo(1), tmp_path / "query.jpg").read_bytes()
    assert len(data) > 1000
    whole, in_parts = index.query_all([data, Arriving(data)])
    assert in_parts.content == whole.content


def test_a_turned_picture_in_memory_is_upright_as_its_file_is(
    tmp_path: Path, index: imagematch.Index
) -> None:
    turned = Image.fromarray(np.rot90(photo(2)))
    exif = turned.getexif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    turned.save(tmp_path / "turned.jpg", exif=exif, quality=90)
    with Image.open(tmp_path / "turned.jpg") as image:
        (match,) = index.query(image).matches
    (expected,) = index.query(tmp_path / "turned.jpg").matches
    assert match.sighting == expected.sighting
    assert match.judgement.evidence.geometry == expected.judgement.evidence.geometry


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16", "F"]
)
def test_pictures_of_all_modes_are_looked_up(index: imagematch.Index, mode: str) -> None:
    image = Image.fromarray(photo(1)).convert("L" if mode in ("I;16", "PA") else mode)
    if mode in ("I;16", "PA"):
        image = image.convert("I;16" if mode == "I;16" else "LA").convert(mode)
    assert index.query(image).failure is None


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty"), (b"nothing of the kind", "not_an_image")]
)
def test_bytes_that_are_no_picture_are_an_answer_too(
    index: imagematch.Index, data: bytes, code: str
) -> None:
    for form in (data, io.BytesIO(data)):
        failure = index.query(form).failure
        assert failure is not None
        assert failure.code == code


@pytest.mark.parametrize(
    "nonsense", [7, None, io.StringIO("text"), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4))]
)
def test_what_is_no_photo_is_refused_with_what_it_may_be(
    index: imagematch.Index, nonsense: object
) -> None:
    with pytest.raises(UsageError, match="photo"):
        index.query(nonsense)  # type: ignore[arg-type]


def test_a_file_that_can_not_be_read_is_an_answer_too(
    tmp_path: Path, index: imagematch.Index
) -> None:
    result = index.query(tmp_path / "nothing.jpg")
    assert result.failure is not None
    assert result.failure.code == "unreadable"
    assert result.matches == ()
    with pytest.raises(UsageError, match="no collection 'elsewhere'"):
        index.query(tmp_path / "nothing.jpg", collection="elsewhere")


def test_many_photos_come_in_order_and_can_be_left_early(
    tmp_path: Path, index: imagematch.Index
) -> None:
    asked = [save(photo(seed), tmp_path / f"{seed}.jpg", quality=70) for seed in (3, 2, 1, 50)]
    results = list(index.query_all(asked))
    assert [Path(result.query) for result in results] == asked
    assert [bool(result.matches) for result in results] == [True, True, True, False]
    first = next(iter(index.query_all(asked * 20)))
    assert first.matches
    assert index.query(asked[1]).matches  # the workers are free again


def test_what_others_did_since_is_seen_by_the_next_call(
    tmp_path: Path, index: imagematch.Index
) -> None:
    new = save(photo(70), tmp_path / "more" / "new.jpg")
    asked = save(mirrored(photo(70)), tmp_path / "query.jpg", quality=70)
    assert not index.query(asked).matches
    with imagematch.open(index.directory) as other:
        other.add(new.parent, collection="others")
    (match,) = index.query(asked).matches
    assert match.sighting.collection == "others"
    index.decide(match.id, "reject")
    assert not index.query(asked).matches
    assert index.status().decisions["match"] == 1


# --- runs --------------------------------------------------------------------------------------


def test_progress_is_told_and_can_stop_a_run_which_then_goes_on(
    tmp_path: Path, directory: Path
) -> None:
    ads = ad_sites(tmp_path / "ads", range(12))
    told: list[tuple[str, int, int | None]] = []

    def progress(stage: str, done: int, total: int | None) -> bool:
        told.append((stage, done, total))
        return not (stage == "scan" and done >= 4)

    with imagematch.open(directory, create=True) as index:
        with pytest.raises(Stopped):
            index.add(ads, progress=progress)
        described = index.status().described
        assert described < 12
        report = index.add(ads, progress=lambda *_: None)
        assert (report.seen, report.described) == (12, 12 - described)
    assert ("scan", 4, 12) in told


def test_one_run_at_a_time_and_the_other_is_told(tmp_path: Path, index: imagematch.Index) -> None:
    with (
        write_lock(index.directory, "the run of somebody"),
        pytest.raises(imagematch.IndexLocked, match="the run of somebody"),
    ):
        index.add(tmp_path / "ads")


# --- decisions beside a run --------------------------------------------------------------------


def test_what_people_decide_waits_for_no_run(tmp_path: Path, index: imagematch.Index) -> None:
    match, photos = only_match(index), sorted(path for path in (tmp_path / "ads").rglob("*.jpg"))
    with write_lock(index.directory, "a run that takes all night"):
        index.decide(match, "reject", note="no", actor="a.b")
        assert not index.link().links
        index.decide(match, "reopen")
        index.settle_hot([str(photos[0])], "keep")
        done = index.ignore([str(photos[1])], note="logo")
        assert not done.searched
        assert len(index.ignored()) == 1
        index.unignore([str(photos[1])])
        assert index.ignored() == []
    made = [(entry.decision.verdict, entry.decision.who) for entry in index.decisions()]
    assert made == [
        ("reject", "a.b"),
        *(("reopen", "m.k"), ("keep", "m.k"), ("ignore", "m.k"), ("reopen", "m.k")),
    ]
    entries = AuditLog(index.directory / "audit.jsonl").read().entries
    assert [entry.actor for entry in entries if entry.event == "decision"] == [
        "a.b",
        *["m.k"] * 4,
    ]


def test_near_copies_of_what_was_ignored_during_a_run_are_found_by_the_next_one(
    tmp_path: Path, directory: Path
) -> None:
    """Far more near-copies than a search for one photo takes in."""
    ads = tmp_path / "ads"
    for number in range(60):
        save(photo(7), ads / "site" / f"p{number}" / "logo.jpg", quality=30 + number)
    with imagematch.open(directory, create=True) as index:
        index.add(ads, site_from_path=True)
        with write_lock(index.directory, "a run"):
            index.ignore([str(ads / "site" / "p0" / "logo.jpg")])
        index.add(ads)
        (ignored,) = index.ignored()
        assert len(ignored.copies) == 59


def test_two_who_decide_the_same_at_once_both_succeed_and_the_later_one_counts(
    index: imagematch.Index,
) -> None:
    match = only_match(index)

    def decide(number: int) -> None:
        verdict = "confirm" if number % 2 else "reject"
        index.decide(match, verdict, actor=f"person {number}")  # type: ignore[arg-type]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(decide, range(40)))
    made = index.decisions()
    assert {entry.decision.who for entry in made} == {f"person {number}" for number in range(40)}
    assert len({entry.decision.at for entry in made}) == 40
    assert [entry.in_force for entry in made] == [False] * 39 + [True]
    linked = bool(index.link().links)
    assert linked == (made[-1].decision.verdict == "confirm")


_DECIDE = """
import sys, imagematch
with imagematch.open(sys.argv[1]) as index:
    photos = sys.argv[2:]
    print("ready", flush=True)
    while True:
        for verdict in ("keep", "release"):
            index.settle_hot(photos, verdict)
            print(verdict, flush=True)
"""


@pytest.mark.slow
def test_killed_while_deciding_nothing_is_half_there(
    tmp_path: Path, index: imagematch.Index
) -> None:
    """Each decision about several photos is there for all of them or for none."""
    photos = [str(path) for path in sorted((tmp_path / "ads").rglob("*.jpg"))[:3]]
    for said, delay in ((1, 0.0), (1, 0.01), (1, 0.05), (2, 0.0), (3, 0.002), (4, 0.02)):
        process = python(_DECIDE, index.directory, *photos)
        assert process.stdout is not None
        for _ in range(said):  # that it is ready, and then each decision that is kept
            assert process.stdout.readline()
        time.sleep(delay)
        process.kill()
        process.communicate()
        made = [entry.decision for entry in index.decisions()]
        assert len(made) % 3 == 0
        for together in zip(made[::3], made[1::3], made[2::3], strict=True):
            assert len({decision.verdict for decision in together}) == 1
    assert made


# --- many threads ------------------------------------------------------------------------------


@pytest.mark.slow
def test_threads_ask_while_one_adds_and_one_decides(
    tmp_path: Path, index: imagematch.Index
) -> None:
    asked = [save(mirrored(photo(seed)), tmp_path / f"q{seed}.jpg") for seed in range(1, 4)]
    more = ad_sites(tmp_path / "more", range(10, 90))
    match = only_match(index)
    done = threading.Event()

    def until_done(work: Callable[[int], None]) -> int:
        count = 0
        while not done.is_set() or not count:
            work(count)
            count += 1
        return count

    def ask(count: int) -> None:
        seed = count % 3 + 1
        (found,) = index.query(asked[seed - 1]).matches
        assert found.sighting.path.endswith(f"/profile{seed}/{seed}.jpg")

    def decide(count: int) -> None:
        index.decide(match, "confirm" if count % 2 else "reject")

    with ThreadPoolExecutor(6) as threads:
        asking = [threads.submit(until_done, ask) for _ in range(4)]
        deciding = threads.submit(until_done, decide)
        try:
            report = index.add(more, collection="more", site_from_path=True)
        finally:
            done.set()
        assert all(future.result() > 1 for future in [*asking, deciding])
    assert (report.seen, report.described, report.failed) == (80, 80, 0)
    assert len(index.decisions()) == deciding.result()


def test_a_closed_index_does_nothing_any_more(tmp_path: Path, index: imagematch.Index) -> None:
    match = only_match(index)
    index.close()
    index.close()
    with pytest.raises(UsageError, match="open it again"):
        index.decide(match, "reject")
    with pytest.raises(UsageError, match="open it again"):
        index.add(tmp_path / "ads", site_from_path=True)
    with pytest.raises(UsageError, match="open it again"):
        index.query(b"")
    with imagematch.open(index.directory) as again:
        assert again.decisions() == []
        assert again.status().runs[0].state == "done"


def test_closing_ends_what_other_threads_do(tmp_path: Path, index: imagematch.Index) -> None:
    asked = save(photo(1), tmp_path / "query.jpg")

    def ask() -> None:
        while True:
            index.query(asked)

    with ThreadPoolExecutor(2) as threads:
        asking = [threads.submit(ask) for _ in range(2)]
        time.sleep(0.3)
        index.close()
        for future in asking:
            with pytest.raises((Stopped, UsageError)):
                future.result(timeout=60)


def test_an_index_is_made_with_the_preset_that_it_is_opened_with(tmp_path: Path) -> None:
    save(photo(1), tmp_path / "ads" / "site" / "anna" / "1.jpg")
    with imagematch.open(tmp_path / "index", create=True, preset="hashes") as index:
        index.add(tmp_path / "ads")
        assert index.status().to_dict()["preset"] == "hashes"
    with imagematch.open(tmp_path / "index", create=True, preset="hashes") as index:
        assert index.add(tmp_path / "ads").known == 1
