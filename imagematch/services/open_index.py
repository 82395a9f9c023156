"""The Python API: an index that stays open, and all that can be done with it.

What looks at pictures is imported by the first call that needs it: opening an index is cheap.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from imagematch.records import (
    Comparison,
    Decision,
    Drawing,
    ExportedHashes,
    FindResult,
    Gallery,
    HashResult,
    HotPhoto,
    IgnoredPhoto,
    IndexReport,
    LinkReport,
    ListedHashes,
    OperatorDecision,
    OperatorEffect,
    OperatorVerdict,
    QueryMatch,
    QueryOptions,
    QueryResult,
    StoredSighting,
    UnusableLine,
    Verdict,
)
from imagematch.runtime.monitor import Monitor, Progress, monitor_of
from imagematch.services.session import Session
from imagematch.settings import DEFAULTS, Settings, default_index
from imagematch.sources.folder_source import FolderSource, marked
from imagematch.stores.directory import catalogue_path

if TYPE_CHECKING:
    from imagematch.services.jobs import Job
    from imagematch.services.querying import QueryPhoto
    from imagematch.services.reindexing import PassReport
    from imagematch.services.reviewing import Foreseen, Ignoring, Recorded
    from imagematch.services.status import Status
    from imagematch.stores.census import FailedCouple, FailedSighting

type PathText = str | os.PathLike[str]


class Index:
    """An index that stays open. Make one with `imagematch.open`.

    Worker processes start with the first work and stay for the next; what a person waits for goes
    before the rest. Many threads may use one `Index`: each call sees the index as it is when the
    call begins, so also what other programs have done since the one before.

    Every record that comes out is frozen, can be pickled and copied, and has `to_dict()`, which is
    the JSON of the command line. Errors are subclasses of `imagematch.ImagematchError`; their
    messages say what to do.

    Args that many calls share:
        actor: who decides, for the decision and the audit log; "" for the one that `open` was
            given.
        progress: is told of the progress, see `imagematch.Progress`; returning False stops the
            call with `imagematch.Stopped`. What is done by then is kept, and the same call goes on
            from there.
    """

    def __init__(self, session: Session, preset: str | None = None) -> None:
        """Use `imagematch.open` instead."""
        self._session = session
        self._preset = preset

    @property
    def directory(self) -> Path:
        """Of the index."""
        return self._session.directory

    @property
    def actor(self) -> str:
        """Who works with it, where a call names nobody else."""
        return self._session.actor

    def close(self) -> None:
        """Stop all work of all threads, and let go of all files; it can't be used after that."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- photos in -----------------------------------------------------------------------------

    def add(
        self,
        material: PathText,
        *,
        collection: str = "ads",
        gallery: bool = False,
        manifest: PathText | None = None,
        no_manifest: bool = False,
        site_from_path: bool | None = None,
        identifiers: Mapping[str, str] | None = None,
        preset: str | None = None,
        redescribe: bool = False,
        retry_failed: bool = False,
        reread: bool = False,
        allow_lost: bool = False,
        purpose: str = "",
        progress: Progress | Monitor | None = None,
    ) -> IndexReport:
        """Bring the index up to date with a folder of photos, and match them with all it knows.

        What is done already is not done again. One such run is possible at a time.

        Args:
            material: the folder.
            collection: name of the collection that the photos go into.
            gallery: the collection is a gallery: its photos are matched with all ads, and link
                nobody.
            manifest: CSV or JSONL that says more about the files; None: that of the last time.
            no_manifest: leave the manifest of the last time, too.
            site_from_path: the first folder is the site, the second the profile; None: as at the
                last time.
            identifiers: columns of the manifest that hold identifiers, with the kind of each:
                "phone", "email", "handle", "url", "host", "crypto" or "other"; None: as at the last
                time.
            preset: of a new index; an existing one may change to another with the same model. None:
                as the index was opened with.
            redescribe: change an existing index to `preset`, and describe every photo again.
            retry_failed: try failed files again, not only those that failed for a passing reason.
            reread: read every file, also those that look unchanged.
            allow_lost: go on although most known files are gone.
            purpose: what those are told who find the index locked.

        Returns:
            The counts; files that failed are in it, and raise nothing.

        Raises:
            UsageError, SourceUnavailable: the arguments or the folder can't be used.
            IndexLocked: another run is under way.
            Stopped: as `progress` asked.
            KeepsFailing: imagematch itself failed again and again.
        """
        from imagematch.services import indexing

        kind = indexing.GALLERY if gallery else indexing.ADS
        source = FolderSource(
            Path(material),
            None if manifest is None else Path(manifest),
            no_manifest,
            site_from_path,
            None if identifiers is None else marked(identifiers),
        )
        request = indexing.IndexRequest(
            source,
            collection,
            kind=kind,
            preset=preset or self._preset,
            redescribe=redescribe,
            retry_failed=retry_failed,
            reread=reread,
            allow_lost=allow_lost,
            purpose=purpose or f"adding {material}",
        )
        return indexing.index_folder(self._session, request, monitor_of(progress))

    def reindex(
        self,
        jobs: Sequence["Job"],
        *,
        allow_lost: bool = False,
        progress: Progress | Monitor | None = None,
    ) -> "PassReport":
        """Bring the index up to date with the folders of some jobs, and report what matches anew.

        Args:
            jobs: as `imagematch.load_jobs` reads them.
            allow_lost: go on although most known files are gone.

        Raises:
            As `add`, but for jobs that fail alone: these are in the report.
        """
        from imagematch.services import reindexing

        return reindexing.run(self._session, jobs, monitor_of(progress), allow_lost=allow_lost)

    # --- questions -----------------------------------------------------------------------------

    def query(
        self,
        photo: "QueryPhoto",
        *,
        collection: str = "",
        top: int | None = 10,
        min_confidence: float | None = None,
        scenes: bool = False,
    ) -> QueryResult:
        """Where was this photo seen before, in any form? Nothing is stored.

        Args:
            photo: the path of a file, the bytes of one, a file that is open to be read as bytes, a
                PIL image, or an array of shape (height, width, 3), uint8, RGB.
            collection: only look in this collection or gallery; "" for all.
            top: different photos, at most; None for all.
            min_confidence: every pair that was scored, from this confidence on; 0 gives all. None:
                matches only.
            scenes: also other photos of the same place: leads, never copies.

        Returns:
            The matches, best first; a file that can't be read has a `failure`, and raises nothing.

        Raises:
            UsageError: there is no such collection.
            IndexUnavailable, EmbedderUnavailable: the index can't be searched.
        """
        (result,) = self.query_all(
            [photo], collection=collection, top=top, min_confidence=min_confidence, scenes=scenes
        )
        return result

    def query_all(
        self,
        photos: Iterable["QueryPhoto"],
        *,
        collection: str = "",
        top: int | None = 10,
        min_confidence: float | None = None,
        scenes: bool = False,
        progress: Progress | Monitor | None = None,
    ) -> Iterator[QueryResult]:
        """Look up many photos, in the order given; see `query`.

        They are worked on together, and all of them see one state of the index. A result comes as
        soon as it is there.
        """
        self._session.start_worker()
        from imagematch.services import querying

        options = QueryOptions(collection, top, min_confidence, scenes)
        return querying.query_photos(self._session, photos, options, monitor_of(progress))

    def query_hashes(
        self,
        entries: Iterable[ListedHashes | UnusableLine],
        *,
        collection: str = "",
        top: int | None = 10,
        progress: Progress | Monitor | None = None,
    ) -> Iterator[HashResult | UnusableLine]:
        """Which photos are near hashes of which there is no picture? Leads, in the order given.

        Args:
            entries: hashes; an unusable line comes back as it is.
            collection, top: see `query`.

        Raises:
            UsageError: there is no such collection.
        """
        from imagematch.services import querying

        options = QueryOptions(collection, top)
        return querying.query_hashes(self._session, entries, options, monitor_of(progress))

    def find(
        self, text: str, *, regions: Sequence[str] = (), as_text: bool = False, top: int = 1000
    ) -> FindResult:
        """Who shows this phone, e-mail, handle, address, or these words?

        What is no identifier that the index knows is looked for as a part of all identifiers and
        words, in upper or lower case.

        Args:
            text: in any spelling; all identifiers that it may be or holds are looked up.
            regions: countries of numbers without a prefix, ISO 3166; none: the setting
                `scan.phone_region`.
            as_text: look for it as a part, whatever it may be.
            top: sightings, at most; the result says how many there are in all.

        Raises:
            UsageError: there is nothing to look for or too much, or no such country.
        """
        from imagematch.stages import find

        with self._session.reading() as index:
            return find.run(index, text, regions=regions, as_text=as_text, top=top)

    def link(self, *, same_profile: bool | None = None) -> LinkReport:
        """Which profiles are one operator's, as far as can be told, and on what evidence?

        Args:
            same_profile: also matches within one profile; None: as the settings say.
        """
        from imagematch.services import linking

        change = {} if same_profile is None else {"same_profile": same_profile}
        return linking.link_profiles(self._session, change)

    def explain(
        self, results: Iterable[QueryResult]
    ) -> Iterator[tuple[str, QueryMatch, Drawing | None]]:
        """Draw what queries found: for each different photo the query, the match and a drawing of
        both with the points that fit, or None where a file is gone or was never one."""
        from imagematch.services import illustrating

        return illustrating.explain_matches(self._session, results)

    def thumbnails(
        self, sightings: Iterable[StoredSighting], others: Mapping[str, str] | None = None
    ) -> dict[str, bytes]:
        """Small JPEGs of photos by SHA-256; what can't be made is left out.

        Args:
            others: further files, by the name that they get in the answer.
        """
        from imagematch.services import illustrating

        return illustrating.make_thumbnails(self._session, sightings, others)

    # --- what people decide --------------------------------------------------------------------

    def decide(self, match: str, verdict: Verdict, *, note: str = "", actor: str = "") -> Decision:
        """Confirm or reject a match for good, or reopen it. It waits for no run.

        Args:
            match: its id, or an unambiguous beginning of it on both sides of the hyphen.
            verdict: "confirm", "reject" or "reopen".

        Raises:
            UsageError: there is no such match.
        """
        from imagematch.services import reviewing

        return reviewing.decide(self._session, match, verdict, note, actor)

    def hot(self) -> list[HotPhoto]:
        """Photos that are set aside because so many profiles show them, and those released."""
        from imagematch.services import reviewing

        return reviewing.hot_photos(self._session)

    def settle_hot(
        self, photos: Sequence[str], verdict: Verdict, *, note: str = "", actor: str = ""
    ) -> list[Decision]:
        """Let photos link however many profiles show them, or keep them from it. Waits for no run.

        Args:
            photos: files or SHA-256.
            verdict: "release", "keep" or "reopen".

        Raises:
            UsageError: the index does not know one of them.
        """
        from imagematch.services import reviewing

        return reviewing.settle_hot(self._session, photos, verdict, note, actor)

    def decide_operator(
        self,
        left: str,
        right: str,
        verdict: OperatorVerdict,
        *,
        note: str = "",
        actor: str = "",
    ) -> OperatorDecision:
        """Say for good whether two profiles or clusters have one operator. It waits for no run.

        It is about the profiles that they have now, and holds in every later `link`.

        Args:
            left, right: the id of a cluster, or a profile as "site/handle", both as `link` has
                them.
            verdict: "same", "not_same", or "reopen", which takes back the decision in force about
                both, also what it says of other profiles.

        Raises:
            UsageError: there is no such profile or cluster, both are the same, or there is nothing
                to take back.
        """
        from imagematch.services import reviewing_operators

        return reviewing_operators.decide_operator(self._session, left, right, verdict, note, actor)

    def effect_of(self, decision: OperatorDecision) -> OperatorEffect:
        """What became of the clusters that a decision about operators concerns."""
        from imagematch.services import reviewing_operators

        return reviewing_operators.effect_of(self._session, decision)

    def ignore(
        self,
        targets: Sequence[str],
        *,
        note: str = "",
        actor: str = "",
        progress: Progress | Monitor | None = None,
    ) -> "Ignoring":
        """Put photos on the ignore list: they and their near-copies link nobody.

        Photos of the index are ignored at once, also while a run is under way.

        Args:
            targets: SHA-256, files, or folders; what is not in the index is indexed for this.

        Raises:
            UsageError: one of the targets is nothing of that.
            IndexLocked: a run is under way, and there are new files to index.
        """
        from imagematch.services import reviewing

        return reviewing.ignore(self._session, targets, note, monitor_of(progress), actor)

    def unignore(self, photos: Sequence[str], *, note: str = "", actor: str = "") -> list[Decision]:
        """Take photos off the ignore list. Waits for no run.

        Raises:
            UsageError: one of them is not ignored.
        """
        from imagematch.services import reviewing

        return reviewing.unignore(self._session, photos, note, actor)

    def ignored(self) -> list[IgnoredPhoto]:
        """The ignore list, with the near-copies that are ignored with it."""
        from imagematch.services import reviewing

        return reviewing.ignored(self._session)

    def decisions(self) -> list["Recorded"]:
        """All decisions, also those about operators, oldest first, each with whether it is in
        force."""
        from imagematch.services import reviewing

        return reviewing.history(self._session)

    def import_decisions(self, file: PathText) -> tuple[int, int]:
        """Take over the decisions that another index exported. Waits for no run.

        Returns:
            How many the file has, and how many of them are new here.

        Raises:
            UsageError: the file is no such export; nothing was taken over.
        """
        from imagematch.services import reviewing

        return reviewing.take_over(self._session, Path(file))

    def reach_of_decision(self, match: str, verdict: Verdict) -> "Foreseen":
        """How many links `decide` would make; raises as it does."""
        from imagematch.services import reviewing

        return reviewing.reach_of_decision(self._session, match, verdict)

    def reach_of_hot(self, photos: Sequence[str], verdict: Verdict) -> "Foreseen":
        """How many links `settle_hot` would make; raises as it does."""
        from imagematch.services import reviewing

        return reviewing.reach_of_hot(self._session, photos, verdict)

    def reach_of_unignoring(self, photos: Sequence[str]) -> "Foreseen":
        """How many links `unignore` would make; raises as it does."""
        from imagematch.services import reviewing

        return reviewing.reach_of_unignoring(self._session, photos)

    def reach_of_import(self, file: PathText) -> "Foreseen":
        """How many links `import_decisions` would make; raises as it does."""
        from imagematch.services import reviewing

        return reviewing.reach_of_import(self._session, Path(file))

    # --- what it holds -------------------------------------------------------------------------

    @property
    def galleries(self) -> tuple[Gallery, ...]:
        """The galleries; `add(..., gallery=True)` makes one, `remove_gallery` forgets one."""
        from imagematch.services import galleries

        return galleries.list_galleries(self._session)

    def hashes(self, collection: str = "") -> Iterator[ExportedHashes]:
        """The hashes of all photos for other programs, once for each file that shows one.

        Args:
            collection: only files of this one; "" for all.

        Raises:
            UsageError: there is no such collection.
        """
        from imagematch.services import exporting

        return exporting.hashes_of(self._session, collection)

    def remove_gallery(self, name: str) -> int:
        """Forget a gallery; returns how many photos went with it. Its files are not touched.

        Raises:
            UsageError: there is no such gallery.
            IndexLocked: a run is under way.
        """
        from imagematch.services import galleries

        return galleries.remove_gallery(self._session, name)

    def status(self) -> "Status":
        """What the index holds, what is left to do and what was done last."""
        from imagematch.services import status

        return status.status_of(self._session)

    def failed_files(self) -> Iterator["FailedSighting"]:
        """Every file that could not be described, and why."""
        from imagematch.services import status

        return status.failed_files(self._session)

    def failed_pairs(self) -> Iterator["FailedCouple"]:
        """Every pair of photos that could not be compared, and why."""
        from imagematch.services import status

        return status.failed_pairs(self._session)

    def unfinished(self) -> int:
        """Photos that can't be found yet, because a run was stopped or goes on."""
        from imagematch.services import status

        return status.unfinished(self._session)


