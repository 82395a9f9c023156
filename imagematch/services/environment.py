"""Whether this machine can run imagematch: the first half of `doctor`.

Each check gives findings in plain words, and none of them needs an index.
"""

import importlib
import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.version import Version

from imagematch import __version__
from imagematch.amounts import counted
from imagematch.errors import EmbedderUnavailable, SettingsError
from imagematch.kernels import embeddings
from imagematch.presets import PRESETS
from imagematch.settings import DEFAULTS, DescribeSettings, Settings
from imagematch.stages.installation import has_avif, has_heic
from imagematch.surrogates import encodable

if TYPE_CHECKING:
    from imagematch import contract

type State = Literal["ok", "warning", "problem"]

_MIB = 2**20

#: Versions of Python that the tests have run on.
_PYTHONS = ((3, 12), (3, 13))

#: Peak memory of a worker with the larger model (`ru_maxrss` after a PNG of 12 megapixels: 245) and
#: of the main process, MiB, rounded up.
_WORKER_MIB, _MAIN_MIB = 300, 300

#: An index takes about 5 kB a photo, and 40 kB where it looks like a composite (16 vectors): 1 GiB
#: is room for 200,000 photos, or 25,000 screenshots.
_LEAST_DISK = 1024 * _MIB

#: RETURNING came with it (SQLite's release notes).
_LEAST_SQLITE = (3, 35, 0)


@dataclass(frozen=True, slots=True)
class Package:
    """A package that imagematch needs.

    Attributes:
        module: that is imported, to find missing system libraries too.
        lowest: the first version that is known to do, as in pyproject.toml.
        newest: the latest major version that the tests have run with.
    """

    name: str
    module: str
    lowest: str
    newest: int


PACKAGES = (
    Package("click", "click", "8.1", 8),
    Package("cronsim", "cronsim", "2.6", 2),
    Package("faiss-cpu", "faiss", "1.9", 1),
    Package("filelock", "filelock", "3.16", 4),
    Package("imagehash", "imagehash", "4.3", 4),
    Package("jinja2", "jinja2", "3.1", 3),
    Package("msgspec", "msgspec", "0.19", 0),
    Package("numpy", "numpy", "2.0", 2),
    Package("onnxruntime", "onnxruntime", "1.20", 1),
    Package("opencv-python-headless", "cv2", "4.10", 5),
    Package("packaging", "packaging", "24.0", 26),
    Package("pdqhash", "pdqhash", "0.2.7", 0),
    Package("phonenumbers", "phonenumbers", "8.13", 9),
    Package("pillow", "PIL", "11.3", 13),
    Package("pillow-heif", "pillow_heif", "0.21", 1),
    Package("rich", "rich", "13.9", 15),
    Package("sqlalchemy", "sqlalchemy", "2.0.36", 2),
    Package("tomli-w", "tomli_w", "1.1", 1),
    Package("tzlocal", "tzlocal", "5.2", 5),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: its name, stable, for programs.
        advice: what to do; "" where all is well.
    """

    check: str
    state: State
    message: str
    advice: str = ""

    def shape(self) -> "contract.Finding":
        """What it is in the JSON contract."""
        from imagematch import contract

        return contract.Finding(
            check=self.check,
            state=self.state,
            message=encodable(self.message),
            advice=encodable(self.advice),
        )


def check_environment(directory: Path, settings: Settings | None) -> Iterator[Finding]:
    """Check everything that a run needs of this machine.

    Args:
        directory: of the index, which need not exist.
        settings: of the index; None where there is none.
    """
    yield from _python()
    yield from _packages()
    yield from _cores_and_memory(settings or DEFAULTS)
    yield from _disk(directory)
    yield from _weights(settings)
    yield from _decoders()
    yield from _writable("temporary folder", Path(tempfile.gettempdir()))
    yield from _writable("index folder", _nearest(directory))
    yield from _sqlite()


def _python() -> Iterator[Finding]:
    found = sys.version.split()[0]
    low, high = (".".join(map(str, version)) for version in _PYTHONS)
    if sys.version_info[:2] < _PYTHONS[0]:
        yield Finding("python", "problem", f"Python {found}", f"install Python {low} or newer")
    elif sys.version_info[:2] > _PYTHONS[1]:
        yield Finding(
            "python",
            "warning",
            f"Python {found} is newer than the tests, which ran on {low} to {high}",
            f"if something fails, try Python {high}",
        )
    else:
        yield Finding("python", "ok", f"imagematch {__version__}, Python {found}")


def _packages() -> Iterator[Finding]:
    found = [_package(package) for package in PACKAGES]
    troubles = [finding for finding in found if finding is not None]
    yield from troubles
    if not troubles:
        yield Finding("packages", "ok", f"all {len(PACKAGES)} packages are of tested versions")


def _package(package: Package) -> Finding | None:
    install = f'pip install "{package.name}>={package.lowest}"'
    try:
        importlib.import_module(package.module)
    except ImportError as error:
        return Finding("packages", "problem", f"{package.name} can't be loaded: {error}", install)
    try:
        version = metadata.version(package.name)
    except metadata.PackageNotFoundError:
        return None  # the same module from another package, such as opencv-python
    if Version(version) < Version(package.lowest):
        return Finding(
            "packages",
            "problem",
            f"{package.name} is {version}, wanted {package.lowest} or newer",
            install,
        )
    if Version(version).major > package.newest:
        return Finding(
            "packages",
            "warning",
            f"{package.name} {version} is newer than the tests, which ran with {package.newest}.x",
            f'if something fails: pip install "{package.name}<{package.newest + 1}"',
        )
    return None


def _cores_and_memory(settings: Settings) -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = settings.workers.count or cores or 1
    processes = counted(workers, "worker process", "worker processes")
    yield Finding("cpu", "ok", f"{counted(cores or 1, 'CPU core')}, {processes}")
    memory = memory_bytes()
    if memory is None:
        yield Finding("memory", "ok", "this system does not say how much memory there is")
        return
    wanted = (_MAIN_MIB + workers * _WORKER_MIB) * _MIB
    text = f"{memory / 2**30:.1f} GiB of memory"
    if memory >= wanted:
        yield Finding("memory", "ok", text)
        return
    fitting = max(1, (memory // _MIB - _MAIN_MIB) // _WORKER_MIB)
    yield Finding(
        "memory",
        "warning",
        f"{text}, but {counted(workers, 'worker takes', 'workers take')} about "
        f"{wanted / 2**30:.1f} GiB",
        f"set workers.count = {fitting} in the index's settings.toml",
    )


def memory_bytes() -> int | None:
    """Memory that this process may use, bytes: the machine's, or less in a Linux container."""
    sizes = []
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError, ValueError):  # not Linux, or "max"
        sizes.append(int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="utf-8")))
    return min(sizes, default=None)


