"""Records for the report tests: small, and explicit only where a test cares."""

import hashlib
from dataclasses import replace
from typing import Any

from imagematch.records import (
    VERDICTS,
    Bridge,
    Cluster,
    CommonIdentifier,
    Content,
    Decision,
    Doubt,
    Evidence,
    Geometry,
    HotPhoto,
    ItemKind,
    Judgement,
    Kind,
    Link,
    LinkReport,
    OperatorDecision,
    OperatorVerdict,
    PhotoPair,
    Profile,
    QueryMatch,
    QueryResult,
    SharedItem,
    SightingInfo,
    Stop,
    StoredSighting,
    Verdict,
    match_id,
)
from imagematch.reports.html import About

ABOUT = About(index="indexes/default", made_at="2026-05-09T05:12:31+00:00")
TRANSFORM = ((0.5, 0.0, 10.0), (0.0, 0.5, -3.25), (1.234567e-6, 0.0, 1.0))

#: Names as a hostile advertiser may write them.
HOSTILE = (
    "<script>document.title = 'owned'</script>",
    '"><img src=x onerror="document.title = 1">',
    "{{ 7 * 7 }}{% raw %}",
    "]]></style><style>*{display:none}</style>",
    "javascript:alert(1)",
    "photo\u202egpj.exe",
    "two\nlines\x00\x1b[31m",
    "\udcff\ud800 not UTF-8",
    "n" * 10_000,
)


