"""Every exception that imagematch raises on purpose.

    ImagematchError                 exit code 1
    ├── UsageError                  2  the call, a setting or an input file is off
    │   ├── SettingsError
    │   ├── ManifestError
    │   ├── JobsError
    │   ├── EmbedderUnavailable
    │   └── PresetMismatch
    ├── IndexUnavailable            3  the index can't be used as it is
    │   ├── IndexMissing
    │   ├── IndexDamaged
    │   ├── IndexLocked
    │   ├── IndexTooNew
    │   ├── IndexTooOld
    │   └── StorageFull
    ├── SourceUnavailable           3  a folder is gone or looks unplugged
    ├── PhotoError                  1  one file can't be described; becomes a `failed` row
    ├── ShapeError                  1  arrays that do not fit each other (a programming error)
    ├── KeepsFailing                3  imagematch itself failed on many photos in a row
    └── Stopped                   130  the user, or a signal, asked the run to stop

A message is what the user reads: it names the path, what was found, what was wanted and the next
step. Names say the condition, so not every one ends in Error.
"""


class ImagematchError(Exception):
    """Something went wrong that imagematch can explain."""

    exit_code = 1


class UsageError(ImagematchError):
    """The command was called in a way that can't work."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting has an unknown name, a wrong type or an impossible value."""


class ManifestError(UsageError):
    """The manifest as a whole can't be read (one bad row is reported instead)."""


class JobsError(UsageError):
    """The jobs file can't be read, or a job in it is incomplete."""


class EmbedderUnavailable(UsageError):
    """The embedding model is missing, or is not the file that it should be."""


class PresetMismatch(UsageError):
    """The index was made with another embedder; embeddings of two models can't be compared."""


class IndexUnavailable(ImagematchError):
    """The index can't be used as it is."""

    exit_code = 3


class IndexMissing(IndexUnavailable):
    """There is no index in that folder."""


class IndexDamaged(IndexUnavailable):
    """A file of the index is missing, cut short or altered."""


class IndexLocked(IndexUnavailable):
    """Another process is writing to the index."""


class IndexTooNew(IndexUnavailable):
    """The index was written by a newer imagematch."""


class IndexTooOld(IndexUnavailable):
    """The index was written by an older imagematch, and nobody has opened it for writing since."""


class StorageFull(IndexUnavailable):
    """The disk that holds the index has no room left; what was committed is safe."""


class SourceUnavailable(ImagematchError):
    """A folder that should be read is gone, or so empty that it looks unplugged."""

    exit_code = 3


class PhotoError(ImagematchError):
    """One file can't be described.

    Attributes:
        code: one of `records.FAILURE_CODES`; stable, for programs.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["PhotoError"], tuple[str, str]]:
        # Exceptions travel from worker processes; the default would drop `code`.
        return type(self), (self.code, str(self))


class ShapeError(ImagematchError):
    """Two arrays do not fit each other."""


class KeepsFailing(ImagematchError):
    """Photo after photo failed by an error in imagematch itself; something it needs is broken."""

    exit_code = 3


class Stopped(ImagematchError):
    """The run was asked to stop and has put everything that was done in safety."""

    exit_code = 130
