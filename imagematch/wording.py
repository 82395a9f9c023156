"""Evidence in plain words: what a kind, a probability and the measurements of a pair mean."""

from collections.abc import Sequence
from typing import Literal

from imagematch import calibration, formatting
from imagematch.amounts import agreeing, counted
from imagematch.records import (
    Comparison,
    Decision,
    Evidence,
    Geometry,
    HashLead,
    Judgement,
    Kind,
    PhotoPair,
    QueryMatch,
    Verdict,
)
from imagematch.settings import DEFAULTS

#: Folders that a note names, at most.
_FOLDERS_NAMED = 3

#: Unbreakable, so that a number keeps its unit.
#: From here on, a sentence says what is amid what agrees, or that there are other marks, 0-1; and
#: least correlation of pictures that agree in all else.
_CONTRADICTS, _EXCHANGED, _AGREES = 0.03, 0.006, 0.6

_SPACE = "\u00a0"

#: What a comparison calls its two photos.
COMPARED = ("first", "second")

KIND_WORDS: dict[Kind, str] = {
    "exact": "Identical",
    "copy": "Copy",
    "part": "Part",
    "scene": "Same scene, a lead",
}

KIND_MEANINGS: dict[Kind, str] = {
    "exact": "The same file, or the same pixels in another file.",
    "copy": "Both derive from one photograph: recompressed, resized, cropped, mirrored, marked.",
    "part": "One photo contains the other: a collage, a screenshot, an inset.",
    "scene": "Another photograph of the same place or shoot. A lead to follow, never a copy.",
}

CANDIDATE_MEANING = "Not sure enough to count as a match; shown because it was asked for."


HOT_REASONS = {
    "shared_by_many": "Many profiles show it, and nothing else connects them: probably a "
    "placeholder, a logo or a stock picture.",
    "flat": "Almost one colour, so that it resembles any other flat picture.",
    "tiny": "Too small to tell from other small pictures.",
    "drawn": "Text or drawing and hardly any photograph: thousands look like it.",
    "kept": "A person settled that it links nobody.",
    "ignored": "On the ignore list, or a near-copy of a photo on it.",
}

#: Why a query was only compared for identical pixels, as the end of a sentence.
_GATES = {
    "tiny": "it is too small to tell from other small pictures. Look up a larger one if there is "
    "any.",
    "strip": "it is a long strip, which is a line once it is reduced to be compared. If it shows "
    "photos, cut them out and look them up.",
    "flat": "it is almost one colour, so that it resembles any other flat picture.",
    "drawn": "it is text or drawing and hardly any photograph, and thousands look like it. If it "
    "shows a photo, cut that out and look it up.",
    "vague": "it is too soft or too plain for its hash, and this index has no embeddings.",
}

_VERDICT_WORDS: dict[Verdict, str] = {
    "confirm": "confirmed",
    "reject": "rejected",
    "ignore": "ignored",
    "release": "released",
    "keep": "kept out",
    "reopen": "reopened",
}

_KEPT = " A file is gone; the small grey picture kept of it was compared."

_TRACED = (
    " A file is gone; the trace kept of it was compared, and nobody has seen its pixels: plug the "
    "drive in and query again to be sure."
)

_REFUSALS = {
    "few_keypoints": "there are too few keypoints to compare",
    "few_inliers": "too few keypoints fit",
    "implausible": "the fit would distort the photo implausibly",
    "small_overlap": "the part that fits is too small",
    "pixels_differ": "the aligned pixels differ",
    "accepted": "too little agrees",
}


PARTS_NOTE = (
    "The picture is text or drawing, and only the photos that seem to be in it were looked for."
)


def gate_note(gate: str, *, strip: bool) -> str:
    """What a gate (see `QueryResult`) means for an answer, in one or two sentences.

    Args:
        strip: the picture is tiny only by one side, and after it was reduced.
    """
    why = _GATES["strip" if strip and gate == "tiny" else gate]
    return f"Only identical pixels were looked for: {why}"


def long_note(width: int, height: int) -> str:
    """What it means that a long picture was reduced, in one or two sentences.

    Args:
        width, height: px, as it was compared.
    """
    return (
        f"The picture is long and was compared at {width} × {height} px, where small photos in it "
        f"can't be seen. If it shows some, cut them out and look them up."
    )


def unseen_note(gone: int, unreadable: int, traced: int, folders: Sequence[str]) -> str:
    """How many candidates of a query could not be looked at, why, and what to do.

    Args:
        gone, unreadable, traced, folders: see `stages.unseen.Unseen`.
    """
    count = gone + unreadable
    reasons = []
    if gone:
        where = f" ({_folders(folders)})" if folders else ""
        reasons.append(f"{counted(gone, 'file is', 'files are')} gone{where}")
    if unreadable:
        reasons.append(
            f"{counted(unreadable, 'file is', 'files are')} changed or can't be compared"
        )
    text = f"{counted(count, 'candidate')} could not be looked at: {', and '.join(reasons)}."
    if traced:
        text += f" {traced:,} of {count:,} compared by the trace kept of the photo."
    if gone:
        text += " Plug the drive in, or index the folder where it is now, and query again."
    return text


