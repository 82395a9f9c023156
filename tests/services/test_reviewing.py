"""What people decide holds: for every door, after every rerun, for near-copies, elsewhere too."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagematch.errors import UsageError
from imagematch.records import Bytes, FailedFile, Locator, PhotoPair
from imagematch.reports import json as json_report
from imagematch.runtime.monitor import Unwatched
from imagematch.services import reviewing
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.sources.reading import sha256_of
from imagematch.stages.query import QueryOptions
from imagematch.stores.index import Index
from tests import recipes
from tests.conftest import CommandLine
from tests.world import mirrored, new_pairs, photo, save

PROFILES = 200


def indexed(base: Path, **request: object) -> Path:
    """Index the folder `ads` below a folder; a new index gets the preset `hashes`."""
    index = base / "index"
    wanted = IndexRequest(FolderSource(base / "ads", site_from_path=True), preset="hashes")
    recipes.index_folder(index, replace(wanted, **request), Unwatched())  # type: ignore[arg-type]
    return index


def show(base: Path, rgb: Bytes, profile: str, name: str, **options: object) -> Path:
    """Have a profile show a photo."""
    return save(rgb, base / "ads" / "site" / profile / f"{name}.jpg", **options)


def linked(index: Path) -> set[tuple[str, str]]:
    links = recipes.link_profiles(index).links
    return {(link.left.handle, link.right.handle) for link in links}


def only_pair(index: Path) -> PhotoPair:
    [link] = recipes.link_profiles(index).links
    [pair] = link.pairs
    return pair


def everywhere(index: Path) -> list[PhotoPair]:
    """All pairs of sightings that reports show, those of news of all runs included."""
    report = recipes.link_profiles(index, {"same_profile": True})
    pairs = [pair for link in report.links for pair in link.pairs]
    return [*pairs, *report.gallery_hits, *report.scenes, *new_pairs(index, range(1000))]


def ignore(index: Path, *targets: Path | str) -> reviewing.Ignoring:
    return recipes.ignore(index, [str(target) for target in targets], "", Unwatched())


# --- hot photos --------------------------------------------------------------------------------


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    """An index of a placeholder on 200 profiles, nine of which recompressed it."""
    first = show(tmp_path, photo(1), "p000", "x")
    for number in range(1, PROFILES):
        if number % 20 == 0:
            show(tmp_path, photo(1), f"p{number:03}", "x", quality=40 + number // 5)
        else:
            copy = tmp_path / "ads" / "site" / f"p{number:03}" / "x.jpg"
            copy.parent.mkdir()
            shutil.copy(first, copy)
    indexed(tmp_path)
    return tmp_path


def test_a_placeholder_on_200_profiles_links_none_and_one_shared_photo_just_two(hot: Path) -> None:
    index = hot / "index"
    report = recipes.link_profiles(index)
    assert (report.links, report.clusters) == ((), ())
    [aside] = report.hot
    assert (len(aside.profiles), aside.reason, aside.state) == (
        PROFILES,
        "shared_by_many",
        "waiting",
    )
    show(hot, photo(2), "p007", "own")
    show(hot, mirrored(photo(2)), "p123", "own")
    indexed(hot)
    report = recipes.link_profiles(index)
    assert [(link.left.handle, link.right.handle) for link in report.links] == [("p007", "p123")]
    assert len(report.clusters) == 1
    assert len(report.hot) == 1


def test_a_released_photo_links_until_that_is_taken_back(hot: Path) -> None:
    index, [aside] = hot / "index", recipes.link_profiles(hot / "index").hot
    name = aside.sighting.photo[:12]
    recipes.settle_hot(index, [name], "release", "one agency")
    released = recipes.link_profiles(index)
    assert [len(cluster.profiles) for cluster in released.clusters] == [PROFILES]
    assert released.hot == ()
    [listed] = recipes.hot_photos(index)
    assert (listed.state, listed.decision.note) == ("released", "one agency")  # type: ignore[union-attr]
    recipes.settle_hot(index, [name], "reopen")
    assert linked(index) == set()
    assert [photo.state for photo in recipes.hot_photos(index)] == ["waiting"]


def test_a_photo_that_is_kept_out_links_nobody_however_few_show_it(tmp_path: Path) -> None:
    for profile, quality in (("anna", 90), ("berta", 60)):
        show(tmp_path, photo(1), profile, "x", quality=quality)
    index = indexed(tmp_path)
    assert linked(index) == {("anna", "berta")}
    recipes.settle_hot(index, [only_pair(index).left.photo], "keep")
    # A third copy comes later, and is a form of the same photo.
    show(tmp_path, photo(1), "clara", "x", quality=75)
    indexed(tmp_path)
    report = recipes.link_profiles(index)
    assert report.links == ()
    assert [(photo.reason, len(photo.profiles)) for photo in report.hot] == [("kept", 3)]


def test_a_released_flat_photo_links_those_who_show_just_this_file(tmp_path: Path) -> None:
    for profile in ("anna", "berta"):
        save(photo(1) // 255, tmp_path / "ads" / "site" / profile / "flat.png")
    index = indexed(tmp_path)
    [aside] = recipes.link_profiles(index).hot
    assert aside.reason == "flat"
    recipes.settle_hot(index, [aside.sighting.photo], "release")
    assert linked(index) == {("anna", "berta")}


# --- matches -----------------------------------------------------------------------------------


class Doors:
    """All that shows matches, as text, over a world in which one match will be rejected.

    Two profiles, a gallery and a query share a photo in different forms each.
    """

    def __init__(self, base: Path, imagematch: CommandLine) -> None:
        self.index = base / "index"
        self.base = base
        self._run = imagematch
        self.query = save(photo(1), base / "query.jpg", quality=55)
        show(base, photo(1), "anna", "one")
        show(base, mirrored(photo(1)), "berta", "two")
        show(base, photo(2), "anna", "control")
        show(base, photo(2), "clara", "control", quality=50)
        save(photo(1), base / "cases" / "case.jpg", quality=70)
        (base / "jobs.toml").write_text(
            f"""[[job]]
