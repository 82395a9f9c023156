"""The folder that results go to."""

from pathlib import Path
from tempfile import TemporaryFile

from benchmark.output import canvas
from imagematch.errors import UsageError


def prepare(out: Path, folder: Path, pictures: Path | None) -> None:
    """See that the results can be written, before hours of work.

    Args:
        folder: that is to be measured.
        pictures: where pictures are to be kept, if they are.

    Raises:
        UsageError: `out` can't be made or written to, or is what is measured; `pictures` exists;
            Matplotlib is not installed.
    """
    canvas.require()
    if out.resolve() == folder.resolve():
        raise UsageError(f"{out} is the folder that is measured; name another one with --out")
    if pictures is not None and pictures.exists():
        raise UsageError(f"{pictures} exists already; remove it, or name another folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(
            f"{out} can't be written to: {error.strerror}. Name another folder with --out."
        ) from error


def left_out(out: Path, folder: Path) -> tuple[Path, ...]:
    """What is no part of the measured `folder`: earlier results, unless it lies among them."""
    return () if folder.resolve().is_relative_to(out.resolve()) else (out,)
