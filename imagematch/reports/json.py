"""Reports for programs: dictionaries in the shapes of docs/schemas, and their strict JSON."""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from imagematch.kernels.surrogates import encodable
from imagematch.records import (
    Cluster,
    Comparison,
    Decision,
    Evidence,
    ExportedHashes,
    Geometry,
    HashLead,
    HashResult,
    HotPhoto,
    IgnoredPhoto,
    IndexReport,
    Link,
    LinkReport,
    PhotoPair,
    Profile,
    QueryMatch,
    QueryResult,
    StoredSighting,
    UnusableLine,
)
from imagematch.reports import formatting, wording

#: Would steer a terminal or reorder a line on the screen when written as they are. In JSON text
#: they can only stand within a string, where an escape means the same.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(data: dict[str, Any] | list[dict[str, Any]], *, indent: int | None = None) -> str:
    """Strict JSON: no NaN or Infinity, letters of every script as they are, UTF-8 can hold it.

    Texts should be `encodable`; of one that is not, what UTF-8 can't hold becomes U+FFFD.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    text = _LONE_SURROGATE.sub("\ufffd", text)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def query_result(result: QueryResult) -> dict[str, Any]:
    """One query photo with its matches, best first (docs/schemas/query.schema.json)."""
    data: dict[str, Any] = {
        "query": encodable(result.query),
        "status": "failed" if result.failure else "ok",
    }
    if result.failure:
        data["error"] = encodable(formatting.failure(result.failure))
    data["gate"] = result.gate
    data["notes"] = [encodable(note) for note in result.notes]
    data["not_looked_at"] = result.not_looked_at
    data["further_pictures"] = result.further_pictures
    data["matches"] = [_match(match) for match in formatting.best_first(result.matches)]
    return data


def comparison(compared: Comparison) -> dict[str, Any]:
    """Two files that were compared (docs/schemas/compare.schema.json)."""
    judgement = compared.judgement
    data: dict[str, Any] = {
        "left": encodable(compared.left),
        "right": encodable(compared.right),
        "status": "ok" if judgement else "failed",
        "failures": [
            {"path": encodable(file.path), "error": encodable(formatting.failure(file.failure))}
            for file in compared.failures
        ],
    }
    if judgement is None:
        return data
    return {
        **data,
        "outcome": wording.outcome(compared),
        "match": compared.match,
        "kind": judgement.kind,
        "confidence": formatting.confidence(judgement),
        "band": wording.band(judgement),
        "evidence": _evidence(judgement.evidence),
    }


def hash_result(result: HashResult | UnusableLine) -> dict[str, Any]:
    """Hashes that were looked up, nearest first (docs/schemas/hashes.schema.json)."""
    if isinstance(result, UnusableLine):
        return {
            "line": result.line,
            "status": "failed",
            "error": encodable(result.reason),
            "leads": [],
        }
    return {
        "line": result.asked.line,
        "status": "ok",
        "label": encodable(result.asked.label),
        "sha256": result.asked.sha256,
        "pdq": result.asked.pdq,
        "phash": result.asked.phash,
        "leads": [_lead(lead) for lead in result.leads],
    }


def exported_hashes(entry: ExportedHashes) -> dict[str, Any]:
    """Hashes of a photo, for one file that shows it (docs/schemas/export-hashes.schema.json)."""
    return {
        **asdict(entry),
        "collection": encodable(entry.collection),
        "path": encodable(entry.path),
    }


def link_lines(report: LinkReport) -> Iterator[str]:
    """All links, clusters, gallery hits and leads as text (docs/schemas/link.schema.json).

    There is a line for each link and each entry of the other lists: a report of a million links is
    never in memory as a whole.
    """
    yield f'{{\n  "profiles": {report.profiles}'
    for name, entries in _link_lists(report):
        yield f',\n  "{name}": ['
        between = "\n    "
        for entry in entries:
            yield between + dumps(entry)
            between = ",\n    "
        yield "]" if between == "\n    " else "\n  ]"
    yield "\n}\n"


def _link_lists(report: LinkReport) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    yield "links", map(_link, formatting.strongest_first(report.links))
    yield "clusters", map(_cluster, report.clusters)
    yield "hot", map(_hot, report.hot)
    yield "gallery_hits", map(_pair, report.gallery_hits)
    yield "scenes", map(_pair, report.scenes)


def index_report(report: IndexReport) -> dict[str, Any]:
    """The counts of one indexing run (docs/schemas/index.schema.json)."""
    data = {
        "seen": report.seen,
        "described": report.described,
        "known": report.known,
        "skipped": report.skipped,
        "skipped_kinds": {encodable(kind): count for kind, count in report.skipped_kinds.items()},
        "failed": report.failed,
        "failed_new": report.failed_new,
        "failed_pairs": report.failed_pairs,
        "matches": report.matches,
        "seconds": formatting.rounded(report.seconds, 3),
    }
    return data | ({"not_looked_at": report.not_looked_at} if report.not_looked_at else {})


def job_outcome(name: str, report: IndexReport | None, error: str = "") -> dict[str, Any]:
    """What became of one scheduled job: its counts, or why it failed.

    Args:
        report: None for a job that failed.
    """
    if report is None:
        return {
            "name": encodable(name),
            "status": "failed",
            "error": encodable(error),
        }
    return {
        "name": encodable(name),
        "status": "ok",
        **index_report(report),
        "new": report.new,
        "changed": report.changed,
        "moved": report.moved,
        "vanished": report.vanished,
    }


def new_matches(
    pairs: Sequence[PhotoPair],
    *,
    jobs: Sequence[dict[str, Any]],
    runs: tuple[int, int],
    made_at: str,
) -> dict[str, Any]:
    """The pairs that are new since the last report; each in the shape of a link's pairs.

    Args:
        jobs: of the pass that reports, as `job_outcome` makes them.
        runs: the first and the last run that the report covers.
        made_at: when the pass ended, ISO 8601.
    """
    return {
        "made_at": made_at,
        "runs": list(runs),
        "jobs": list(jobs),
        "matches": [_pair(pair) for pair in pairs],
    }


def decisions(made: Iterable[tuple[Decision, bool]]) -> dict[str, Any]:
    """A history, oldest first, as another index can take it over (decisions.schema.json).

    Args:
        made: with each decision, whether it is in force.
    """
    return {"decisions": [_history_entry(decision, in_force) for decision, in_force in made]}


def hot_list(photos: Iterable[HotPhoto]) -> dict[str, Any]:
    """Photos that are set aside or were released (docs/schemas/hot.schema.json)."""
    return {"hot": [_hot(photo) for photo in photos]}


def ignore_list(photos: Iterable[IgnoredPhoto]) -> dict[str, Any]:
    """The ignore list with its near-copies (docs/schemas/ignore.schema.json)."""
    return {"ignored": [_ignored(photo) for photo in photos]}


# --- parts -------------------------------------------------------------------------------------


def _match(match: QueryMatch) -> dict[str, Any]:
    return {
        **_sighting(match.sighting),
        "match": match.match,
        "kind": match.judgement.kind,
        "confidence": formatting.confidence(match.judgement),
        "band": wording.band(match.judgement),
        "evidence": _evidence(match.judgement.evidence),
        "decision": _decision(match.decision),
        "ignored": match.ignored,
    }


def _lead(lead: HashLead) -> dict[str, Any]:
    return {
        **_sighting(lead.sighting),
        "kind": "exact" if lead.same_bytes else "lead",
        "evidence": {
            "exact": lead.same_bytes,
            "pdq_distance": lead.pdq_distance,
            "phash_distance": lead.phash_distance,
            "orientation": lead.orientation,
        },
        "ignored": lead.ignored,
    }


def _pair(pair: PhotoPair) -> dict[str, Any]:
    evidence = pair.judgement.evidence
    geometry = evidence.geometry
    return {
        "left": _sighting(pair.left),
        "right": _sighting(pair.right),
        "match": pair.match,
        "kind": pair.judgement.kind,
        "confidence": formatting.confidence(pair.judgement),
        "band": wording.band(pair.judgement),
        "evidence": {
            **_evidence(evidence),
            "correlation": formatting.rounded(geometry.correlation, 4) if geometry else None,
            "agreement": formatting.rounded(geometry.agreement, 4) if geometry else None,
            "rule": evidence.rule,
        },
        "shared_by": pair.shared_by,
        "weight": formatting.rounded(pair.weight, 4),
        "decision": _decision(pair.decision),
    }


def _decision(decision: Decision | None) -> dict[str, str] | None:
    """What a person decided, where it stands beside what it is about."""
    if decision is None:
        return None
    return {
        "verdict": decision.verdict,
        "who": encodable(decision.who),
        "at": decision.at,
        "note": encodable(decision.note),
    }


def _history_entry(decision: Decision, in_force: bool) -> dict[str, Any]:
    return {
        "subject": decision.subject,
        "about": decision.about,
        "photos": [asdict(photo) for photo in decision.photos],
        "kind": decision.kind,
        "verdict": decision.verdict,
        "who": encodable(decision.who),
        "at": decision.at,
        "note": encodable(decision.note),
        "in_force": in_force,
    }


def _ignored(photo: IgnoredPhoto) -> dict[str, Any]:
    return {
        "photo": photo.decision.photos[0].sha256,
        "decision": _decision(photo.decision),
        "seen": [_sighting(sighting) for sighting in photo.seen],
        "near_copies": [_sighting(sighting) for sighting in photo.copies],
    }


def _sighting(sighting: StoredSighting) -> dict[str, str]:
    return {
        "photo": sighting.photo,
        "path": encodable(sighting.path),
        "collection": encodable(sighting.collection),
        "site": encodable(sighting.info.site),
        "profile": encodable(sighting.info.profile),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """What was measured; null stands for "not measured", and an unverified pair is not mirrored."""
    geometry = evidence.geometry
    return {
        "exact": evidence.exact,
        "pdq_distance": evidence.pdq_distance,
        "cosine": formatting.rounded(evidence.cosine, 4),
        "inliers": geometry.inliers if geometry else None,
        "overlap": formatting.rounded(geometry.overlap, 4) if geometry else None,
        "mirrored": geometry.mirrored if geometry else False,
        "transform": _transform(geometry) if geometry else None,
        "traced": geometry.traced if geometry else False,
    }


def _transform(geometry: Geometry) -> list[list[float]] | None:
    if geometry.transform is None:
        return None
    if not all(math.isfinite(value) for row in geometry.transform for value in row):
        return None
    # Significant digits and not decimals: the perspective terms are around 1e-6 a pixel.
    return [[float(f"{value:.9g}") for value in row] for row in geometry.transform]


def _profile(profile: Profile) -> dict[str, str]:
    return {"site": encodable(profile.site), "profile": encodable(profile.handle)}


def _ends(link: Link) -> dict[str, Any]:
    return {
        "left": _profile(link.left),
        "right": _profile(link.right),
        "strength": formatting.floored(link.strength),
    }


def _link(link: Link) -> dict[str, Any]:
    return {**_ends(link), "pairs": [_pair(pair) for pair in link.pairs]}


def _cluster(cluster: Cluster) -> dict[str, Any]:
    return {
        "number": cluster.number,
        "profiles": [_profile(profile) for profile in cluster.profiles],
        "weakest": {
            **_ends(cluster.weakest),
            "matches": [pair.match for pair in cluster.weakest.pairs],
        },
    }


def _hot(photo: HotPhoto) -> dict[str, Any]:
    return {
        "photo": photo.sighting.photo,
        "path": encodable(photo.sighting.path),
        "reason": photo.reason,
        "state": photo.state,
        "decision": _decision(photo.decision),
        "profiles": [_profile(profile) for profile in photo.profiles],
    }
