"""Reports as one self-contained HTML page: pairs side by side with their evidence, safe to open
(see `frame`). Thumbnails are blurred until someone looks at them on purpose.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from imagematch import __version__, formatting, link_wording
from imagematch.records import (
    Bridge,
    ClusterChange,
    HotPhoto,
    LinkReport,
    OperatorDecision,
    PhotoPair,
    Picture,
    Profile,
    QueryResult,
    StoredSighting,
)
from imagematch.reports import operator_cards, page_frame, pair_cards

#: Gives the JPEG thumbnail of a sighting's photo; None when the file is gone.
type Thumbnails = Callable[[StoredSighting], bytes | None]

#: A page of this many pairs is some tens of megabytes with its thumbnails and still scrolls well.
MOST_PAIRS = 1000
#: Each is some 150 kB.
MOST_DRAWINGS = 200
#: Of one link; a few pairs make the case, hundreds would bury the other links.
MOST_PAIRS_OF_A_LINK = 20
#: Clusters, bridges, hot photos and lines of other lists.
MOST_ENTRIES = 200
#: Shared items of all clusters, most of which have a picture; each cluster shows a few in any case.
MOST_ITEMS, FEWEST_ITEMS = 1000, 3
#: Bridges at one cluster.
MOST_BRIDGES = 8
#: An overview with more lines starts folded.
MOST_OPEN = 40


@dataclass(frozen=True, slots=True)
class About:
    """What the head of a page says.

    Attributes:
        index: name or path of the index.
        made_at: when the report was made, ISO 8601.
    """

    index: str
    made_at: str


def query_page(
    results: Sequence[QueryResult],
    about: About,
    thumbnails: Thumbnails,
    query_photos: Mapping[str, bytes],
    drawings: Mapping[tuple[str, str], Picture] | None = None,
) -> str:
    """A page with every query photo beside its matches.

    Args:
        query_photos: JPEG thumbnails by `QueryResult.query`.
        drawings: of matches, by the query and the SHA-256 of the photo; each is shown once.
    """
    album = _Album(thumbnails)
    drawings = drawings or {}
    waiting = dict(itertools.islice(drawings.items(), MOST_DRAWINGS))
    sections, left_out = _query_sections(results, album, query_photos, waiting)
    kinds = [[match.judgement.kind for match in result.matches] for result in results]
    counts = {
        "photos asked": len(results),
        "with a match": sum(any(kind != "scene" for kind in found) for found in kinds),
        "matches": sum(kind != "scene" for found in kinds for kind in found),
        "leads": sum(kind == "scene" for found in kinds for kind in found),
        "could not be read": sum(result.failure is not None for result in results),
    }
    return _page(
        "query.html.j2",
        album,
        about,
        title="Photos looked up",
        counts=counts,
        sections=sections,
        left_out=left_out,
        drawings_left_out=max(0, len(drawings) - MOST_DRAWINGS),
        without=[(r.query, r.notes) for r in results if not r.matches and r.failure is None],
        most_entries=MOST_ENTRIES,
        failed=[(r.query, r.failure) for r in results if r.failure is not None],
    )


def link_page(report: LinkReport, about: About, thumbnails: Thumbnails) -> str:
    """A page with the photos that somebody should decide about, clusters, and all links."""
    album = _Album(thumbnails)
    questions = [photo for photo in report.hot if photo.needs_answer]
    aside = [photo for photo in report.hot if not photo.needs_answer]
    links = _link_sections(report, album)
    numbers = {cluster.id: cluster.number for cluster in report.clusters}
    # What the page counts, and the part of it that tells more.
    counts = {
        "profiles": (report.profiles, ""),
        "photos to decide about": (len(questions), "questions"),
        "clusters": (len(report.clusters), "clusters"),
        "links": (len(report.links), "links"),
        "bridges": (len(report.bridges), "bridges"),
        "gallery hits": (len(report.gallery_hits), "gallery"),
        "leads": (len(report.scenes), "scenes"),
        "photos set aside": (len(aside), "hot"),
        "decisions that keep profiles apart": (len(report.apart), "said"),
    }
    drawn_pairs = sum(len(section.pairs) for section in links)
    return _page(
        "link.html.j2",
        album,
        about,
        title="Profiles and who may run them",
        counts=counts,
        question=link_wording.HOT_QUESTION,
        method=link_wording.METHOD,
        no_doubt=link_wording.NO_DOUBT,
        questions=_hot_list(questions, album, about),
        links=links,
        most_open=MOST_OPEN,
        links_left_out=len(report.links) - len(links),
        pairs_left_out=sum(len(link.pairs) for link in report.links) - drawn_pairs,
        clusters=_cluster_cards(report, album, links, numbers),
        clusters_left_out=max(0, len(report.clusters) - MOST_ENTRIES),
        clusters_drawn={cluster.number for cluster in report.clusters[:MOST_ENTRIES]},
        bridges=_bridge_cards(report.bridges[:MOST_ENTRIES], album, numbers),
        bridges_left_out=max(0, len(report.bridges) - MOST_ENTRIES),
        common=[operator_cards.common_row(each) for each in report.common[:MOST_ENTRIES]],
        common_left_out=max(0, len(report.common) - MOST_ENTRIES),
        said=[
            (heading, _said_list(decisions), max(0, len(decisions) - MOST_ENTRIES))
            for heading, decisions in (
                (link_wording.APART, report.apart),
                (link_wording.UNMET, report.unmet),
            )
            if decisions
        ],
        gallery_hits=_pair_list(report.gallery_hits, album, ("Gallery", "Ad")),
        scenes=_pair_list(report.scenes, album),
        hot=_hot_list(aside, album, about),
    )


def new_matches_page(
    pairs: Sequence[PhotoPair],
    about: About,
    thumbnails: Thumbnails,
    *,
    jobs: Sequence[str],
    runs: tuple[int, int],
    failed: Mapping[str, str],
    changed: Sequence[ClusterChange] = (),
) -> str:
    """A page with the pairs that are new since the last report.

    Args:
        jobs: names of the jobs of the pass that reports.
        runs: the first and the last run that the report covers.
        failed: for each job that could not be done the reason.
        changed: clusters that became others.
    """
    album = _Album(thumbnails)
    gallery = [pair for pair in pairs if pair.left.gallery != pair.right.gallery]
    among_ads = [pair for pair in pairs if pair.left.gallery == pair.right.gallery]
    return _page(
        "new_matches.html.j2",
        album,
        about,
        title="New matches",
        counts={
            "new matches": len(pairs),
            "with a gallery": len(gallery),
            "clusters that changed": len(changed),
        },
        changed=[
            (link_wording.change(each), operator_cards.names(each.profiles))
            for each in changed[:MOST_ENTRIES]
        ],
        changed_left_out=max(0, len(changed) - MOST_ENTRIES),
        jobs=jobs,
        runs=runs,
        failed=failed,
        gallery_hits=_pair_list(gallery, album),
        matches=_pair_list(among_ads, album),
    )


def sightings_shown(draw: Callable[[Thumbnails], str]) -> tuple[StoredSighting, ...]:
    """The sightings that a page wants thumbnails of, so that they can be made in bulk first.

    Args:
        draw: makes the page from a thumbnail source, e.g. `lambda thumbs: link_page(report, about,
            thumbs)`.
    """
    wanted: list[StoredSighting] = []
    draw(wanted.append)
    return tuple(wanted)


# --- thumbnails --------------------------------------------------------------------------------


class _Album(page_frame.Album):
    """The thumbnails of one page, asked for once."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._asked: set[tuple[str, str, str]] = set()

    def picture(self, sighting: StoredSighting) -> str:
        """The class of a photo; "" while no sighting of it has a thumbnail."""
        place = (sighting.photo, sighting.root, sighting.path)
        if sighting.photo not in self and place not in self._asked:
            self._asked.add(place)
            self.add(sighting.photo, self._thumbnails(sighting))
        return self.named(sighting.photo)

    def drawing(self, key: tuple[str, str], drawings: dict[tuple[str, str], Picture]) -> str:
        """Take a drawing out of `drawings`; its class, "" without one."""
        drawn = drawings.pop(key, None)
        if drawn is None:
            return ""
        return self.add(f"drawing {key}", drawn.jpeg, (drawn.width, drawn.height))


