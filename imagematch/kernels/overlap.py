"""Where two photos overlap and which keypoints agree: photos and `Geometry` in, `Fit` out.

Verification keeps its result and not its keypoints; here they are found again, to be shown.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.kernels import keypoints
from imagematch.kernels.panels import Box, find_panels
from imagematch.records import Bytes, Doubles, Geometry
from imagematch.settings import VerifySettings

#: Left, top, right and bottom of a rectangle in a full-size photo, px.
type Frame = tuple[float, float, float, float]

#: How geometry ends where one photo was laid over the other; other ends show nothing that fits.
_LAID_OVER = ("accepted", "pixels_differ")

#: Verification looked at one part if the photos share _MORE times the area that it counted, and
#: at the panel that this share of the points is in.
_MORE = 1.1
_MOST_POINTS = 0.95


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two photos.

    Attributes:
        rgb: shape (H, W, 3), uint8, upright; may be reduced.
        width: of the full-size photo, px.
        label: what to call it.
    """

    rgb: Bytes
    width: int
    label: str

    @property
    def enlarged(self) -> float:
        """Px of the full-size photo for one px of `rgb`."""
        return self.width / self.rgb.shape[1]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the full-size photo, px."""
        return float(self.width), self.rgb.shape[0] * self.enlarged

    @property
    def frame(self) -> Frame:
        """The whole photo."""
        return 0.0, 0.0, *self.size


@dataclass(frozen=True, slots=True)
class Fit:
    """What lies where when one photo is laid over the other, in px of the full-size photos.

    Attributes:
        points: shape (N, 4); x and y of a keypoint in the query, then in the photo.
        query_outline, photo_outline: shape (K, 2), K at least 3; the corners of the overlap in
            each, in the same order.
        mirrored: the query was flipped left to right before it fitted.
    """

    points: Doubles
    query_outline: Doubles
    photo_outline: Doubles
    mirrored: bool


def find_fit(query: Side, photo: Side, geometry: Geometry, settings: VerifySettings) -> Fit | None:
    """Find the overlap of two photos and the keypoints that agree with it.

    The keypoints are looked for anew, in the overlap alone, so that a small part shows enough of
    them; their number is not that of `geometry.inliers`.

    Returns:
        None where no photo was laid over the other.
    """
    if geometry.transform is None or geometry.reason not in _LAID_OVER:
        return None
    transform = np.array(geometry.transform, np.float64)
    # The sign of a homography says nothing; this one makes what is in view have a positive depth.
    if (np.linalg.det(transform) < 0) != geometry.mirrored:
        transform = -transform
    outlines = _overlap(transform, query.frame, photo.frame)
    if outlines is None:
        return None
    points = _agreeing(query, photo, transform, outlines, geometry, settings)
    covers = geometry.cover_query, geometry.cover_photo
    seen = [
        _frame_seen(side, inside, outline, cover)
        for side, inside, outline, cover in zip(
            (query, photo), (points[:, :2], points[:, 2:]), outlines, covers, strict=True
        )
    ]
    outlines = _overlap(transform, *seen) or outlines
    return Fit(points, *outlines, geometry.mirrored)


def _overlap(transform: Doubles, query: Frame, photo: Frame) -> tuple[Doubles, Doubles] | None:
    """Corners of what a frame in the query and one in the photo share, see `Fit`."""
    across, down, depth = transform
    polygon = np.array(
        [query[:2], (query[2], query[1]), query[2:], (query[0], query[3])], np.float64
    )
    # In coordinates of the query, the edges of the photo's frame are straight lines, too.
    for plane in (
        across - photo[0] * depth,
        down - photo[1] * depth,
        photo[2] * depth - across,
        photo[3] * depth - down,
    ):
        polygon = _clipped(polygon, plane)
    there = _project(transform, polygon)
    if len(polygon) < 3 or not np.isfinite(there).all():
        return None
    # They are inside already, but for rounding, which a degenerate transform blows up.
    return polygon, np.clip(there, photo[:2], photo[2:])


def _clipped(polygon: Doubles, plane: Doubles) -> Doubles:
    """The part of a convex polygon where ax + by + c >= 0 (Sutherland and Hodgman, 1974)."""
    values = polygon @ plane[:2] + plane[2]
    kept = []
    for at, value in enumerate(values):
        before, corner = polygon[at - 1], polygon[at]
        if (value >= 0) != (values[at - 1] >= 0):
            share = values[at - 1] / (values[at - 1] - value)
            kept.append(before + share * (corner - before))
        if value >= 0:
            kept.append(corner)
    return np.array(kept, np.float64).reshape(-1, 2)


def _project(transform: Doubles, points: Doubles) -> Doubles:
    lifted = np.column_stack([points, np.ones(len(points))]) @ transform.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return lifted[:, :2] / lifted[:, 2:]


def _agreeing(
    query: Side,
    photo: Side,
    transform: Doubles,
    outlines: tuple[Doubles, Doubles],
    geometry: Geometry,
    settings: VerifySettings,
) -> Doubles:
    """Pairs of keypoints that the transform explains, shape (N, 4), see `Fit.points`."""
    ours, theirs = (
        keypoints.extract(side.rgb, side.width, settings, _box(outline, side))
        for side, outline in zip((query, photo), outlines, strict=True)
    )
    ours = keypoints.mirror(ours) if geometry.mirrored else ours
    pairs = keypoints.tentative(ours, theirs, settings.ratio)
    start, end = ours.points[pairs[:, 0]], theirs.points[pairs[:, 1]]
    if geometry.mirrored:
        start[:, 0] = ours.size[0] - 1 - start[:, 0]
    start, end = (
        points.astype(np.float64) / view.scale + np.array(view.corner)
        for points, view in ((start, ours), (end, theirs))
    )
    error = np.linalg.norm(_project(transform, start) - end, axis=1)
    working = min(1.0, settings.side / max(photo.size))  # px of verification for one in full size
    close = error * working <= settings.reprojection
    return np.unique(np.column_stack([start, end])[close], axis=0)


def _frame_seen(side: Side, points: Doubles, outline: Doubles, cover: float) -> Frame:
    """What verification looked at: the whole photo, or the panel that the points are in.

    Args:
        points: shape (N, 2).
        cover: 0-1, of the photo's area; less than in the outline where it was one panel.
    """
    whole = side.frame
    if cv2.contourArea(outline.astype(np.float32)) <= _MORE * cover * whole[2] * whole[3]:
        return whole
    for panel in reversed(find_panels(side.rgb)):
        corners = np.array([panel.left, panel.top, panel.right, panel.bottom]) * side.enlarged
        inside = ((points >= corners[:2]) & (points <= corners[2:])).all(axis=1)
        if len(points) and inside.mean() >= _MOST_POINTS:
            left, top, right, bottom = corners.tolist()
            return left, top, right, bottom
    return whole


def _box(outline: Doubles, side: Side) -> Box:
    """The part of `rgb` around an outline; at least one px."""
    low = np.floor(outline.min(axis=0) / side.enlarged).astype(int)
    high = np.ceil(outline.max(axis=0) / side.enlarged).astype(int)
    height, width = side.rgb.shape[:2]
    left, top = min(max(0, low[0]), width - 1), min(max(0, low[1]), height - 1)
    return Box(top, max(top + 1, min(height, high[1])), left, max(left + 1, min(width, high[0])))
