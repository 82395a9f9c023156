"""The words of imagematch as frozen data classes: what the stages hand to each other.

Nothing here reads anything; see docs/architecture.md for how the records flow. What a record says
of itself, in JSON or a sentence, is made when somebody asks, by `conversions` and `wording`.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

import numpy as np

type Kind = Literal["exact", "copy", "part", "scene"]
type IdentifierKind = Literal["phone", "email", "handle", "url", "host", "crypto", "other", "text"]
#: All of them, as people type them.
IDENTIFIER_KINDS: tuple[IdentifierKind, ...] = tuple(
    kind for kind in get_args(IdentifierKind.__value__) if kind != "text"
)
type About = Literal["match", "ignore", "hot"]
type Verdict = Literal["confirm", "reject", "ignore", "release", "keep", "reopen"]
type Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
type Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
type Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
type Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

#: Why a file could not be described; stable, for programs. The text beside it is for people.
FAILURE_CODES = (
    "unreadable",  # the file system refused: permissions, I/O error, gone meanwhile
    "empty",  # zero bytes
    "not_an_image",  # no known image signature
    "unsupported",  # an image, but of a format or variant that is not decoded
    "corrupt",  # an image of a supported format whose data can't be decoded
    "too_large",  # over the byte or pixel limit
    "changed",  # the bytes changed between being hashed and being decoded
    "timeout",  # the worker was stopped after the per-file time limit
    "memory",  # the worker ran into its memory limit
    "crashed",  # the worker process died on this file
    "internal",  # imagematch itself failed on it: an error that should be reported
)

#: Failures that may have had a passing cause, so that a later run tries the file again.
PASSING_FAILURES = frozenset({"unreadable", "changed", "timeout", "memory", "crashed"})


#: Length of a PDQ hash, 256 bits, and of a pHash, 64 bits.
PDQ_BYTES = 32
PHASH_BYTES = 8

#: What a decision can say of each subject; "reopen", the last, takes back what was said before.
VERDICTS: Mapping[About, tuple[Verdict, ...]] = {
    "match": ("confirm", "reject", "reopen"),
    "ignore": ("ignore", "reopen"),
    "hot": ("release", "keep", "reopen"),
}

#: Hex digits of a SHA-256 that people are shown and type: 48 bits tell the photos of any index.
SHORT = 12


def match_id(one: str, two: str) -> str:
    """The name of a pair of photos that people type, the same from either side.

    Args:
        one, two: SHA-256, hex.
    """
    return "-".join(sha256[:SHORT] for sha256 in sorted((one, two)))


class InJson:
    """A record that has a place in the JSON contract, see `imagematch.contract`."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """What the commands write of it as JSON; see docs/schemas."""
        from imagematch import conversions  # what nobody asks for in JSON loads no types of it

        return conversions.to_dict(self)


# --- sources -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Locator:
    """Where the bytes of a photo are; `sources.reading` opens it, and nobody else takes it apart.

    Its text is for people, and names the file as the file system spells it.

    Attributes:
        root: absolute; "" for a file from outside, whose path is as somebody gave it.
        path: relative to the root, as in `FoundFile`.
    """

    root: str
    path: str

    def __str__(self) -> str:
        return os.path.join(self.root, self.path)  # noqa: PTH118 - a Path drops "./"

    @classmethod
    def outside(cls, path: str | os.PathLike[str]) -> Self:
        """A file that belongs to no index."""
        return cls("", os.fspath(path))


@dataclass(frozen=True, slots=True)
class RootLabels:
    """What says where the photos of a root are from, as it is kept from run to run.

    Attributes:
        site_from_path: the first folder is the site, the second the profile.
        manifest: absolute path; "" for none.
        identifiers: columns of the manifest that hold identifiers, by name, with their kind.
    """

    site_from_path: bool = False
    manifest: str = ""
    identifiers: tuple[tuple[str, IdentifierKind], ...] = ()


@dataclass(frozen=True, slots=True)
class SightingInfo:
    """What a source says about one place where a photo was seen. Empty text means unknown."""

    site: str = ""
    profile: str = ""
    url: str = ""
    ad_id: str = ""
    posted_at: str = ""  # as given, ISO 8601 where it could be understood
    phone: str = ""  # E.164 where it could be understood (see `kernels.phones`), else as given
    email: str = ""
    location: str = ""
    text: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)  # further manifest columns, as they are


@dataclass(frozen=True, slots=True)
class Identifier:
    """Something that a profile shows and that can be looked up, so that two that show it meet.

    Attributes:
        value: normal form: E.164; an e-mail in lower case; `platform:name`, with `handle` as the
            platform of a name that may be on any; a URL; a host without `www.`; `coin:address`.
        raw: as it is shown.
        confirmed: more than its shape speaks for it: the tables of numbers, a checksum, a platform.
    """

    kind: IdentifierKind
    value: str
    raw: str
    confirmed: bool


#: The place of what is read in the address of the ad itself, which no other ad has.
OWN_ADDRESS = "url"


@dataclass(frozen=True, slots=True)
class Showing:
    """An identifier that a sighting shows.

    Attributes:
        place: where in it that was read: "phone", "email", "text", a column of the manifest that is
            marked as an identifier, or `OWN_ADDRESS`.
    """

    identifier: Identifier
    place: str


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One regular file below a root.

    Attributes:
        path: relative to the root, `/` between parts, as the file system spells it
            (undecodable bytes as surrogate escapes, see `os.fsdecode`).
        size: bytes.
        mtime_ns: modification time, nanoseconds since 1970.
        sightings: at least one; several when the manifest names the file in several rows.
        inode, ctime_ns: its number in the file system, and when its data, times, owner or name
            were last changed, nanoseconds since 1970; 0 where nobody looked, or can tell (Windows).
    """

    path: str
    size: int
    mtime_ns: int
    sightings: tuple[SightingInfo, ...] = (SightingInfo(),)
    inode: int = field(default=0, compare=False)
    ctime_ns: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FoundAd:
    """An ad without a photo.

    Attributes:
        key: what it is known by in its root, see `key_of`.
        sightings: at least one, of the same profile; several when rows have one key.
    """

    key: str
    sightings: tuple[SightingInfo, ...]

    @staticmethod
    def key_of(info: SightingInfo) -> str:
        """What an ad is known by: its number or else its address on its site, so that it stays the
        same when it is edited; without either, who posted it and all that it says."""
        poster = _digest(info.site, info.profile)
        if info.ad_id or info.url:
            return _digest(poster, "number" if info.ad_id else "address", info.ad_id or info.url)
        further = (word for column in sorted(info.extra.items()) for word in column)
        words = (info.posted_at, info.phone, info.email, info.location, info.text, *further)
        return f"{poster}/{_digest(*words)}"

    @staticmethod
    def poster_in(key: str) -> str:
        """Who posted an ad that has no number and no address; "" for one that has."""
        poster, slash, _ = key.partition("/")
        return poster if slash else ""


