"""Records for the report tests: small, and explicit only where a test cares."""

import hashlib
from dataclasses import replace
from typing import Any

from imagematch.records import (
    VERDICTS,
    Cluster,
    Content,
    Decision,
    Evidence,
    Geometry,
    HotPhoto,
    Judgement,
    Kind,
    Link,
    LinkReport,
    PhotoPair,
    Profile,
    QueryMatch,
    QueryResult,
    SightingInfo,
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


def link_between(left: Profile, right: Profile, *pairs: PhotoPair, strength: float = 0.99) -> Link:
    """A link of two profiles."""
    return Link(left, right, strength, pairs)


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
    link = link_between(anna, other, shared)
    return LinkReport(
        profiles=2,
        links=(link,),
        clusters=(Cluster(1, (anna, other), (link,), link),),
        hot=(HotPhoto(one, (anna,), "kept", decision("keep", name)),),
        gallery_hits=(pair(one, judged=exact()),),
        scenes=(pair(one, judged=scene()),),
    )


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
    strong = link_between(anna, bella, pair(), pair(judged=exact()), strength=0.9991)
    weak = link_between(
        bella, cleo, pair(judged=unverified()), pair(judged=judgement("part")), strength=0.93
    )
    return LinkReport(
        profiles=3,
        links=(weak, strong),
        clusters=(Cluster(1, (anna, bella, cleo), (strong, weak), weak),),
        hot=(HotPhoto(sighting("none.png"), (anna, bella, cleo), "shared_by_many"),),
        gallery_hits=(pair(sighting("missing/7.jpg", "", "", collection="missing")),),
        scenes=(pair(judged=scene()),),
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
