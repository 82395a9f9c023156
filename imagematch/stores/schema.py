"""The catalogue's tables, and how an older catalogue becomes a current one.

The tables use what SQLite and PostgreSQL share; where they differ, both forms stand here. Times are
ISO 8601 in UTC, hashes are hex text, paths are printable text with `raw` beside them where the name
is not valid UTF-8.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, override

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

VERSION = 7

METADATA = MetaData()


class _Words(TypeDecorator[str]):
    """Text from outside. What a database can't hold (undecodable bytes, NUL) is spelled out.

    PostgreSQL compares it by code points, as SQLite does: an order that follows a language changes
    with the server's libraries, which damages indexes.
    """

    impl = Text().with_variant(Text(collation="C"), "postgresql")
    cache_ok = True

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            value = value.replace("\0", r"\x00")
        if value.isascii():
            return value
        return value.encode("utf-8", "backslashreplace").decode()


# SQLite counts rows in INTEGER only; PostgreSQL needs BIGINT for ten million sightings and more.
_ID = BigInteger().with_variant(Integer, "sqlite")


def _digest(words: Column[str]) -> ColumnElement[bytes]:
    """SHA-256 of text, for indexes of PostgreSQL: they take no more than 2,700 bytes of it.

    There, decoding "escape" is the only way from text to its bytes that an index may use.
    """
    return func.sha256(func.decode(func.replace(words, "\\", "\\\\"), "escape"))


def _key() -> Column[int]:
    return Column("id", _ID, primary_key=True, autoincrement=True)


meta = Table(
    "meta",
    METADATA,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    METADATA,
    _key(),
    Column("what", String, nullable=False),  # "index", "gallery", "reindex"
    Column("job", _Words, nullable=False),
    Column("root", _Words, nullable=False),
    Column("started", String, nullable=False),
    Column("finished", String),
    Column("state", String, nullable=False),  # "running", "done", "stopped", "failed", "killed"
    Column("message", _Words, nullable=False, default=""),
    Column("counts", JSON, nullable=False, default=dict),
    sqlite_autoincrement=True,
)

collections = Table(
    "collections",
    METADATA,
    _key(),
    Column("name", _Words, nullable=False, unique=True),
    Column("kind", String, nullable=False),  # "ads", "gallery", "ignored"
)

roots = Table(
    "roots",
    METADATA,
    _key(),
    Column("collection_id", ForeignKey("collections.id"), nullable=False),
    Column("path", _Words, nullable=False),  # absolute
    Column("raw", LargeBinary, nullable=False),  # as in `files`
    # What says where its photos are from, so that a run without these options can't lose it.
    Column("site_from_path", Boolean, nullable=False),
    Column("manifest", _Words, nullable=False),  # absolute; "" for none
    Column("scanned_at", String),  # end of the last complete scan
    Column("scanned_run", _ID),
    UniqueConstraint("collection_id", "path", "raw"),
)

photos = Table(
    "photos",
    METADATA,
    _key(),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("state", String, nullable=False),  # "pending", "described", "failed"
    Column("searched", Boolean, nullable=False, default=False),
    Column("code", String),  # of a failure
    Column("message", _Words),
    Column("pixel_sha256", String(64)),
    Column("width", Integer),
    Column("height", Integer),
    Column("format", String),
    Column("frames", Integer),
    Column("truncated", Boolean),
    Column("phash", String(16)),
    Column("pdq", String(64)),
    Column("pdq_quality", Integer),
    Column("gate", String),
    Column("views", Integer, nullable=False, default=0),  # vectors in the embedding store
    Column("described_by", String),  # version of imagematch
    Index("photos_by_pixels", "pixel_sha256"),
    Index("photos_by_phash", "phash"),
    Index("photos_by_state", "state", "searched"),
    # Ids are never used again, so that a vector left behind can't pass for another photo's.
    sqlite_autoincrement=True,
)

# To count those with vectors, and their views, without a look at each row: on opening.
_PHOTOS_BY_GATE = Index("photos_by_gate", photos.c.state, photos.c.gate, photos.c.views)

profiles = Table(
    "profiles",
    METADATA,
    _key(),
    Column("site", _Words, nullable=False),
    Column("handle", _Words, nullable=False),
    UniqueConstraint("site", "handle").ddl_if(dialect="sqlite"),
)

#: The code of a file that is plainly no picture: it has no photo, and is no failure.
SKIPPED = "skipped"

#: The state of a row of `files` that is no file, but an ad without a photo. It has no photo and no
#: code, so that all that asks for files passes it over; `last_seen` says whether it is gone.
AD = "ad"

files = Table(
    "files",
    METADATA,
    _key(),
    Column("root_id", ForeignKey("roots.id"), nullable=False),
    Column("path", _Words, nullable=False),
    Column("raw", LargeBinary, nullable=False),  # the name's bytes where they are not UTF-8, or b""
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("state", String, nullable=False),  # "present", "vanished", "replaced", AD
    Column("photo_id", ForeignKey("photos.id")),  # NULL when the file could not be read
    Column("code", String),  # of a failure to read, or SKIPPED for what is plainly no picture
    Column("message", _Words),  # of a failure; what a skipped file is counted as
    Column("sightings_sha256", String(64), nullable=False),  # of what the source says about it
    Column("added_run", _ID, nullable=False),
    Column("first_seen", String, nullable=False),
    Column("last_seen", String),  # of a file that is no longer present
    Index("files_by_photo", "photo_id"),
    Index(
        "files_present",
        "root_id",
        "path",
        "raw",  # or a byte 0xff and a name that spells it as \\xff would be one file
        unique=True,
        sqlite_where=text("state = 'present'"),
    ).ddl_if(dialect="sqlite"),
    sqlite_autoincrement=True,
)
# To ask which photos the few roots of references show. Only of files with photos, or SQLite would
# take it for what counts all files, and look each of them up.
_FILES_BY_ROOT = Index(
    "files_by_root",
    files.c.root_id,
    files.c.photo_id,
    sqlite_where=text("photo_id IS NOT NULL"),
)

# To ask what some runs brought.
_FILES_BY_RUN = Index("files_by_run", files.c.added_run)

# The ads without a photo of a root, by what `stores.photoless` calls them.
_FILES_ADS = Index(
    "files_ads",
    files.c.root_id,
    files.c.path,
    unique=True,
    sqlite_where=text("state = 'ad'"),
    postgresql_where=text("state = 'ad'"),
)

# Few files can't be read, and each run wants to know which.
_FILES_UNREAD = Index(
    "files_unread",
    files.c.root_id,
    sqlite_where=text("code IS NOT NULL"),
)

sightings = Table(
    "sightings",
    METADATA,
    _key(),
    Column("file_id", ForeignKey("files.id", ondelete="CASCADE"), nullable=False),
    Column("site", _Words, nullable=False),
    Column("profile_id", ForeignKey("profiles.id")),
    Column("url", _Words, nullable=False),
    Column("ad_id", _Words, nullable=False),
    Column("posted_at", _Words, nullable=False),
    Column("phone", _Words, nullable=False),
    Column("email", _Words, nullable=False),
    Column("location", _Words, nullable=False),
    Column("text", _Words, nullable=False),
    Column("extra", JSON, nullable=False),
    Index("sightings_by_file", "file_id"),
    Index("sightings_by_profile", "profile_id"),
)

# What profiles show and can be looked up by, each once; see `records.Identifier`.
identifiers = Table(
    "identifiers",
    METADATA,
    _key(),
    Column("kind", String, nullable=False),
    Column("value", _Words, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    UniqueConstraint("value", "kind"),  # the value first, to look it up in any kind
)

# Which sighting shows which identifier, and where in it that was read.
identifier_sightings = Table(
    "identifier_sightings",
    METADATA,
    Column("sighting_id", ForeignKey("sightings.id", ondelete="CASCADE"), primary_key=True),
    Column("identifier_id", ForeignKey("identifiers.id"), primary_key=True),
    Column("place", _Words, primary_key=True),  # "phone", "email", "url", "text", or a column
    Column("raw", _Words, nullable=False),  # as it is shown there
    Index("identifier_sightings_by_identifier", "identifier_id"),
)

# Sightings whose identifiers are still to be read.
unread_sightings = Table(
    "unread_sightings",
    METADATA,
    Column("sighting_id", ForeignKey("sightings.id", ondelete="CASCADE"), primary_key=True),
)

# Columns of the manifest of a root that somebody marked as identifiers.
identifier_columns = Table(
    "identifier_columns",
    METADATA,
    Column("root_id", ForeignKey("roots.id", ondelete="CASCADE"), primary_key=True),
    Column("name", _Words, primary_key=True),
    Column("kind", String, nullable=False),
)

# Which file of the file system a present file was when it was read: a folder that is renamed keeps
# these of all files in it, so that nothing needs to be read again. Only where they can be trusted.
inodes = Table(
    "inodes",
    METADATA,
    Column("file_id", ForeignKey("files.id", ondelete="CASCADE"), primary_key=True),
    Column("inode", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Index("inodes_by_number", "inode"),
)

# The folders of a root as its last complete scan left them. All of them, or none where files of the
# root were changed since: then files are compared one by one.
folders = Table(
    "folders",
    METADATA,
    _key(),
    Column("root_id", ForeignKey("roots.id", ondelete="CASCADE"), nullable=False),
    Column("path", _Words, nullable=False),  # relative to the root; "" for the root itself
    Column("raw", LargeBinary, nullable=False),  # as in `files`
    Column("files", Integer, nullable=False),  # directly in it
    Column("digest", LargeBinary, nullable=False),  # of all that is known of them; b"" for never
    Index("folders_by_root", "root_id"),
)

# What is kept of a described photo to compare it by when its file is gone (`kernels.traces`). Apart
# from `photos`, whose rows stay short.
traces = Table(
    "traces",
    METADATA,
    Column("photo_id", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("trace", LargeBinary, nullable=False),
    Column("bytes", Integer, nullable=False),  # of the trace
    Index("traces_by_bytes", "bytes"),  # to add them up without reading the traces
)

# Pairs that some index found close and that nobody has judged yet; photo_a < photo_b.
candidates = Table(
    "candidates",
    METADATA,
    Column("photo_a", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("photo_b", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("pdq_distance", Integer),
    Column("cosine", Float),
    Column("same_pixels", Boolean, nullable=False),
    Column("view_a", Integer, nullable=False),
    Column("view_b", Integer, nullable=False),
)

# Judged pairs that count; photo_a < photo_b, and the transform leads from a to b.
matches = Table(
    "matches",
    METADATA,
    _key(),
    Column("photo_a", ForeignKey("photos.id", ondelete="CASCADE"), nullable=False),
    Column("photo_b", ForeignKey("photos.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("rule", String, nullable=False),
    Column("pdq_distance", Integer),
    Column("cosine", Float),
    Column("geometry", JSON),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    UniqueConstraint("photo_a", "photo_b"),
    Index("matches_by_b", "photo_b"),
    Index("matches_by_run", "run_id"),
)

# What is known of photos that can't be described, beside their code and message. Kept while one is
# tried again, so that a failure that comes back is no news.
failures = Table(
    "failures",
    METADATA,
    Column("photo_id", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("since_run", _ID, nullable=False),  # the first that could not describe it
    Column("installation", _Words, nullable=False),  # that met it last, see `stages.installation`
    Column("traceback", _Words, nullable=False),
)

# Pairs that could not be compared, with all that makes them candidates again. They may be matches
# all the same, by their hashes and embeddings alone.
failed_pairs = Table(
    "failed_pairs",
    METADATA,
    Column("photo_a", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("photo_b", ForeignKey("photos.id", ondelete="CASCADE"), primary_key=True),
    Column("pdq_distance", Integer),
    Column("cosine", Float),
    Column("same_pixels", Boolean, nullable=False),
    Column("view_a", Integer, nullable=False),
    Column("view_b", Integer, nullable=False),
    Column("since_run", _ID, nullable=False),
    Column("installation", _Words, nullable=False),
    Column("code", String, nullable=False),
    Column("message", _Words, nullable=False),
    Column("traceback", _Words, nullable=False),
)

# What people decided, only ever appended to. Photos are named by content and not by row: a decision
# outlives every row, and is there before its photo where it came from another index.
decisions = Table(
    "decisions",
    METADATA,
    Column("digest", String(64), primary_key=True),  # of all other columns
    Column("about", String, nullable=False),  # "match", "ignore", "hot"
    Column("photo_a", String(64), nullable=False),  # SHA-256; the smaller one of a match
    Column("pixels_a", String(64), nullable=False),  # "" where nobody knew them
    Column("photo_b", String(64), nullable=False),  # "" but for a match
    Column("pixels_b", String(64), nullable=False),
    Column("verdict", String, nullable=False),
    Column("kind", String, nullable=False),  # of the match when it was decided; "" for none
    Column("who", _Words, nullable=False),
    Column("at", String, nullable=False),
    Column("note", _Words, nullable=False),
)


# What people said of profiles and clusters, only ever appended to. Profiles are named by site and
# handle, as photos are by content: a decision outlives every row.
operator_decisions = Table(
    "operator_decisions",
    METADATA,
    Column("digest", String(64), primary_key=True),  # of all other columns
    Column("left_profiles", JSON, nullable=False),  # [[site, handle], ...], ascending
    Column("right_profiles", JSON, nullable=False),
    Column("verdict", String, nullable=False),
    Column("who", _Words, nullable=False),
    Column("at", String, nullable=False),
    Column("note", _Words, nullable=False),
)


@cache
def add_postgresql_indexes() -> None:
    """Add the indexes that only a server has; not at once, because to name their options loads all
    that SQLAlchemy knows about PostgreSQL, which takes as long as numpy."""
    site, handle = profiles.c.site, profiles.c.handle
    for index in (
        Index("profiles_by_handle", handle, postgresql_using="hash"),
        Index("profiles_differ", _digest(site), _digest(handle), unique=True),
        Index(
            "files_present_digests",
            files.c.root_id,
            _digest(files.c.path),
            func.sha256(files.c.raw),
            unique=True,
            postgresql_where=text("state = 'present'"),
        ),
    ):
        index.ddl_if(dialect="postgresql")


def _add_decisions(connection: Connection) -> None:
    decisions.create(connection)


def _add_folders(connection: Connection) -> None:
    for table in (inodes, folders):
        table.create(connection, checkfirst=True)
    for index in (_FILES_BY_RUN, _FILES_UNREAD, _PHOTOS_BY_GATE):
        index.create(connection, checkfirst=True)


def _add_traces(connection: Connection) -> None:
    traces.create(connection, checkfirst=True)


def _add_failures(connection: Connection) -> None:
    for table in (failures, failed_pairs):
        table.create(connection, checkfirst=True)
    # Earlier runs have told of these, and nobody knows what met them.
    known = select(photos.c.id, literal(0), literal(""), literal("")).where(
        photos.c.state == "failed"
    )
    connection.execute(insert(failures).from_select(list(failures.c.keys()), known))


def _add_files_by_root(connection: Connection) -> None:
    _FILES_BY_ROOT.create(connection, checkfirst=True)


def _add_identifiers(connection: Connection) -> None:
    for table in (
        identifiers,
        identifier_sightings,
        unread_sightings,
        identifier_columns,
        operator_decisions,
    ):
        table.create(connection, checkfirst=True)
    _FILES_ADS.create(connection, checkfirst=True)
    waiting = select(sightings.c.id).where(to_be_read())
    connection.execute(insert(unread_sightings).from_select(["sighting_id"], waiting))


#: What takes a catalogue from the version before to this one, in one transaction. Version 1 is what
#: `METADATA.create_all` made without the tables that a migration adds. A later change to such a
#: table needs a copy of its older form here.
MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    2: _add_decisions,
    3: _add_folders,
    4: _add_traces,
    5: _add_failures,
    6: _add_files_by_root,
    7: _add_identifiers,
}


def to_be_read() -> ColumnElement[bool]:
    """Whether a sighting has anything that identifiers could be read in."""
    texts = (sightings.c.phone, sightings.c.email, sightings.c.url, sightings.c.text)
    further = cast(sightings.c.extra, Text) != "{}"
    return or_(further, *(column != "" for column in texts))


def has_path(connection: Connection, paths: Sequence[str]) -> ColumnElement[bool]:
    """Whether a row of `files` has one of some paths, told by the index of present files."""
    if connection.dialect.name == "postgresql":
        digests = [hashlib.sha256(path.encode()).digest() for path in paths]
        return _digest(files.c.path).in_(digests)
    return files.c.path.in_(paths)


def insert_new(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that leaves rows alone whose key is already there."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # 0.1 s that catalogues in files are spared

        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
