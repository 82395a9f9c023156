"""Records in, the JSON contract out: the types of `imagematch.contract`, and dictionaries.

Texts become such as UTF-8 can hold, and numbers are cut or rounded as every report shows them.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, to_builtins

from imagematch import contract, formatting, wording
from imagematch.records import (
    Bridge,
    Cluster,
    ClusterChange,
    CommonIdentifier,
    Comparison,
    Decision,
    Doubt,
    Evidence,
    ExportedHashes,
    FindResult,
    FoundSighting,
    Gallery,
    Geometry,
    HashLead,
    HashResult,
    HotPhoto,
    Identifier,
    IgnoredPhoto,
    IndexReport,
    Judgement,
    Link,
    LinkReport,
    OperatorDecision,
    PhotoPair,
    Profile,
    QueryMatch,
    QueryResult,
    SharedItem,
    Stop,
    StoredSighting,
    UnusableLine,
)
from imagematch.surrogates import encodable


def to_dict(record: object) -> dict[str, Any]:
    """What a record is in JSON, as a dictionary of its own.

    Raises:
        TypeError: the contract has no place for such a record.
    """
    for kind in type(record).__mro__:
        if kind in _SHAPES:
            return builtins(_SHAPES[kind](record))
    raise TypeError(f"the JSON contract has no {type(record).__name__}")


def builtins(shape: Struct) -> dict[str, Any]:
    """A shape as dictionaries, lists, texts and numbers."""
    made: dict[str, Any] = to_builtins(shape)
    return made


# --- matches -----------------------------------------------------------------------------------


def answer(result: QueryResult) -> contract.Answer | contract.FailedQuery:
    """One query photo with its matches, best first."""
    if result.failure:
        return contract.FailedQuery(
            query=encodable(result.query),
            status="failed",
            error=encodable(formatting.failure(result.failure)),
            gate=result.gate,
            notes=texts(result.notes),
            not_looked_at=result.not_looked_at,
            further_pictures=result.further_pictures,
            matches=[],
        )
    return contract.Answer(
        query=encodable(result.query),
        status="ok",
        gate=result.gate,
        notes=texts(result.notes),
        not_looked_at=result.not_looked_at,
        further_pictures=result.further_pictures,
        matches=[match(found) for found in formatting.best_first(result.matches)],
    )


def match(found: QueryMatch) -> contract.Match:
    """One sighting that matches a query."""
    return contract.Match(
        **_place(found.sighting),
        match=found.id,
        kind=found.kind,
        confidence=found.confidence,
        band=wording.band(found.judgement),
        evidence=_measured(found.judgement.evidence),
        decision=_in_force(contract.MatchDecision, found.decision),
        ignored=found.ignored,
    )


def sighting(seen: StoredSighting) -> contract.Sighting:
    """Where a photo was seen."""
    return contract.Sighting(**_place(seen))


def _place(seen: StoredSighting) -> dict[str, str]:
    """The fields of a sighting, which a match and a lead have too."""
    return {
        "photo": seen.photo,
        "path": encodable(seen.path),
        "collection": encodable(seen.collection),
        "site": encodable(seen.info.site),
        "profile": encodable(seen.info.profile),
    }


def judgement(judged: Judgement) -> contract.Judgement:
    """What a pair is, how sure that is, and why."""
    return contract.Judgement(
        kind=judged.kind,
        confidence=formatting.confidence(judged),
        band=wording.band(judged),
        evidence=evidence(judged.evidence),
    )


def evidence(measured: Evidence) -> contract.PairEvidence:
    """What was measured, and by which rule it was judged."""
    geometry = measured.geometry
    return contract.PairEvidence(
        exact=measured.exact,
        pdq_distance=measured.pdq_distance,
        cosine=formatting.rounded(measured.cosine, 4),
        inliers=geometry.inliers if geometry else None,
        overlap=formatting.rounded(geometry.overlap, 4) if geometry else None,
        mirrored=geometry.mirrored if geometry else False,
        transform=_transform(geometry) if geometry else None,
        traced=geometry.traced if geometry else False,
        correlation=formatting.rounded(geometry.correlation, 4) if geometry else None,
        agreement=formatting.rounded(geometry.agreement, 4) if geometry else None,
        rule=measured.rule,
    )


def _measured(measured: Evidence) -> contract.Evidence:
    """The part of it that stands in an answer to a query."""
    whole = evidence(measured)
    return contract.Evidence(
        **{name: getattr(whole, name) for name in contract.Evidence.__struct_fields__}
    )


def _transform(geometry: Geometry) -> list[list[float]] | None:
    if geometry.transform is None:
        return None
    if not all(math.isfinite(value) for row in geometry.transform for value in row):
        return None
    # Significant digits and not decimals: the perspective terms are around 1e-6 a pixel.
    return [[float(f"{value:.9g}") for value in row] for row in geometry.transform]


# --- what else profiles show -------------------------------------------------------------------


def find_result(result: FindResult) -> contract.FindResult:
    """Who shows what was looked for."""
    return contract.FindResult(
        asked=encodable(result.asked),
        as_text=result.as_text,
        identifiers=[identifier(each) for each in result.identifiers],
        sightings=result.sightings,
        profiles=result.profiles,
        found=[found_sighting(each) for each in result.found],
        unread_sightings=result.unread,
    )


def identifier(shown: Identifier) -> contract.Identifier:
    """An identifier, without how somebody typed it."""
    return contract.Identifier(shown.kind, encodable(shown.value), shown.confirmed)


def found_sighting(found: FoundSighting) -> contract.FoundSighting:
    """A sighting that shows what was looked for."""
    seen = found.sighting
    return contract.FoundSighting(
        identifier=identifier(found.identifier) if found.identifier else None,
        place=encodable(found.place),
        typed=encodable(found.typed),
        photo=seen.photo,
        path=encodable(seen.path),
        collection=encodable(seen.collection),
        gallery=seen.gallery,
        ignored=seen.ignored,
        site=encodable(seen.info.site),
        profile=encodable(seen.info.profile),
        url=encodable(seen.info.url),
        ad_id=encodable(seen.info.ad_id),
        location=encodable(seen.info.location),
        posted_at=encodable(seen.info.posted_at),
        first_seen=seen.first_seen,
        last_seen=seen.last_seen,
        present=seen.present,
    )


# --- links -------------------------------------------------------------------------------------


def link_report(report: LinkReport) -> contract.LinkReport:
    """All that linking found; `reports.json.link_lines` writes it entry by entry."""
    return contract.LinkReport(
        profiles=report.profiles,
        links=[link(entry) for entry in formatting.strongest_first(report.links)],
        clusters=[cluster(entry) for entry in report.clusters],
        bridges=[bridge(entry) for entry in report.bridges],
        hot=[hot(entry) for entry in report.hot],
        common=[common_identifier(entry) for entry in report.common],
        gallery_hits=[pair(entry) for entry in report.gallery_hits],
        scenes=[pair(entry) for entry in report.scenes],
        apart=[said_of_operators(entry) for entry in report.apart],
        unmet=[said_of_operators(entry) for entry in report.unmet],
    )


def link(linked: Link) -> contract.Link:
    """Two profiles and what joins them."""
    return contract.Link(
        left=profile(linked.left),
        right=profile(linked.right),
        probability=formatting.probability(linked),
        bits=formatting.bits(linked.bits),
        prior=formatting.bits(linked.prior),
        shared=[shared_item(item) for item in linked.shared],
        rest=formatting.bits(linked.rest),
        pairs=[pair(found) for found in linked.pairs],
        decision=_in_force(contract.SameOperator, linked.decision),
    )


def shared_item(item: SharedItem) -> contract.SharedItem:
    """Something that profiles have in common."""
    return contract.SharedItem(
        kind=item.kind,
        value=encodable(item.value),
        bits=formatting.bits(item.bits),
        profiles=profiles(item.profiles),
        elsewhere=item.elsewhere,
        sighting=sighting(item.sighting) if item.sighting else None,
    )


def pair(found: PhotoPair) -> contract.Pair:
    """Two sightings whose photos match."""
    return contract.Pair(
        left=sighting(found.left),
        right=sighting(found.right),
        match=found.id,
        kind=found.kind,
        confidence=found.confidence,
        band=wording.band(found.judgement),
        evidence=evidence(found.judgement.evidence),
        shared_by=found.shared_by,
        decision=_in_force(contract.MatchDecision, found.decision),
    )


def cluster(joined: Cluster) -> contract.Cluster:
    """Profiles that belong together, and the link that holds them together least."""
    weakest = joined.weakest
    return contract.Cluster(
        id=encodable(joined.id),
        number=joined.number,
        profiles=profiles(joined.profiles),
        sites=texts(joined.sites),
        weakest=contract.Weakest(
            left=profile(weakest.left),
            right=profile(weakest.right),
            probability=formatting.probability(weakest),
            matches=[found.id for found in weakest.pairs],
            shared=formatting.evidence_kinds(weakest),
        ),
        shared=[shared_item(item) for item in joined.shared],
        stops=[stop(each) for each in joined.stops],
        doubts=[doubt(each) for each in joined.doubts],
    )


def stop(made: Stop) -> contract.Stop:
    """Where and when profiles of a cluster had ads."""
    return contract.Stop(
        day=encodable(made.day),
        seen=made.seen,
        place=encodable(made.place),
        sites=texts(made.sites),
        profiles=profiles(made.profiles),
        ads=made.ads,
    )


def doubt(raised: Doubt) -> contract.Doubt:
    """What speaks against a cluster."""
    return contract.Doubt(
        kind=raised.kind, detail=texts(raised.detail), profiles=profiles(raised.profiles)
    )


def bridge(between: Bridge) -> contract.Bridge:
    """Something rare that profiles of different operators show."""
    return contract.Bridge(
        item=shared_item(between.item),
        sides=[
            contract.Side(cluster=encodable(cluster_id), profiles=profiles(shown))
            for cluster_id, shown in between.sides
        ],
    )


def common_identifier(shown: CommonIdentifier) -> contract.CommonIdentifier:
    """A contact that joins nobody."""
    return contract.CommonIdentifier(
        kind=shown.kind,
        value=encodable(shown.value),
        site=encodable(shown.site),
        profiles=shown.profiles,
    )


def profiles(named: Iterable[Profile]) -> list[contract.Profile]:
    """Some accounts."""
    return [profile(each) for each in named]


def cluster_change(change: ClusterChange) -> contract.ClusterChange:
    """What became of a cluster."""
    return contract.ClusterChange(
        what=change.what,
        id=change.id,
        others=list(change.others),
        profiles=[profile(each) for each in change.profiles],
    )


def profile(named: Profile) -> contract.Profile:
    """One account on one site."""
    return contract.Profile(site=encodable(named.site), profile=encodable(named.handle))


# --- what people decided -----------------------------------------------------------------------


def decision(made: Decision) -> contract.Decision:
    """What a person decided, where it stands beside what it is about."""
    return _decided(contract.Decision, made)


def _in_force[D: contract.Decision](
    shape: type[D], made: Decision | OperatorDecision | None
) -> D | None:
    return _decided(shape, made) if made else None


def _decided[D: contract.Decision](shape: type[D], made: Decision | OperatorDecision) -> D:
    return shape(
        verdict=made.verdict, who=encodable(made.who), at=made.at, note=encodable(made.note)
    )


def history_entry(made: Decision, *, in_force: bool) -> contract.HistoryEntry:
    """One decision of the history, as another index can take it over."""
    return contract.HistoryEntry(
        subject=made.subject,
        about=made.about,
        photos=[
            contract.Content(sha256=photo.sha256, pixel_sha256=photo.pixel_sha256)
            for photo in made.photos
        ],
        kind=made.kind,
        verdict=made.verdict,
        who=encodable(made.who),
        at=made.at,
        note=encodable(made.note),
        in_force=in_force,
    )


def said_of_operators(made: OperatorDecision) -> contract.SaidOfOperators:
    """What a person said of two profiles or clusters."""
    return contract.SaidOfOperators(**_said(made))


def operator_entry(made: OperatorDecision, *, in_force: bool) -> contract.OperatorEntry:
    """The same in the history, as another index can take it over."""
    return contract.OperatorEntry(**_said(made), in_force=in_force)


def _said(made: OperatorDecision) -> dict[str, Any]:
    return {
        "left": profiles(made.left),
        "right": profiles(made.right),
        "verdict": made.verdict,
        "who": encodable(made.who),
        "at": made.at,
        "note": encodable(made.note),
    }


def hot(photo: HotPhoto) -> contract.Hot:
    """A photo that is set aside, was released or is ignored."""
    return _hot(contract.Hot, contract.ShownDecision, photo)


def listed_hot(photo: HotPhoto) -> contract.ListedHot:
    """A photo that is set aside or was released."""
    return _hot(contract.ListedHot, contract.HotDecision, photo)


def _hot[H: contract.Hot](
    shape: type[H], decided: type[contract.ShownDecision], photo: HotPhoto
) -> H:
    return shape(
        photo=photo.sighting.photo,
        path=encodable(photo.sighting.path),
        reason=photo.reason,
        state=photo.state,
        decision=_in_force(decided, photo.decision),
        profiles=profiles(photo.profiles),
    )


def ignored(photo: IgnoredPhoto) -> contract.Ignored:
    """A photo of the ignore list, with its near-copies."""
    return contract.Ignored(
        photo=photo.decision.photos[0].sha256,
        decision=_decided(contract.IgnoreDecision, photo.decision),
        seen=[sighting(seen) for seen in photo.seen],
        near_copies=[sighting(seen) for seen in photo.copies],
    )


# --- runs --------------------------------------------------------------------------------------


def with_jobs(shape: contract.Pass | contract.NewMatches) -> dict[str, Any]:
    """What tells of jobs, as dictionaries."""
    made = builtins(shape)
    return made | {"jobs": [_named_first(job) for job in made["jobs"]]}


def job(shape: contract.JobDone | contract.JobFailed) -> dict[str, Any]:
    """What became of one job, as a dictionary."""
    return _named_first(builtins(shape))


def _named_first(job: dict[str, Any]) -> dict[str, Any]:
    # msgspec puts the status first, which tells the two shapes apart.
    return {"name": job["name"], "status": job["status"], **job}


def index_run(report: IndexReport) -> contract.IndexRun:
    """The counts of one indexing run."""
    return contract.IndexRun(**_counts(report))


def job_done(name: str, report: IndexReport) -> contract.JobDone:
    """The same of a scheduled job, with what became of files."""
    return contract.JobDone(
        **_counts(report),
        name=encodable(name),
        new=report.new,
        changed=report.changed,
        moved=report.moved,
        vanished=report.vanished,
    )


def job_failed(name: str, error: str) -> contract.JobFailed:
    """A scheduled job that failed, and why."""
    return contract.JobFailed(name=encodable(name), error=encodable(error))


def _counts(report: IndexReport) -> dict[str, Any]:
    return {
        "seen": report.seen,
        "described": report.described,
        "known": report.known,
        "skipped": report.skipped,
        "skipped_kinds": counts_by_text(report.skipped_kinds),
        "failed": report.failed,
        "failed_new": report.failed_new,
        "failed_pairs": report.failed_pairs,
        "matches": report.matches,
        "ads_without_photo": report.ads_without_photo,
        "seconds": formatting.rounded(report.seconds, 3) or 0.0,
        "not_looked_at": report.not_looked_at or UNSET,
    }


# --- without a picture, or without an index ----------------------------------------------------


def comparison(compared: Comparison) -> contract.Comparison | contract.FailedComparison:
    """Two files that were compared."""
    left, right, judged = encodable(compared.left), encodable(compared.right), compared.judgement
    if judged is None:
        failures = [
            contract.ComparisonFailure(
                encodable(file.path), encodable(formatting.failure(file.failure))
            )
            for file in compared.failures
        ]
        return contract.FailedComparison(left, right, "failed", failures)
    return contract.Comparison(
        left=left,
        right=right,
        status="ok",
        failures=[],
        outcome=wording.outcome(compared),
        match=compared.id,
        kind=judged.kind,
        confidence=formatting.confidence(judged),
        band=wording.band(judged),
        evidence=_measured(judged.evidence),
    )


def hash_answer(result: HashResult) -> contract.HashAnswer:
    """Hashes that were looked up, nearest first."""
    asked = result.asked
    return contract.HashAnswer(
        line=asked.line,
        status="ok",
        label=encodable(asked.label),
        sha256=asked.sha256,
        pdq=asked.pdq,
        phash=asked.phash,
        leads=[lead(found) for found in result.leads],
    )


def unusable_line(line: UnusableLine) -> contract.UnusableHashes:
    """A line of a list that holds nothing to look up."""
    return contract.UnusableHashes(line.line, "failed", encodable(line.reason), [])


def lead(found: HashLead) -> contract.Lead:
    """One sighting that is near by hashes."""
    return contract.Lead(
        **_place(found.sighting),
        kind="exact" if found.same_bytes else "lead",
        evidence=contract.LeadEvidence(
            found.same_bytes, found.pdq_distance, found.phash_distance, found.orientation
        ),
        ignored=found.ignored,
    )


def exported_hashes(entry: ExportedHashes) -> contract.ExportedHashes:
    """Hashes of a photo, for one file that shows it."""
    return contract.ExportedHashes(
        sha256=entry.sha256,
        phash=entry.phash,
        pdq=entry.pdq,
        pdq_quality=entry.pdq_quality,
        gate=entry.gate,
        collection=encodable(entry.collection),
        path=encodable(entry.path),
    )


# --- parts -------------------------------------------------------------------------------------


def texts(written: Iterable[str]) -> list[str]:
    """Texts as UTF-8 can hold them."""
    return [encodable(text) for text in written]


def counts_by_text(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by such texts."""
    return {encodable(text): count for text, count in counts.items()}


_SHAPES: Mapping[type, Callable[[Any], Struct]] = {
    Gallery: lambda gallery: contract.Gallery(
        encodable(gallery.name), gallery.files, gallery.photos
    ),
    Bridge: bridge,
    Cluster: cluster,
    ClusterChange: cluster_change,
    CommonIdentifier: common_identifier,
    Comparison: comparison,
    Decision: decision,
    Doubt: doubt,
    Evidence: evidence,
    ExportedHashes: exported_hashes,
    FindResult: find_result,
    FoundSighting: found_sighting,
    HashResult: hash_answer,
    UnusableLine: unusable_line,
    HotPhoto: hot,
    IgnoredPhoto: ignored,
    IndexReport: index_run,
    Judgement: judgement,
    Link: link,
    LinkReport: link_report,
    OperatorDecision: said_of_operators,
    PhotoPair: pair,
    Profile: profile,
    QueryMatch: match,
    QueryResult: answer,
    SharedItem: shared_item,
    Stop: stop,
    StoredSighting: sighting,
}