def _disk(directory: Path) -> Iterator[Finding]:
    place = _nearest(directory)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        yield Finding("disk", "warning", f"{place}: {error.strerror}", "check that disk")
        return
    text = f"{free / 2**30:.1f} GiB free in {place}"
    if free >= _LEAST_DISK:
        yield Finding("disk", "ok", text)
    else:
        yield Finding(
            "disk",
            "warning",
            text,
            "free some space; an index takes 5 kB a photo, 40 a screenshot",
        )


def _weights(settings: Settings | None) -> Iterator[Finding]:
    used = (settings or DEFAULTS).describe
    wanted = {}
    for embedder in embeddings.WEIGHTS:
        presets = [name for name, preset in PRESETS.items() if preset.embedder == embedder]
        preset = used.preset if used.preset in presets else presets[0]
        wanted[", ".join(presets)] = replace(used, preset=preset, model="")
    if used.model:
        wanted[used.model] = used
    for name, describe in wanted.items():
        try:
            model = embeddings.find_model(describe)
        except EmbedderUnavailable as error:
            needed = settings is not None and describe == used
            yield Finding(
                "weights",
                "problem" if needed else "warning",
                f"{name}: {error}",
                "the index was made with it: photos can't be indexed or looked up until it is back"
                if needed
                else f"install it before you use preset {name}",
            )
        else:
            yield Finding("weights", "ok", f"{name}: {model.identity if model else 'none'}")
    yield from _runtime(used)


def _runtime(describe: DescribeSettings) -> Iterator[Finding]:
    """What computes embeddings; missing weights are told of elsewhere."""
    try:
        embeddings.find_model(describe)
    except EmbedderUnavailable:
        return
    try:
        embedder = embeddings.load(describe)
    except (EmbedderUnavailable, SettingsError) as error:
        remedy = "change describe.runtime in the settings, or install what it asks for"
        yield Finding("runtime", "problem", str(error), remedy)
    else:
        if embedder is not None:
            yield Finding("runtime", "ok", f"embeddings are computed by {embedder.runtime}")


def _decoders() -> Iterator[Finding]:
    for name, there in (("HEIC", has_heic), ("AVIF", has_avif)):
        if there():
            yield Finding("decoders", "ok", f"{name} photos can be decoded")
        else:
            yield Finding(
                "decoders",
                "warning",
                f"{name} photos can't be decoded here and would fail",
                "install the wheels: pip install --force-reinstall pillow pillow-heif",
            )


def _writable(check: str, folder: Path) -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield Finding(
            check,
            "problem",
            f"{folder} can't be written to: {error.strerror}",
            "check its permissions, or name another folder",
        )
    else:
        yield Finding(check, "ok", f"{folder} can be written to")


def _nearest(directory: Path) -> Path:
    """The directory, or the nearest one above it that exists."""
    directory = directory.absolute()
    return next(place for place in (directory, *directory.parents) if place.is_dir())


def _sqlite() -> Iterator[Finding]:
    if sqlite3.sqlite_version_info >= _LEAST_SQLITE:
        yield Finding("sqlite", "ok", f"SQLite {sqlite3.sqlite_version}")
        return
    wanted = ".".join(map(str, _LEAST_SQLITE))
    yield Finding(
        "sqlite",
        "problem",
        f"SQLite {sqlite3.sqlite_version}, wanted {wanted} or newer",
        "install a newer Python, which brings it",
    )
