"""Planned worlds have what they promise, and the same seed gives the same one."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from benchmark.links import world_pictures, worlds
from benchmark.links.worlds import World, WorldSize, operator_sizes, plan
from imagematch.errors import UsageError
from imagematch.kernels.phones import to_e164
from imagematch.records import Profile
from imagematch.runtime.monitor import Unwatched
from tests.world import photo, save

PHOTOS = [f"{number}.jpg" for number in range(worlds.FULL)]


@pytest.fixture(scope="module")
def world() -> World:
    return plan(PHOTOS, 3)


def shown(world: World) -> dict[str, set[int]]:
    """Profiles by the photo that they show."""
    found: dict[str, set[int]] = defaultdict(set)
    for ad in world.ads:
        for shot in ad.shots:
            found[shot.source].add(ad.profile)
    return found


def test_a_seed_gives_one_world_and_another_seed_another(world: World) -> None:
    assert plan(PHOTOS, 3) == world
    assert plan(PHOTOS, 4) != world


def test_a_full_world_has_the_size_that_it_is_made_for(world: World) -> None:
    assert 600 <= len(world.profiles) <= 700
    assert len({profile.site for profile in world.profiles}) == 8
    owners = Counter(profile.operator for profile in world.profiles)
    assert len(owners) == 360
    assert sorted(size for size in owners.values() if size > 1) == operator_sizes(60)
    assert (operator_sizes(60)[0], max(operator_sizes(60)) >= 20) == (2, True)
    assert len({(one.site, one.handle) for one in world.profiles}) == len(world.profiles)
    paths = [shot.path for shot in world.shots]
    assert 1800 <= len(paths) == len(set(paths)) <= 2600


def test_placeholders_and_stock_photos_are_on_strangers(world: World) -> None:
    owners = [profile.operator for profile in world.profiles]
    common = [
        profiles
        for profiles in shown(world).values()
        if len({owners[profile] for profile in profiles}) >= 8
    ]
    assert len(common) == 9
    placeholders = sorted(map(len, common))[-3:]
    assert 0.14 < sum(placeholders) / len(world.profiles) < 0.26


def test_stolen_photos_are_shown_by_a_stranger(world: World) -> None:
    assert 15 <= len(world.stolen) <= 20
    for victim, thief in world.stolen:
        assert world.profiles[thief].operator != victim


def contacts(world: World) -> dict[tuple[str, str], set[Profile]]:
    """Who shows which contact, of all ads, by its type and normal form."""
    shown: dict[tuple[str, str], set[Profile]] = defaultdict(set)
    for ad in world.ads:
        owner = world.profiles[ad.profile]
        for kind, cell in (
            ("phone", ad.phone and to_e164(ad.phone, worlds.REGION)),
            ("phone", ad.contact and to_e164(ad.contact, worlds.REGION)),
            ("email", ad.email.lower()),
        ):
            if cell:
                shown[kind, cell].add(Profile(owner.site, owner.handle))
    return shown


def test_only_a_phone_joins_some_operators(world: World) -> None:
    assert len(world.split) == 6
    for operator in world.split:
        mine = {n for n, one in enumerate(world.profiles) if one.operator == operator}
        phones = defaultdict(set)
        for (kind, number), showing in contacts(world).items():
            if kind == "phone" and number != world.hotline:
                for profile in showing:
                    phones[profile].add(number)
        numbers = [phones[Profile(world.profiles[n].site, world.profiles[n].handle)] for n in mine]
        assert len(set.intersection(*numbers)) == 1


def test_the_hotline_is_on_most_ads_of_one_site_only(world: World) -> None:
    by_site: dict[str, list[bool]] = defaultdict(list)
    for ad in world.ads:
        by_site[world.profiles[ad.profile].site].append(bool(ad.contact))
    assert sum(by_site["site0"]) > 0.85 * len(by_site["site0"])
    assert not any(any(ads) for site, ads in by_site.items() if site != "site0")
    found = contacts(world)
    assert len(found["phone", world.hotline]) > 150


def test_numbers_are_typed_in_different_ways_and_some_data_is_missing(world: World) -> None:
    phones = [ad.phone for ad in world.ads if ad.phone]
    assert len({"".join("0" if c.isdigit() else c for c in phone) for phone in phones}) > 6
    for column in ("phone", "posted_at", "location", "text", "email", "handle"):
        cells = [getattr(ad, column) for ad in world.ads]
        assert 0 < cells.count("") < len(cells)
    assert any(not ad.shots for ad in world.ads)
    # However it is typed, a number that is in a column has one normal form.
    assert all(number.startswith("+44") for kind, number in contacts(world) if kind == "phone")


def test_few_photos_make_a_small_world_and_fewer_none() -> None:
    small = plan(PHOTOS[:120], 0)
    assert 50 < len(small.profiles) < 130
    assert WorldSize().fitted(worlds.FULL) == WorldSize()
    with pytest.raises(UsageError, match="30 photos or more"):
        plan(PHOTOS[:29], 0)


@pytest.mark.slow
def test_a_world_becomes_pictures_and_a_manifest(tmp_path: Path) -> None:
    photos = [f"{number}.jpg" for number in range(30)]
    for number, name in enumerate(photos):
        save(photo(number), tmp_path / "photos" / name)
    small = plan(photos, 0)
    for out in (tmp_path / "one", tmp_path / "two"):
        out.mkdir()
        world_pictures.write(small, tmp_path / "photos", out, Unwatched())
    written = {path.relative_to(tmp_path / "one"): path for path in (tmp_path / "one").rglob("*.*")}
    for path, one in written.items():
        assert one.read_bytes() == (tmp_path / "two" / path).read_bytes()
    with (tmp_path / "one" / world_pictures.MANIFEST).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    named = {row["path"] for row in rows if row["path"]}
    assert {str(path) for path in written} == {
        world_pictures.MANIFEST,
        *(f"ads/{one}" for one in named),
    }
    assert {row["ad_id"] for row in rows} == {ad.ad_id for ad in small.ads}