def sha(name: str) -> str:
    """A photo's identity, from any name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def sighting(
    path: str = "siteA/anna/1.jpg",
    site: str = "siteA",
    profile: str = "anna",
    *,
    collection: str = "ads",
    photo: str = "",
    present: bool = True,
    **info: Any,
) -> StoredSighting:
    """A stored sighting; its photo is named after its path."""
    return StoredSighting(
        photo=photo or sha(path),
        collection=collection,
        gallery=collection != "ads",
        root="/evidence",
        path=path,
        info=SightingInfo(site, profile, **info),
        first_seen="2026-04-02T03:10:11+00:00",
        last_seen="2026-05-09T03:12:00+00:00",
        present=present,
        added_run=1,
    )


def geometry(
    inliers: int = 64,
    *,
    overlap: float = 0.72,
    correlation: float = 0.97,
    mirrored: bool = False,
    transform: tuple[tuple[float, float, float], ...] | None = TRANSFORM,
    reason: str = "accepted",
) -> Geometry:
    """What geometry says about a pair."""
    return Geometry(inliers, overlap, 0.4, 0.9, correlation, 0.9, mirrored, transform, reason)


def judgement(
    kind: Kind = "copy", confidence: float = 0.998, *, fit: Geometry | None = None
) -> Judgement:
    """A pair that geometry verified."""
    return Judgement(kind, confidence, Evidence(False, 18, 0.81, fit or geometry(), "geometry"))


def exact(confidence: float = 1.0) -> Judgement:
    """A pair of the same bytes."""
    return Judgement("exact", confidence, Evidence(True, 0, 1.0, None, "same_bytes"))


def unverified(confidence: float = 0.62) -> Judgement:
    """A pair whose files are gone, so that only distances are known."""
    return Judgement("copy", confidence, Evidence(False, 31, None, None, "unverified"))


def scene() -> Judgement:
    """Another photo of the same place."""
    fit = geometry(34, correlation=0.31, reason="pixels_differ")
    return Judgement("scene", 0.03, Evidence(False, 122, 0.68, fit, "geometry"))


def pair(
    left: StoredSighting | None = None,
    right: StoredSighting | None = None,
    judged: Judgement | None = None,
) -> PhotoPair:
    """A pair of siteA/anna and siteB/bella."""
    return PhotoPair(
        left or sighting(),
        right or sighting("siteB/bella/9.jpg", "siteB", "bella"),
        judged or judgement(),
    )


def item(
    kind: ItemKind = "phone",
    value: str = "+31612345678",
    *profiles: Profile,
    bits: float = 10.0,
    elsewhere: int = 0,
    seen: StoredSighting | None = None,
) -> SharedItem:
    """Something that profiles share."""
    return SharedItem(kind, value, bits, profiles, elsewhere, seen)


def photo_item(seen: StoredSighting, *profiles: Profile, bits: float = 9.5) -> SharedItem:
    """A photo that profiles share."""
    return item("photo", seen.photo, *profiles, bits=bits, seen=seen)


def link_between(
    left: Profile,
    right: Profile,
    *pairs: PhotoPair,
    probability: float = 0.99,
    shared: tuple[SharedItem, ...] | None = None,
    rest: float = -1.25,
) -> Link:
    """A link of two profiles that share the photos of the pairs, or what is given."""
    if shared is None:
        shared = tuple(photo_item(pair.left, left, right) for pair in pairs)
    return Link(left, right, probability, -9.0, shared, rest, pairs)


def cluster_of(
    *links: Link,
    weakest: Link | None = None,
    number: int = 1,
    shared: tuple[SharedItem, ...] = (),
    stops: tuple[Stop, ...] = (),
    doubts: tuple[Doubt, ...] = (),
) -> Cluster:
    """A cluster of all that links join; its id is made of its number."""
    profiles = sorted({end for link in links for end in (link.left, link.right)})
    return Cluster(
        f"c{number}", number, tuple(profiles), links, weakest or links[-1], shared, stops, doubts
    )


def found(profiles: int = 2, **parts: Any) -> LinkReport:
    """A report with these parts and no others."""
    names = ("links", "clusters", "bridges", "hot", "common", "gallery_hits", "scenes")
    return LinkReport(profiles, **{**dict.fromkeys(names, ()), **parts})


def named_report(name: str) -> LinkReport:
    """A report in which every text that strangers write is `name`."""
    one = sighting(
        name,
        name,
        name,
        collection=name,
        url=name,
        ad_id=name,
        posted_at=name,
        phone=name,
        email=name,
        location=name,
        text=name,
    )
    anna, other = Profile(name, name), Profile("siteB", "bella")
    shared = replace(pair(one, judged=judgement()), decision=decision("confirm", name))
    of_all = photo_item(one, anna, other), item("handle", name, anna, other, bits=7.5)
    link = replace(
        link_between(anna, other, shared, shared=of_all),
        decision=said_of(anna, other, words=name),
    )
    stops = (
        Stop(name, True, name, (name,), (anna,), 1),
        Stop("2026-03-01", False, name, (name, "siteB"), (anna, other), 2),
        Stop("2026-03-04", False, "Ghent", ("siteB",), (other,), 1),
    )
    doubts = (
        Doubt("one_item", ("photo", name), (anna,)),
        Doubt("phones_differ", (name, "+31612345678"), (anna, other)),
        Doubt("places_differ", (name, name, "Ghent"), (anna,)),
    )
    cluster = cluster_of(link, shared=of_all, stops=stops, doubts=doubts)
    return LinkReport(
        profiles=2,
        links=(link,),
        clusters=(replace(cluster, id=name),),
        bridges=(Bridge(of_all[0], ((name, (anna,)), ("", (other,)))),),
        hot=(
            HotPhoto(one, (anna,), "shared_by_many"),
            HotPhoto(one, (anna,), "kept", decision("keep", name)),
        ),
        common=(CommonIdentifier("phone", name, name, 40),),
        gallery_hits=(pair(one, judged=exact()),),
        scenes=(pair(one, judged=scene()),),
        apart=(said_of(anna, other, "not_same", name),),
        unmet=(said_of(anna, other, words=name),),
    )


def said_of(
    left: Profile, right: Profile, verdict: OperatorVerdict = "same", words: str = "anna"
) -> OperatorDecision:
    """What somebody said of two profiles, with `words` for a name and a note."""
    at = "2026-05-09T05:12:31.000+00:00"
    return OperatorDecision((left,), (right,), verdict, words, at, words)


def decision(verdict: Verdict, words: str = "anna") -> Decision:
    """What somebody decided, with `words` for a name and a note."""
    photos = (Content(sha("a")), Content(sha("b")))[: 1 + (verdict in VERDICTS["match"])]
    at = "2026-05-09T05:12:31.000+00:00"
    return Decision("match" if len(photos) == 2 else "hot", photos, verdict, words, at, words)


def report() -> LinkReport:
    """A report with every part and every kind of evidence."""
    anna, bella, cleo = (
        Profile("siteA", "anna"),
        Profile("siteB", "bella"),
        Profile("siteC", "cleo"),
    )
    strong = link_between(anna, bella, pair(), pair(judged=exact()), probability=0.9991)
    weak = link_between(
        bella, cleo, pair(judged=unverified()), pair(judged=judgement("part")), probability=0.93
    )
    by_phone = link_between(
        anna, cleo, shared=(item("phone", "+31612345678", anna, cleo),), probability=0.97
    )
    shared = (
        photo_item(sighting(), anna, bella, cleo, bits=21.0),
        item("phone", "+31612345678", anna, cleo, bits=12.5, elsewhere=1),
    )
    stops = (
        Stop("2026-03-01", False, "Antwerp", ("siteA",), (anna,), 2),
        Stop("2026-03-04", True, "Ghent", ("siteB", "siteC"), (bella, cleo), 3),
    )
    doubts = (Doubt("phones_differ", ("+31612345678", "+32470123456"), (anna, bella)),)
    cluster = cluster_of(strong, by_phone, weak, shared=shared, stops=stops, doubts=doubts)
    dora = Profile("siteD", "dora")
    return LinkReport(
        profiles=4,
        links=(weak, strong, by_phone),
        clusters=(cluster,),
        bridges=(
            Bridge(
                photo_item(sighting("stolen.jpg"), anna, dora, bits=4.0),
                (("c1", (anna,)), ("", (dora,))),
            ),
        ),
        hot=(HotPhoto(sighting("none.png"), (anna, bella, cleo), "shared_by_many"),),
        common=(CommonIdentifier("phone", "+3130000000", "siteA", 300),),
        gallery_hits=(pair(sighting("missing/7.jpg", "", "", collection="missing")),),
        scenes=(pair(judged=scene()),),
        apart=(said_of(anna, dora, "not_same"),),
        unmet=(said_of(cleo, dora),),
    )


def result(*matches: tuple[StoredSighting, Judgement], query: str = "in/a.jpg") -> QueryResult:
    """What is known of one query photo."""
    return QueryResult(
        query,
        tuple(
            QueryMatch(found, judged, match_id(sha(query), found.photo))
            for found, judged in matches
        ),
    )
