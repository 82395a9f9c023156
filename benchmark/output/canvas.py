"""How all plots of the benchmark look, and how they become PNG files.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagematch.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, SOFT, GRID = "#1b1f27", "#586174", "#dfe2e8"
#: Okabe and Ito's, but for yellow, too pale for a line; a grey instead.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", INK, "#9aa1ae")
#: One more than colours, so that it takes many methods until two look the same.
MARKERS = "osD^vPX*<"

_STYLE: Mapping[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib, so plots are the same everywhere
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "savefig.facecolor": "white",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture.

    Attributes:
        name: of its file.
        about: what it shows, in one sentence.
    """

    name: str
    about: str
    png: bytes


def require() -> None:
    """See that plots can be drawn.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    with style():
        pass


def write(plots: Sequence[Plot], folder: Path) -> None:
    """Save plots in a folder, which is made if need be.

    Raises:
        UsageError: the folder or a file can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for plot in plots:
            (folder / plot.name).write_bytes(plot.png)
    except OSError as error:
        raise UsageError(
            f"plots can't be written to {folder}: {error.strerror}. Name a folder that you may "
            "write to."
        ) from error


@contextmanager
def style() -> Iterator[None]:
    """What is drawn inside looks alike, whatever the reader's own defaults.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    try:
        from matplotlib import style as styles
    except ImportError as error:
        raise UsageError(
            f"plots need Matplotlib, which can't be loaded ({error}); install it: "
            "pip install matplotlib"
        ) from error
    # "default" first: a matplotlibrc of the reader's must not change what a run gives.
    with styles.context(["default", dict(_STYLE)]):
        yield


def figure(width: float, height: float) -> "Figure":
    """An empty figure, inches; without pyplot, which would keep it and look for a screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def legend_below(figure: "Figure", axes: "Axes") -> None:
    """One legend for a whole figure, of what one of its parts shows."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)))


def png(figure: "Figure") -> bytes:
    """A figure as the bytes of a file; equal figures give equal bytes."""
    data = io.BytesIO()
    # Matplotlib would name its version, so that an update would change every file.
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()
