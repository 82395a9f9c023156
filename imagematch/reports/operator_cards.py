"""What a page shows of links, clusters, bridges and photos set aside: records in, plain texts out.

Templates only lay them out. All lists are cut, and say how much they leave out.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imagematch import formatting, link_wording, wording
from imagematch.amounts import counted
from imagematch.records import (
    SHORT,
    Bridge,
    Cluster,
    CommonIdentifier,
    HotPhoto,
    Link,
    Profile,
    SharedItem,
    Stop,
)
from imagematch.reports import pair_cards, waterfall
from imagematch.reports.route import Route, route

#: Names in one cluster or at one hot photo; of one site and at one item at least so many.
MOST_NAMES, FEWEST_NAMES = 60, 6
#: Shared items of one cluster, its stops, the numbers of its links, and its sites.
MOST_ITEMS, MOST_STOPS, MOST_LINKS, MOST_SITES = 24, 40, 30, 40
#: Operators that a bridge leads to.
MOST_SIDES = 8

#: Gives the number of a link that the page draws; 0 for one that it does not.
type LinkNumbers = Callable[[Link], int]


@dataclass(frozen=True, slots=True)
class Names:
    """Some names, and how many more there are."""

    shown: tuple[str, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class SiteRow:
    """The profiles of a cluster on one site."""

    site: str
    names: Names
    total: int


@dataclass(frozen=True, slots=True)
class StopRow:
    """One line of a timeline."""

    day: str
    place: str
    sites: str
    profiles: str
    ads: str


@dataclass(frozen=True, slots=True)
class ItemCard:
    """Something that profiles share. `side` is of a photo, as its picture is shown; else None."""

    word: str
    value: str
    side: pair_cards.Side | None
    shown_by: str
    bits: str
    says: str
    names: Names


@dataclass(frozen=True, slots=True)
class LinkCard:
    """A link with its waterfall. `number` is its place on the page, 0 where it has none."""

    number: int
    left: str
    right: str
    sentence: str
    rows: tuple[waterfall.Row, ...]


@dataclass(frozen=True, slots=True)
class BridgeSide:
    """One operator that shows the item of a bridge; `cluster` is 0 for a profile in none."""

    cluster: int
    names: Names


@dataclass(frozen=True, slots=True)
class BridgeCard:
    """Something rare that different operators show."""

    item: ItemCard
    sentence: str
    sides: tuple[BridgeSide, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ClusterCard:
    """One cluster, as it is handed to a colleague."""

    number: int
    id: str
    sentence: str
    sites: tuple[SiteRow, ...]
    sites_left_out: int
    when: str
    route: Route | None
    stops: tuple[StopRow, ...]
    stops_left_out: int
    items: tuple[ItemCard, ...]
    items_left_out: int
    weakest: LinkCard
    weakest_pair: pair_cards.Card | None
    links: tuple[int, ...]
    links_total: int
    doubts: tuple[tuple[str, Names], ...]
    bridges: tuple[BridgeCard, ...]


@dataclass(frozen=True, slots=True)
class HotCard:
    """A photo that links nobody, why, and the commands that decide; none where it is ignored."""

    side: pair_cards.Side
    reason: str
    shown_by: str
    names: Names
    commands: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CommonRow:
    """A contact that joins nobody."""

    word: str
    value: str
    why: str
    profiles: str


def names(profiles: Iterable[object], most: int = MOST_NAMES) -> Names:
    """The first of some profiles."""
    every = [str(profile) for profile in profiles]
    return Names(tuple(every[:most]), max(0, len(every) - most))


def link_card(link: Link, number: int = 0) -> LinkCard:
    """A link in a sentence, and its evidence step by step."""
    return LinkCard(
        number, str(link.left), str(link.right), link_wording.link(link), waterfall.rows(link)
    )


def item_card(
    item: SharedItem, profiles: int, pictures: pair_cards.Pictures, most_names: int = FEWEST_NAMES
) -> ItemCard:
    """An item of a cluster of so many profiles."""
    side = None
    if item.sighting is not None:
        side = pair_cards.sighting_side(item.sighting, "Example", pictures)
    return ItemCard(
        link_wording.item_word(item.kind),
        link_wording.item_value(item.kind, item.value),
        side,
        link_wording.shown_by(item, profiles),
        link_wording.signed_bits(item.bits),
        link_wording.bits(item.bits),
        names(item.profiles, most_names),
    )


def cluster_card(
    cluster: Cluster,
    pictures: pair_cards.Pictures,
    link_number: LinkNumbers,
    bridges: Sequence[BridgeCard],
    most_items: int = MOST_ITEMS,
) -> ClusterCard:
    """All that a page says of a cluster.

    Args:
        bridges: those that it is a side of.
    """
    weakest, pairs = cluster.weakest, cluster.weakest.pairs
    numbers = sorted(filter(None, map(link_number, cluster.links)))
    sites = tuple(_site_rows(cluster))
    items = cluster.shared[:most_items]
    shown, left_out = _stops(cluster.stops)
    return ClusterCard(
        number=cluster.number,
        id=cluster.id,
        sentence=link_wording.cluster(cluster),
        sites=sites,
        sites_left_out=len(cluster.sites) - len(sites),
        when=link_wording.when_and_where(cluster.stops),
        route=route(cluster.stops),
        stops=tuple(_stop_row(stop) for stop in shown),
        stops_left_out=left_out,
        items=tuple(item_card(item, len(cluster.profiles), pictures) for item in items),
        items_left_out=len(cluster.shared) - len(items),
        weakest=link_card(weakest, link_number(weakest)),
        weakest_pair=pair_cards.pair_card(pairs[0], pictures) if pairs else None,
        links=tuple(numbers[:MOST_LINKS]),
        links_total=len(cluster.links),
        doubts=tuple(
            (link_wording.doubt(doubt), names(doubt.profiles, FEWEST_NAMES))
            for doubt in cluster.doubts
        ),
        bridges=tuple(bridges),
    )


def bridge_card(
    bridge: Bridge, numbers: Mapping[str, int], pictures: pair_cards.Pictures
) -> BridgeCard:
    """A bridge between clusters, or to single profiles.

    Args:
        numbers: of clusters, by their ids.
    """
    sides = bridge.sides[:MOST_SIDES]
    profiles = sum(len(shown) for _, shown in bridge.sides)
    return BridgeCard(
        item_card(bridge.item, profiles, pictures),
        link_wording.bridge(bridge, numbers),
        tuple(
            BridgeSide(numbers.get(cluster_id, 0), names(shown, FEWEST_NAMES))
            for cluster_id, shown in sides
        ),
        len(bridge.sides) - len(sides),
    )


def hot_card(photo: HotPhoto, pictures: pair_cards.Pictures, index: str) -> HotCard:
    """A photo that links nobody.

    Args:
        index: its directory, for the commands.
    """
    sites = len({profile.site for profile in photo.profiles})
    return HotCard(
        pair_cards.sighting_side(photo.sighting, "Example", pictures),
        _hot_reason(photo),
        f"{counted(len(photo.profiles), 'profile')} on {counted(sites, 'site')}",
        names(photo.profiles),
        tuple(_commands(photo, index)),
    )


def common_row(shown: CommonIdentifier) -> CommonRow:
    """A contact that joins nobody."""
    return CommonRow(
        link_wording.item_word(shown.kind),
        link_wording.item_value(shown.kind, shown.value),
        link_wording.common(shown),
        f"{shown.profiles:,}",
    )


# --- parts -------------------------------------------------------------------------------------


def _hot_reason(photo: HotPhoto) -> str:
    reason = wording.HOT_REASONS.get(photo.reason, photo.reason)
    if photo.decision is None:
        return reason
    return f"{reason} It was {wording.full_decision(photo.decision)}."


def _commands(photo: HotPhoto, index: str) -> Iterator[tuple[str, str]]:
    if photo.state == "ignored":
        return
    end = f"{photo.sighting.photo[:SHORT]} --index {shlex.quote(index)}"
    if photo.state == "waiting":
        yield "One operator's own photo: let it link", f"imagematch hot release {end}"
        yield "A placeholder or a stock picture: never let it link", f"imagematch hot keep {end}"
    else:
        yield "Take the decision back", f"imagematch hot reopen {end}"


def _site_rows(cluster: Cluster) -> Iterator[SiteRow]:
    by_site: dict[str, list[Profile]] = {}
    for profile in cluster.profiles:
        by_site.setdefault(profile.site, []).append(profile)
    each = max(FEWEST_NAMES, MOST_NAMES // len(by_site))
    largest = sorted(by_site.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    for site, profiles in largest[:MOST_SITES]:
        yield SiteRow(site, names((each.handle for each in profiles), each), len(profiles))


def _stops(stops: Sequence[Stop]) -> tuple[Sequence[Stop], int]:
    """The first and the last stops; what is between them is left out where they are many."""
    if len(stops) <= MOST_STOPS:
        return stops, 0
    half = MOST_STOPS // 2
    return (*stops[:half], *stops[-half:]), len(stops) - 2 * half


def _stop_row(stop: Stop) -> StopRow:
    day = pair_cards.moment(stop.day) or "unknown"
    return StopRow(
        f"{day} (first seen)" if stop.seen and stop.day else day,
        stop.place or "not said",
        _few(stop.sites),
        _few(profile.handle for profile in stop.profiles),
        counted(stop.ads, "ad"),
    )


def _few(texts: Iterable[str]) -> str:
    """Names in one cell, of which the first are told."""
    told = names((formatting.shortened(text, 60) for text in texts), FEWEST_NAMES)
    more = [f"{told.left_out:,} more"] if told.left_out else []
    return ", ".join((*told.shown, *more))
