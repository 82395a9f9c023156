"""Small indexes and records for the tests of the stores."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imagematch.kernels import hashes
from imagematch.kernels.embeddings import EmbedderIdentity
from imagematch.records import (
    VERDICTS,
    About,
    Content,
    Decision,
    Evidence,
    Failure,
    Fingerprint,
    FoundFile,
    Judgement,
    SightingInfo,
    Verdict,
)
from imagematch.settings import DEFAULTS
from imagematch.stores.index import EmbedderRecord, Index
from imagematch.stores.matches import Candidate
from imagematch.stores.photos import Described
from imagematch.stores.scan_inserts import ScannedFile
from imagematch.surrogates import encodable

WIDTH = 8
HASHES = EmbedderRecord("hashes", EmbedderIdentity("", "", 0), 0)
MODEL = EmbedderRecord("balanced", EmbedderIdentity("sscd-small", "ab" * 32, 288), WIDTH)
OTHER_MODEL = EmbedderRecord("thorough", EmbedderIdentity("sscd", "cd" * 32, 288), WIDTH)


def create(directory: Path, embedder: EmbedderRecord = MODEL) -> Path:
    """An empty index."""
    with Index.create(directory, "test", DEFAULTS, embedder):
        pass
    return directory


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def scanned(
    path: str, content: str | None = None, *sightings: SightingInfo, failure: Failure | None = None
) -> ScannedFile:
    """A file whose bytes are named by `content`; by default each path has its own."""
    found = FoundFile(path, 10, 1, sightings or (SightingInfo(),))
    sha256 = None if failure else sha(content or encodable(path))
    return ScannedFile(found, encodable(path), sha256, failure)


def add(index: Index, *files: ScannedFile, collection: str = "ads", root: str = "/ads") -> int:
    """Scan files as a whole root; returns the root's id."""
    entry = index.collections.ensure(collection, "ads" if collection == "ads" else "gallery")
    root_id = index.collections.ensure_root(entry, Path(root))
    run_id = index.catalogue.start_run("index", "", root)
    index.sightings.add_files(root_id, run_id, files, [])
    index.sightings.finish_scan(root_id, run_id, [], {})
    index.catalogue.finish_run(run_id, "done", {})
    return root_id


def fingerprint(sha256: str, gate: str = "") -> Fingerprint:
    """A fingerprint that follows from the identity alone, with two views unless it is gated."""
    rng = np.random.default_rng(int(sha256[:12], 16))
    views = rng.normal(size=(0 if gate else 2, WIDTH)).astype(np.float32)
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    return Fingerprint(
        sha256, sha(sha256), 640, 480, "JPEG", 1, False, sha256[:16], sha256, 100, gate, views
    )


def store_vectors(index: Index, root_id: int) -> list[Described]:
    """Make the vectors of a root's pending photos durable, and leave their rows as they are."""
    described = []
    views = {}
    for photo in index.photos.pending(root_id):
        found = fingerprint(photo.sha256)
        views[photo.id] = found.embeddings
        count = len(found.embeddings) if index.embeddings is not None else 0
        described.append(Described(photo.id, found, count))
    if described:
        pdqs = hashes.pack_hex([entry.fingerprint.pdq for entry in described])
        index.add_vectors([entry.photo_id for entry in described], pdqs, views)
    return described


def describe(index: Index, root_id: int) -> list[int]:
    """Describe all pending photos of a root; returns their ids."""
    described = store_vectors(index, root_id)
    index.photos.save_described(described, "test")
    return [entry.photo_id for entry in described]


def candidate(first: int, second: int) -> Candidate:
    return Candidate(first, second, 12, 0.8, False, 0, 1)


def decision(
    verdict: Verdict, *photos: str, at: str = "", note: str = "", pixels: bool = False
) -> Decision:
    """What somebody decided about photos, whose bytes are named as `scanned` does.

    Args:
        pixels: the pixels of the photos are known, too, as `fingerprint` makes them.
    """
    about: About = "match" if len(photos) == 2 else "ignore" if verdict == "ignore" else "hot"
    assert verdict in VERDICTS[about]
    contents = (Content(sha(name), sha(sha(name)) if pixels else "") for name in photos)
    return Decision(about, tuple(sorted(contents)), verdict, "anna", at, note)


def match(index: Index, pairs: Sequence[tuple[int, int]], run_id: int = 1) -> None:
    """Judge pairs to be copies."""
    judgement = Judgement("copy", 0.9, Evidence(False, 12, 0.8, None, "geometry"))
    judged = [(candidate(*pair), judgement) for pair in pairs]
    index.matches.save_judged(judged, [True] * len(judged), run_id)
