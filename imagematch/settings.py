"""Every default, once. Doors, stages and docs read them from here.

Settings are frozen data classes in groups; a group is what one part of the code needs. An index
keeps what differs from the defaults in its `settings.toml`, with one table a group. The page
docs/configuration.md is generated from this module.
"""

import dataclasses
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from imagematch.errors import SettingsError


def _setting(
    default: Any, about: str, *, low: float | None = None, high: float | None = None
) -> Any:
    """One field with the text that docs/configuration.md shows, and its allowed range."""
    return field(default=default, metadata={"about": about, "low": low, "high": high})


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How files become pixels."""

    max_bytes: int = _setting(
        256 * 2**20, "Largest file that is read, bytes; a larger one fails as `too_large`.", low=1
    )
    max_pixels: int = _setting(
        200_000_000,
        "Largest picture that is decoded, pixels; guards against decompression bombs.",
        low=1,
    )
    working_side: int = _setting(
        1024,
        "Pictures with a longer side are scaled down to it on decoding, px; JPEGs are already "
        "decoded at a reduced scale.",
        low=256,
    )


@dataclass(frozen=True, slots=True)
class DescribeSettings:
    """What is computed from a photo."""

    preset: str = _setting(
        "balanced",
        "`fast`, `balanced` (default), `thorough` or `hashes`: decides on the embedding model. The "
        "rest of a preset is written to this file when an index gets it by `--preset`, see above.",
    )
    model: str = _setting(
        "",
        "Path of an ONNX model to use instead of the preset's, see above: input uint8 [N,H,W,3] "
        "RGB, output float [N,D].",
    )
    model_sha256: str = _setting("", "SHA-256 that `model` must have, hex; empty: not checked.")
    model_side: int = _setting(
        288, "Photos are resized to this square for the embedding, px (SSCD: 288).", low=32
    )
    runtime: str = _setting(
        "auto",
        "What computes embeddings: `onnxruntime`, `openvino`, or a graphics card with the package "
        "of ONNX Runtime for it (`cuda`, `directml`, `migraphx`, `coreml`). `auto`: OpenVINO where "
        "it is installed and faster, else ONNX Runtime; both on the processor.",
    )
    crops: bool = _setting(
        True,
        "Pictures that look like composites (collages, screenshots) get outlines and crops beside "
        "their parts, 15 embeddings in all, so that indexing finds what they show. Only with the "
        "models of the presets.",
    )
    min_side: int = _setting(
        48, "A photo with a shorter side is `tiny` and only matches exactly, px.", low=1
    )
    min_contrast: float = _setting(
        6.0,
        "A photo whose luminance, without its lightest and darkest hundredths, has a smaller "
        "standard deviation, or less than a third of it without smooth shading, is `flat` and "
        "only matches exactly, levels of 255.",
        low=0,
    )
    min_photographic: float = _setting(
        0.05,
        "A picture of which less than this share is a photograph is `drawn` (text, a card, a logo) "
        "and only matches exactly, 0-1.",
        low=0,
        high=1,
    )


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The processes that touch files, apart from the one that keeps the index."""

    count: int = _setting(0, "Worker processes; 0: one a CPU core.", low=0)
    seconds_per_file: float = _setting(
        30.0, "A worker busy with one file for longer is stopped and the file fails, s.", low=0.1
    )
    memory_mb: int = _setting(
        3072,
        "Memory that one worker may write to, MiB, whatever `describe.runtime` computes; memory of "
        "a graphics card does not count. 0: no limit. Held by the operating system on Linux.",
        low=0,
    )
    chunk: int = _setting(4, "Files handed to a worker at a time.", low=1)
    internal_in_a_row: int = _setting(
        100,
        "A run stops when so many files or pairs in a row fail by an error in imagematch itself "
        "(`internal`), as something must be broken; 0: it never does.",
        low=0,
    )
    nice: int = _setting(
        10,
        "How far the workers of `imagematch reindex` stand back for other programs, queries among "
        "them, when all want the processor; 0: not at all. Not on Windows.",
        low=0,
        high=19,
    )


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """How a folder is compared with what is known of it."""

    lost_share: float = _setting(
        0.5,
        "A run stops when more than this share of a folder's known files is gone at once (an "
        "unplugged drive), 0-1; `--allow-lost` overrides it.",
        low=0,
        high=1,
    )
    lost_minimum: int = _setting(
        10, "Folders with fewer known files are not guarded by `lost_share`.", low=0
    )
    change_times: bool = _setting(
        True,
        "Read a file again when its time of change (ctime) is another, although size and time of "
        "modification are as before: someone may have set that back. Turn it off where other "
        "programs change that time of all files again and again (backups by hard links, which read "
        "everything anew each night).",
    )
    phone_region: str = _setting(
        "",
        "Country of phone numbers without an international prefix in manifests, texts and `find`, "
        "ISO 3166 (`BE`, `US`); empty: such numbers in columns stay as they are, and are no "
        "identifiers.",
    )


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Which pairs are worth a closer look."""

    top: int = _setting(15, "Candidates by embedding for one photo or query.", low=1)
    min_margin: float = _setting(
        0.12,
        "A candidate while indexing has a cosine that is larger by at least so much than that of "
        "photos which have nothing to do with the view, 0 to 1; half of it is enough for the "
        "photo nearest to a view of a composite.",
        low=0,
        high=1,
    )
    min_margin_query: float = _setting(
        0.0, "The same of `query`, which can afford to look deeper, 0 to 1.", low=0, high=1
    )
    verified: int = _setting(
        20,
        "Candidates of a query that are verified, nearest first; the others are left out.",
        low=1,
    )
    crops: bool = _setting(
        True,
        "Outlines in a query and 18 crops of it are looked up, too; they find photos that it "
        "shows in part, and cost 18 embeddings and more. Without them, a query is described as an "
        "indexed photo is (`describe.crops`).",
    )
    high_recall: bool = _setting(
        False,
        "Indexing looks as far into a large index as a query does: it takes several times as long, "
        "and misses fewer of the copies that both kinds of fingerprint hardly tell.",
    )
    max_pdq_distance: int = _setting(
        64, "Largest Hamming distance of a PDQ candidate, bits of 256.", low=0, high=256
    )
    min_pdq_quality: int = _setting(
        50, "PDQ hashes of a lower quality are not searched, 0-100 (PDQ paper).", low=0, high=100
    )
    lead_pdq_distance: int = _setting(
        31,
        "Largest Hamming distance of a lead to a PDQ hash that is looked up alone (`query --pdq`, "
        "`--hash-list`), bits of 256; PDQ's reference calls 31 a confident match.",
        low=0,
        high=256,
    )
    lead_phash_distance: int = _setting(
        8,
        "The same for a pHash, bits of 64. Of 1.7 million pairs of different photos, 11 are as "
        "near as 8, and none as near as 31 bits of PDQ.",
        low=0,
        high=64,
    )


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """Geometry and aligned pixels of a candidate pair."""

    side: int = _setting(
        400,
        "Longer side of the photos whose pixels are compared, px; keypoints come from half of it.",
        low=64,
    )
    keypoints: int = _setting(
        400,
        "Strongest keypoints kept from a photo.",
        low=8,
    )
    ratio: float = _setting(
        0.8, "Lowe's ratio: nearest against second nearest descriptor.", low=0, high=1
    )
    reprojection: float = _setting(4.0, "Largest error of an inlier, px at `side`.", low=0)
    min_inliers: int = _setting(7, "Fewer inliers are not evidence.", low=4)
    min_coarse_inliers: int = _setting(
        6,
        "A pair with fewer inliers in the coarse check, among keypoints from two fifths of `side`, "
        "gets no full check; 0: every pair gets one.",
        low=0,
    )
    min_overlap: float = _setting(
        0.3, "Least share of one of the photos that must be covered, 0-1.", low=0, high=1
    )
    min_correlation: float = _setting(
        0.2,
        "Least median local correlation of the aligned pixels of a copy, -1 to 1; below it, the "
        "pair is another photo of the same scene. From there on, the calibration decides.",
        low=-1,
        high=1,
    )
    min_agreement: float = _setting(
        0.3,
        "Least share of the aligned windows that must agree in a copy, 0-1; below it, as above.",
        low=0,
        high=1,
    )
    part_cover: float = _setting(
        0.6,
        "A pair is a `part` when less than this share of the larger photo is covered.",
        low=0,
        high=1,
    )


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """Which judged pairs count."""

    min_confidence: float = _setting(
        0.7, "Least confidence of a match that is stored and shown, 0-1.", low=0, high=1
    )
    min_confidence_unverified: float = _setting(
        0.9,
        "The same for a pair that geometry does not confirm: likeness alone misleads the more "
        "often the more photos there are, 0-1.",
        low=0,
        high=1,
    )
    scene_inliers: int = _setting(
        12,
        "Keypoints that must fit for two different photos to be kept as one `scene`, a lead.",
        low=4,
    )


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How matches join profiles."""

    hot_profiles: int = _setting(
        7, "A photo shared by this many profiles links nobody and is listed as hot.", low=3
    )
    min_strength: float = _setting(0.5, "Least strength of a link that is reported.", low=0, high=1)
    strong: float = _setting(
        0.8,
        "Links this strong hold a cluster together alone; weaker ones need a second, independent "
        "link.",
        low=0,
        high=1,
    )
    same_profile: bool = _setting(False, "Also report matches within one profile.")
    ask_links: int = _setting(
        10_000,
        "Photos that would make more links than this by a decision, or by a raised `hot_profiles`, "
        "are asked about first; where nobody can be asked, `--yes` says so.",
        low=0,
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """How the index is written."""

    batch: int = _setting(
        256, "Photos described between two commits; a killed run loses at most this many.", low=1
    )
    merge_shards: int = _setting(
        16,
        "Vector shards of about the same size are merged into one when there are more shards than "
        "this, or four of that size with lists.",
        low=2,
    )
    ivf_min_vectors: int = _setting(
        8192,
        "Vector shards with so many vectors get inverted lists, and indexing compares hashes only "
        "that share two bytes there: some that are far away may be missed; 0: every vector is "
        "compared.",
        low=0,
    )
    keep_traces: bool = _setting(
        True,
        "Indexing keeps a trace of every photo that it describes (places and coarse looks of up to "
        "100 keypoints, 1 kB, no picture) in the catalogue, so that most copies can still be told "
        "when the photo's file is gone. Photos described before get one by `--redescribe`. Off: "
        "the next run deletes all.",
    )
    keep_pictures: bool = _setting(
        False,
        "Indexing keeps a small grey JPEG of every photo that it describes (longer side 512 px, "
        "about 30 kB) in the folder `pictures` of the index, so that matches can be verified and "
        "drawn when the photo's file is gone. People can be recognised in it. Photos described "
        "before get one by `--redescribe`. To be rid of all: switch it off, delete the folder.",
    )
    catalogue: str = _setting(
        "",
        "Empty: the catalogue is a SQLite file in the index. Else the PostgreSQL database that has "
        "it, `postgresql+psycopg://USER@HOST/DATABASE`, one for each index; to be named before the "
        "index is made. Keep passwords out of it, in `~/.pgpass` or PGPASSWORD.",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups together."""

    decode: DecodeSettings = field(default_factory=DecodeSettings)
    describe: DescribeSettings = field(default_factory=DescribeSettings)
    workers: WorkerSettings = field(default_factory=WorkerSettings)
    scan: ScanSettings = field(default_factory=ScanSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    verify: VerifySettings = field(default_factory=VerifySettings)
    match: MatchSettings = field(default_factory=MatchSettings)
    link: LinkSettings = field(default_factory=LinkSettings)
    store: StoreSettings = field(default_factory=StoreSettings)


DEFAULTS = Settings()

#: What presets were called in indexes that are older than the present names.
_FORMER_PRESETS = {"sscd-small": "balanced", "sscd": "thorough"}

#: What settings were called in files that are older than the present names, by group.
_FORMER_NAMES = {
    "search": {"deep": "high_recall"},
    "store": {"list_rows": "ivf_min_vectors"},
}

#: Where an index lives when neither `--index` nor IMAGEMATCH_INDEX says otherwise.
DEFAULT_INDEX = Path("indexes/default")


def default_index() -> Path:
    """The index directory that a command without `--index` uses."""
    return Path(os.environ.get("IMAGEMATCH_INDEX") or DEFAULT_INDEX)


def load(path: Path) -> Settings:
    """Read a settings.toml; what it does not name keeps its default.

    Raises:
        SettingsError: it is not TOML, names an unknown group or setting, or a value does not fit.
    """
    return from_tables(read_tables(path), str(path))


def current_preset(name: str) -> str:
    """What the preset that an older index names is called now."""
    return _FORMER_PRESETS.get(name, name)


def read_tables(path: Path) -> dict[str, Any]:
    """What a settings.toml names, not checked yet; nothing where there is none.

    Raises:
        SettingsError: it is not TOML.
    """
    try:
        # Notepad on Windows may put a byte order mark before UTF-8.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} can't be read as TOML: {error}") from error


def from_tables(tables: Mapping[str, Any], where: str) -> Settings:
    """Build settings from nested tables, `{"decode": {"max_bytes": 1000}}`.

    Raises:
        SettingsError: see `load`; `where` names the place in the message.
    """
    groups = {group.name: group for group in dataclasses.fields(Settings)}
    values = {}
    for name, table in tables.items():
        if name not in groups:
            raise SettingsError(
                f"{where}: there is no group [{name}]; the groups are {', '.join(groups)}"
            )
        if not isinstance(table, Mapping):
            raise SettingsError(
                f"{where}: {name} is {table!r}, but must be a group: [{name}] with settings below"
            )
        place = f"{where} [{name}]"
        current = _current_names(table, _FORMER_NAMES.get(name, {}), place)
        values[name] = _group(type(getattr(DEFAULTS, name)), current, place)
    settings = Settings(**values)
    describe = settings.describe
    return replace(settings, describe=replace(describe, preset=current_preset(describe.preset)))


def _current_names(
    table: Mapping[str, Any], former: Mapping[str, str], where: str
) -> dict[str, Any]:
    """A group of settings under their present names."""
    for old, new in former.items():
        if old in table and new in table:
            raise SettingsError(f"{where}: {old} is called {new} now; name it once, as {new}")
    return {former.get(name, name): value for name, value in table.items()}


def _group[T](group: type[T], table: Mapping[str, Any], where: str) -> T:
    fields = {entry.name: entry for entry in dataclasses.fields(group)}  # type: ignore[arg-type]
    checked = {}
    for name, value in table.items():
        if name not in fields:
            raise SettingsError(f"{where}: unknown setting {name!r}; known: {', '.join(fields)}")
        checked[name] = _checked(fields[name], value, where)
    return group(**checked)


def _checked(entry: "dataclasses.Field[Any]", value: Any, where: str) -> Any:
    wanted = type(entry.default)
    if type(value) is int and abs(value) >= 2**63:
        raise SettingsError(f"{where}: {entry.name} is more than a TOML file may hold (64 bits)")
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted or (type(value) is float and not math.isfinite(value)):
        raise SettingsError(
            f"{where}: {entry.name} is {value!r}, but must be {_TYPE_WORDS[wanted]}"
        )
    low, high = entry.metadata["low"], entry.metadata["high"]
    if (low is not None and value < low) or (high is not None and value > high):
        span = f"at least {low}" if high is None else f"between {low} and {high}"
        raise SettingsError(f"{where}: {entry.name} is {value!r}, but must be {span}")
    return value


_TYPE_WORDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "text"}


def to_toml(settings: Settings) -> str:
    """Write what differs from the defaults, one table a group."""
    tables: dict[str, dict[str, Any]] = {}
    for group in dataclasses.fields(Settings):
        ours, default = getattr(settings, group.name), getattr(DEFAULTS, group.name)
        changed = {
            entry.name: getattr(ours, entry.name)
            for entry in dataclasses.fields(ours)
            if getattr(ours, entry.name) != getattr(default, entry.name)
        }
        if changed:
            tables[group.name] = changed
    return (
        "# What differs from the defaults; docs/configuration.md has them all.\n"
        + tomli_w.dumps(tables)
    )
