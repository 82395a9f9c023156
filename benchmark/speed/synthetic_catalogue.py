"""A made-up catalogue of any size in, what `imagematch link` takes on it out.

Photos, profiles and matches are drawn from a seed and written through the product's own stores, a
block at a time, so that neither the making nor the memory for it grows faster than the catalogue.
Nothing is decoded: what a photo looks like does not matter to links. Most photos are unique; copies
follow a power law, as reposts do; profiles of one operator share most of them; a few photos
(placeholders, logos) are on hundreds of profiles. Each profile shows three contacts, most of which
its operator's other profiles show, too.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.speed import processes
from imagematch import __version__
from imagematch.kernels.embeddings import EmbedderIdentity
from imagematch.presets import HASHES
from imagematch.records import (
    PDQ_BYTES,
    Evidence,
    Fingerprint,
    FoundFile,
    Geometry,
    Identifier,
    IdentifierKind,
    Judgement,
    Kind,
    Showing,
    SightingInfo,
)
from imagematch.runtime.monitor import Unwatched
from imagematch.settings import DEFAULTS, Settings
from imagematch.stores.index import EmbedderRecord, Index
from imagematch.stores.matches import Candidate
from imagematch.stores.photos import Described
from imagematch.stores.scan_inserts import ScannedFile

#: Photos made at a time.
_BLOCK = 20_000
_PHOTOS_PER_PROFILE = 10
_SITES = 12
#: Of a power law for how many forms of a photo there are, and on how many profiles the same file
#: is; about every fifth photo then has a copy. Chosen, not measured.
_FORMS, _REPEATS = 3.2, 4.0
_MOST_FORMS, _MOST_REPEATS = 200, 50
#: Photos of a block that are on this many profiles: placeholders and logos.
_HOT, _HOT_PROFILES = 2, 150
#: Profiles of one operator, on average; most of what is shared stays within one.
_OPERATOR = 3
_WITHIN_OPERATOR = 0.85
#: Further members that a form is compared with, beside the first one.
_NEIGHBOURS = 3


@dataclass(frozen=True, slots=True)
class LinkCost:
    """What `imagematch link` took on one catalogue, as a process of its own."""

    photos: int
    files: int
    profiles: int
    matches: int
    seconds: float  # wall clock
    processor: float  # seconds; NaN where the system does not tell
    peak: float  # bytes


def measure_link(
    sizes: Sequence[int], scratch: Path, seed: int, watch: Callable[[str], object]
) -> tuple[LinkCost, ...]:
    """Make catalogues of some sizes, ascending, and link each.

    Args:
        sizes: in photos.
        scratch: a folder for them; each is deleted when it was measured.
        watch: told what is being done, in words.
    """
    costs = []
    for size in sizes:
        directory = scratch / f"catalogue-{size}"
        watch(f"making a catalogue of {size} photos")
        files, matches = make_catalogue(directory, size, seed)
        watch(f"linking {size} photos")
        costs.append(_link_cost(directory, size, files, matches))
        shutil.rmtree(directory)
    return tuple(costs)


def _link_cost(directory: Path, photos: int, files: int, matches: int) -> LinkCost:
    command = processes.imagematch("link", "--index", directory)
    command += ["--csv", str(directory / "links.csv"), "--gexf", str(directory / "links.gexf")]
    # Not `ru_maxrss`: that of a new process begins with what this one holds.
    ran = processes.checked(processes.run(command, Unwatched(), memory=True, keep=False), command)
    return LinkCost(
        photos, files, profiles_of(photos), matches, ran.seconds, ran.processor, ran.peak
    )


def profiles_of(photos: int) -> int:
    """How many profiles a catalogue of so many photos has."""
    return max(_SITES, photos // _PHOTOS_PER_PROFILE)


def make_catalogue(
    directory: Path, photos: int, seed: int, settings: Settings = DEFAULTS
) -> tuple[int, int]:
    """Make an index with the preset `hashes` that holds so many photos, described and matched.

    The same seed gives the same catalogue, but for times.

    Returns:
        How many files and matches it has.
    """
    nobody = EmbedderRecord(HASHES, EmbedderIdentity("", "", 0), 0)
    files = matches = 0
    operators: dict[str, str] = {}
    with Index.create(directory, "benchmark", settings, nobody) as index:
        collection = index.collections.ensure("ads", "ads")
        root_id = index.collections.ensure_root(collection, Path("/made-up"))
        run_id = index.catalogue.start_run("index", "", "/made-up")
        for number, first in enumerate(range(0, photos, _BLOCK)):
            block = _Block(seed, number, min(_BLOCK, photos - first), profiles_of(photos))
            files += block.store(index, root_id, run_id)
            matches += len(block.pairs)
            operators |= block.operators
        index.sightings.finish_scan(root_id, run_id, [], {})
        _store_identifiers(index, operators)
        index.catalogue.finish_run(run_id, "done", {})
    return files, matches


def _store_identifiers(index: Index, operators: Mapping[str, str]) -> None:
    """As if they had been read: those of a profile in its first sighting."""
    waiting = dict(operators)
    while unread := index.identifiers.unread(_BLOCK):
        index.identifiers.save(
            [
                (each.id, _identifiers(each.info.profile, waiting.pop(each.info.profile, "")))
                for each in unread
            ]
        )


def _identifiers(handle: str, operator: str) -> list[Showing]:
    """A phone and a handle of the operator, and an address of the profile's own."""
    if not operator:
        return []
    number = int(_sha256(operator)[:8], 16)
    values: tuple[tuple[IdentifierKind, str], ...] = (
        ("phone", f"+316{number % 10**8:08d}"),
        ("handle", f"telegram:o{operator.replace('-', '_')}"),
        ("email", f"{handle}@mail.example"),
    )
    return [Showing(Identifier(kind, value, value, True), "text") for kind, value in values]