# --- sections ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _PairList:
    """Some pairs of a list, and how many more there are."""

    cards: list[pair_cards.Card]
    left_out: int
    total: int


@dataclass(frozen=True, slots=True)
class _QuerySection:
    side: pair_cards.Side
    notes: tuple[str, ...]
    cards: list[pair_cards.Card]


@dataclass(frozen=True, slots=True)
class _LinkSection:
    """One link. `left_out` counts the pairs that are not drawn, `cluster` is 0 for none."""

    card: operator_cards.LinkCard
    ends: tuple[Profile, Profile]
    sure: str
    evidence: str
    cluster: int
    pairs: list[pair_cards.Card]
    left_out: int


@dataclass(frozen=True, slots=True)
class _HotList:
    """Some photos that link nobody, and how many more there are."""

    cards: list[operator_cards.HotCard]
    left_out: int


def _pair_list(
    pairs: Sequence[PhotoPair],
    album: _Album,
    roles: tuple[str, str] = ("Left", "Right"),
) -> _PairList:
    drawn = [pair_cards.pair_card(pair, album.picture, roles) for pair in pairs[:MOST_PAIRS]]
    return _PairList(drawn, len(pairs) - len(drawn), len(pairs))


def _query_sections(
    results: Sequence[QueryResult],
    album: _Album,
    photos: Mapping[str, bytes],
    drawings: dict[tuple[str, str], Picture],
) -> tuple[list[_QuerySection], int]:
    sections: list[_QuerySection] = []
    most, left_out = MOST_PAIRS, 0
    for result in results:
        matches = formatting.best_first(result.matches)
        drawn = matches[:most]
        most -= len(drawn)
        left_out += len(matches) - len(drawn)
        if drawn:
            picture = album.add(f"query {result.query}", photos.get(result.query))
            side = pair_cards.query_side(result.query, picture)
            pairs = [
                pair_cards.query_card(
                    side,
                    match,
                    album.picture,
                    album.drawing((result.query, match.sighting.photo), drawings),
                )
                for match in drawn
            ]
            sections.append(_QuerySection(side, result.notes, pairs))
    return sections, left_out