def _folders(folders: Sequence[str]) -> str:
    named = ", ".join(folders[:_FOLDERS_NAMED])
    more = len(folders) - _FOLDERS_NAMED
    return f"not there any more: {named}" + (f" and {more:,} more" if more > 0 else "")


def short_decision(decision: Decision) -> str:
    """What a person decided, and who: "confirmed by anna"."""
    return f"{_VERDICT_WORDS[decision.verdict]} by {decision.who}"


def full_decision(decision: Decision) -> str:
    """The same with the day and the note: "confirmed by anna on 2026-05-09: same scar"."""
    day = decision.at.partition("T")[0]
    return f"{short_decision(decision)} on {day}" + (f": {decision.note}" if decision.note else "")


def band(judgement: Judgement) -> str:
    """The name of the band of confidence that a match is in; "" for what is no match."""
    return calibration.band(judgement, calibration.shipped())


def band_rows() -> tuple[tuple[str, str, str], ...]:
    """For each band its name, where it begins, and what it was measured to be worth."""
    bands = calibration.shipped().bands
    return tuple((row.name, f"from {share(row.least)}", _worth(row)) for row in bands)


def _worth(row: calibration.Band) -> str:
    if row.precision is None:
        return "not measured yet"
    return f"{percent(row.precision)} of {row.pairs:,}"


def kind(judgement: Judgement) -> Kind | Literal["candidate"]:
    """The kind of a pair; "candidate" where it is no match, and must not be called a copy."""
    return judgement.kind if judgement.kind == "scene" or band(judgement) else "candidate"


def kind_word(judgement: Judgement) -> str:
    """The kind of a pair as a heading says it."""
    named = kind(judgement)
    return "Candidate" if named == "candidate" else KIND_WORDS[named]


def sureness(judgement: Judgement) -> str:
    """The confidence of a pair with its band: "99.8 %, certain"."""
    value = percent(formatting.confidence(judgement))
    if judgement.kind == "scene":
        return f"{value} as a copy"
    return f"{value}, {band(judgement)}" if band(judgement) else value


def verdict(found: PhotoPair | QueryMatch) -> str:
    """Kind, id and sureness of a match; what a person decided takes the place of the last."""
    sure = short_decision(found.decision) if found.decision else sureness(found.judgement)
    return f"{found.judgement.kind} {found.id}, {sure}"


def outcome(compared: Comparison) -> Literal["match", "scene", "none"]:
    """What comes of comparing two files: a match, a lead, or neither."""
    if compared.judgement is None or not compared.counts:
        return "none"
    return "scene" if compared.judgement.kind == "scene" else "match"


def comparison(compared: Comparison) -> str:
    """Kind, id and sureness of two files that were compared: "no match, 0.4 %"."""
    assert compared.judgement is not None
    sure = sureness(compared.judgement)
    if outcome(compared) == "none":
        return f"no match, {sure}"
    return f"{compared.judgement.kind} {compared.id}, {sure}"


def percent(probability: float) -> str:
    """A probability, 0-1, in percent, cut to one digit; 100 % only for 1."""
    if 0 < probability < 0.001:
        return f"below 0.1{_SPACE}%"
    if probability >= 1:
        return f"100{_SPACE}%"
    # Via four digits: 0.9987 * 1000 may fall short of 998.7, but not of 998.
    tenths = int(formatting.floored(probability) * 10_000 + 0.5) // 10
    return f"{tenths / 10:.1f}{_SPACE}%"


def share(value: float) -> str:
    """A share, 0-1, in whole percent."""
    return f"{value:.0%}".replace("%", f"{_SPACE}%")


def sentence(judgement: Judgement, left: str = "left", right: str = "right") -> str:
    """Why a pair is a match, or is not, in one or two sentences.

    Args:
        left, right: what to call the photos: "left" gives "the left photo".
    """
    evidence = judgement.evidence
    geometry = evidence.geometry
    if evidence.exact:
        return _exact(evidence.rule)
    if geometry is None and evidence.rule == "confirmed":
        return f"A person confirmed it; geometry was not measured. {_distances(evidence)}"
    if geometry is None:
        return (
            "Not verified by geometry, because a file is gone or could not be compared; treat it "
            f"with care. {_distances(evidence)}"
        )
    said = _measured(judgement, geometry, left, right)
    if geometry.traced:
        return said + _TRACED
    return said + _KEPT if geometry.kept else said


