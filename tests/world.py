"""Photos made from numbers, folders of them as ad sites fill them, and what an index says of them.

Nothing here is downloaded or random: every photo follows from its seed.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmark.copies import edits
from imagematch.records import Bytes, PhotoPair
from imagematch.stages import new_matches
from imagematch.stores.index import Index


def new_pairs(directory: Path, run_ids: Collection[int]) -> tuple[PhotoPair, ...]:
    """The matches that some runs brought to an index."""
    with Index.read(directory) as index:
        return new_matches.run(index, index.settings.link, run_ids).pairs


def photo(seed: int, width: int = 320, height: int = 240) -> Bytes:
    """A picture with light, texture and shapes; two seeds have nothing in common.

    The closest two of the first sixty differ in 98 of 256 bits of PDQ, whose quality is 100.
    """
    rng = np.random.default_rng(seed)
    light = np.zeros((height, width, 3))
    for cells, weight in ((3, 1.0), (7, 0.6), (17, 0.35), (41, 0.2)):
        patches = rng.uniform(0, 1, (cells, cells, 3)).astype(np.float32)
        light += weight * cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)
    light -= light.min()
    rgb = np.ascontiguousarray((light * 255 / light.max()).astype(np.uint8))
    for _ in range(14):
        colour = [int(level) for level in rng.integers(0, 256, 3)]
        at, to = ([int(x) for x in rng.integers(0, (width, height))] for _ in range(2))
        if rng.random() < 0.5:
            cv2.rectangle(rgb, at, to, colour, int(rng.integers(1, 5)))
        else:
            cv2.circle(rgb, at, int(rng.integers(5, 40)), colour, -1)
    return rgb


def reposted(rgb: Bytes, seed: int = 0) -> Bytes:
    """Cropped, mirrored, watermarked and recompressed: what takes an embedding to see through."""
    rng = np.random.default_rng(seed)
    rgb = edits.mirror(edits.crop(rgb, rng, 0.12), rng, 1.0)
    return edits.recompress(edits.watermark(rgb, rng, 0.4), rng, 0.4)


def mirrored(rgb: Bytes) -> Bytes:
    """Mirrored and recompressed: an edit that perceptual hashes alone see through."""
    rng = np.random.default_rng(0)
    return edits.recompress(edits.mirror(rgb, rng, 1.0), rng, 0.4)


def save(rgb: Bytes, path: Path, **options: object) -> Path:
    """Write a photo, as JPEG of quality 90 unless `options` or the suffix say otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".jpg", ".jpeg"):
        options = {"quality": 90, **options}
    Image.fromarray(rgb).save(path, **options)  # type: ignore[arg-type]
    return path


def ad_sites(folder: Path, seeds: Sequence[int]) -> Path:
    """Fill SITE/PROFILE/N.jpg with one photo a seed: three sites, seven profiles in all."""
    for seed in seeds:
        save(photo(seed), folder / f"site{seed % 3}" / f"profile{seed % 7}" / f"{seed}.jpg")
    return folder