class _Block:
    """Some photos with who shows them, and which of them match; they match none of other blocks.

    Attributes:
        operators: who runs each profile, by its handle.
        pairs: numbers of photos in the block that match, the smaller one first.
    """

    def __init__(self, seed: int, number: int, size: int, profiles: int) -> None:
        self._rng = np.random.default_rng([seed, number])
        self._name = f"{seed}-{number}"
        self._size = size
        own = max(2, size // _PHOTOS_PER_PROFILE)
        self._profiles = (number * own + np.arange(own)) % profiles
        self._operators = np.sort(self._rng.integers(0, max(1, own // _OPERATOR), own))
        #: Names of profiles and of who runs them.
        self.operators = {
            _handle(profile): f"{number}-{operator}"
            for profile, operator in zip(self._profiles.tolist(), self._operators, strict=True)
        }
        forms = self._forms()
        self._showing = self._shown_by(forms)
        self.pairs = list(self._matched(forms))

    def _forms(self) -> list[range]:
        """The block cut into photos with all their forms."""
        cut, first = [], 0
        while first < self._size:
            count = min(int(self._rng.zipf(_FORMS)), _MOST_FORMS, self._size - first)
            cut.append(range(first, first + count))
            first += count
        return cut

    def _shown_by(self, forms: Sequence[range]) -> list[list[int]]:
        """For each photo the profiles that show this very file, each once."""
        shown: list[list[int]] = []
        for group in forms:
            home = int(self._rng.integers(len(self._profiles)))
            for _ in group:
                repeats = min(int(self._rng.zipf(_REPEATS)), _MOST_REPEATS)
                shown.append(sorted({self._somebody(home) for _ in range(repeats)}))
        for photo in self._rng.integers(0, self._size, _HOT):
            crowd = self._rng.choice(self._profiles, min(_HOT_PROFILES, len(self._profiles)), False)
            shown[int(photo)] = sorted(map(int, crowd))
        return shown

    def _somebody(self, home: int) -> int:
        """A profile, most likely one of the same operator."""
        if self._rng.random() < _WITHIN_OPERATOR:
            low, high = np.searchsorted(
                self._operators, (self._operators[home], self._operators[home] + 1)
            )
            return int(self._profiles[self._rng.integers(low, high)])
        return int(self._rng.choice(self._profiles))

    @staticmethod
    def _matched(forms: Sequence[range]) -> Iterator[tuple[int, int]]:
        for group in forms:
            for place, photo in enumerate(group[1:], start=1):
                near = {group[0], *group[max(0, place - _NEIGHBOURS) : place]}
                yield from ((other, photo) for other in sorted(near))

    def store(self, index: Index, root_id: int, run_id: int) -> int:
        """Write all of it; returns how many files it has."""
        hashes = [_sha256(f"{self._name}-{photo}") for photo in range(self._size)]
        scanned = [
            _scanned(hashes[photo], profile)
            for photo, showing in enumerate(self._showing)
            for profile in showing
        ]
        index.sightings.add_files(root_id, run_id, scanned, [])
        ids = [photo.id for photo in index.photos.pending(root_id)]
        pdqs = self._rng.integers(0, 256, (self._size, PDQ_BYTES), np.uint8)
        described = [
            Described(photo_id, _fingerprint(sha256, pdq.tobytes().hex()), 0)
            for photo_id, sha256, pdq in zip(ids, hashes, pdqs, strict=True)
        ]
        index.add_vectors(ids, pdqs, {})
        index.photos.save_described(described, __version__)
        index.matches.save_candidates([], ids)
        judged = [self._judged(ids[one], ids[two]) for one, two in self.pairs]
        index.matches.save_judged(judged, [True] * len(judged), run_id)
        return len(scanned)

    def _judged(self, one: int, two: int) -> tuple[Candidate, Judgement]:
        rng = self._rng
        kind: Kind = ("copy", "copy", "copy", "copy", "part", "scene")[int(rng.integers(6))]
        confidence = 0.2 if kind == "scene" else round(float(rng.beta(8, 1)), 4)
        turn, shift = rng.normal(0, 0.05), rng.normal(0, 20, 2)
        transform = ((1.0, turn, shift[0]), (-turn, 1.0, shift[1]), (0.0, 0.0, 1.0))
        geometry = Geometry(
            int(rng.integers(12, 200)), 0.9, 0.8, 0.9, 0.9, 0.9, False, transform, "accepted"
        )
        cosine, distance = round(float(rng.uniform(0.6, 1)), 4), int(rng.integers(0, 60))
        evidence = Evidence(False, distance, cosine, geometry, "geometry")
        candidate = Candidate(one, two, distance, cosine, False, 0, 0)
        return candidate, Judgement(kind, confidence, evidence)


def _scanned(sha256: str, profile: int) -> ScannedFile:
    site, handle = f"site{profile % _SITES}", _handle(profile)
    path = f"{site}/{handle}/{sha256[:16]}.jpg"
    info = SightingInfo(site, handle, url=f"https://{site}.example/{handle}", location="Riga")
    return ScannedFile(FoundFile(path, 100_000, 1, (info,)), path, sha256, None)


def _handle(profile: int) -> str:
    return f"profile{profile:07}"


def _fingerprint(sha256: str, pdq: str) -> Fingerprint:
    return Fingerprint(
        sha256,
        _sha256(sha256),
        1200,
        900,
        "JPEG",
        1,
        False,
        pdq[:16],
        pdq,
        100,
        "",
        np.empty((0, 0), np.float32),
    )


def _sha256(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
