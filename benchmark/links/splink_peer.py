"""Splink as one of the methods: items in, connected components of its surer pairs out.

It is installed in an environment of its own, and asked once for each world.
"""

import json
import subprocess
from pathlib import Path

import numpy as np

from benchmark.links.items import Grouping, Items, Pairs
from benchmark.links.linkers import Linker, connected
from imagematch.errors import ImagematchError

#: Probabilities from which a pair joins two profiles; Splink's are either high or very low.
_LEAST = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999)
_SCRIPT = Path(__file__).with_name("splink_pairs.py")
_SECONDS = 900


def linker(python: Path) -> Linker:
    """The method.

    Args:
        python: the interpreter of an environment that has Splink.
    """
    known: dict[int, tuple[Items, Pairs]] = {}  # with the items, so that no id is used again

    def group(items: Items, least: float) -> Grouping:
        if id(items) not in known:
            known[id(items)] = items, _asked(python, items)
        return connected(items, known[id(items)][1], least)

    return Linker("Splink, connected", group, _LEAST)


def _asked(python: Path, items: Items) -> Pairs:
    """Raises ImagematchError where Splink fails."""
    shows = np.column_stack((items.profile, items.item)).tolist()
    text = json.dumps({"profiles": len(items.profiles), "types": list(items.types), "shows": shows})
    ran = subprocess.run(
        [str(python), str(_SCRIPT)], input=text, capture_output=True, text=True, timeout=_SECONDS
    )
    if ran.returncode:
        raise ImagematchError(f"Splink failed: {ran.stderr.strip()[-2000:]}")
    table = np.array(json.loads(ran.stdout), np.float64).reshape(-1, 3)
    ends = np.sort(table[:, :2].astype(np.int64), axis=1)
    return Pairs(ends[:, 0], ends[:, 1], table[:, 2])