def open_index(
    directory: PathText | None = None,
    *,
    create: bool = False,
    preset: str | None = None,
    actor: str = "",
    nice: bool = False,
) -> Index:
    """Open an index; use it in a `with` block, or call its `close`.

    Args:
        directory: of the index; None: IMAGEMATCH_INDEX or indexes/default, as on the command line.
        create: it need not exist; the first `add` makes it.
        preset: that photos are described with; None: that of the index, or the default.
        actor: who works with it, for decisions and the audit log; "" for the account's name.
        nice: work stands back for other programs, as far as the setting `workers.nice` says.

    Raises:
        IndexMissing: there is no such index, and none is to be made.
        SettingsError, IndexUnavailable: its settings or its database can't be read.
    """
    place = Path(default_index() if directory is None else directory)
    if not create and not catalogue_path(place).is_file():
        from imagematch.stores.layout import index_exists, missing_index

        if not index_exists(place):
            raise missing_index(place)
    return Index(Session(place, actor=actor, nice=nice), preset)


def compare(
    left: PathText,
    right: PathText,
    *,
    preset: str | None = None,
    progress: Progress | Monitor | None = None,
) -> Comparison:
    """What are two photo files to each other? It needs no index.

    Args:
        left: is measured as a query is, the other as an indexed photo.
        preset: how thoroughly; None: the default.

    Returns:
        The judgement with its evidence, also of photos that do not match; of files that can't be
        read, why.
    """
    from imagematch.services import querying

    pairs = [(os.fspath(left), os.fspath(right))]
    (compared,) = querying.compare_files(_settings(preset), pairs, monitor_of(progress))
    return compared


def explain(compared: Comparison, *, preset: str | None = None) -> Drawing | None:
    """Draw two files that were compared: both photos, the points that fit, the overlap, and why.

    Args:
        preset: that they were compared with.

    Returns:
        None where there is no judgement, or a file is gone or can't be drawn.
    """
    from imagematch.services import illustrating

    return illustrating.explain_comparison(_settings(preset), compared)


def _settings(preset: str | None) -> Settings:
    from imagematch import presets

    return DEFAULTS if preset is None else presets.with_preset(DEFAULTS, preset)