def _digest(*words: str) -> str:
    """128 bits of texts, hex."""
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """Something below a root that is not read on purpose, and why, in plain words."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ManifestNote:
    """Something a manifest says that could not be used as it is.

    Attributes:
        problem: "row_without_file", "file_without_row", "duplicate_row", "bad_row", "not_utf8",
            "no_path_column", "no_such_column", "unread_text".
        where: "line 12" for a row, the relative path for a file.
        message: what was found, in plain words.
    """

    problem: str
    where: str
    message: str


# --- fingerprints ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one file has no fingerprint, or why one pair could not be compared.

    Attributes:
        traceback: where in imagematch it was raised; "" but for the code "internal".
    """

    code: str  # one of FAILURE_CODES
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All that is computed from one photo.

    Attributes:
        sha256: of the file's bytes, hex; the identity of the photo.
        pixel_sha256: of the upright RGB pixels as decoded, hex; equal for files that differ only
            in metadata or in a lossless container.
        width, height: px, after EXIF orientation, before any scaling.
        format: "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF".
        frames: 1 for a still photo.
        truncated: the file ended early and was decoded as far as possible.
        phash: `imagehash.phash`, 64 bits, 16 hex digits.
        pdq: PDQ, 256 bits, 64 hex digits.
        pdq_quality: 0-100; the PDQ paper advises against using hashes below 50.
        gate: "" for an ordinary photo, else why it may only match exactly: "flat", "tiny", "drawn".
        embeddings: shape (V, D), float32, rows of unit length: the whole picture, then its
            other views (`kernels.views`). V is 0 for a gated photo or with a preset that has no
            embedder.
        seconds: where the time went: "decode", "hash", "embed", "trace".
        picture: the small JPEG to keep of it (`kernels.kept_picture`); empty where none was asked
            for.
        trace: what to compare it by when its file is gone (`kernels.traces`); empty likewise, and
            where the photo shows nothing to compare.
        unseen: further pictures in the file (frames, pages) that were not described.
    """

    sha256: str
    pixel_sha256: str
    width: int
    height: int
    format: str
    frames: int
    truncated: bool
    phash: str
    pdq: str
    pdq_quality: int
    gate: str
    embeddings: Floats
    seconds: Mapping[str, float] = field(default_factory=dict)
    picture: bytes = b""
    trace: bytes = b""
    unseen: int = 0


# --- matches -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Geometry:
    """What keypoints and aligned pixels say about one pair, from the query to the indexed photo.

    Attributes:
        inliers: keypoint pairs that the homography explains.
        overlap: 0-1, share of the smaller photo (in its own pixels) that the other one covers.
        cover_query, cover_photo: 0-1, share of each photo's area that the other one covers.
        correlation: -1 to 1, median local normalised cross-correlation of the aligned pixels over
            textured windows of the overlap, without pixels that something on top may have changed;
            0 where nothing could be compared.
        agreement: 0-1, share of those windows that correlate at all (0.5 or more). Of two photos
            of different things on one floor, the floor agrees and the things do not.
        mirrored: the query was flipped left to right before it fitted.
        transform: 3x3 homography from query pixels to photo pixels, both upright and in full size.
        reason: "accepted", "few_keypoints", "few_inliers", "implausible", "small_overlap",
            "pixels_differ".
        closeness: 0-1, share of the windows that agree closely (0.9 or more).
        plain_correlation, plain_agreement, plain_closeness: the same three with all pixels.
        compared: 0-1, share of the overlap in which there was texture to compare.
        contradiction: 0-1, share of that in which both show something, not the same, amid what
            agrees: another person before one wall, on one card, in one frame.
        exchanged: 0-1, share of pixels where each has marks that the other lacks, as two numbers
            in one place have.
        detail: 0-1, share of pixels that are strong details of both.
        shared_detail: 0-1, share of the strong details of either that both have.
        kept: the file of a photo was gone, and the small picture kept of it was compared instead.
        coarse: keypoints found nothing, and both whole pictures were compared in their coarse
            shapes, see `kernels.whole`; there are no inliers then.
        traced: the file of a photo was gone, and the trace kept of it was compared instead; then
            `correlation`, `agreement` and `closeness` are of keypoints and not of pixels, see
            `kernels.traces`.
    """

    inliers: int
    overlap: float
    cover_query: float
    cover_photo: float
    correlation: float
    agreement: float
    mirrored: bool
    transform: tuple[tuple[float, float, float], ...] | None
    reason: str
    closeness: float = 0.0
    plain_correlation: float = 0.0
    plain_agreement: float = 0.0
    plain_closeness: float = 0.0
    compared: float = 0.0
    contradiction: float = 0.0
    exchanged: float = 0.0
    detail: float = 0.0
    shared_detail: float = 0.0
    kept: bool = False
    coarse: bool = False
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Evidence(InJson):
    """Why a pair is a match. Distances that were not measured are None.

    Attributes:
        exact: the same bytes or the same pixels.
        pdq_distance: bits of 256, the smallest over the eight flips and rotations of the query.
        cosine: -1 to 1, the largest of the whole picture of one with any view of the other.
        geometry: None when the pair was not verified (a file was gone, or geometry was not needed).
        rule: which rule decided, e.g. "same_bytes", "same_pixels", "geometry", "trace",
            "unverified".
    """

    exact: bool
    pdq_distance: int | None
    cosine: float | None
    geometry: Geometry | None
    rule: str


@dataclass(frozen=True, slots=True)
class Judgement(InJson):
    """One judged pair.

    Attributes:
        kind: what the pair is if it is anything.
        confidence: 0-1, calibrated probability that both derive from one photograph. Low for a
            `scene`, which is a lead to a place and never a copy.
    """

    kind: Kind
    confidence: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StoredSighting(InJson):
    """A sighting as the catalogue knows it."""

    photo: str  # sha256 of the photo, hex
    collection: str
    gallery: bool  # the collection is a reference gallery
    root: str  # absolute folder that `path` is relative to
    path: str  # printable; undecodable bytes as \\xNN
    info: SightingInfo
    first_seen: str  # ISO 8601, UTC
    last_seen: str
    present: bool  # False once the file has vanished or was replaced
    added_run: int  # the run that found it
    ignored: bool = False  # the collection is the ignore list's, so that nobody shows the photo

    @property
    def profile(self) -> "Profile | None":
        """Who showed it; None where nobody knows."""
        return Profile(self.info.site, self.info.profile) if self.info.profile else None


@dataclass(frozen=True, slots=True)
class Gallery(InJson):
    """A reference collection; `files` and `photos` count what is present."""

    name: str
    files: int
    photos: int


# --- decisions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Content:
    """What a photo is, wherever it is seen: its bytes and its pixels, as SHA-256, hex."""

    sha256: str
    pixel_sha256: str = ""  # "" while it is not described


@dataclass(frozen=True, slots=True)
class Decision(InJson):
    """What a person decided; the latest one about the same contents counts.

    Attributes:
        photos: what it is about, ascending: two contents for a match, else one.
        kind: of a match, what it was when it was decided; None where nothing had judged the pair.
        who: the account on the machine where it was made.
        at: ISO 8601, UTC, milliseconds.
    """

    about: About
    photos: tuple[Content, ...]
    verdict: Verdict
    who: str
    at: str
    note: str = ""
    kind: Kind | None = None

    @property
    def subject(self) -> str:
        """What people type for it: the id of a match or of a photo."""
        return "-".join(photo.sha256[:SHORT] for photo in self.photos)


@dataclass(frozen=True, slots=True)
class IgnoredPhoto(InJson):
    """A photo of the ignore list.

    Attributes:
        seen: where it was seen, ignored folders included; empty where the index does not have it.
        copies: sightings in ads of its near-copies, which are ignored with it.
    """

    decision: Decision
    seen: tuple[StoredSighting, ...]
    copies: tuple[StoredSighting, ...]


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What is asked for.

    Attributes:
        collection: only sightings of this one; "" for all.
        top: photos a query, at most; None for all.
        min_confidence: show every judged pair from here on, of any kind; None shows matches as
            the settings define them.
        scenes: also show other photos of the same place.
    """

    collection: str = ""
    top: int | None = 10
    min_confidence: float | None = None
    scenes: bool = False


