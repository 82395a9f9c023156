"""A planned world in, a folder of pictures with a manifest out."""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from benchmark.copies.edits import EDITS, watermark
from benchmark.links.worlds import Ad, Shot, World
from imagematch.errors import ImagematchError
from imagematch.kernels import decode
from imagematch.records import Locator
from imagematch.runtime.executors import open_executor
from imagematch.runtime.monitor import Monitor
from imagematch.settings import DEFAULTS, DecodeSettings
from imagematch.sources.reading import read_bytes

MANIFEST = "manifest.csv"
COLUMNS = (
    *("path", "site", "profile", "url", "ad_id", "posted_at", "phone", "email", "location"),
    *("text", "handle", "contact"),
)

#: Longer side of a picture, px, at most, and its JPEG quality: what a small ad site keeps.
_SIDE, _QUALITY = 640, 84
_STAMP = 0.35  # strength of a site's watermark


def write(world: World, photos: Path, out: Path, monitor: Monitor) -> None:
    """Make all pictures, in worker processes, and the manifest.

    Args:
        photos: the folder that sources are relative to.
        out: an empty folder; pictures are below `out/ads`, the manifest beside it.

    Raises:
        ImagematchError: a photo can't be used.
        Stopped: as asked through the monitor.
    """
    shots = list(world.shots)
    monitor.stage(f"Making the pictures of world {world.seed}", len(shots))
    with open_executor(DEFAULTS.workers) as executor:
        make = partial(make_pictures, photos, out / "ads", DEFAULTS.decode)
        for outcome in executor.run(make, shots):
            if outcome.failure is not None:
                raise ImagematchError(f"{outcome.task.source}: {outcome.failure.message}")
            monitor.advance()
            monitor.check()
    write_manifest(world, out / MANIFEST)


def make_pictures(
    photos: Path, out: Path, decoding: DecodeSettings, shots: Sequence[Shot]
) -> list[bool]:
    """Make some pictures; for a worker process.

    Raises:
        PhotoError: a source can't be decoded.
    """
    for shot in shots:
        _make(photos / shot.source, out / shot.path, decoding, shot)
    return [True] * len(shots)


def write_manifest(world: World, path: Path) -> None:
    """One row for each picture of an ad; one without a path for an ad without pictures."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for ad in world.ads:
            for shot in ad.shots or (None,):
                rows.writerow(_row(world, ad, shot.path if shot else ""))


def _row(world: World, ad: Ad, path: str) -> tuple[str, ...]:
    owner = world.profiles[ad.profile]
    url = f"https://{owner.site}.example/{owner.handle}/{ad.ad_id}"
    contacts = ad.phone, ad.email, ad.location, ad.text, ad.handle, ad.contact
    return path, owner.site, owner.handle, url, ad.ad_id, ad.posted_at, *contacts


def _make(source: Path, target: Path, decoding: DecodeSettings, shot: Shot) -> None:
    rng = np.random.default_rng(shot.seed)
    data = read_bytes(Locator.outside(source), decoding.max_bytes)
    rgb = decode.decode(data, decoding).rgb
    for step in shot.steps:
        rgb = EDITS[step.edit](rgb, rng, step.strength)
    reduce = min(1.0, _SIDE / max(rgb.shape[:2]))
    size = max(1, round(rgb.shape[1] * reduce)), max(1, round(rgb.shape[0] * reduce))
    rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    if shot.stamp:
        # A site lays one stamp over every picture, at one slant.
        rgb = watermark(rgb, np.random.default_rng(0), _STAMP, text=shot.stamp)
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encoded.tobytes())
