"""Which profiles show which photo, from the pairs of sightings that imagematch finds."""

from collections.abc import Iterable

from benchmark.links.items import PHOTO
from benchmark.links.seeing import items_of, photo_items, today
from benchmark.links.worlds import World, WorldProfile
from imagematch.records import (
    Cluster,
    Evidence,
    Judgement,
    Link,
    LinkReport,
    PhotoPair,
    Profile,
    SightingInfo,
    StoredSighting,
)
from imagematch.stages.shared_photos import Shared

A, B, C, D = (Profile("site0", handle) for handle in "abcd")
WORLD = World(
    0,
    tuple(WorldProfile(one.site, one.handle, n // 2) for n, one in enumerate((D, A, B, C))),
    (),
    (),
    (),
)


def sighting(profile: Profile) -> StoredSighting:
    info = SightingInfo(profile.site, profile.handle)
    path = f"{profile}/1.jpg"
    return StoredSighting("", "ads", False, "/ads", path, info, "", "", True, 1)


def pair(left: Profile, right: Profile, confidence: float = 1.0) -> PhotoPair:
    evidence = Evidence(False, None, None, None, "geometry")
    return PhotoPair(sighting(left), sighting(right), Judgement("copy", confidence, evidence))


def shared(left: Profile, right: Profile, groups: Iterable[int], confidence: float = 1.0) -> Shared:
    return Shared(pair(left, right, confidence), frozenset(groups))


def test_copies_of_one_photo_are_one_item() -> None:
    found = photo_items(iter([shared(A, B, [4]), shared(B, C, [4]), shared(A, D, [5])]))
    assert list(found) == [(PHOTO, "site0/a/1.jpg (4)"), (PHOTO, "site0/a/1.jpg (5)")]
    assert [set(showing) for showing in found.values()] == [{A, B, C}, {A, D}]


def test_a_collage_shows_the_photo_that_is_in_it_once() -> None:
    """Group 4 is a photo of two profiles, group 9 a collage of a third that contains it."""
    pairs = [shared(A, B, [4]), shared(C, A, [4, 9], 0.8), shared(C, B, [4, 9], 0.7)]
    (showing,) = photo_items(iter(pairs)).values()
    assert showing == {A: 1.0, B: 1.0, C: 0.8}


def test_items_are_numbered_and_what_one_profile_shows_is_left_out() -> None:
    items = items_of(WORLD, {("phone", "+1"): {A: 1.0, C: 0.5}, ("email", "x"): {A: 1.0}})
    assert items.profiles == ("site0/a", "site0/b", "site0/c", "site0/d")
    assert items.operators.tolist() == [0, 1, 1, 0]
    assert items.names == ("+1",)
    assert list(zip(items.profile, items.item, items.confidence, strict=True)) == [
        (0, 0, 1.0),
        (2, 0, 0.5),
    ]


def test_clusters_of_today_become_labels() -> None:
    link = Link(A, C, 0.9, (pair(A, C),))
    report = LinkReport(4, (link,), (Cluster(1, (A, C), (link,), link),), (), (), ())
    grouping = today(report, items_of(WORLD, {}))
    assert grouping.labels.tolist() == [0, 1, 0, 3]
    assert grouping.links is not None
    assert (grouping.links.left.tolist(), grouping.links.right.tolist()) == ([0], [2])
