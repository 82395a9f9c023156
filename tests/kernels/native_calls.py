"""Runs every kernel that calls native code on regular pictures and odd sizes, as a worker does.

    python -m tests.kernels.native_calls NAME...

A program of its own, so that a memory checker can end it; it says nothing when all is well.
"""

import sys
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmark.copies import edits
from imagematch.kernels import (
    comparison,
    content,
    homography,
    kept_picture,
    keypoints,
    match_drawing,
    overlap,
    views,
)
from imagematch.kernels import hashes as hashing
from imagematch.kernels.outlines import find_outlines
from imagematch.kernels.panels import Box
from imagematch.kernels.sizes import sizes
from imagematch.records import Bytes
from imagematch.settings import DEFAULTS
from tests.kernels.regular import ODD_SIZES, grids, patterns
from tests.world import photo


def frames() -> None:
    """Closed outlines in grids."""
    for picture in grids():
        find_outlines(picture)


def parts() -> None:
    """All views of a picture, cut out."""
    for picture in _pictures():
        found = views.find_views(picture)
        for view in (*found, *views.further_views(picture, found)):
            view.cut(picture)


def hashes() -> None:
    """What describing computes, but for the embedding."""
    for picture in _pictures():
        height, width = picture.shape[:2]
        hashing.phash(picture)
        hashing.pdq_dihedral(picture)
        hashing.quality_gate(sizes(picture), width, height, DEFAULTS.describe)
        content.photographic(picture)
        small = kept_picture.encode(picture, "0" * 64, width, height)
        kept_picture.decode(small, "0" * 64, DEFAULTS.decode)


def pairs() -> None:
    """A picture against an ordinary photo, itself and a part of itself, coarsely and fully."""
    settings = DEFAULTS.verify
    other = photo(1, 200, 150)
    for picture in _pictures():
        height, width = picture.shape[:2]
        box = Box(height // 3, height, 0, max(1, width // 2))
        whole = keypoints.extract(picture, width, settings)
        part = keypoints.extract(picture, width, settings, box)
        plain = keypoints.extract(other, 200, settings)
        for query, indexed in ((whole, plain), (plain, whole), (whole, whole), (part, whole)):
            comparison.compare(query, indexed, settings)
        coarse = keypoints.extract_coarse(picture, width, settings)
        comparison.coarse_check(coarse, coarse, settings)
        seen = keypoints.on_photographs(coarse, picture)
        comparison.coarse_pixel_check(seen, seen, settings)


def warps() -> None:
    """Homographies from degenerate, repeated, huge and noisy points."""
    rng = np.random.default_rng(0)
    source = (400 * rng.random((60, 2))).astype(np.float32)
    line = np.linspace(0, 400, 60, dtype=np.float32)
    for target in (
        source,
        source[:, ::-1],
        np.column_stack([line, 2 * line]),
        np.zeros((60, 2), np.float32),
        source.round(-2),
        source * np.float32(1e6),
        source * np.float32(1e-6),
        source * np.float32(1e30),
        (400 * rng.random((60, 2))).astype(np.float32),
    ):
        for count in (0, 3, 4, 5, 9, 60):
            fitted = homography.fit(source[:count], np.ascontiguousarray(target[:count]), 4.0)
            if fitted is not None and homography.plausible(fitted.matrix, (400, 300)):
                homography.covered(np.ones((300, 400), np.bool_), (400, 300), fitted.matrix)
    picture = photo(2, 160, 120)
    for factor in (-1e6, -1.0, 0.0, 1e-3, 3.0, 1e4):
        corners = np.array([[0, 0], [1, 0], [1, 1], [factor, 1]], np.float32)
        around = Box(0, 120, 0, 160)
        if np.ptp(corners, axis=0).max() < 1e5:
            scaled = corners * np.float32(20 if abs(factor) < 9 else 1 / 9)
            views.View(around, scaled).cut(picture)


def drawings() -> None:
    """What people are shown of a match, and the edits of the benchmark."""
    settings = DEFAULTS.verify
    for picture in _pictures():
        side = overlap.Side(picture, picture.shape[1], "a label")
        features = keypoints.extract(picture, picture.shape[1], settings)
        geometry = comparison.compare(features, features, settings)
        match_drawing.draw(
            side, side, overlap.find_fit(side, side, geometry, settings), "title", "text"
        )
    rng = np.random.default_rng(0)
    for edit in (edits.tilt, edits.perspective, edits.blur, edits.crop, edits.recompress):
        for strength in (0.01, 0.5, 1.0):
            for height, width in ((64, 64), (97, 31), (255, 257)):
                edit(photo(3, width, height), rng, strength)


def _pictures() -> Iterator[Bytes]:
    for height, width in ODD_SIZES:
        yield from patterns(height, width)


CALLS: dict[str, Callable[[], None]] = {
    call.__name__: call for call in (frames, parts, hashes, pairs, warps, drawings)
}


def main(names: list[str]) -> None:
    """Run the calls of these names."""
    cv2.setNumThreads(1)  # as workers set it: another number takes other ways through OpenCV
    for name in names:
        CALLS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
