"""The JSON that imagematch writes, as types: the keys in order, and what each may hold and means.

docs/schemas is generated from them by scripts/make_schemas.py. `imagematch.conversions` makes them
from records. A key that is not always there has the default `UNSET`.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from imagematch.records import (
    About,
    IdentifierKind,
    ItemKind,
    Kind,
    OperatorVerdict,
    Verdict,
)


class Shape(Struct, forbid_unknown_fields=True):
    """An object with these keys and no others."""


class GrowingShape(Struct):
    """An object that later versions may add keys to."""


def said(text: str) -> Meta:
    """What a value means, for the schema."""
    return Meta(description=text)


def among(*values: str) -> Meta:
    """The values that a text can have, where records have it as any text."""
    return Meta(extra_json_schema={"enum": list(values)})


# --- values ------------------------------------------------------------------------------------

type Count = Annotated[int, Meta(ge=0)]
type Some = Annotated[int, Meta(ge=1)]
type Share = Annotated[float, Meta(ge=0, le=1)]
type Correlation = Annotated[float, Meta(ge=-1, le=1)]
type Row = Annotated[list[float], Meta(min_length=3, max_length=3)]
type Transform = Annotated[list[Row], Meta(min_length=3, max_length=3)]
type HotState = Literal["waiting", "released", "kept", "ignored"]

type Sha256 = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file's bytes, hex: the identity of the photo.",
    ),
]
type PixelSha256 = Annotated[
    str,
    Meta(
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 of the upright RGB pixels, hex; empty: nobody knew them.",
    ),
]
type MatchId = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{12}-[0-9a-f]{12}$",
        description="The id of the match, for `imagematch decide`: the first 12 digits of both "
        "SHA-256, in ascending order.",
    ),
]
type Subject = Annotated[
    str,
    Meta(
        pattern="^[0-9a-f]{12}(-[0-9a-f]{12})?$",
        description="The id of a match, or the first 12 digits of a photo; not read on import.",
    ),
]
type MatchKind = Annotated[
    Kind,
    said(
        "exact: same bytes or pixels. copy: derives from the same photograph. part: one contains "
        "the other. scene: another photo of the same place, a lead and never a copy."
    ),
]
type Confidence = Annotated[
    Share,
    said(
        "Calibrated probability that both derive from one photograph, cut to four digits; below 1 "
        "unless the evidence is exact or a person confirmed the match."
    ),
]
type Band = Annotated[
    str,
    among("certain", "strong", "possible", ""),
    said(
        "Name of a range of confidence, see README.md; empty: a scene, or no match by the default "
        "settings."
    ),
]
type Probability = Annotated[
    Share,
    said(
        "That both profiles have one operator, as calibrated on made-up worlds; cut to four "
        "digits, always below 1."
    ),
]
type Bits = Annotated[
    float,
    said(
        "Evidence that profiles have one operator; 10 bits make it 2 to the 10th times as likely "
        "as without them, and negative ones speak against it."
    ),
]


# --- what people decided -----------------------------------------------------------------------


class Decision(Shape):
    """What a person decided, where it stands beside what it is about."""

    verdict: Verdict | OperatorVerdict
    who: Annotated[str, said("The account on the machine where it was decided.")]
    at: Annotated[str, said("ISO 8601, UTC, milliseconds.")]
    note: str


class SameOperator(Decision):
    """That a person said that two profiles have one operator."""

    verdict: Literal["same"]


class MatchDecision(Decision):
    """What a person decided about a match."""

    verdict: Literal["confirm", "reject"]


class ShownDecision(Decision):
    """What a person decided about a photo: hot, or ignored."""

    verdict: Literal["release", "keep", "ignore"]


class HotDecision(ShownDecision):
    """What a person decided about a hot photo."""

    verdict: Literal["release", "keep"]


class IgnoreDecision(ShownDecision):
    """That a person ignored a photo."""

    verdict: Literal["ignore"]


_IN_FORCE = said("What a person decided, if it is in force; null: nothing.")


class Content(Shape):
    """What a photo is, wherever it is seen."""

    sha256: Sha256
    pixel_sha256: PixelSha256


class HistoryEntry(Shape):
    """One decision of the history."""

    subject: Subject
    about: About
    photos: Annotated[
        list[Content],
        Meta(min_length=1, max_length=2, description="Ascending; two for a match, else one."),
    ]
    kind: Annotated[
        Kind | None,
        said("Of a match, what it was when it was decided; null: nothing had judged the pair."),
    ]
    verdict: Annotated[
        Verdict,
        said(
            "match: confirm, reject. ignore: ignore. hot: release, keep. All: reopen, which takes "
            "back what was said."
        ),
    ]
    who: Annotated[str, said("The account on the machine where it was decided.")]
    at: Annotated[str, said("ISO 8601, UTC, milliseconds.")]
    note: str
    in_force: Annotated[bool, said("No later decision has replaced it; not read on import.")]


class Profile(Shape):
    """One account or ad poster on one site."""

    site: str
    profile: str


type _Side = Annotated[
    list[Profile],
    Meta(min_length=1, description="Of a cluster, the profiles that were in it then."),
]


class SaidOfOperators(Shape):
    """What a person said of two profiles or clusters."""

    left: _Side
    right: _Side
    verdict: Annotated[
        OperatorVerdict,
        said(
            "Whether each of the left has the same operator as each of the right; reopen takes "
            "back what was said."
        ),
    ]
    who: Annotated[str, said("The account on the machine where it was decided.")]
    at: Annotated[str, said("ISO 8601, UTC, milliseconds.")]
    note: str


class OperatorEntry(SaidOfOperators):
    """One decision about operators of the history."""

    in_force: Annotated[
        bool,
        said("No later decision has replaced it for all its profiles; not read on import."),
    ]


class History(Shape):
    """Everything that people decided, each list oldest first.

    Of decisions about the same photos, and about the same two profiles, the latest counts.
    """

    decisions: list[HistoryEntry]
    operators: Annotated[
        list[OperatorEntry], said("Of profiles and clusters; older files do not have it.")
    ]


# --- matches -----------------------------------------------------------------------------------


class Sighting(Shape):
    """One place where a photo was seen."""

    photo: Sha256
    path: Annotated[str, said("As stored at indexing; undecodable bytes as \\xNN.")]
    collection: str
    site: Annotated[str, said("Empty: unknown.")]
    profile: Annotated[str, said("Empty: unknown.")]


class Evidence(Shape):
    """What was measured of a pair; null: not measured."""

    exact: Annotated[bool, said("The same bytes or the same pixels.")]
    pdq_distance: Annotated[
        Annotated[int, Meta(ge=0, le=256)] | None,
        said("Bits of 256, the smallest over flips and rotations; null: not measured."),
    ]
    cosine: Annotated[Correlation | None, said("Of the embeddings; null: not measured.")]
    inliers: Annotated[
        Count | None,
        said(
            "Keypoint pairs that the homography explains; null: geometry was not needed or not "
            "possible."
        ),
    ]
    overlap: Annotated[
        Share | None,
        said("Share of the smaller photo that the other one covers; null: as inliers."),
    ]
    mirrored: Annotated[
        bool,
        said(
            "The query was flipped left to right before it fitted; false also where geometry was "
            "not measured."
        ),
    ]
    transform: Annotated[
        Transform | None,
        said(
            "Homography from query pixels to photo pixels, row by row; null: none, or as inliers."
        ),
    ]
    traced: Annotated[
        bool,
        said(
            "The file of a photo was gone and the trace kept of it was compared: nobody has seen "
            "its pixels, and the numbers are of keypoints."
        ),
    ]


class PairEvidence(Evidence):
    """What was measured of a pair, and by which rule it was judged; null: not measured."""

    correlation: Annotated[
        Correlation | None,
        said("Median local correlation of the aligned pixels; null: as inliers."),
    ]
    agreement: Annotated[
        Share | None,
        said("Share of the aligned, textured area that agrees; null: as inliers."),
    ]
    rule: Annotated[
        str,
        said(
            "Which rule decided, such as same_bytes, same_pixels, geometry, trace, unverified, or "
            "confirmed by a person."
        ),
    ]


class Judgement(Shape):
    """What a pair is, how sure that is, and why."""

    kind: MatchKind
    confidence: Confidence
    band: Band
    evidence: PairEvidence


class Match(Sighting):
    """A sighting of a photo that matches the query."""

    match: MatchId
    kind: MatchKind
    confidence: Confidence
    band: Band
    evidence: Evidence
    decision: Annotated[MatchDecision | None, _IN_FORCE]
    ignored: Annotated[
        bool, said("The photo is on the ignore list, or a near-copy of one that is.")
    ]


type GivenPath = Annotated[str, said("The path as it was given.")]
type Gate = Annotated[
    str,
    among("", "tiny", "flat", "drawn", "vague"),
    said(
        "Why only pictures with identical pixels were looked for: the query is too small, almost "
        "one colour, text or drawing, or (in an index without embeddings) too soft for its hash. "
        "Empty: an ordinary photo."
    ),
]
type Notes = Annotated[
    list[str], said("What limits the answer, in sentences for people; mostly empty.")
]
type NotLookedAt = Annotated[
    Count,
    said(
        "Candidates whose picture could not be looked at, because their files are gone, were "
        "changed or can't be compared; notes say why. Some may have been compared by a trace."
    ),
]
type FurtherPictures = Annotated[
    Count,
    said(
        "Further pictures in the file (frames of an animation, pages) that were not looked up: at "
        "least so many."
    ),
]


class Answer(Shape):
    """One query photo and the sightings that match it, best first."""

    query: GivenPath
    status: Literal["ok"]
    gate: Gate
    notes: Notes
    not_looked_at: NotLookedAt
    further_pictures: FurtherPictures
    matches: list[Match]


class FailedQuery(Shape):
    """A query photo that could not be read."""

    query: GivenPath
    status: Literal["failed"]
    error: Annotated[str, said("A stable code, a colon and the reason.")]
    gate: Gate
    notes: Notes
    not_looked_at: NotLookedAt
    further_pictures: FurtherPictures
    matches: Annotated[list[Match], Meta(max_length=0)]


# --- files without an index --------------------------------------------------------------------


class ComparisonFailure(Shape):
    """Why there is no judgement of two files."""

    path: Annotated[str, said("The file as it was given; empty: the pair could not be judged.")]
    error: Annotated[str, said("A stable code, a colon and the reason.")]


class FailedComparison(Shape):
    """Two files that could not be compared."""

    left: GivenPath
    right: GivenPath
    status: Literal["failed"]
    failures: Annotated[list[ComparisonFailure], Meta(min_length=1)]


class Comparison(Shape):
    """Two files that were compared, without an index."""

    left: GivenPath
    right: GivenPath
    status: Literal["ok"]
    failures: Annotated[list[ComparisonFailure], Meta(max_length=0)]
    outcome: Annotated[
        Literal["match", "scene", "none"],
        said(
            "match: both derive from one photograph, by the confidence that a match takes. scene: "
            "a lead. none: no match, whatever kind and confidence say of what was measured."
        ),
    ]
    match: MatchId
    kind: MatchKind
    confidence: Confidence
    band: Band
    evidence: Evidence


# --- hashes ------------------------------------------------------------------------------------

type LookedUp64 = Annotated[
    str, Meta(pattern="^([0-9a-f]{64})?$", description="As it was looked up; empty: unknown.")
]
type LookedUp16 = Annotated[
    str, Meta(pattern="^([0-9a-f]{16})?$", description="As it was looked up; empty: unknown.")
]
type Line = Annotated[Count, said("Of the list; 0: typed.")]


class LeadEvidence(Shape):
    """How near a photo is by its hashes."""

    exact: Annotated[bool, said("The same bytes.")]
    pdq_distance: Annotated[
        Annotated[int, Meta(ge=0, le=256)] | None,
        said(
            "Bits of 256, the smallest over flips and rotations; null: unknown, or farther than "
            "search.lead_pdq_distance."
        ),
    ]
    phash_distance: Annotated[
        Annotated[int, Meta(ge=0, le=64)] | None,
        said("Bits of 64; null: unknown, or farther than search.lead_phash_distance."),
    ]
    orientation: Annotated[
        str,
        among(
            "",
            "turned 90 degrees left",
            "turned 180 degrees",
            "turned 90 degrees right",
            "mirrored top to bottom",
            "mirrored left to right",
            "mirrored on the main diagonal",
            "mirrored on the other diagonal",
        ),
        said("Of the listed photo, by its PDQ hash, when it is as near as that; empty: as it is."),
    ]


class Lead(Sighting):
    """A sighting of a photo that is near by its hashes."""

    kind: Annotated[
        Literal["exact", "lead"],
        said(
            "exact: the same bytes, by SHA-256. lead: near by a perceptual hash alone; nobody has "
            "compared the pictures, and there is no confidence."
        ),
    ]
    evidence: LeadEvidence
    ignored: Annotated[
        bool, said("The photo is on the ignore list, or a near-copy of one that is.")
    ]


class HashAnswer(Shape):
    """One photo of which there are hashes only, and what is near by them, nearest first."""

    line: Line
    status: Literal["ok"]
    label: Annotated[str, said("What the list calls the photo; empty: nothing.")]
    sha256: LookedUp64
    pdq: LookedUp64
    phash: LookedUp16
    leads: list[Lead]


class UnusableHashes(Shape):
    """A line that holds nothing that can be looked up."""

    line: Line
    status: Literal["failed"]
    error: Annotated[str, said("What is wrong with the line.")]
    leads: Annotated[list[Lead], Meta(max_length=0)]


class ExportedHashes(Shape):
    """The hashes of a photo, for one file that shows it."""

    sha256: Sha256
    phash: Annotated[
        str, Meta(pattern="^[0-9a-f]{16}$", description="As str(imagehash.phash(image)).")
    ]
    pdq: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="In ThreatExchange's order.")]
    pdq_quality: Annotated[
        int, Meta(ge=0, le=100, description="The PDQ paper advises against hashes below 50.")
    ]
    gate: Annotated[
        str,
        among("", "tiny", "flat", "drawn"),
        said("Why the perceptual hashes mean nothing; empty: an ordinary photo."),
    ]
    collection: str
    path: Annotated[str, said("As stored at indexing; undecodable bytes as \\xNN.")]


# --- what else profiles show -------------------------------------------------------------------


class Identifier(Shape):
    """Something that profiles show and that can be looked up, in a normal form."""

    kind: IdentifierKind
    value: Annotated[str, said("Normal form, see docs/identifiers.md.")]
    confirmed: Annotated[bool, said("More than its shape speaks for it.")]


class FoundSighting(Shape):
    """A sighting that shows what was looked for, and where in it."""

    identifier: Annotated[
        Identifier | None, said("null: what was looked for is a part of the words in that place.")
    ]
    place: Annotated[
        str,
        said(
            "Where it was read: phone, email, text, a marked column of the manifest, or url for "
            "the address of the ad itself; of words also location, ad_id, profile."
        ),
    ]
    typed: Annotated[str, said("As it stands there, or what is around it.")]
    photo: Annotated[
        str,
        Meta(
            pattern="^([0-9a-f]{64})?$",
            description="SHA-256 of the file's bytes, hex; empty: an ad without a photo, or one "
            "whose file can't be read.",
        ),
    ]
    path: Annotated[str, said("As stored at indexing; empty: an ad without a photo.")]
    collection: str
    gallery: Annotated[bool, said("The collection is a gallery.")]
    ignored: Annotated[bool, said("The collection is on the ignore list.")]
    site: Annotated[str, said("Empty: unknown.")]
    profile: Annotated[str, said("Empty: unknown.")]
    url: Annotated[str, said("Of the ad; empty: unknown.")]
    ad_id: Annotated[str, said("Empty: unknown.")]
    location: Annotated[str, said("Empty: unknown.")]
    posted_at: Annotated[str, said("As given, ISO 8601 where understood; empty: unknown.")]
    first_seen: Annotated[str, said("When a run first met it, ISO 8601, UTC.")]
    last_seen: Annotated[str, said("When a run last met it, ISO 8601, UTC.")]
    present: Annotated[bool, said("False: it was gone at the last run.")]


class FindResult(Shape):
    """Who shows an identifier or some words, ads first, by site and profile."""

    asked: str
    as_text: Annotated[
        bool,
        said(
            "It was looked for as a part of all identifiers and words: it is no identifier that "
            "the index knows, or nobody wanted it as one."
        ),
    ]
    identifiers: Annotated[
        list[Identifier], said("That it may be, or that it is a part of; those that are shown.")
    ]
    sightings: Annotated[Count, said("How many there are in all.")]
    profiles: Annotated[Count, said("How many named profiles these are of.")]
    found: Annotated[list[FoundSighting], said("No more sightings than --top.")]
    unread_sightings: Annotated[
        Count,
        said("Sightings whose identifiers are not read yet, because a run was stopped or goes on."),
    ]


# --- links -------------------------------------------------------------------------------------


class Pair(Shape):
    """Two sightings whose photos match."""

    left: Sighting
    right: Sighting
    match: MatchId
    kind: MatchKind
    confidence: Confidence
    band: Band
    evidence: PairEvidence
    shared_by: Annotated[Count, said("Profiles that show this photo in any form.")]
    decision: Annotated[MatchDecision | None, _IN_FORCE]


class SharedItem(Shape):
    """Something that profiles have in common: a piece of evidence."""

    kind: Annotated[
        ItemKind,
        said(
            "photo: in any form. released: a photo of which a person said that it is one "
            "operator's. text: all but the same. name: without its platform. The others are "
            "contacts."
        ),
    ]
    value: Annotated[
        str, said("Its normal form; of a photo, the SHA-256 of one of its forms, hex.")
    ]
    bits: Bits
    profiles: Annotated[list[Profile], said("Those of the link or the cluster that show it.")]
    elsewhere: Annotated[Count, said("How many other profiles show it.")]
    sighting: Annotated[Sighting | None, said("Of a photo, one that shows it; else null.")]


class Link(Shape):
    """Two profiles that likely have one operator, and why; bits = prior + shared + rest."""

    left: Profile
    right: Profile
    probability: Probability
    bits: Annotated[float, said("All evidence together.")]
    prior: Annotated[
        float, said("Bits before anything is known; negative, for most have different operators.")
    ]
    shared: Annotated[list[SharedItem], said("What speaks for it, most bits first.")]
    rest: Annotated[
        float,
        said(
            "Bits of all else: what they share with other profiles of their cluster, and what one "
            "of them shows and the other does not, which speaks against it."
        ),
    ]
    pairs: Annotated[
        list[Pair],
        said("Photos of both that match, surest first, one for each photo that they share."),
    ]
    decision: Annotated[
        SameOperator | None,
        said("What a person said of the two, if it is in force; it joins them. null: nothing."),
    ]


class Weakest(Shape):
    """The link that holds a cluster together least."""

    left: Profile
    right: Profile
    probability: Probability
    matches: Annotated[list[MatchId], said("The ids of its pairs, surest first.")]
    shared: Annotated[list[ItemKind], said("Kinds of what both share, each once, most bits first.")]


class Stop(Shape):
    """Where and when some profiles of a cluster had ads."""

    day: Annotated[
        str, said("As the ads say, ISO 8601, or when they were first seen; empty: unknown.")
    ]
    seen: Annotated[
        bool,
        said("The day is when the ads were first seen: they do not say when they were posted."),
    ]
    place: Annotated[str, said("As an ad has it; empty: none.")]
    sites: list[str]
    profiles: list[Profile]
    ads: Some


class Doubt(Shape):
    """What speaks against a cluster, or makes it rest on little."""

    kind: Annotated[
        Literal["one_item", "phones_differ", "places_differ"],
        said(
            "one_item: all rests on one item. phones_differ: profiles with different phones share "
            "none. places_differ: ads in several places on one day."
        ),
    ]
    detail: Annotated[list[str], said("The item, the phones, or the day with its places.")]
    profiles: list[Profile]


class Cluster(Shape):
    """Profiles that likely have one operator."""

    id: Annotated[str, said("Stays when the cluster grows.")]
    number: Annotated[int, Meta(ge=1, description="1 for the largest.")]
    profiles: list[Profile]
    sites: list[str]
    weakest: Weakest
    shared: Annotated[list[SharedItem], said("What its profiles have in common, most bits first.")]
    stops: Annotated[list[Stop], said("Where and when its ads were, in order.")]
    doubts: list[Doubt]


class Side(Shape):
    """One of the operators that show the item of a bridge."""

    cluster: Annotated[str, said("The id of its cluster; empty: a profile in none.")]
    profiles: Annotated[list[Profile], said("Those that show it.")]


class Bridge(Shape):
    """Something rare that profiles of different operators show: a stolen photo, most often."""

    item: SharedItem
    sides: Annotated[list[Side], said("Those with most profiles first.")]


class CommonIdentifier(Shape):
    """A contact that so many profiles show that it joins nobody."""

    kind: ItemKind
    value: str
    site: Annotated[str, said("Whose own contact it seems to be, such as a hotline; empty: none.")]
    profiles: Annotated[Count, said("How many show it.")]


class Hot(Shape):
    """A photo set aside because it would link people by mistake."""

    photo: Sha256
    path: Annotated[str, said("One example.")]
    reason: Annotated[
        str,
        said(
            "shared_by_many (many profiles show it, and nothing else connects them), flat, tiny, "
            "drawn, kept (a person settled that it stays out) or ignored."
        ),
    ]
    state: Annotated[HotState, said("Whether somebody should look at it, or what was decided.")]
    decision: Annotated[ShownDecision | None, _IN_FORCE]
    profiles: list[Profile]


class ListedHot(Hot):
    """A photo that waits for a decision as hot, or has one."""

    decision: Annotated[HotDecision | None, _IN_FORCE]


class LinkReport(Shape):
    """Profiles joined by what they share."""

    profiles: Count
    links: Annotated[list[Link], said("Most probable first.")]
    clusters: Annotated[list[Cluster], said("Largest first.")]
    bridges: list[Bridge]
    hot: Annotated[list[Hot], said("Photos that join nobody.")]
    common: Annotated[list[CommonIdentifier], said("Contacts that join nobody.")]
    gallery_hits: Annotated[list[Pair], said("left: the gallery's photo, right: the ad's.")]
    scenes: Annotated[list[Pair], said("Leads: other photos of the same place. Never copies.")]
    apart: Annotated[
        list[SaidOfOperators],
        said("Decisions in force that keep profiles apart, whatever these share."),
    ]
    unmet: Annotated[
        list[SaidOfOperators],
        said("Decisions in force that profiles have one operator, which others rule out."),
    ]


class HotList(Shape):
    """Photos that are set aside because they would link people by mistake, and those released."""

    hot: list[ListedHot]


class Ignored(Shape):
    """A photo of the ignore list."""

    photo: Sha256
    decision: IgnoreDecision
    seen: Annotated[
        list[Sighting],
        said(
            "Where the photo was seen, ignored folders included; empty: the index does not have it."
        ),
    ]
    near_copies: Annotated[
        list[Sighting], said("Sightings in ads of near-copies, which are ignored with it.")
    ]


class IgnoreList(Shape):
    """Photos that link nobody, are no gallery hit and no news, in the order the list grew."""

    ignored: list[Ignored]


# --- runs --------------------------------------------------------------------------------------


class IndexRun(Shape, kw_only=True):
    """The counts of one run; seen = described + known + skipped + failed, in files."""

    seen: Annotated[Count, said("Files below the folder.")]
    described: Annotated[Count, said("Files whose content was new.")]
    known: Annotated[Count, said("Files whose content already had a fingerprint.")]
    skipped: Annotated[
        Count,
        said("Files that are not read on purpose, and those that are plainly no pictures."),
    ]
    skipped_kinds: Annotated[
        dict[str, Some],
        said(
            "How many were skipped, by what they are: a suffix (json, mp4, db), text, film, data "
            "or empty for files without one; link, system, imagematch, unreadable, special. They "
            "add up to skipped."
        ),
    ]
    failed: Annotated[
        Count,
        said(
            "Files that could not be described, now or before. What is in a folder that can't be "
            "read counts nowhere; the folder is skipped."
        ),
    ]
    failed_new: Annotated[Count, said("Those of them that no earlier run of this folder told of.")]
    failed_pairs: Annotated[
        Count,
        said("Pairs of photos that could not be compared, of which no earlier run told."),
    ]
    matches: Annotated[Count, said("Pairs that this run stored.")]
    ads_without_photo: Annotated[
        Count, said("Rows of the manifest that are about no file; they count nowhere else.")
    ]
    seconds: Annotated[float, Meta(ge=0, description="Wall clock.")]
    not_looked_at: Annotated[
        Some | UnsetType,
        said(
            "Only where there are any: pairs that were judged without a look at one of the "
            "pictures, because its file is gone, was changed or can't be compared."
        ),
    ] = UNSET


class JobDone(IndexRun, kw_only=True, tag_field="status", tag="ok"):
    """A scheduled job that ran, and its counts."""

    name: str
    new: Count
    changed: Count
    moved: Count
    vanished: Count


class JobFailed(Shape, tag_field="status", tag="failed"):
    """A scheduled job that failed, and why."""

    name: str
    error: str


class Pass(Shape):
    """What became of the jobs of one pass, and where its report of new matches is."""

    jobs: list[JobDone | JobFailed]
    new_matches: Annotated[Count, said("Pairs that no report before has shown.")]
    changed_clusters: Annotated[
        Count, said("Clusters that are new, grew, were joined, fell apart or are gone.")
    ]
    report: Annotated[str, said("The file of new matches.")]


class ClusterChange(Shape):
    """What became of a cluster since the last report."""

    what: Annotated[
        Literal["new", "grew", "joined", "fell_apart", "gone"],
        said("joined: several became this one. gone: its profiles are in no cluster any more."),
    ]
    id: Annotated[str, said("As it is now or, of one that fell apart or is gone, as it was.")]
    others: Annotated[
        list[str], said("What it was made of; of one that fell apart, what it became.")
    ]
    profiles: Annotated[list[Profile], said("Those that it grew by; else all of it.")]


class NewMatches(Shape):
    """The pairs that are new since the last report."""

    made_at: Annotated[str, said("When the pass ended, ISO 8601, UTC.")]
    runs: Annotated[tuple[int, int], said("The first and the last run that the report covers.")]
    jobs: Annotated[list[JobDone | JobFailed], said("Of the pass that reports.")]
    matches: list[Pair]
    clusters: Annotated[list[ClusterChange], said("Of which no report before has told.")]


# --- the state of an index ---------------------------------------------------------------------


class Files(GrowingShape):
    """Files by what became of them."""

    present: Count
    vanished: Count
    replaced: Count


class DecisionCounts(GrowingShape):
    """How many decisions are in force, by what they are about."""

    match: Count
    ignore: Count
    hot: Count
    operator: Count


class Gallery(Shape):
    """A reference collection, and what is present of it."""

    name: str
    files: Count
    photos: Count


class GalleryList(Shape):
    """The galleries of an index."""

    galleries: list[Gallery]


class Vectors(GrowingShape):
    """One vector store."""

    vectors: Annotated[Count, said("That a search can find.")]
    removed: Annotated[Count, said("Still on the disk, but no longer found.")]
    shards: Count
    bytes: Count
    method: Annotated[
        str,
        said(
            "How it is searched; exact: every vector is compared; lists: of shards that are "
            "large, a part."
        ),
    ]
    listed: Annotated[
        Count,
        said("Vectors in shards that are too large for every one of them to be compared."),
    ]
    listed_shards: Count
    search: Annotated[str, said("How the store has chosen to search, in words.")]


class Kept(GrowingShape):
    """How many are kept, and their size."""

    kept: Count
    bytes: Count


class Run(GrowingShape):
    """One run of the pipeline."""

    id: Count
    what: str
    job: str
    folder: str
    started: Annotated[str, said("ISO 8601, UTC.")]
    finished: str | None
    state: Annotated[str, among("running", "done", "stopped", "failed", "killed")]
    message: str
    counts: Annotated[dict[str, Any], said("As of index --json, with the seconds spent by part.")]


type Code = Annotated[str, said("Why, for programs; internal is an error in imagematch itself.")]
type Traceback = Annotated[
    str, said("Where in imagematch it was raised, for the code internal; else empty.")
]
type Installation = Annotated[
    str,
    said(
        "The version of imagematch and of what it decodes with that met it last; empty where "
        "nobody noted it."
    ),
]


class FailedFile(GrowingShape):
    """A present file that could not be described."""

    collection: str
    root: str
    path: str
    code: Code
    message: str
    traceback: Traceback
    installation: Installation


class FailedPair(GrowingShape):
    """Two photos that could not be compared."""

    photos: Annotated[tuple[str, str], said("SHA-256 of both photos.")]
    paths: Annotated[tuple[str, str], said("Where a file of each is; empty where none is known.")]
    code: Code
    message: str
    traceback: Traceback
    installation: Installation


class Status(GrowingShape):
    """What an index holds.

    Programs should pass over keys that they do not know; later versions add some.
    """

    index: Annotated[str, said("Directory of the index.")]
    photos: Annotated[Count, said("Different photos.")]
    described: Annotated[Count, said("Photos with a fingerprint.")]
    pending: Annotated[Count, said("Photos that wait to be described, because a run was stopped.")]
    gated: Annotated[
        dict[str, Count], said("Photos that match only exactly, by reason: flat, tiny.")
    ]
    sightings: Annotated[
        Count, said("Places where photos were seen, and what ads without a photo say.")
    ]
    ads_without_photo: Annotated[Count, said("Present ones; they count under sightings, too.")]
    identifiers: Annotated[
        dict[str, Some],
        said("Different ones that sightings show, by kind: phone, email, handle, url, host, ..."),
    ]
    unread_sightings: Annotated[
        Count, said("Sightings whose identifiers are still to be read, because a run was stopped.")
    ]
    failed: Annotated[Count, said("Present files that could not be described.")]
    failed_pairs: Annotated[Count, said("Pairs of photos that could not be compared.")]
    skipped: Annotated[
        dict[str, Some],
        said("Present files that are plainly no pictures, by kind, see index.schema.json."),
    ]
    files: Files
    profiles: Annotated[Count, said("Different pairs of site and profile.")]
    matches: Annotated[Count, said("Stored pairs of all kinds.")]
    matches_by_kind: Annotated[
        dict[str, Count], said("Stored pairs by kind: exact, copy, part, scene.")
    ]
    waiting_pairs: Annotated[Count, said("Pairs that wait to be judged.")]
    decisions: Annotated[
        DecisionCounts,
        said(
            "What people decided and nobody took back: about matches, ignored and hot photos, and "
            "operators."
        ),
    ]
    collections: Annotated[
        dict[str, Count],
        said("By name: how many sightings each has, with those of files that are gone."),
    ]
    galleries: list[Gallery]
    preset: str
    embedder: Annotated[str | None, said("Which model made the embeddings; null or empty: none.")]
    catalogue: Annotated[str, said("Version of the database and where it is, without passwords.")]
    vectors: Annotated[dict[str, Vectors], said("By name of the vector store.")]
    traces: Annotated[
        Kept,
        said(
            "What is kept of photos to compare them by when their files are gone; in the catalogue."
        ),
    ]
    pictures: Annotated[
        Kept,
        said("Small grey pictures of photos, kept where store.keep_pictures is set."),
    ]
    bytes: Annotated[Count, said("All files of the index.")]
    runs: Annotated[list[Run], said("The last runs, newest first.")]
    writer: Annotated[str | None, said("Who is writing to the index at the moment, in words.")]
    failures: Annotated[
        list[FailedFile] | UnsetType, said("With --failures: the files behind `failed`.")
    ] = UNSET
    pair_failures: Annotated[
        list[FailedPair] | UnsetType,
        said("With --failures: the pairs behind `failed_pairs`."),
    ] = UNSET


class Finding(Shape):
    """What one check of a check-up found."""

    check: str
    state: Literal["ok", "warning", "problem"]
    message: str
    advice: Annotated[str, said("What to do about it; empty: nothing.")]


class Checkup(Shape):
    """Whether this machine and an index are well."""

    index: Annotated[str, said("Directory of the index.")]
    environment: Annotated[list[Finding], said("About this machine.")]
    findings: Annotated[list[Finding], said("About the index; what is left after a repair.")]
    repaired: Annotated[list[str], said("What a repair did.")]
