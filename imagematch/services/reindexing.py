"""One pass over scheduled jobs: jobs in, an index up to date and a report of what is new out.

What counts as new hangs on the last run that a report covered, which the catalogue keeps: a pass
that was killed before its report leaves its matches to the next one.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagematch.errors import KeepsFailing, SourceUnavailable, UsageError
from imagematch.records import ClusterChange, IndexReport, PhotoPair, Profile
from imagematch.reports import json as json_report
from imagematch.reports import save
from imagematch.runtime.monitor import Monitor
from imagematch.services import illustrating, indexing
from imagematch.services.indexing import IndexRequest
from imagematch.services.jobs import Job
from imagematch.services.session import Session
from imagematch.stages.cluster_changes import changes
from imagematch.stores.index import Index
from imagematch.surrogates import encodable

if TYPE_CHECKING:
    from imagematch import contract
    from imagematch.stages.new_matches import News

#: Key in the catalogue: the last run that a report of new matches covers.
_REPORTED = "reported_run"

#: Key in the catalogue: the profiles of each cluster when a report last told of them, as JSON.
_CLUSTERS = "reported_clusters"

_PURPOSE = "imagematch reindex"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What became of one job; `report` is None where it failed, and `error` says why."""

    name: str
    report: IndexReport | None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/reindex.schema.json."""
        from imagematch import conversions

        return conversions.job(self.shape())

    def shape(self) -> "contract.JobDone | contract.JobFailed":
        """What it is in the JSON contract."""
        from imagematch import conversions

        if self.report is None:
            return conversions.job_failed(self.name, self.error)
        return conversions.job_done(self.name, self.report)


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a pass did.

    Attributes:
        new_matches: pairs that no report before has shown.
        changed: clusters that are new, grew, were joined, fell apart or are gone.
        json_path: the report for programs; every pass writes one.
        html_path: the page for people; None where there was nothing to show.
    """

    outcomes: tuple[JobOutcome, ...]
    new_matches: int
    json_path: Path
    html_path: Path | None
    changed: tuple[ClusterChange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/reindex.schema.json."""
        from imagematch import contract, conversions

        jobs = [outcome.shape() for outcome in self.outcomes]
        report = encodable(str(self.json_path))
        return conversions.with_jobs(
            contract.Pass(jobs, self.new_matches, len(self.changed), report)
        )


def run(
    session: Session, jobs: Sequence[Job], monitor: Monitor, *, allow_lost: bool = False
) -> PassReport:
    """Bring an index up to date with the folders of some jobs, one after the other.

    A job whose folder is gone, whose manifest can't be read or whose photos make imagematch itself
    fail again and again fails alone. The index stays locked
    from the first job to the report.

    Args:
        jobs: at least one.
        allow_lost: go on although most known files are gone.

    Raises:
        IndexUnavailable, PresetMismatch, EmbedderUnavailable: no job can be done.
        Stopped: as asked through the monitor; what is done is kept, and the next report has it.
    """
    with session.running(_PURPOSE) as index:
        outcomes = tuple(_outcome(session, index, job, monitor, allow_lost) for job in jobs)
        return _reported(session, index, outcomes)


def _request(job: Job, allow_lost: bool) -> IndexRequest:
    return IndexRequest(
        job.source,
        job.collection,
        kind=indexing.GALLERY if job.gallery else indexing.ADS,
        allow_lost=allow_lost,
        purpose=_PURPOSE,
        job=job.name,
    )


def _outcome(
    session: Session, index: Index, job: Job, monitor: Monitor, allow_lost: bool
) -> JobOutcome:
    try:
        report = indexing.update(session, index, _request(job, allow_lost), monitor)
        return JobOutcome(job.name, report)
    except (KeepsFailing, SourceUnavailable, UsageError) as error:
        return JobOutcome(job.name, None, str(error))


def _reported(session: Session, index: Index, outcomes: tuple[JobOutcome, ...]) -> PassReport:
    """Write the report, and only then note that it was written."""
    reported = int(index.catalogue.get(_REPORTED) or 0)
    last = max((run.id for run in index.catalogue.last_runs(1)), default=0)
    news = _news(index, range(reported + 1, last + 1))
    pairs = news.pairs if news else ()
    changed = tuple(changes(_told(index), news.clusters)) if news else ()
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    report = _Report(outcomes, pairs, changed, (min(reported + 1, last), last), made_at)
    folder = index.directory / "reports"
    folder.mkdir(exist_ok=True)
    stem = _free_stem(folder, made_at)
    json_path = _save(folder, stem, ".json", report.as_json())
    failed = any(outcome.report is None for outcome in outcomes)
    html_path = None
    if pairs or changed or failed:
        html_path = _save(folder, stem, ".html", report.as_html(session))
    if changed and news:
        index.catalogue.put(_CLUSTERS, _as_told(news.clusters))
    index.catalogue.put(_REPORTED, str(last))
    index.audit.record("new matches reported", report=str(json_path), matches=len(pairs))
    return PassReport(outcomes, len(pairs), json_path, html_path, changed)


def _told(index: Index) -> dict[Profile, str]:
    """The cluster of each profile when a report last told of them."""
    told = json.loads(index.catalogue.get(_CLUSTERS) or "{}")
    return {Profile(*each): cluster for cluster, members in told.items() for each in members}


def _as_told(clusters: Mapping[Profile, str]) -> str:
    members: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for profile, cluster in clusters.items():
        members[cluster].append((profile.site, profile.handle))
    return json.dumps(members)


def _news(index: Index, run_ids: range) -> "News | None":
    """What some runs brought; None for nothing."""
    if not (index.matches.any_of_runs(run_ids) or index.sightings.any_of_runs(run_ids)):
        return None
    from imagematch.stages import new_matches  # only where there is something to look at

    return new_matches.run(index, index.settings.link, run_ids)


@dataclass(frozen=True, slots=True)
class _Report:
    """What a report of new matches is made from."""

    outcomes: tuple[JobOutcome, ...]
    pairs: tuple[PhotoPair, ...]
    changed: tuple[ClusterChange, ...]
    runs: tuple[int, int]
    made_at: str

    def as_json(self) -> str:
        return json_report.dumps(self.to_dict(), indent=2) + "\n"

    def to_dict(self) -> dict[str, Any]:
        from imagematch import contract, conversions

        jobs = [outcome.shape() for outcome in self.outcomes]
        pairs = [conversions.pair(pair) for pair in self.pairs]
        changed = [conversions.cluster_change(each) for each in self.changed]
        return conversions.with_jobs(
            contract.NewMatches(self.made_at, self.runs, jobs, pairs, changed)
        )

    def as_html(self, session: Session) -> str:
        from imagematch.reports import html

        def page(thumbnails: html.Thumbnails) -> str:
            return html.new_matches_page(
                self.pairs,
                html.About(str(session.directory), self.made_at),
                thumbnails,
                jobs=[job.name for job in self.outcomes],
                runs=self.runs,
                failed={job.name: job.error for job in self.outcomes if job.report is None},
                changed=self.changed,
            )

        pictures = illustrating.make_thumbnails(session, html.sightings_shown(page))
        return page(lambda sighting: pictures.get(sighting.photo))


def _free_stem(folder: Path, made_at: str) -> str:
    """A name after the time, without colons for Windows; two passes may share a second."""
    time = made_at.replace("+00:00", "Z").replace(":", "-")
    stems = (time if number == 1 else f"{time}-{number}" for number in count(1))
    return next(stem for stem in stems if not (folder / f"{stem}.json").exists())


def _save(folder: Path, stem: str, suffix: str, text: str) -> Path:
    """Write a report and a copy under a name that stays."""
    path = folder / f"{stem}{suffix}"
    save(path, text)
    save(folder / f"latest{suffix}", text)
    return path