def hash_lead(lead: HashLead) -> str:
    """Why a hash from elsewhere leads to a photo, in a sentence."""
    if lead.same_bytes:
        return "The same file, byte for byte, by its SHA-256."
    parts = []
    if lead.pdq_distance is not None:
        turned = f", {lead.orientation}" if lead.orientation else ""
        parts.append(f"PDQ differs in {lead.pdq_distance} of 256 bits{turned}")
    if lead.phash_distance is not None:
        parts.append(f"pHash in {lead.phash_distance} of 64")
    text = " and ".join(parts)
    if lead.pdq_distance is None:
        text = text.replace("pHash in", "pHash differs in") + " bits"
    return f"{text}."


#: Below all leads that hashes alone gave.
HASH_LEADS = (
    "A near hash is a lead and no match: nobody has compared the pictures, and strangers can be as "
    "near. Look at both, or get the photo and look it up."
)


def further_pictures_note(pictures: int) -> str:
    """Say that a file holds further pictures than the one that was looked up."""
    save = agreeing(pictures, "it as a file of its own", "them as files of their own")
    return (
        f"This file holds {counted(pictures, 'further picture')} (frames of an animation or "
        f"pages), which {agreeing(pictures, 'was', 'were')} not looked up. Save {save} to look "
        f"{agreeing(pictures, 'it', 'them')} up, too."
    )


def _measured(judgement: Judgement, geometry: Geometry, left: str, right: str) -> str:
    if judgement.kind == "scene":
        return _scene(judgement, geometry)
    if geometry.reason != "accepted" or judgement.evidence.rule == "unverified":
        refusal = _REFUSALS.get(geometry.reason, geometry.reason)
        return f"Geometry does not confirm it: {refusal}. {_distances(judgement.evidence)}"
    if geometry.coarse:
        return (
            f"{_claim(judgement, geometry)}: one is too soft to compare details, but its coarse "
            f"shapes agree closely in {share(geometry.closeness)} of the whole picture."
        )
    agreement = _agreement(judgement.kind, geometry, left, right)
    return f"{_claim(judgement, geometry)}: {_fit(geometry)}, {agreement}."


def _exact(rule: str) -> str:
    if rule == "same_bytes":
        return "The two files are the same, byte for byte."
    if rule == "same_pixels":
        return "The two files show the same pixels; they differ only in metadata or packing."
    return "The two files have the same content."


def _distances(evidence: Evidence) -> str:
    parts = []
    if evidence.pdq_distance is not None:
        parts.append(f"the perceptual hashes differ in {evidence.pdq_distance} of 256 bits")
    if evidence.cosine is not None:
        parts.append(f"the embeddings have a cosine of {evidence.cosine:.2f}")
    if not parts:
        return "Nothing else was measured."
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _scene(judgement: Judgement, geometry: Geometry) -> str:
    if geometry.contradiction >= _CONTRADICTS:
        return (
            f"Not a copy: {_fit(geometry)}, but amid what agrees, "
            f"{share(geometry.contradiction)} of what can be compared is something else, as when "
            "two pictures share a background, a frame or a form."
        )
    if geometry.exchanged >= _EXCHANGED and geometry.correlation >= _AGREES:
        return (
            f"Not a copy: {_fit(geometry)}, but each picture has marks where the other has others, "
            "as two cards or papers of one design do."
        )
    lead = calibration.counts(judgement, DEFAULTS.match)
    claim = "Another photograph of what looks like the same place, and not a copy"
    return (
        f"{claim if lead else 'Not a copy'}: {_fit(geometry)}, but {_compared(geometry)} do not "
        f"agree (correlation {geometry.correlation:.2f})."
    )


def _compared(geometry: Geometry) -> str:
    return "the keypoints in view" if geometry.traced else "the overlapping pixels"


def _claim(judgement: Judgement, geometry: Geometry) -> str:
    same = "The same photo" if band(judgement) else "Perhaps the same photo"
    part = " in part" if judgement.kind == "part" else ""
    return f"{same}{part}{', mirrored' if geometry.mirrored else ''}"


def _fit(geometry: Geometry) -> str:
    if geometry.inliers == 0:
        return "laid over each other as a whole"
    points = counted(geometry.inliers, "matching point fits", "matching points fit")
    return f"{points} one perspective"


def _agreement(kind: Kind, geometry: Geometry, left: str, right: str) -> str:
    pixels = f"{_compared(geometry)} agree (correlation {geometry.correlation:.2f})"
    if kind == "part":
        return (
            f"{pixels}, and they cover {share(geometry.cover_query)} of the {left} photo and "
            f"{share(geometry.cover_photo)} of the {right} one"
        )
    return f"{pixels}, and {share(geometry.overlap)} of the smaller photo is covered"
