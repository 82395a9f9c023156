"""What a report says of links and clusters in words: right, plain, and no more than is known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch import link_wording
from imagematch.records import (
    Bridge,
    CommonIdentifier,
    Doubt,
    ItemKind,
    Link,
    Profile,
    SharedItem,
    Stop,
)
from tests.reports import builders

ANNA, BELLA = Profile("siteA", "anna"), Profile("siteB", "bella")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def link(*shared: SharedItem, probability: float = 0.9968) -> Link:
    return builders.link_between(ANNA, BELLA, shared=shared, probability=probability)


def items(kind: ItemKind, count: int, elsewhere: int = 0) -> list[SharedItem]:
    return [builders.item(kind, f"{kind}{at}", elsewhere=elsewhere) for at in range(count)]


# --- links -------------------------------------------------------------------------------------


def test_a_link_says_what_both_show_that_nobody_else_shows() -> None:
    assert plain(link_wording.link(link(*items("phone", 1), *items("photo", 2)))) == (
        "Both show 2 photos and 1 phone number that nobody else shows: 99.6 % likely one operator."
    )


def test_a_link_says_how_many_others_show_the_same() -> None:
    said = link_wording.link(link(*items("photo", 1), *items("handle", 1, 3)))
    assert "1 photo that nobody else shows, and 1 handle that 3 other profiles show:" in said

    said = link_wording.link(link(*items("photo", 2, 1)))
    assert "Both show 2 photos that 1 other profile shows:" in said

    said = link_wording.link(link(*items("photo", 2, 1), *items("photo", 1, 7)))
    assert "Both show 3 photos that up to 7 other profiles show:" in said


def test_a_link_by_what_the_cluster_shares_does_not_claim_that_both_share_it() -> None:
    said = link_wording.link(link())
    assert said.startswith("They share nothing rare with each other")


def test_a_link_that_a_person_made_says_who_when_and_why_before_what_both_show() -> None:
    said = builders.said_of(ANNA, BELLA, words="cleo")
    made = replace(link(*items("photo", 2)), decision=said)
    start = "cleo said on 2026-05-09 that they have one operator: cleo."
    assert link_wording.link(made) == f"{start} Both show 2 photos."
    assert link_wording.link(replace(made, shared=())) == f"{start} They share nothing."
    assert link_wording.likely(made) == "one operator, as cleo said"


def test_what_was_said_of_clusters_names_a_profile_of_each() -> None:
    said = replace(builders.said_of(ANNA, BELLA, "not_same"), left=(ANNA, BELLA), note="")
    assert link_wording.said_of(replace(said, right=(Profile("c", "c"),))) == (
        "siteA/anna with 1 other profile and c/c: anna said on 2026-05-09 that they do not have "
        "the same operator"
    )


def test_matches_within_a_profile_are_no_second_profile() -> None:
    same = builders.link_between(ANNA, ANNA, builders.pair())
    assert link_wording.link(same) == "One profile, with 1 pair of photos that match."


@pytest.mark.parametrize("probability", [1.0, 0.99999])
def test_no_link_is_called_certain(probability: float) -> None:
    assert "100" not in link_wording.likely(link(probability=probability))


# --- bits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "said"),
    [
        (0.4, "says next to nothing"),
        (-0.9, "says next to nothing"),
        (1.0, "weak: about 2 times as likely"),
        (3.9, "weak: about 10 times as likely"),
        (4.0, "fair: about 20 times as likely"),
        (10.0, "strong: about 1,000 times as likely"),
        (12.3, "very strong: about 5,000 times as likely"),
        (20.0, "very strong: about a million times as likely"),
        (31.0, "very strong: about 2 billion times as likely"),
        (-3.0, "speaks against it: about 8 times less likely"),
    ],
)
def test_bits_in_words(bits: float, said: str) -> None:
    assert link_wording.bits(bits) == said


@given(st.floats(-1e6, 1e6))
def test_any_number_of_bits_can_be_said(bits: float) -> None:
    assert len(link_wording.bits(bits)) < 80


@pytest.mark.parametrize(
    ("bits", "said"), [(9.5, "+9.5"), (-9.0, "\u22129.0"), (-0.01, "+0.0"), (0.0, "+0.0")]
)
def test_bits_have_a_sign(bits: float, said: str) -> None:
    assert link_wording.signed_bits(bits) == said


# --- clusters ----------------------------------------------------------------------------------


def test_a_cluster_says_what_it_rests_on_and_how_sure_its_weakest_link_is() -> None:
    assert plain(link_wording.cluster(builders.report().clusters[0])) == (
        "3 profiles on 3 sites that one operator seems to run: they share 1 photo and 1 phone "
        "number. The weakest link is 93.0 % likely one operator."
    )


@pytest.mark.parametrize(
    ("shown", "elsewhere", "said"),
    [
        (3, 0, "Shown by all 3 profiles and nobody else"),
        (2, 0, "Shown by 2 of 3 profiles and nobody else"),
        (2, 1, "Shown by 2 of 3 profiles and 1 other"),
        (3, 1200, "Shown by all 3 profiles and 1,200 others"),
    ],
)
def test_who_shows_an_item(shown: int, elsewhere: int, said: str) -> None:
    profiles = [Profile("s", str(at)) for at in range(shown)]
    item = builders.item("phone", "+1", *profiles, elsewhere=elsewhere)
    assert link_wording.shown_by(item, 3) == said


def stop(day: str, place: str = "", *, seen: bool = False, ads: int = 1) -> Stop:
    return Stop(day, seen, place, ("siteA",), (ANNA,), ads)


@pytest.mark.parametrize(
    ("stops", "said"),
    [
        ((), ""),
        ((stop(""),), ""),
        ((stop("2026-01-02"),), "1 ad on 2026-01-02."),
        (
            (stop("last week", "Ghent"), stop("2026-01-02T20:15:00Z")),
            "2 ads on 2026-01-02, in Ghent.",
        ),
        ((stop("", "Ghent", ads=2),), "2 ads in Ghent."),
        (
            (stop("2026-01-02", "Ghent"), stop("2026-02-03", "Antwerp"), stop("", "Ghent")),
            "3 ads from 2026-01-02 to 2026-02-03, in Ghent and Antwerp.",
        ),
        (
            tuple(stop("", f"town {at}") for at in range(7)),
            "7 ads in town 0, town 1, town 2, town 3 and 3 more places.",
        ),
    ],
)
def test_when_and_where_a_cluster_was(stops: tuple[Stop, ...], said: str) -> None:
    assert link_wording.when_and_where(stops) == said


def test_a_day_that_nobody_wrote_is_not_passed_off_as_one_that_an_ad_says() -> None:
    said = link_wording.when_and_where([stop("2026-01-02", seen=True)])
    assert said.endswith("its day is when it was first seen.")


# --- doubts, bridges, contacts -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("doubt", "said"),
    [
        (
            Doubt("one_item", ("phone", "+31612345678"), (ANNA, BELLA)),
            "Everything rests on one thing: phone number +31612345678.",
        ),
        (
            Doubt("one_item", ("photo", "ab" * 32), (ANNA, BELLA)),
            "Everything rests on one thing: photo abababababab.",
        ),
        (
            Doubt("phones_differ", ("+311", "+312"), (ANNA, BELLA)),
            "Some of its profiles show different phone numbers and share none: +311 and +312.",
        ),
        (
            Doubt("places_differ", ("2026-03-04", "Ghent", "Lille"), (ANNA,)),
            "On 2026-03-04 there were ads in Ghent and Lille.",
        ),
    ],
)
def test_a_doubt_says_what_was_found_and_what_it_may_mean(doubt: Doubt, said: str) -> None:
    sentence = link_wording.doubt(doubt)
    assert sentence.startswith(said)
    assert len(sentence) > len(said) + 20


def test_a_bridge_says_both_things_that_it_may_mean() -> None:
    sides = (("c7", (ANNA,)), ("", (BELLA,)))
    photo = Bridge(builders.photo_item(builders.sighting(), ANNA, BELLA), sides)
    assert link_wording.bridge(photo, {"c7": 3}) == (
        "This photo is shown by cluster 3 (1 profile) and 1 profile in no cluster, and by hardly "
        "anybody else. It was stolen, or they are one operator after all."
    )
    phone = Bridge(builders.item(), sides)
    assert "stolen" not in link_wording.bridge(phone, {"c7": 3})


def test_a_hotline_is_told_from_a_contact_that_many_use() -> None:
    hotline = CommonIdentifier("phone", "+3180", "siteA", 300)
    assert link_wording.common(hotline) == "On most ads of siteA: it seems to be the site's own."
    assert "nothing" in link_wording.common(CommonIdentifier("host", "t.me", "", 300))


@pytest.mark.parametrize("name", builders.HOSTILE)
def test_no_name_makes_a_sentence_long(name: str) -> None:
    report = builders.named_report(name)
    [cluster] = report.clusters
    said = [
        link_wording.cluster(cluster),
        link_wording.when_and_where(cluster.stops),
        link_wording.bridge(report.bridges[0], {name: 1}),
        link_wording.common(report.common[0]),
        *map(link_wording.doubt, cluster.doubts),
        *map(link_wording.item_name, cluster.shared),
    ]
    assert max(map(len, said)) < 600