class Judged(InJson):
    """What a record with a judgement says of it at once."""

    __slots__ = ()

    #: What to call the two photos.
    _NAMES = ("left", "right")

    judgement: Judgement

    @property
    def kind(self) -> Kind:
        """What the pair is if it is anything."""
        return self.judgement.kind

    @property
    def confidence(self) -> float:
        """0-1 as every report shows it: cut to four digits, 1 only where nothing is in doubt."""
        from imagematch import formatting

        return formatting.confidence(self.judgement)

    @property
    def why(self) -> str:
        """Why it is a match, or is not, in one or two sentences."""
        from imagematch import wording

        return wording.sentence(self.judgement, *self._NAMES)


@dataclass(frozen=True, slots=True)
class QueryMatch(Judged):
    """One sighting of a photo that matches the query.

    Attributes:
        id: what people type for the pair (see `match_id`).
        decision: what a person decided about it, if it is in force.
        ignored: the photo is on the ignore list, or a near-copy of one that is.
    """

    sighting: StoredSighting
    judgement: Judgement
    id: str = ""
    decision: Decision | None = None
    ignored: bool = False

    _NAMES = ("query", "indexed")

    @property
    def profile(self) -> "Profile | None":
        """Who showed the photo; None where nobody knows."""
        return self.sighting.profile


