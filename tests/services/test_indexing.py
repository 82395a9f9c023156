"""The recipes from end to end: counts add up, a second run is a no-op, only the right ones link."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.copies import composites, edits
from imagematch.errors import (
    IndexDamaged,
    PresetMismatch,
    SourceUnavailable,
    Stopped,
    UsageError,
)
from imagematch.presets import with_preset
from imagematch.records import Gallery, IndexReport, LinkReport, Profile, QueryOptions, QueryResult
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.settings import DEFAULTS, to_toml
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.index import Index
from tests import recipes
from tests.conftest import CommandLine
from tests.contents import contents, differences, file_digests
from tests.kernels.test_embeddings import mean_colour_model
from tests.world import ad_sites, mirrored, photo, save

RNG = np.random.default_rng(0)


def indexed(
    index: Path, folder: Path, manifest: Path | None = None, **request: object
) -> IndexReport:
    """Index a folder as the command line does; a new index gets the preset `hashes`."""
    if not (index / "catalogue.sqlite").exists():
        request = {"preset": "hashes", **request}
    source = FolderSource(folder, manifest, site_from_path=True)
    wanted = IndexRequest(source, **request)  # type: ignore[arg-type]
    report = recipes.index_folder(index, wanted, Unwatched())
    parts = report.described + report.known + report.skipped + report.failed
    assert report.seen == parts
    return report


def queried(index: Path, *photos: Path, **options: object) -> list[QueryResult]:
    wanted = QueryOptions(**options)  # type: ignore[arg-type]
    return list(recipes.query_photos(index, map(str, photos), wanted, Unwatched()))


def linked(report: LinkReport) -> set[tuple[str, str]]:
    return {(str(link.left), str(link.right)) for link in report.links}


# --- counts and repetition ---------------------------------------------------------------------


def test_every_file_is_counted_once(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(5))
    shutil.copy(ads / "site0/profile0/0.jpg", ads / "site0/profile0/same.jpg")
    (ads / "site0" / "text.jpg").write_text("no photo")
    (ads / "site0" / "empty.jpg").write_bytes(b"")
    os.mkfifo(ads / "site0" / "pipe")
    report = indexed(tmp_path / "index", ads)
    counts = (report.seen, report.described, report.known, report.skipped, report.failed)
    assert counts == (9, 5, 1, 1, 2)
    assert {failed.failure.code for failed in report.failures} == {"not_an_image", "empty"}
    assert [skip.path for skip in report.skips] == ["site0/pipe"]


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(6))
    save(mirrored(photo(0)), ads / "site9" / "anna" / "0.jpg")
    (ads / "site0" / "empty.jpg").write_bytes(b"")
    first = indexed(tmp_path / "index", ads)
    before, said = file_digests(tmp_path / "index" / "vectors"), contents(tmp_path / "index")
    second = indexed(tmp_path / "index", ads)
    assert (first.described, second.described) == (7, 0)
    assert (second.known, second.failed, second.matches) == (7, 1, 0)
    assert (second.new, second.changed, second.moved, second.vanished) == (0, 0, 0, 0)
    assert file_digests(tmp_path / "index" / "vectors") == before
    assert differences(contents(tmp_path / "index"), said) == []


def test_a_second_run_with_a_manifest_does_nothing(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(3))
    manifest = ads / "ads.csv"
    manifest.write_text(
        "path,site,profile\nsite0/profile0/0.jpg,siteX,zoe\nnowhere.jpg,siteX,zoe\n"
    )
    index = tmp_path / "index"
    first = indexed(index, ads, manifest=manifest)
    said = contents(index)
    second = indexed(index, ads, manifest=manifest)
    assert (first.described, second.described, second.known) == (3, 0, 3)
    assert sorted(note.problem for note in second.notes) == [
        *("file_without_row", "file_without_row", "row_without_file")
    ]
    assert differences(contents(index), said) == []
    assert {"handle": "zoe", "site": "siteX"} in said["profiles"]


def test_a_file_that_fails_for_good_is_tried_again_only_on_request(tmp_path: Path) -> None:
    broken = tmp_path / "ads" / "site" / "broken.png"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    index = tmp_path / "index"
    tried = []
    for retry in (False, False, True):
        monitor = StopsAt("never", 0)
        request = IndexRequest(FolderSource(broken.parent), preset="hashes", retry_failed=retry)
        assert recipes.index_folder(index, request, monitor).failed == 1
        tried.append(monitor.totals["describe"])
    assert tried == [1, 0, 1]


def test_a_file_that_can_not_be_read_is_the_same_file_on_every_run(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    index = tmp_path / "index"
    index.mkdir()
    (index / "settings.toml").write_text("[decode]\nmax_bytes = 100\n")
    indexed(index, ads)
    said = contents(index)
    report = indexed(index, ads)
    assert (report.failed, report.changed, report.new) == (2, 0, 0)
    assert differences(contents(index), said) == []


def test_a_file_that_became_readable_is_described(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    index = tmp_path / "index"
    index.mkdir()
    (index / "settings.toml").write_text("[decode]\nmax_bytes = 100\n")
    assert indexed(index, ads).failed == 2
    (index / "settings.toml").write_text('[describe]\npreset = "hashes"\n')
    report = indexed(index, ads)
    assert (report.described, report.failed) == (2, 0)


def test_files_that_changed_moved_and_vanished_are_told_apart(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(6))
    index = tmp_path / "index"
    indexed(index, ads)
    save(photo(50), ads / "site0" / "profile0" / "0.jpg")
    (ads / "site1/profile1/1.jpg").rename(ads / "site1/profile1/renamed.jpg")
    (ads / "site2/profile2/2.jpg").unlink()
    save(photo(51), ads / "site0" / "profile0" / "51.jpg")
    report = indexed(index, ads)
    assert (report.new, report.changed, report.moved, report.vanished) == (1, 1, 1, 1)
    assert (report.seen, report.described) == (6, 2)


def test_a_photo_that_vanished_is_still_found_and_marked_so(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(3))
    index = tmp_path / "index"
    indexed(index, ads)
    gone = shutil.move(ads / "site2/profile2/2.jpg", tmp_path / "2.jpg")
    indexed(index, ads)
    [result] = queried(index, Path(gone))
    assert [match.sighting.path for match in result.matches] == ["site2/profile2/2.jpg"]
    assert not result.matches[0].sighting.present


def test_an_unplugged_drive_does_not_mark_everything_as_gone(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(12))
    index = tmp_path / "index"
    indexed(index, ads)
    said = contents(index)
    ads.rename(tmp_path / "unplugged")
    with pytest.raises(SourceUnavailable, match="can't be opened"):
        indexed(index, ads)
    ads.mkdir()
    with pytest.raises(SourceUnavailable, match="12 of the 12 files"):
        indexed(index, ads)
    assert differences(contents(index), said) == []
    assert indexed(index, ads, allow_lost=True).vanished == 12


def test_an_index_inside_the_folder_does_not_index_itself(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    for described in (2, 0):
        report = indexed(ads / "index", ads)
        assert (report.seen, report.described, report.skipped) == (3, described, 1)
    assert report.skips[0].path == "index"


def test_a_folder_inside_the_index_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "index"
    indexed(index, ad_sites(tmp_path / "ads", range(1)))
    with pytest.raises(UsageError, match="belongs to imagematch"):
        indexed(index, index / "vectors")


def test_an_empty_folder_makes_an_empty_index(tmp_path: Path) -> None:
    (tmp_path / "ads").mkdir()
    report = indexed(tmp_path / "index", tmp_path / "ads")
    assert (report.seen, report.matches) == (0, 0)
    assert recipes.link_profiles(tmp_path / "index").links == ()
    [result] = queried(tmp_path / "index", save(photo(1), tmp_path / "q.jpg"))
    assert (result.failure, result.matches) == (None, ())


def test_a_missing_folder_leaves_no_index_behind(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable):
        indexed(tmp_path / "index", tmp_path / "nowhere")
    assert not (tmp_path / "index").exists()


def test_one_folder_spelled_in_two_ways_is_indexed_once(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(3))
    indexed(tmp_path / "index", ads)
    report = indexed(tmp_path / "index", ads / "site0" / "..")
    assert (report.seen, report.known, report.new) == (3, 3, 0)
    with Index.read(tmp_path / "index") as index:
        assert index.sightings.counts()["sightings"] == 3


def test_photos_that_come_in_two_runs_match_as_if_they_came_in_one(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(6))
    indexed(tmp_path / "two runs", ads)
    for seed in (0, 3):
        save(mirrored(photo(seed)), ads / "site9" / f"new{seed}" / f"{seed}.jpg")
    report = indexed(tmp_path / "two runs", ads)
    assert (report.described, report.matches) == (2, 2)
    indexed(tmp_path / "one run", ads)
    assert differences(contents(tmp_path / "two runs"), contents(tmp_path / "one run")) == []


class StopsAt:
    """A monitor that asks to stop at the n-th look of one stage."""

    def __init__(self, stage: str, looks: int) -> None:
        self._stage, self._looks, self._now = stage, looks, ""
        self.totals: dict[str, int | None] = {}

    def stage(self, name: str, total: int | None) -> None:
        self._now = name
        self.totals[name] = total

    def advance(self, _count: int = 1) -> None:
        pass

    def check(self) -> None:
        if self._now == self._stage:
            self._looks -= 1
            if self._looks < 0:
                raise Stopped("on request")


@pytest.mark.parametrize(
    ("stage", "looks", "batch"),
    [
        *[("scan", 0, 1), ("scan", 4, 1), ("scan", 9, 1)],  # photos are described meanwhile
        *[("describe", 0, 100), ("describe", 3, 100)],
        *[("search", 0, 1), ("verify", 0, 1), ("verify", 1, 1)],
    ],
)
def test_a_stopped_run_keeps_what_is_done_and_the_next_one_completes_it(
    tmp_path: Path, stage: str, looks: int, batch: int
) -> None:
    ads = ad_sites(tmp_path / "ads", range(5))
    for seed in range(3):
        save(mirrored(photo(seed)), ads / "site9" / f"again{seed}" / f"{seed}.jpg")
    indexed(tmp_path / "reference", ads)
    index = tmp_path / "index"
    index.mkdir()
    settings = f'[store]\nbatch = {batch}\n[describe]\npreset = "hashes"\n'
    (index / "settings.toml").write_text(settings)
    request = IndexRequest(FolderSource(ads, site_from_path=True))
    with pytest.raises(Stopped):
        recipes.index_folder(index, request, StopsAt(stage, looks))
    with Index.read(index) as opened:
        assert opened.catalogue.last_runs(1)[0].state == "stopped"
        done = opened.photos.counts()["described"]
    if stage == "describe":
        assert done == looks + 1
    assert indexed(index, ads).described == 8 - done
    there, here = contents(tmp_path / "reference"), contents(index)
    assert differences({**here, "settings": []}, {**there, "settings": []}) == []


# --- who is linked -----------------------------------------------------------------------------


def test_a_photo_with_the_same_bytes_links_two_profiles(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(4))
    (ads / "site9" / "anna").mkdir(parents=True)
    shutil.copy(ads / "site0/profile0/0.jpg", ads / "site9/anna/other name.jpg")
    indexed(tmp_path / "index", ads)
    [link] = recipes.link_profiles(tmp_path / "index").links
    assert (link.left, link.right) == (Profile("site0", "profile0"), Profile("site9", "anna"))
    assert [pair.judgement.kind for pair in link.pairs] == ["exact"]
    assert link.probability > 0.5


def test_an_edited_copy_links_two_profiles_and_says_what_was_done_to_it(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(4))
    save(edits.mirror(photo(2), RNG, 1.0), ads / "site9" / "anna" / "2.jpg")
    indexed(tmp_path / "index", ads)
    [link] = recipes.link_profiles(tmp_path / "index").links
    assert {str(link.left), str(link.right)} == {"site2/profile2", "site9/anna"}
    judgement = link.pairs[0].judgement
    assert judgement.kind == "copy"
    assert judgement.evidence.geometry is not None
    assert judgement.evidence.geometry.mirrored


def test_a_placeholder_on_many_profiles_is_set_aside_and_links_nobody(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    for number in range(8):
        quality = 90 - 5 * (number % 3)  # the same bytes, and copies
        folder = ads / "site9" / f"profile{number}"
        save(photo(77), folder / "nophoto.jpg", quality=quality)
    indexed(tmp_path / "index", ads)
    report = recipes.link_profiles(tmp_path / "index")
    assert (report.links, report.clusters) == ((), ())
    [hot] = report.hot
    assert (hot.reason, len(hot.profiles)) == ("shared_by_many", 8)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: np.full((200, 300, 3), 255, np.uint8), "flat"),
        (lambda: photo(5, 40, 30), "tiny"),
    ],
)
def test_flat_and_tiny_photos_never_link(
    tmp_path: Path, make: Callable[[], np.ndarray], reason: str
) -> None:
    for number, quality in enumerate((90, 90, 60)):
        save(make(), tmp_path / "ads" / "site" / f"p{number}" / "x.jpg", quality=quality)
    report = indexed(tmp_path / "index", tmp_path / "ads")
    assert report.described == 2
    links = recipes.link_profiles(tmp_path / "index")
    assert links.links == ()
    assert {(hot.reason, len(hot.profiles)) for hot in links.hot} == {(reason, 2)} or {
        hot.reason for hot in links.hot
    } == {reason}


def test_copies_within_one_profile_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    save(photo(1), tmp_path / "ads" / "site" / "anna" / "1.jpg")
    save(mirrored(photo(1)), tmp_path / "ads" / "site" / "anna" / "2.jpg")
    indexed(tmp_path / "index", tmp_path / "ads")
    assert recipes.link_profiles(tmp_path / "index").links == ()
    [link] = recipes.link_profiles(tmp_path / "index", {"same_profile": True}).links
    assert link.left == link.right == Profile("site", "anna")


def test_photos_without_a_profile_are_counted_and_link_nobody(tmp_path: Path) -> None:
    save(photo(1), tmp_path / "ads" / "1.jpg")
    save(mirrored(photo(1)), tmp_path / "ads" / "2.jpg")
    indexed(tmp_path / "index", tmp_path / "ads")
    report = recipes.link_profiles(tmp_path / "index")
    assert (report.links, report.unprofiled, report.profiles) == ((), 1, 0)


@pytest.mark.model
def test_two_photos_of_one_scene_are_a_lead_and_no_link(tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")
    left, right, _ = data.stereo_motorcycle()
    save(left, tmp_path / "ads" / "site" / "anna" / "left.jpg")
    save(right, tmp_path / "ads" / "site" / "berta" / "right.jpg")
    indexed(tmp_path / "index", tmp_path / "ads", preset="balanced")
    report = recipes.link_profiles(tmp_path / "index")
    assert report.links == ()
    assert [pair.judgement.kind for pair in report.scenes] == ["scene"]


@pytest.mark.model
def test_a_photo_in_a_collage_is_a_part_of_it(tmp_path: Path) -> None:
    collage = composites.collage(photo(1), [photo(seed) for seed in (2, 3, 4)], RNG, 0.0)
    save(photo(1), tmp_path / "ads" / "site" / "anna" / "1.jpg")
    save(collage, tmp_path / "ads" / "site" / "berta" / "collage.jpg")
    indexed(tmp_path / "index", tmp_path / "ads", preset="balanced")
    [link] = recipes.link_profiles(tmp_path / "index").links
    assert link.pairs[0].judgement.kind == "part"


# --- galleries ---------------------------------------------------------------------------------


def with_gallery(tmp_path: Path) -> Path:
    """Ads, and a gallery that shares photo 1 with them by bytes and photo 2 by looks."""
    ads = ad_sites(tmp_path / "ads", range(4))
    indexed(tmp_path / "index", ads)
    gallery = tmp_path / "gallery"
    gallery.mkdir()
    shutil.copy(ads / "site1/profile1/1.jpg", gallery / "bytes.jpg")
    save(photo(2), gallery / "looks.jpg", quality=50)
    save(photo(200), gallery / "nobody.jpg")
    save(edits.recompress(photo(200), RNG, 0.5), gallery / "nobody again.jpg")
    indexed(tmp_path / "index", gallery, collection="missing", kind="gallery")
    return tmp_path / "index"


def test_a_gallery_is_matched_with_ads_and_links_nobody(tmp_path: Path) -> None:
    report = recipes.link_profiles(with_gallery(tmp_path))
    hits = [(hit.left.path, hit.right.path, hit.judgement.kind) for hit in report.gallery_hits]
    assert hits == [
        ("bytes.jpg", "site1/profile1/1.jpg", "exact"),
        ("looks.jpg", "site2/profile2/2.jpg", "copy"),
    ]
    assert report.links == ()


def test_new_ads_are_matched_with_a_gallery_that_was_there_before(tmp_path: Path) -> None:
    index = with_gallery(tmp_path)
    save(mirrored(photo(200)), tmp_path / "ads" / "site9" / "anna" / "x.jpg")
    indexed(index, tmp_path / "ads")
    hits = recipes.link_profiles(index).gallery_hits
    assert ("nobody.jpg", "site9/anna/x.jpg") in {(h.left.path, h.right.path) for h in hits}


def test_a_removed_gallery_takes_its_matches_along_and_nothing_else(tmp_path: Path) -> None:
    index = with_gallery(tmp_path)
    assert recipes.list_galleries(index) == (Gallery("missing", 4, 4),)
    assert recipes.remove_gallery(index, "missing") == 3
    assert recipes.list_galleries(index) == ()
    assert recipes.link_profiles(index).gallery_hits == ()
    indexed(tmp_path / "never", tmp_path / "ads")
    assert differences(contents(index), contents(tmp_path / "never")) == []
    with pytest.raises(UsageError, match="no collection 'missing'"):
        recipes.remove_gallery(index, "missing")
    with pytest.raises(UsageError, match="not a gallery"):
        recipes.remove_gallery(index, "ads")


def test_a_gallery_and_ads_can_not_share_a_name(tmp_path: Path) -> None:
    index = with_gallery(tmp_path)
    with pytest.raises(UsageError, match="is a gallery"):
        indexed(index, tmp_path / "ads", collection="missing")


# --- the embedder ------------------------------------------------------------------------------


@pytest.mark.model
def test_another_preset_is_refused_and_changes_the_index_on_request_only(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(3))
    save(mirrored(photo(0)), ads / "site9" / "anna" / "0.jpg")
    index = tmp_path / "index"
    indexed(index, ads)
    said = contents(index)
    with pytest.raises(PresetMismatch, match="--redescribe"):
        indexed(index, ads, preset="balanced")
    assert differences(contents(index), said) == []
    report = indexed(index, ads, preset="balanced", redescribe=True)
    assert (report.described, report.known, report.matches) == (4, 0, 1)
    assert indexed(index, ads).described == 0  # and it keeps the preset
    [result] = queried(index, ads / "site1" / "profile1" / "1.jpg")
    assert result.matches[0].sighting.path == "site1/profile1/1.jpg"
    indexed(tmp_path / "new", ads, preset="balanced")
    assert differences(contents(index), contents(tmp_path / "new")) == []


@pytest.mark.model
def test_settings_that_were_edited_by_hand_do_not_mix_two_models(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    index = tmp_path / "index"
    indexed(index, ads)
    (index / "settings.toml").write_text('[describe]\npreset = "balanced"\n')
    save(photo(7), ads / "site1" / "profile0" / "7.jpg")
    with pytest.raises(PresetMismatch):
        indexed(index, ads)
    indexed(index, ads, preset="hashes")
    with Index.read(index) as opened:
        assert opened.photos.counts()["views"] == 0
        assert opened.photos.counts()["described"] == 3


@pytest.mark.model
def test_a_preset_with_the_same_model_is_taken_at_once(tmp_path: Path) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(2)), tmp_path / "index"
    indexed(index, ads, preset="fast")
    assert (index / "settings.toml").read_text().count("crops = false") == 1
    assert indexed(index, ads, preset="balanced").described == 0
    assert "crops" not in (index / "settings.toml").read_text()
    with Index.read(index) as opened:
        assert opened.embedder.preset == "balanced"
        assert opened.settings == DEFAULTS
    with pytest.raises(PresetMismatch, match=r"'balanced'.*'thorough'"):
        indexed(index, ads, preset="thorough")
    assert indexed(index, ads).described == 0


@pytest.mark.model
def test_an_index_whose_preset_had_another_name_is_used_as_before(tmp_path: Path) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(2)), tmp_path / "index"
    indexed(index, ads, preset="balanced")
    with Index.write(index, "a test") as opened:
        former = replace(opened.embedder, preset="sscd-small")
        opened.catalogue.put("embedder", former.to_json())
    (index / "settings.toml").write_text('[describe]\npreset = "sscd-small"\n')
    save(photo(7), ads / "site1" / "profile0" / "7.jpg")
    assert indexed(index, ads).described == 1
    [result] = queried(index, ads / "site1" / "profile1" / "1.jpg")
    assert result.matches[0].sighting.path == "site1/profile1/1.jpg"
    assert indexed(index, ads, preset="balanced").described == 0


@pytest.mark.model
def test_another_preset_takes_its_settings_along_and_leaves_the_users(tmp_path: Path) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(1)), tmp_path / "index"
    indexed(index, ads, preset="fast")
    with (index / "settings.toml").open("a") as file:
        file.write("\n[link]\nsame_profile = true\n")
    assert indexed(index, ads, preset="thorough", redescribe=True).described == 1
    with Index.read(index) as opened:
        link = replace(DEFAULTS.link, same_profile=True)
        assert opened.settings == replace(with_preset(DEFAULTS, "thorough"), link=link)


def test_an_own_model_is_named_by_its_file_and_replaced_by_a_preset_on_request(
    tmp_path: Path,
) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(1)), tmp_path / "index"
    index.mkdir()
    model = tmp_path / "own.onnx"
    model.write_bytes(mean_colour_model())
    settings = replace(DEFAULTS.describe, model=str(model), model_side=32)
    (index / "settings.toml").write_text(to_toml(replace(DEFAULTS, describe=settings)))
    indexed(index, ads, preset=None)
    with Index.read(index) as opened:
        assert opened.embedder.preset == "own.onnx"
    assert indexed(index, ads, preset=None).described == 0
    with pytest.raises(PresetMismatch, match=r"'own\.onnx'.*'hashes'"):
        indexed(index, ads, preset="hashes")
    indexed(index, ads, preset="hashes", redescribe=True)
    with Index.read(index) as opened:
        assert (opened.embedder.preset, opened.settings.describe.model) == ("hashes", "")


# --- damage ------------------------------------------------------------------------------------


def test_a_damaged_catalogue_is_named(tmp_path: Path) -> None:
    index = tmp_path / "index"
    indexed(index, ad_sites(tmp_path / "ads", range(1)))
    (index / "catalogue.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(IndexDamaged, match=r"catalogue\.sqlite"):
        queried(index, tmp_path / "ads" / "site0" / "profile0" / "0.jpg")


def test_vectors_that_went_missing_come_back_with_the_next_run(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(3))
    index = tmp_path / "index"
    indexed(index, ads)
    said = contents(index)
    with Index.write(index, "a test") as opened:
        opened.remove_vectors([1, 2])
    indexed(index, ads)
    assert differences(contents(index), said) == []


def test_thumbnails_of_files_that_are_gone_are_left_out(tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    indexed(tmp_path / "index", ads)
    found = queried(tmp_path / "index", *sorted(ads.rglob("*.jpg")))
    sightings = [result.matches[0].sighting for result in found]
    (ads / sightings[0].path).unlink()
    others = {"here": str(ads / sightings[1].path), "gone": str(ads / "gone.jpg")}
    missing = replace(sightings[0], photo="0" * 64)
    pictures = recipes.make_thumbnails(tmp_path / "index", [*sightings, missing], others)
    assert set(pictures) == {sightings[1].photo, "here"}
    assert all(picture.startswith(b"\xff\xd8\xff") for picture in pictures.values())


@pytest.mark.model
def test_a_change_of_preset_keeps_the_matches_of_other_folders(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads, known, index = tmp_path / "ads", tmp_path / "known", tmp_path / "index"
    for folder in (ads / "site" / "anna", known):
        folder.mkdir(parents=True)
    save(photo(3), ads / "site" / "anna" / "1.jpg")
    save(photo(3), known / "reference.jpg", quality=60)
    words = ("index", ads, "--site-from-path", "--index", index)
    assert imagematch(*words, "--preset", "hashes").code == 0
    assert imagematch("gallery", "add", "known", known, "--index", index).code == 0
    assert imagematch(*words, "--preset", "balanced", "--redescribe").code == 0
    linked = imagematch("link", "--index", index, "--json").json()
    assert [hit["left"]["path"] for hit in linked["gallery_hits"]] == ["reference.jpg"]
