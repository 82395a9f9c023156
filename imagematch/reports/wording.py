"""Evidence in plain words: what a kind, a probability and the measurements of a pair mean."""

from dataclasses import dataclass

from imagematch.records import Evidence, Geometry, Judgement, Kind
from imagematch.reports import shown

#: Unbreakable, so that a number keeps its unit.
_SPACE = "\u00a0"

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

CANDIDATE_MEANING = "More likely nothing than something; shown because it was asked for."


@dataclass(frozen=True, slots=True)
class Band:
    """A word for a range of probabilities, from `least` (0-1) up to the next band."""

    least: float
    word: str


#: The words that intelligence analysts use (US Intelligence Community Directive 203, 2015), and one
#: for identical photos, which alone reach 1.
BANDS = (
    Band(1.0, "certain"),
    Band(0.95, "almost certain"),
    Band(0.80, "very likely"),
    Band(0.55, "likely"),
    Band(0.45, "roughly even chance"),
    Band(0.20, "unlikely"),
    Band(0.05, "very unlikely"),
    Band(0.0, "remote"),
)

HOT_REASONS = {
    "shared_by_many": "Shown by so many profiles that it links nobody: probably a placeholder, a "
    "logo or a stock picture.",
    "flat": "Almost one colour, so that it resembles any other flat picture.",
    "tiny": "Too small to tell from other small pictures.",
}

_REFUSALS = {
    "few_keypoints": "there are too few keypoints to compare",
    "few_inliers": "too few keypoints fit",
    "implausible": "the fit would distort the photo implausibly",
    "small_overlap": "the part that fits is too small",
    "pixels_differ": "the aligned pixels differ",
}


def band(judgement: Judgement) -> str:
    """The word for the confidence of a pair."""
    value = shown.confidence(judgement)
    return next(entry.word for entry in BANDS if value >= entry.least)


def percent(probability: float) -> str:
    """A probability, 0-1, in percent, cut to one digit; 100 % only for 1."""
    if 0 < probability < 0.001:
        return f"below 0.1{_SPACE}%"
    if probability >= 1:
        return f"100{_SPACE}%"
    # Via four digits: 0.9987 * 1000 may fall short of 998.7, but not of 998.
    tenths = int(shown.floored(probability) * 10_000 + 0.5) // 10
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
    if geometry is None:
        return f"Not verified by geometry, so treat it with care. {_distances(evidence)}"
    if judgement.kind == "scene":
        return _scene(geometry, left, right)
    if geometry.reason != "accepted":
        refusal = _REFUSALS.get(geometry.reason, geometry.reason)
        return f"Geometry does not confirm it: {refusal}. {_distances(evidence)}"
    return _fit(geometry, left, right) + _agreement(judgement.kind, geometry, left, right)


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


def _scene(geometry: Geometry, left: str, right: str) -> str:
    return (
        f"Another photograph of what looks like the same place, and not a copy: "
        f"{_fit(geometry, left, right)}, but the aligned pixels do not agree "
        f"(correlation {geometry.correlation:.2f})."
    )


def _fit(geometry: Geometry, left: str, right: str) -> str:
    one = geometry.inliers == 1
    points = f"{geometry.inliers:,} keypoint{'' if one else 's'}"
    mirroring = " after mirroring" if geometry.mirrored else ""
    return f"{points} of the {left} photo {'fits' if one else 'fit'} the {right} one{mirroring}"


def _agreement(kind: Kind, geometry: Geometry, left: str, right: str) -> str:
    pixels = f"; the aligned pixels agree (correlation {geometry.correlation:.2f})"
    if kind == "part":
        return (
            f"{pixels} and cover {share(geometry.cover_query)} of the {left} photo and "
            f"{share(geometry.cover_photo)} of the {right} one."
        )
    return f"{pixels} over {share(geometry.overlap)} of the smaller photo."
