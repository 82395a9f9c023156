"""From what ads show to clusters: photos, contacts, ads without a photo, and what joins nobody."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from imagematch.records import Cluster, LinkReport
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from tests import recipes
from tests.world import photo, save

COLUMNS = ("path", "site", "profile", "posted_at", "phone", "location", "text")


def linked(
    tmp_path: Path,
    rows: Iterable[Sequence[str]],
    shown: Sequence[tuple[int, Sequence[str]]] = (),
) -> LinkReport:
    """Index ads and link them.

    Args:
        rows: of the manifest, in the order of `COLUMNS`; without a path, an ad without a photo.
        shown: photos by number, and the profiles "site/handle" that show each as their own file.
    """
    ads = tmp_path / "ads"
    ads.mkdir(exist_ok=True)
    table = [list(row) for row in rows]
    for number, owners in shown:
        for place, owner in enumerate(owners):
            site, handle = owner.split("/")
            path = f"{owner}/{number}.jpg"
            save(photo(number), ads / path, quality=60 + place % 35)
            table.append([path, site, handle, "", "", "", ""])
    with (tmp_path / "ads.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *table])
    source = FolderSource(ads, manifest=tmp_path / "ads.csv")
    index = tmp_path / "index"
    recipes.index_folder(index, IndexRequest(source, preset="hashes"), Unwatched())
    return recipes.link_profiles(index)


def ad(profile: str, phone: str = "", **more: str) -> list[str]:
    """A row without a photo."""
    site, handle = profile.split("/")
    known = {"site": site, "profile": handle, "phone": phone, **more}
    return [known.get(column, "") for column in COLUMNS]


def names(cluster: Cluster) -> list[str]:
    return [str(profile) for profile in cluster.profiles]


TEN = [f"site{number % 3}/p{number}" for number in range(10)]


# --- photos --------------------------------------------------------------------------------------


def test_ten_profiles_that_show_the_same_three_photos_are_one_cluster(tmp_path: Path) -> None:
    report = linked(tmp_path, [], [(number, TEN) for number in range(3)])
    (cluster,) = report.clusters
    assert names(cluster) == sorted(TEN)
    assert [item.kind for item in cluster.shared] == ["photo"] * 3
    assert all(len(item.profiles) == 10 for item in cluster.shared)
    assert cluster.weakest.probability > 0.99
    assert len(cluster.weakest.pairs) == 3
    assert report.hot == ()
    assert report.bridges == ()


def test_a_placeholder_joins_nobody_and_hides_nobody(tmp_path: Path) -> None:
    strangers = [f"site{number % 3}/x{number}" for number in range(30)]
    shown = [*((number, TEN) for number in range(3)), (99, [*TEN, *strangers])]
    report = linked(tmp_path, [], shown)
    (cluster,) = report.clusters
    assert names(cluster) == sorted(TEN)
    (hot,) = report.hot
    assert len(hot.profiles) == 40
    assert hot.state == "waiting"


def test_a_stolen_photo_is_a_bridge_between_two_clusters(tmp_path: Path) -> None:
    ours, theirs = ([f"{site}/p{n}" for n in range(5)] for site in ("one", "two"))
    shown = [*((n, ours) for n in range(4)), *((n, theirs) for n in range(10, 14))]
    shown.append((20, [*ours, theirs[0]]))
    report = linked(tmp_path, [], shown)
    assert [names(cluster) for cluster in report.clusters] == [ours, theirs]
    (bridge,) = report.bridges
    assert [side for side, _ in bridge.sides] == [cluster.id for cluster in report.clusters]
    assert [len(profiles) for _, profiles in bridge.sides] == [5, 1]
    assert bridge.probability < 0.01
    assert bridge.item.sighting is not None


def test_two_profiles_with_one_photo_among_others_are_a_link_that_is_not_sure(
    tmp_path: Path,
) -> None:
    shown = [(1, ["one/a", "two/b"]), (2, ["one/a"]), (3, ["two/b"]), (4, ["one/a"])]
    (link,) = linked(tmp_path, [], shown).links
    assert 0.3 < link.probability < 0.9
    assert [item.kind for item in link.shared] == ["photo"]
    assert link.rest < 0
    assert link.bits == pytest.approx(
        link.prior + sum(item.bits for item in link.shared) + link.rest
    )


# --- contacts ------------------------------------------------------------------------------------


def test_a_hotline_of_a_site_joins_nobody_and_is_listed(tmp_path: Path) -> None:
    rows = [ad(f"big/p{n}", "+442079460123" if n < 300 else "") for n in range(320)]
    rows += [ad(f"small/q{n}", f"+4477009{n:05}") for n in range(40)]
    report = linked(tmp_path, rows)
    assert report.clusters == ()
    assert report.links == ()
    (common,) = report.common
    assert (common.kind, common.value, common.site) == ("phone", "+442079460123", "big")
    assert common.profiles == 300


def test_a_number_on_forty_profiles_of_three_sites_joins_them_and_is_all_there_is(
    tmp_path: Path,
) -> None:
    rows = [ad(f"site{n % 3}/p{n}", "+447700900123") for n in range(40)]
    rows += [ad(f"site{n % 3}/q{n}", f"+4477009{n:05}") for n in range(200, 400)]
    (cluster,) = linked(tmp_path, rows).clusters
    assert len(cluster.profiles) == 40
    assert cluster.sites == ("site0", "site1", "site2")
    (doubt,) = cluster.doubts
    assert (doubt.kind, doubt.detail) == ("one_item", ("phone", "+447700900123"))
    assert len(cluster.links) == 39


def test_numbers_in_texts_join_as_those_in_columns_do(tmp_path: Path) -> None:
    rows = [
        ad("one/a", "+44 7700 900123"),
        ad("two/b", text="call me: +44 77 oo 9oo 123 any time"),
        ad("three/c", text="write to lola@mail.example"),
    ]
    (cluster,) = linked(tmp_path, rows).clusters
    assert names(cluster) == ["one/a", "two/b"]


def test_texts_that_are_all_but_the_same_join_two_profiles(tmp_path: Path) -> None:
    text = (
        "Hello gentlemen, I am a sweet and discreet lady, new in your city for a few days only. "
        "Call me, from {} euro!"
    )
    rows = [ad("one/a", text=text.format(100)), ad("two/b", text=text.format(150).upper())]
    rows.append(ad("three/c", text="I was here before, and will be again next week, call me soon."))
    (cluster,) = linked(tmp_path, rows).clusters
    assert names(cluster) == ["one/a", "two/b"]
    (item,) = cluster.shared
    assert item.kind == "text"
    assert item.value.startswith("hello gentlemen i am a sweet")


def test_phones_that_nothing_joins_speak_against_a_cluster(tmp_path: Path) -> None:
    owners = ["one/a", "two/b"]
    shown = [(number, owners) for number in range(3)]
    rows = [ad("one/a", "+447700900123"), ad("two/b", "+447700900456")]
    (cluster,) = linked(tmp_path, rows, shown).clusters
    (doubt,) = cluster.doubts
    assert doubt.kind == "phones_differ"
    assert doubt.detail == ("+447700900123", "+447700900456")


# --- when and where ------------------------------------------------------------------------------


def test_a_cluster_has_its_stops_in_order_and_doubts_where_it_was_in_two_places(
    tmp_path: Path,
) -> None:
    phone = "+447700900123"
    rows = [
        ad("one/a", phone, posted_at="2026-02-01", location="Ghent"),
        ad("two/b", phone, posted_at="2026-01-05", location="Lille"),
        ad("two/b", phone, posted_at="2026-02-01", location="ghent "),
        ad("two/b", phone, posted_at="2026-03-09", location="Lille"),
        ad("one/a", phone, posted_at="2026-03-09", location="Paris"),
    ]
    (cluster,) = linked(tmp_path, rows).clusters
    assert [(stop.day, stop.place, stop.ads) for stop in cluster.stops] == [
        ("2026-01-05", "Lille", 1),
        ("2026-02-01", "Ghent", 2),
        ("2026-03-09", "Lille", 1),
        ("2026-03-09", "Paris", 1),
    ]
    assert cluster.stops[1].sites == ("one", "two")
    assert not any(stop.seen for stop in cluster.stops)
    (doubt,) = (doubt for doubt in cluster.doubts if doubt.kind == "places_differ")
    assert doubt.detail == ("2026-03-09", "Lille", "Paris")


# --- ids -----------------------------------------------------------------------------------------


def test_a_cluster_that_grows_keeps_its_id(tmp_path: Path) -> None:
    phone = "+447700900123"
    first = [ad("z/last", phone), ad("y/other", phone)]
    (before,) = linked(tmp_path, first).clusters
    (after,) = linked(tmp_path, [*first, ad("a/new", phone), ad("b/x", "+447700900999")]).clusters
    assert before.id == after.id
    assert len(after.profiles) == 3