def _link_sections(report: LinkReport, album: _Album) -> list[_LinkSection]:
    clusters = formatting.clusters_by_profile(report)
    sections: list[_LinkSection] = []
    most = MOST_PAIRS
    for link in formatting.strongest_first(report.links):
        if most <= 0:
            break
        drawn = link.pairs[: min(most, MOST_PAIRS_OF_A_LINK)]
        most -= max(1, len(drawn))
        cluster = formatting.cluster_of(link, clusters)
        sections.append(
            _LinkSection(
                card=operator_cards.link_card(link, len(sections) + 1),
                ends=(link.left, link.right),
                sure=link_wording.sure(link),
                evidence=link_wording.counted_items(link.shared),
                cluster=cluster.number if cluster else 0,
                pairs=[pair_cards.pair_card(pair, album.picture) for pair in drawn],
                left_out=len(link.pairs) - len(drawn),
            )
        )
    return sections


def _said_list(
    decisions: Sequence[OperatorDecision],
) -> list[tuple[str, list[operator_cards.Names]]]:
    """What people said, with the profiles of both sides."""
    return [
        (
            link_wording.said(each),
            [
                operator_cards.names(side, operator_cards.FEWEST_NAMES)
                for side in (each.left, each.right)
            ],
        )
        for each in decisions[:MOST_ENTRIES]
    ]


def _cluster_cards(
    report: LinkReport, album: _Album, links: Sequence[_LinkSection], numbers: Mapping[str, int]
) -> list[operator_cards.ClusterCard]:
    drawn = {section.ends: section.card.number for section in links}
    bridges: dict[str, list[Bridge]] = {}
    for bridge in report.bridges[:MOST_ENTRIES]:
        for cluster_id, _ in bridge.sides:
            bridges.setdefault(cluster_id, []).append(bridge)
    cards, most = [], MOST_ITEMS
    for cluster in report.clusters[:MOST_ENTRIES]:
        items = min(operator_cards.MOST_ITEMS, max(most, FEWEST_ITEMS))
        card = operator_cards.cluster_card(
            cluster,
            album.picture,
            lambda link: drawn.get((link.left, link.right), 0),
            _bridge_cards(bridges.get(cluster.id, ())[:MOST_BRIDGES], album, numbers),
            items,
        )
        most -= len(card.items)
        cards.append(card)
    return cards


def _bridge_cards(
    bridges: Sequence[Bridge], album: _Album, numbers: Mapping[str, int]
) -> list[operator_cards.BridgeCard]:
    return [operator_cards.bridge_card(bridge, numbers, album.picture) for bridge in bridges]


def _hot_list(photos: Sequence[HotPhoto], album: _Album, about: About) -> _HotList:
    cards = [
        operator_cards.hot_card(photo, album.picture, about.index)
        for photo in photos[:MOST_ENTRIES]
    ]
    return _HotList(cards, len(photos) - len(cards))


# --- page --------------------------------------------------------------------------------------


def _page(template: str, album: _Album, about: About, **values: Any) -> str:
    environment = page_frame.environment()
    body = environment.get_template(template).render(about=about, **values)
    # The body first: drawing it fills the album, and the policy in the head names the album's hash.
    styles = [page_frame.source("style.css"), album.css()]
    return environment.get_template("page.html.j2").render(
        about=about,
        title=values["title"],
        version=__version__,
        policy=page_frame.policy(styles),
        styles=[Markup(style) for style in styles],
        body=Markup(body),
    )