name = "ads"
folder = {json.dumps(str(base / "ads"))}
site_from_path = true
[[job]]
name = "cases"
folder = {json.dumps(str(base / "cases"))}
collection = "cases"
gallery = true
"""
        )
        self.index.mkdir()
        (self.index / "settings.toml").write_text('[describe]\npreset = "hashes"\n')

    def run(self, *words: str | Path) -> str:
        ran = self._run(*words, "--index", self.index)
        assert ran.code == 0, ran.err
        return ran.out

    def reindex(self) -> None:
        self.run("reindex", "--jobs", self.base / "jobs.toml")

    def programs(self) -> Iterator[tuple[str, str]]:
        """What the doors for programs show, by name."""
        yield "link --json", self.run("link", "--json")
        yield "query --jsonl", self.run("query", *self._asked(), "--jsonl", "--scenes")
        news = new_pairs(self.index, range(1000))
        yield "news", json_report.dumps([pair.to_dict() for pair in news])

    def _asked(self) -> list[Path]:
        return [self.query, *sorted((self.base / "ads").rglob("*.jpg")), self.base / "cases"]

    def all(self) -> Iterator[tuple[str, str]]:
        """What each door shows, by name."""
        yield from self.programs()
        files = {kind: self.base / f"out.{kind}" for kind in ("csv", "gexf", "html")}
        words = [word for kind, path in files.items() for word in (f"--{kind}", path)]
        yield "link", self.run("link")
        self.run("link", *words)
        for kind, path in files.items():
            yield f"link --{kind}", path.read_text("utf-8")
        yield "query", self.run("query", *self._asked(), "--min-confidence", "0.01")
        page = self.base / "query.html"
        self.run("query", *self._asked(), "--html", page)
        yield "query --html", page.read_text("utf-8")

    def matches(self) -> dict[str, set[str]]:
        """Ids of stored matches by the names of the two files."""
        with Index.read(self.index) as index:
            known = list(index.matches.matches())
            ids = sorted({i for match in known for i in (match.photo_a, match.photo_b)})
            seen = index.sightings.sightings_of(ids)
            names = {i: Path(sightings[0].path).stem for i, sightings in seen.items() if sightings}
            hashes = {i: sightings[0].photo for i, sightings in seen.items() if sightings}
        found: dict[str, set[str]] = {}
        for match in known:
            name = "-".join(sorted((names[match.photo_a], names[match.photo_b])))
            ids_ = sorted((hashes[match.photo_a], hashes[match.photo_b]))
            found.setdefault(name, set()).add("-".join(sha[:12] for sha in ids_))
        return found


def touch(doors: Doors) -> None:
    """Every file looks changed."""
    for path in (doors.base / "ads").rglob("*.jpg"):
        os.utime(path, (time.time(), time.time() - 1000))


def move(doors: Doors) -> None:
    """Every profile of a site gets another folder, and one file vanishes."""
    (doors.base / "ads" / "site").rename(doors.base / "ads" / "elsewhere")


def repack(doors: Doors) -> None:
    """The rejected photo comes again with other bytes and the same pixels."""
    path = doors.base / "ads" / "site" / "berta" / "two.jpg"
    path.write_bytes(path.read_bytes() + b"trailing bytes of another site")


def repair(doors: Doors) -> None:
    """The vectors are lost, and doctor has them made again."""
    for shard in (doors.index / "vectors").rglob("*.npy"):
        shard.unlink()
    doors.run("doctor", "--repair")


def redescribe(doors: Doors) -> None:
    """Everything is described, searched and judged again."""
    words = ("--site-from-path", "--preset", "hashes", "--redescribe")
    doors.run("index", doors.base / "ads", *words)


@pytest.fixture
def doors(tmp_path: Path, imagematch: CommandLine) -> Doors:
    made = Doors(tmp_path, imagematch)
    made.reindex()
    return made


@pytest.mark.slow
def test_a_rejected_match_is_in_no_report_before_or_after_everything_is_done_again(
    doors: Doors,
) -> None:
    matches = doors.matches()
    [rejected], [hit], [control] = (
        matches[name] for name in ("one-two", "case-one", "control-control")
    )
    for door, text in doors.all():
        # A link's edge names the surest of its pairs, which here is the only one.
        assert rejected in text, door
        assert hit in text or door in ("link --csv", "link --gexf"), door
    for name in (rejected, hit):
        doors.run("decide", name, "reject", "--note", "not the same")
    for again in (touch, repair, redescribe):
        again(doors)
        doors.reindex()
        for door, text in doors.all() if again is redescribe else doors.programs():
            assert rejected not in text, (door, again)
            assert hit not in text, (door, again)
            assert control in text, (door, again)


@pytest.mark.parametrize("change", [move, repack])
def test_a_rejection_goes_with_the_photos_wherever_they_go(
    doors: Doors, change: Callable[[Doors], None]
) -> None:
    [rejected] = doors.matches()["one-two"]
    doors.run("decide", rejected, "reject")
    change(doors)
    doors.reindex()
    shown = {
        frozenset(Path(s.path).stem for s in (p.left, p.right)) for p in everywhere(doors.index)
    }
    assert frozenset(("one", "two")) not in shown
    assert frozenset(("case", "one")) in shown


def test_all_that_was_looked_at_shows_a_rejected_match_as_rejected(doors: Doors) -> None:
    [rejected] = doors.matches()["one-two"]
    doors.run("decide", rejected, "reject", "--note", "other room")
    query = doors.base / "ads" / "site" / "anna" / "one.jpg"
    results = list(
        recipes.query_photos(
            doors.index, [str(query)], QueryOptions(top=None, min_confidence=0.0), Unwatched()
        )
    )
    by_id = {match.id: match for match in results[0].matches}
    decision = by_id[rejected].decision
    assert decision is not None
    assert (decision.verdict, decision.note) == ("reject", "other room")


def test_a_rejected_copy_is_no_form_of_the_photo_any_more(tmp_path: Path) -> None:
    """Without its match, the copy is another photo: it makes the first one no more common."""
    for number in range(4):
        show(tmp_path, photo(1), f"p{number}", "x")
    show(tmp_path, photo(1), "other", "x", quality=50)
    index = indexed(tmp_path)
    assert linked(index) == set()
    with Index.read(index) as opened:
        [match] = opened.matches.matches()
        names = opened.sightings.sightings_of([match.photo_a, match.photo_b])
    one, two = (sightings[0].photo for sightings in names.values())
    recipes.decide(index, f"{one}-{two}", "reject")
    assert len(linked(index)) == 6
    assert not any("other" in pair for pair in linked(index))


def test_a_confirmed_match_is_certain_and_outlives_what_later_runs_make_of_it(
    doors: Doors,
) -> None:
    [confirmed] = doors.matches()["one-two"]
    doors.run("decide", confirmed, "confirm", "--note", "same scar")
    with Index.write(doors.index, "test") as index:
        index.photos.forget_fingerprints()
        index.settle()
    # Nothing matches any more by the strictest settings, but for what a person said.
    settings = doors.index / "settings.toml"
    settings.write_text(settings.read_text() + "[search]\nmax_pdq_distance = 0\n")
    doors.reindex()
    assert "one-two" not in doors.matches()
    pairs = [pair for pair in everywhere(doors.index) if pair.id == confirmed]
    assert pairs
    for pair in pairs:
        assert (pair.judgement.kind, pair.judgement.confidence) == ("copy", 1.0)
        assert pair.decision is not None
        assert pair.decision.note == "same scar"
    report = recipes.link_profiles(doors.index)
    assert [len(link.pairs) for link in report.links] == [1]
    query = doors.base / "ads" / "site" / "berta" / "two.jpg"
    [result] = recipes.query_photos(doors.index, [str(query)], QueryOptions(), Unwatched())
    assert confirmed in {match.id for match in result.matches}
    assert f"{confirmed}, confirmed by " in doors.run("link")


def test_one_photo_seen_twice_is_nothing_to_decide_about(tmp_path: Path) -> None:
    first = show(tmp_path, photo(1), "anna", "x")
    (tmp_path / "ads" / "site" / "berta").mkdir()
    shutil.copy(first, tmp_path / "ads" / "site" / "berta" / "x.jpg")
    same_pixels = tmp_path / "ads" / "site" / "clara" / "x.jpg"
    same_pixels.parent.mkdir()
    same_pixels.write_bytes(first.read_bytes() + b"more")
    index = indexed(tmp_path)
    for pair in everywhere(index):
        with pytest.raises(UsageError, match="imagematch ignore add"):
            recipes.decide(index, pair.id, "reject")
    assert recipes.history(index) == []


# --- the ignore list ---------------------------------------------------------------------------


@pytest.fixture
def logos(tmp_path: Path) -> Path:
    """Twenty profiles show a logo, each in its own quality, two of them a photo besides."""
    for number in range(20):
        show(tmp_path, photo(1), f"p{number:02}", "logo", quality=50 + 2 * number)
    for number in (3, 4):
        show(tmp_path, photo(2), f"p{number:02}", "own", quality=60 + number)
    return tmp_path


@pytest.mark.parametrize("how", ["file", "folder", "hash"])
def test_an_ignored_photo_and_all_its_near_copies_link_nobody(logos: Path, how: str) -> None:
    index = indexed(logos)
    with Index.read(index) as opened:
        sha256 = opened.photos.facts([1])[1].sha256
    recipes.settle_hot(index, [sha256], "release")
    assert len(linked(index)) > 15
    logo = save(photo(1), logos / "logos" / "logo.png")
    named: dict[str, Path | str] = {"file": logo, "folder": logo.parent, "hash": sha256[:12]}
    done = ignore(index, named[how])
    # More than the fifteen nearest, which is what a run over a folder compares it with.
    assert (len(done.decisions), done.near_copies) == (1, 19 if how == "hash" else 20)
    assert linked(index) == {("p03", "p04")}
    [aside] = recipes.link_profiles(index).hot
    assert (aside.reason, len(aside.profiles)) == ("ignored", 20)
    assert {Path(s.path).stem for pair in everywhere(index) for s in (pair.left, pair.right)} == {
        "own"
    }


def test_near_copies_that_come_later_are_ignored_too_also_after_redescribing(logos: Path) -> None:
    index = indexed(logos)
    ignore(index, save(photo(1), logos / "logos" / "logo.png"))
    show(logos, mirrored(photo(1)), "late", "logo")
    indexed(logos)
    assert linked(index) == {("p03", "p04")}
    indexed(logos, redescribe=True)
    assert linked(index) == {("p03", "p04")}
    [listed] = recipes.ignored(index)
    assert len(listed.copies) == 21


def test_an_ignored_photo_is_no_gallery_hit_and_no_news_and_a_query_marks_it(
    tmp_path: Path,
) -> None:
    show(tmp_path, photo(1), "anna", "logo")
    show(tmp_path, photo(2), "anna", "own")
    index = indexed(tmp_path)
    for seed in (1, 2):
        save(photo(seed), tmp_path / "cases" / f"{seed}.jpg", quality=60)
    cases = IndexRequest(FolderSource(tmp_path / "cases"), "cases", kind="gallery")
    recipes.index_folder(index, cases, Unwatched())
    assert len(recipes.link_profiles(index).gallery_hits) == 2
    ignore(index, tmp_path / "ads" / "site" / "anna" / "logo.jpg")
    assert [Path(pair.left.path).stem for pair in everywhere(index)] == ["2", "2"]
    query = save(photo(1), tmp_path / "query.jpg", quality=75)
    [result] = recipes.query_photos(index, [str(query)], QueryOptions(), Unwatched())
    assert {match.sighting.path for match in result.matches} == {"site/anna/logo.jpg", "1.jpg"}
    assert all(match.ignored for match in result.matches)


def test_what_is_taken_off_the_list_links_again(logos: Path) -> None:
    index = indexed(logos)
    recipes.settle_hot(index, [str(logos / "ads" / "site" / "p05" / "logo.jpg")], "release")
    before = linked(index)
    assert len(before) > 15
    logo = save(photo(1), logos / "logos" / "logo.png")
    ignore(index, logo)
    exception = logos / "ads" / "site" / "p05" / "logo.jpg"
    recipes.unignore(index, [str(exception)])
    assert linked(index) == {("p03", "p04")}
    assert len(recipes.ignored(index)[0].copies) == 19
    recipes.unignore(index, [str(logo)])
    assert linked(index) == before
    assert recipes.ignored(index) == []
    with pytest.raises(UsageError, match="is not ignored"):
        recipes.unignore(index, [str(logo)])


def test_a_folder_of_ignored_images_shows_nothing_and_can_be_named_again(tmp_path: Path) -> None:
    show(tmp_path, photo(1), "anna", "logo")
    index = indexed(tmp_path)
    for seed in (1, 5):
        save(photo(seed), tmp_path / "logos" / f"{seed}.png")
    (tmp_path / "logos" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    done = ignore(index, tmp_path / "logos")
    assert (len(done.decisions), done.near_copies, len(done.failures)) == (2, 1, 1)
    save(photo(6), tmp_path / "logos" / "6.png")
    assert len(ignore(index, tmp_path / "logos").decisions) == 3
    assert len(recipes.ignored(index)) == 3
    assert everywhere(index) == []
    assert recipes.link_profiles(index).profiles == 1
    assert recipes.list_galleries(index) == ()
    # Taken off the list, its own folder still is no ad that could be linked with.
    recipes.unignore(index, [str(tmp_path / "logos" / "1.png")])
    assert everywhere(index) == []


# --- another index -----------------------------------------------------------------------------


def test_decisions_hold_in_another_index_that_takes_them_over(
    logos: Path, tmp_path: Path, imagematch: CommandLine
) -> None:
    index = indexed(logos)
    pair = only_pair(index)
    recipes.decide(index, pair.id, "reject", "not the same")
    name = logos / "ads" / "site" / "p00" / "logo.jpg"
    ignore(index, name)
    ran = imagematch("decisions", "list", "--json", "--index", index)
    (tmp_path / "decisions.json").write_text(ran.out, encoding="utf-8")
    other = tmp_path / "other"
    request = IndexRequest(FolderSource(logos / "ads", site_from_path=True), preset="hashes")
    recipes.index_folder(other, request, Unwatched())
    assert linked(other) == {("p03", "p04")}
    assert recipes.take_over(other, tmp_path / "decisions.json") == (2, 2)
    assert linked(other) == set()
    assert recipes.take_over(other, tmp_path / "decisions.json") == (2, 0)
    assert recipes.history(other) == recipes.history(index)


# --- what can't be ignored ---------------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "not_an_image": b"hello there",
    "unsupported": b"8BPS\0\1" + bytes(40),
    "corrupt": b"\xff\xd8\xff broken",
    "too_large": bytes(300_000),
}


@pytest.fixture
def unusable(tmp_path: Path) -> list[Path]:
    """Files that fail in different ways, which their names say, and an index beside them."""
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "settings.toml").write_text("[decode]\nmax_bytes = 200000\n")
    show(tmp_path, photo(1), "anna", "x")
    indexed(tmp_path)
    (tmp_path / "broken").mkdir()
    for code, content in BROKEN.items():
        (tmp_path / "broken" / f"{code}.jpg").write_bytes(content)
    return [tmp_path / "broken" / f"{code}.jpg" for code in BROKEN]


def failed_as(failures: Iterable[FailedFile]) -> dict[str, str]:
    return {Path(failed.path).stem: failed.failure.code for failed in failures}


@pytest.mark.parametrize("before", [False, True])
def test_a_named_file_fails_for_its_own_reason(unusable: list[Path], before: bool) -> None:
    """Whether it is new, or failed in the index before."""
    base = unusable[0].parents[1]
    if before:
        shutil.copytree(base / "broken", base / "ads" / "broken")
        indexed(base)
    done = ignore(base / "index", *unusable)
    assert failed_as(done.failures) == {code: code for code in BROKEN}
    assert done.decisions == ()


def test_a_folder_fails_for_the_same_reasons_as_its_files(unusable: list[Path]) -> None:
    done = ignore(unusable[0].parents[1] / "index", unusable[0].parent)
    assert failed_as(done.failures) == {code: code for code in BROKEN}


def test_what_nobody_foresaw_fails_that_file_alone(
    unusable: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    good = save(photo(5), unusable[0].with_name("good.jpg"))
    hashed = sha256_of

    def hashing(locator: Locator, most: int) -> str:
        if Path(str(locator)) == unusable[0]:
            raise ValueError("nobody foresaw this")
        return hashed(locator, most)

    monkeypatch.setattr(reviewing, "sha256_of", hashing)
    done = ignore(unusable[0].parents[1] / "index", unusable[0], good)
    assert len(done.decisions) == 1
    assert failed_as(done.failures) == {"empty": "internal"}
    assert "nobody foresaw this" in done.failures[0].failure.traceback