@dataclass(frozen=True, slots=True)
class QueryResult(InJson):
    """What is known about one query photo.

    Attributes:
        failure: why it could not be read; then there are no matches.
        gate: why only pictures with identical pixels were looked for: "tiny", "flat", "drawn" (see
            `Fingerprint`), or "vague" for a poor hash where there are no embeddings; "" for an
            ordinary photo.
        notes: what limits the answer, in whole sentences for people.
        not_looked_at: candidates whose picture could not be looked at, because their files are
            gone, were changed or can't be compared; a trace may stand in for it.
        further_pictures: in the file (frames, pages), that were not looked up.
        content: what the query is; None where it could not be read.
    """

    query: str
    matches: tuple[QueryMatch, ...] = ()
    failure: Failure | None = None
    gate: str = ""
    notes: tuple[str, ...] = ()
    not_looked_at: int = 0
    further_pictures: int = 0
    content: Content | None = None


@dataclass(frozen=True, slots=True)
class ListedHashes:
    """Hashes of a photo from elsewhere, as hex digits in lower case; "" for one that is not known.

    Attributes:
        label: what the list calls the photo.
        line: in the list; 0 for what stands in none.
    """

    sha256: str = ""
    pdq: str = ""
    phash: str = ""
    label: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class UnusableLine(InJson):
    """A line of a list that holds no hash to look up, and why, in plain words."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class HashLead:
    """One sighting of a photo that is near by its hashes alone: nobody has compared the pictures.

    Attributes:
        same_bytes: the SHA-256 is the same, which settles it.
        pdq_distance, phash_distance: bits of 256 and of 64; None where one is unknown or too far.
        orientation: what has to be done to the listed photo for its PDQ to be that near, see
            `kernels.hashes.DIHEDRAL`; "" for nothing.
        ignored: the photo is on the ignore list, or a near-copy of one that is.
    """

    sighting: StoredSighting
    same_bytes: bool
    pdq_distance: int | None
    phash_distance: int | None
    orientation: str
    ignored: bool


@dataclass(frozen=True, slots=True)
class HashResult(InJson):
    """What is known about one photo of which there are hashes only, nearest first."""

    asked: ListedHashes
    leads: tuple[HashLead, ...]


@dataclass(frozen=True, slots=True)
class ExportedHashes(InJson):
    """What other programs can look a photo up by, for one file that shows it."""

    sha256: str
    phash: str
    pdq: str
    pdq_quality: int
    gate: str
    collection: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG for a page, with its size in px."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A match as it is drawn: a file to keep, and the same smaller for a page."""

    png: bytes
    picture: Picture


