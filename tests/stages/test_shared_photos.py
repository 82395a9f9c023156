"""From matches to links: hot photos, copies that count once, what is likely, and what is new."""

from pathlib import Path

import pytest

from imagematch.records import Evidence, Judgement, SightingInfo
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.settings import LinkSettings
from imagematch.sources.folder_source import FolderSource
from imagematch.stages import link
from imagematch.stores.index import Index
from tests import recipes
from tests.stores.builders import add, candidate, create, describe, scanned
from tests.world import ad_sites, mirrored, new_pairs, photo, save


def indexed(tmp_path: Path) -> Path:
    request = IndexRequest(FolderSource(tmp_path / "ads", site_from_path=True), preset="hashes")
    recipes.index_folder(tmp_path / "index", request, Unwatched())
    return tmp_path / "index"


def show(tmp_path: Path, seed: int, profile: str, **options: object) -> None:
    """Have a profile show a photo, as its own file."""
    save(photo(seed), tmp_path / "ads" / "site" / profile / f"{seed}.jpg", **options)


def test_two_photos_link_more_strongly_than_one_and_copies_of_one_count_once(
    tmp_path: Path,
) -> None:
    for profile in ("anna", "berta", "clara"):
        show(tmp_path, 1, profile, quality=90 - len(profile))
    show(tmp_path, 2, "anna")
    show(tmp_path, 2, "berta", quality=60)
    save(photo(1), tmp_path / "ads" / "site" / "berta" / "again.jpg", quality=40)
    report = recipes.link_profiles(indexed(tmp_path))
    links = {(link.left.handle, link.right.handle): link for link in report.links}
    assert len(links["anna", "berta"].pairs) == 2
    assert len(links["berta", "clara"].pairs) == 1
    assert links["anna", "berta"].probability >= links["berta", "clara"].probability
    [cluster] = report.clusters
    assert [profile.handle for profile in cluster.profiles] == ["anna", "berta", "clara"]


@pytest.mark.parametrize(("profiles", "hot"), [(4, 0), (8, 1)])
def test_a_photo_is_hot_where_it_is_all_that_many_profiles_have_in_common(
    tmp_path: Path, profiles: int, hot: int
) -> None:
    for number in range(profiles):
        show(tmp_path, 1, f"p{number}", quality=90 - number)
    report = recipes.link_profiles(indexed(tmp_path))
    assert len(report.hot) == hot
    assert bool(report.links) == (not hot)


def test_a_hot_photo_does_not_hide_another_one_that_two_profiles_share(tmp_path: Path) -> None:
    for number in range(8):
        show(tmp_path, 1, f"p{number}")
    show(tmp_path, 2, "p0")
    show(tmp_path, 2, "p1", quality=50)
    [link] = recipes.link_profiles(indexed(tmp_path)).links
    assert (link.left.handle, link.right.handle) == ("p0", "p1")


@pytest.mark.parametrize(("confidence", "together"), [(0.6, False), (0.85, True)])
def test_a_match_that_is_not_likely_draws_nobody_into_a_cluster(
    tmp_path: Path, confidence: float, together: bool
) -> None:
    with Index.write(create(tmp_path / "index"), "test") as index:
        profiles = ("anna", "berta", "clara")
        files = [scanned(f"{each}.jpg", None, SightingInfo("site", each)) for each in profiles]
        describe(index, add(index, *files))
        for pair, sure in (((1, 2), 0.97), ((2, 3), confidence)):
            judgement = Judgement("copy", sure, Evidence(False, 12, 0.8, None, "geometry"))
            index.matches.save_judged([(candidate(*pair), judgement)], [True], 1)
        report = link.run(index, LinkSettings())
    [cluster] = report.clusters
    assert [each.handle for each in cluster.profiles] == list(profiles[: 3 if together else 2])


def test_news_are_what_the_last_runs_brought(tmp_path: Path) -> None:
    ad_sites(tmp_path / "ads", range(3))
    save(mirrored(photo(0)), tmp_path / "ads" / "site9" / "anna" / "0.jpg")
    index = indexed(tmp_path)
    save(mirrored(photo(1)), tmp_path / "ads" / "site9" / "berta" / "1.jpg")
    same = tmp_path / "ads" / "site9" / "clara" / "2.jpg"
    save(photo(2), same)
    indexed(tmp_path)
    indexed(tmp_path)
    with Index.read(index) as opened:
        runs = sorted(run.id for run in opened.catalogue.last_runs(3))
    news = [
        {
            path
            for pair in new_pairs(index, [run])
            for path in (pair.left.path, pair.right.path)
            if path.startswith("site9")
        }
        for run in runs
    ]
    assert news == [{"site9/anna/0.jpg"}, {"site9/berta/1.jpg", "site9/clara/2.jpg"}, set()]