# --- what else profiles show -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundSighting(InJson):
    """A sighting that shows what was looked for.

    Attributes:
        identifier: that it shows; None where what was looked for is a part of its words.
        place: where in it, as in `Showing`.
        typed: as it stands there; of a long text, what is around it.
    """

    sighting: StoredSighting
    identifier: Identifier | None
    place: str
    typed: str


@dataclass(frozen=True, slots=True)
class FindResult(InJson):
    """Who shows an identifier or some words.

    Attributes:
        asked: what was looked for.
        identifiers: that this may be, those that the index knows; else what its parts are like.
        as_text: none of them is known, or nobody wanted them, so that it was looked for as a part
            of all identifiers and words.
        sightings, profiles: how many there are in all.
        found: ads first, by site and profile; not all where there are too many.
        unread: sightings whose identifiers are not read yet, because a run was stopped or goes on.
    """

    asked: str
    identifiers: tuple[Identifier, ...]
    as_text: bool
    sightings: int
    profiles: int
    found: tuple[FoundSighting, ...]
    unread: int = 0


# --- links -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class Profile(InJson):
    """One account or ad poster on one site."""

    site: str
    handle: str

    def __hash__(self) -> int:
        # Linking asks for millions; a text remembers its own.
        return hash(self.handle)

    def __str__(self) -> str:
        return f"{self.site}/{self.handle}"


@dataclass(frozen=True, slots=True)
class PhotoPair(Judged):
    """Two sightings whose photos match: one piece of evidence for a link or a report.

    Attributes:
        shared_by: how many profiles show this photo in any form; 2 is as rare as it gets.
        decision: what a person decided about it, if it is in force.
    """

    left: StoredSighting
    right: StoredSighting
    judgement: Judgement
    shared_by: int = 2
    decision: Decision | None = None

    @property
    def id(self) -> str:
        """What people type for the pair."""
        return match_id(self.left.photo, self.right.photo)


type OperatorVerdict = Literal["same", "not_same", "reopen"]


@dataclass(frozen=True, slots=True)
class OperatorDecision(InJson):
    """What a person said of two profiles or clusters; of two profiles, the latest one counts.

    Attributes:
        left, right: profiles, ascending; of a cluster, those that were in it then.
        verdict: whether each of the left has the same operator as each of the right; "reopen" takes
            back what was said.
        who, at, note: as in `Decision`.
    """

    left: tuple[Profile, ...]
    right: tuple[Profile, ...]
    verdict: OperatorVerdict
    who: str
    at: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class OperatorEffect:
    """What a decision about operators did to the clusters of its profiles.

    Attributes:
        profiles: of the cluster that they all are in now; 0 where they are in none or in several.
        replaced: earlier decisions that said something else of some of them, until then in force.
        apart: decisions that keep profiles of these clusters apart.
        unmet: decisions that they have one operator, which `apart` rules out.
    """

    profiles: int
    replaced: tuple[OperatorDecision, ...]
    apart: tuple[OperatorDecision, ...]
    unmet: tuple[OperatorDecision, ...]


#: What profiles may have in common: a photo, in any form; one of which a person said that it is one
#: operator's; a text that is all but the same; a contact; a handle without its platform ("name").
type ItemKind = Literal[
    "photo",
    "released",
    "text",
    "phone",
    "email",
    "handle",
    "name",
    "crypto",
    "url",
    "host",
    "other",
]


@dataclass(frozen=True, slots=True)
class SharedItem(InJson):
    """Something that profiles have in common: a piece of evidence.

    Attributes:
        value: its normal form; of a photo, the SHA-256 of one of its forms.
        bits: how much it says that those who show it have one operator: 10 bits, that this is
            2 to the 10th times as likely as without it.
        profiles: those of the link or the cluster that show it.
        elsewhere: how many others do.
        sighting: of a photo, one that shows it.
    """

    kind: ItemKind
    value: str
    bits: float
    profiles: tuple[Profile, ...]
    elsewhere: int
    sighting: StoredSighting | None = None


@dataclass(frozen=True, slots=True)
class Link(InJson):
    """Two profiles of one operator, as far as can be told, and what they share.

    Attributes:
        probability: 0-1, that they have one operator.
        prior: bits before anything is known; negative, for most profiles have different ones.
        shared: what speaks for it, most bits first.
        rest: bits of all else: what they share with other profiles of their cluster, and what one
            of them shows and the other does not, which speaks against it.
        pairs: photos of both that match, surest first, one for each photo that they share.
        decision: what a person said of the two; then the link is certain, whatever they share.
    """

    left: Profile
    right: Profile
    probability: float
    prior: float
    shared: tuple[SharedItem, ...]
    rest: float
    pairs: tuple[PhotoPair, ...]
    decision: OperatorDecision | None = None

    @property
    def bits(self) -> float:
        """All evidence together."""
        return self.prior + sum(item.bits for item in self.shared) + self.rest


@dataclass(frozen=True, slots=True)
class Stop(InJson):
    """Where and when some profiles of a cluster had ads.

    Attributes:
        day: as the ads say, ISO 8601, or when they were first seen; "" where neither is known.
        seen: the day is when the ads were first seen: they do not say when they were posted.
        place: as an ad has it; "" for none.
        ads: how many.
    """

    day: str
    seen: bool
    place: str
    sites: tuple[str, ...]
    profiles: tuple[Profile, ...]
    ads: int


@dataclass(frozen=True, slots=True)
class Doubt(InJson):
    """What speaks against a cluster, or makes it rest on little.

    Attributes:
        kind: "one_item" (all rests on one item), "phones_differ" (profiles with different phones
            that share none), "places_differ" (ads in several places on one day).
        detail: the kind of the item and its value, the phones, or the day with its places.
    """

    kind: Literal["one_item", "phones_differ", "places_differ"]
    detail: tuple[str, ...]
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Cluster(InJson):
    """Profiles of one operator, as far as can be told.

    Attributes:
        id: stays when the cluster grows. Of two clusters that become one, and of one that falls
            apart, the part with the profile that was indexed first keeps it.
        number: 1 for the largest.
        links: between its profiles, of those that share something; of more than a few profiles
            that share one item, each is linked with the first of them only.
        weakest: the link that holds the cluster together least: without it, it falls apart or
            rests on weaker ones.
        shared: what its profiles have in common, most bits first.
        stops: where and when its ads were, in order.
    """

    id: str
    number: int
    profiles: tuple[Profile, ...]
    links: tuple[Link, ...]
    weakest: Link
    shared: tuple[SharedItem, ...]
    stops: tuple[Stop, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that its profiles are on."""
        return tuple(sorted({profile.site for profile in self.profiles}))


@dataclass(frozen=True, slots=True)
class ClusterChange(InJson):
    """What became of a cluster since the last report.

    Attributes:
        what: it is new; it grew; several were joined to it; it fell apart; its profiles are in no
            cluster any more.
        id: of the cluster, as it is now or was.
        others: the clusters that it was made of; of one that fell apart, those that it became.
        profiles: those that it grew by; else all that it has or had.
    """

    what: Literal["new", "grew", "joined", "fell_apart", "gone"]
    id: str
    others: tuple[str, ...]
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Bridge(InJson):
    """Something rare that profiles of different operators show, as far as can be told.

    A stolen photo, most often; or two clusters are one after all.

    Attributes:
        sides: of each operator, the id of its cluster ("" for a profile in none) and the profiles
            that show it; those with most profiles first.
        probability: 0-1, that they have one operator after all.
    """

    item: SharedItem
    sides: tuple[tuple[str, tuple[Profile, ...]], ...]
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class CommonIdentifier(InJson):
    """A contact that so many profiles show that it joins nobody.

    Attributes:
        site: whose own contact it seems to be, as a hotline on most of its ads; "" for none.
        profiles: how many show it.
    """

    kind: ItemKind
    value: str
    site: str
    profiles: int


@dataclass(frozen=True, slots=True)
class HotPhoto(InJson):
    """A photo set aside because it would link people by mistake.

    Attributes:
        reason: "shared_by_many" (placeholder, logo, stock picture), "flat", "tiny", "drawn",
            "kept" (a person settled that it stays out), "ignored" (it is on the ignore list).
        decision: what a person decided about it, if it is in force; the latest about its copies.
    """

    sighting: StoredSighting  # one example
    profiles: tuple[Profile, ...]
    reason: str
    decision: Decision | None = None

    @property
    def state(self) -> Literal["waiting", "released", "kept", "ignored"]:
        """Whether somebody should look at it, or what was decided."""
        if self.reason == "ignored":
            return "ignored"
        if self.decision is None:
            return "waiting"
        return "released" if self.decision.verdict == "release" else "kept"

    @property
    def needs_answer(self) -> bool:
        """A person should say whose it is: many show it, and nothing else connects them."""
        return self.reason == "shared_by_many" and self.state == "waiting"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a decision or a setting reaches: the links that photos make by it.

    Attributes:
        profiles: that show these photos.
        links: of each such profile with each other one; strength is not looked at.
    """

    profiles: int
    links: int


@dataclass(frozen=True, slots=True)
class LinkReport(InJson):
    """Everything `imagematch link` found.

    Attributes:
        profiles: how many the index knows, linked or not.
        links: of all clusters, between profiles that may have one operator though they were not
            joined, and, where asked for, within profiles.
        hot: photos that link nobody, those first that most profiles show.
        common: contacts that link nobody.
        unprofiled: matches that join nobody because a sighting has no profile.
        apart: decisions in force that keep profiles apart, whatever these share; oldest first.
        unmet: decisions in force that profiles have one operator, which others rule out.
    """

    profiles: int
    links: tuple[Link, ...]
    clusters: tuple[Cluster, ...]
    bridges: tuple[Bridge, ...]
    hot: tuple[HotPhoto, ...]
    common: tuple[CommonIdentifier, ...]
    gallery_hits: tuple[PhotoPair, ...]  # left: the gallery's photo, right: the ad's
    scenes: tuple[PhotoPair, ...]  # leads: another photo of the same place
    unprofiled: int = 0
    apart: tuple[OperatorDecision, ...] = ()
    unmet: tuple[OperatorDecision, ...] = ()


# --- reports of stages -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file that could not be described, for the list at the end of a run."""

    path: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Comparison(InJson):
    """Two files that were compared with each other, without an index.

    Attributes:
        left, right: paths as they were given.
        id: what people type for the pair (see `match_id`); "" where there is no judgement.
        judgement: None where a file can't be described, or the pair can't be judged.
        counts: the pair is a match, or a lead that a search would keep, by the settings.
        failures: why there is no judgement; the path is "" where it is about the pair.
    """

    left: str
    right: str
    id: str = ""
    judgement: Judgement | None = None
    counts: bool = False
    failures: tuple[FailedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexReport(InJson):
    """The counts of one indexing run; seen = described + known + skipped + failed, in files.

    A folder that can't be read is one that is skipped. What is known of the files in it stays, and
    they count nowhere.

    Attributes:
        described: files whose content was new and got a fingerprint.
        known: files whose content already had one.
        failed: files that could not be described, now or before.
        failed_new: those of them that no earlier run of this folder told of.
        failed_pairs: pairs that could not be compared, of which no earlier run told.
        matches: pairs stored by this run.
        seconds: wall clock.
        new, moved, changed, vanished: what became of files since the last run, without those that
            are plainly no pictures.
        partly_seen: files among those described that hold further pictures (frames of an animation,
            pages), which were not described.
        failures, pair_failures: those that are new.
        skipped_kinds: how many were skipped, by what they are: "json", "mp4", "link".
        ads_without_photo: rows of the manifest that are about no file; they count nowhere else.
        spent: seconds of work by part: "scan", "decode", "hash", "embed", "trace", "store",
            "search", "verify", "identify".
        not_looked_at: pairs that were judged without a look at one of the pictures, because its
            file is gone, was changed or can't be compared; a trace may have stood in for it.
    """

    seen: int
    described: int
    known: int
    skipped: int
    failed: int
    matches: int
    seconds: float
    failed_new: int = 0
    failed_pairs: int = 0
    new: int = 0
    moved: int = 0
    changed: int = 0
    vanished: int = 0
    partly_seen: int = 0
    skips: tuple[SkippedFile, ...] = ()
    failures: tuple[FailedFile, ...] = ()
    pair_failures: tuple[Failure, ...] = ()
    notes: tuple[ManifestNote, ...] = ()
    spent: Mapping[str, float] = field(default_factory=dict)
    run_id: int = 0
    not_looked_at: int = 0
    skipped_kinds: Mapping[str, int] = field(default_factory=dict)
    ads_without_photo: int = 0
