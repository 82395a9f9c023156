"""Bytes of a file in, upright sRGB pixels out, or a `PhotoError` that says in one line why not.

Files come from strangers, so sizes are checked before pixels are decoded, and nothing but
`PhotoError` leaves this module. A file that hangs or kills its decoder is the business of the
worker pool.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image, ImageFile

from imagematch.errors import PhotoError
from imagematch.kernels import isomedia, orientation, plugins, stills
from imagematch.kernels.colour import eight_bits, scalable, to_srgb
from imagematch.kernels.containers import (
    foreign_file,
    foreign_picture,
    gif_frames,
    mpo_pictures,
    repaired,
    sniff,
)
from imagematch.kernels.wrappings import unwrapped
from imagematch.records import Bytes
from imagematch.settings import DecodeSettings

__all__ = ["DecodedPhoto", "decode", "sniff"]

#: Formats whose frames are one picture in motion, and those whose pages are separate pictures.
_ANIMATED = frozenset({"AVIF", "GIF", "PNG", "WEBP"})
_PAGED = frozenset({"HEIF", "TIFF"})

_WORTH_A_RESCUE = frozenset({"corrupt", "unsupported"})
_FILLINGS = (0x00, 0x01, 0x33, 0x55, 0xAA, 0xFF)  # of what is missing; some make a decoder give up
_GREY = 128  # what JPEG's plugin leaves where nothing is
_GAP = (31, 31)  # px that two fillings may have in common by chance
_NOTHING = 2.0  # levels; plugins leave about one colour where they decoded nothing
_MOST_PAGES = 100  # of a TIFF; each one has its tags parsed
_MOST_LOOKED_AT = 256  # frames or pages, evenly spaced
_LOOKED_AT_PIXELS = 100_000_000  # decoded at most to look at them, about 2 s
_LOOKED_AT_SIDE = 256  # px
_CANDIDATES = 5  # frames that may be shown even if no picture stands still
_NEARLY_BEST = 0.8  # of what the best frame shows; well over that of a fade-in


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """The pixels of one file.

    Attributes:
        rgb: shape (H, W, 3), uint8, 0-255; upright, sRGB, alpha on white, the longer side at most
            `DecodeSettings.working_side`.
        width, height: px, upright, before scaling.
        format: "JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF".
        frames: frames or pages, 1 for a still photo; counted up to 10,000 frames or 100 pages.
        truncated: the file is damaged or ends early, and was decoded as far as possible.
        unseen: further pictures in the file that differ from this one; at least so many, since
            no more than the first 100 million pixels of an animation are looked at for it.
    """

    rgb: Bytes
    width: int
    height: int
    format: str
    frames: int
    truncated: bool
    unseen: int = 0


def decode(data: bytes, settings: DecodeSettings) -> DecodedPhoto:
    """Decode one file; the same bytes give the same pixels.

    Of an animation comes the first picture that shows nearly as much of a photograph as the best of
    them, so that a blank opening or an advertisement is passed over; of a TIFF or HEIF, the main
    picture. What is wrapped around a picture (see `kernels.wrappings`) is taken off.

    Raises:
        PhotoError: "empty", "too_large", "not_an_image", "unsupported", "corrupt" or "memory".
    """
    data, name = _identified(data, settings)
    try:
        return _attempt(data, name, settings, tolerant=False)
    except PhotoError as error:
        if error.code not in _WORTH_A_RESCUE:
            raise
        cause = error  # nearer to what is wrong than what the rescue may stumble over
    try:
        photo = _rescued(data, name, settings)
    except PhotoError as error:
        raise (cause if error.code in _WORTH_A_RESCUE else error) from None
    if photo.rgb.std(axis=(0, 1)).max() < _NOTHING:
        raise cause
    return photo


def _rescued(data: bytes, name: str, settings: DecodeSettings) -> DecodedPhoto:
    """Decode a damaged file as far as it goes, with a plain grey for what is not there.

    Some plugins leave that out themselves; others make something up, which depends on what the
    file is filled up with: where two fillings differ, nothing was there.
    """
    error: PhotoError | None = None
    found: list[DecodedPhoto] = []
    for filled in dict.fromkeys(repaired(data, name, filling) for filling in _FILLINGS):
        try:
            found.append(_attempt(filled, name, settings, tolerant=True))
        except PhotoError as trouble:
            error = error or trouble
        if len(found) == 2 or any(photo.frames > 1 for photo in found):
            break
    if not found:
        assert error is not None  # one attempt or another was made
        raise error
    return _without_guesses(found[0], found[-1])


def _without_guesses(photo: DecodedPhoto, other: DecodedPhoto) -> DecodedPhoto:
    """Make grey what differs between a photo and the same with another filling."""
    if photo is other or photo.rgb.shape != other.rgb.shape:
        return photo
    guessed = (photo.rgb != other.rgb).any(axis=2).astype(np.uint8)
    guessed = cv2.morphologyEx(guessed, cv2.MORPH_CLOSE, np.ones(_GAP, np.uint8))
    return replace(photo, rgb=np.where(guessed[..., None] > 0, np.uint8(_GREY), photo.rgb))


def _identified(data: bytes, settings: DecodeSettings) -> tuple[bytes, str]:
    """The bytes of the picture, without what is wrapped around it, and the name of its format."""
    if not data:
        raise PhotoError("empty", "the file has no content")
    if len(data) > settings.max_bytes:
        found = f"the file has {len(data):,} bytes"
        raise PhotoError("too_large", f"{found}, more than the limit of {settings.max_bytes:,}")
    if not (sniff(data) or foreign_picture(data) or foreign_file(data)):
        data = unwrapped(data, settings.max_bytes)
    if name := sniff(data):
        return data, name
    if picture := foreign_picture(data):
        raise PhotoError("unsupported", f"this is {picture}, which is not decoded")
    if other := foreign_file(data):
        raise PhotoError("not_an_image", f"this is {other}, not a picture")
    raise PhotoError("not_an_image", "no known picture format starts like this file")


# --- one attempt, strict or tolerant -----------------------------------------------------------


def _attempt(data: bytes, name: str, settings: DecodeSettings, *, tolerant: bool) -> DecodedPhoto:
    with plugins.reading(name, settings.max_pixels, tolerant=tolerant):
        return _read(data, name, settings, tolerant)


def _read(data: bytes, name: str, settings: DecodeSettings, tolerant: bool) -> DecodedPhoto:
    image = plugins.opened(data, name)
    width, height = image.size
    if width * height > settings.max_pixels:
        raise PhotoError(
            "too_large", f"{width} x {height} px; {plugins.over_limit(settings.max_pixels)}"
        )
    if name == "JPEG":  # halves, quarters or eighths come out of the inverse DCT for less work
        image.draft(None, _fitted(image.size, settings.working_side))
    frames, unseen = 1, 0
    if name in _ANIMATED:
        frames = gif_frames(data) if name == "GIF" else int(getattr(image, "n_frames", 1))
    if frames > 1:
        shown, unseen = _looked_through(image, frames, tolerant)
        image = plugins.opened(
            data, name
        )  # what a damaged frame has left of the other one is unknown
        image.seek(shown)
    picture = _rendered(image, settings.working_side, tolerant)
    stored = np.array(picture)  # a copy: what the plugin holds changes with the page
    if name == "TIFF":
        width, height = image.size  # as stored: before loading, the plugin swaps them for a turn
    turn = _turn(image, data, name)
    if turn in orientation.SIDEWAYS:
        width, height = height, width
    if turn in orientation.TURNS:
        picture = picture.transpose(orientation.TURNS[turn])
    rgb = _checked(np.array(picture) if turn in orientation.TURNS else stored)
    if name in _PAGED:
        frames, unseen = _other_pages(image, stored, settings, tolerant)
    elif name == "JPEG" and "mp" in image.info:
        unseen = _other_jpegs(data, image, stored, settings, tolerant)
    return DecodedPhoto(rgb, width, height, name, frames, tolerant, unseen)


def _checked(rgb: np.ndarray) -> Bytes:
    """Make sure that nothing else than what `DecodedPhoto` promises leaves this module."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        found = f"pixels of an unforeseen kind, {rgb.dtype} of shape {rgb.shape}"
        raise PhotoError("unsupported", f"it decodes to {found}")
    return np.ascontiguousarray(rgb)


def _turn(image: ImageFile.ImageFile, data: bytes, name: str) -> int:
    """The turn that puts the pixels upright as the plugin gives them."""
    exif, xmp = image.info.get("exif") or b"", image.info.get("xmp") or b""
    if name == "TIFF":
        stored: int = getattr(image, "stored_turn")  # noqa: B009 - of our own plugin
        return stored or orientation.turn(b"", xmp)
    if name in ("AVIF", "HEIF"):
        # libheif obeys the container; the AVIF plugin writes what that says into the EXIF block.
        turn = orientation.turn(exif, b"") if name == "AVIF" else orientation.UPRIGHT
        told = isomedia.main_picture(data)
        if turn != orientation.UPRIGHT or told.turned:
            return turn
        exif, xmp = told.exif, told.xmp
    if name == "PNG" and not exif:
        exif = orientation.from_text(image.info.get("Raw profile type exif", ""))
    return orientation.turn(exif, xmp)


def _loaded(image: Image.Image, tolerant: bool) -> None:
    try:
        image.load()
    except OSError:
        if not tolerant:
            raise
        image.load()  # libtiff reports the damage once, and keeps the strips before it


# --- frames ------------------------------------------------------------------------------------


def _looked_through(image: ImageFile.ImageFile, frames: int, tolerant: bool) -> tuple[int, int]:
    """Find the frame of an animation to show, and count the other pictures in it."""
    reachable = min(frames, 1 + _LOOKED_AT_PIXELS // (image.width * image.height))
    places = range(0, reachable, -(-reachable // _MOST_LOOKED_AT))
    small: list[Bytes] = []
    durations: list[float] = []
    for place in places:
        try:
            image.seek(place)
            small.append(np.array(_rendered(image, _LOOKED_AT_SIDE, tolerant)))
        except Exception:
            if not (tolerant and small):
                raise
            break
        durations.append(float(image.info.get("duration") or 0))
    pictures = stills.different(small, durations)
    spread = [step * len(small) // _CANDIDATES for step in range(_CANDIDATES)]
    worth = {at: stills.shows(small[at]) for at in (*pictures, *sorted(spread))}
    enough = _NEARLY_BEST * max(worth.values())
    return places[next(at for at, shows in worth.items() if shows >= enough)], _others(pictures)


def _other_pages(
    image: ImageFile.ImageFile, shown: Bytes, settings: DecodeSettings, tolerant: bool
) -> tuple[int, int]:
    """Count the pages of a TIFF or HEIF, and of these the pictures that differ from the main one.

    Pillow's own count of pages takes quadratic time on long chains.
    """
    main, left = image.tell(), _LOOKED_AT_PIXELS
    small, pages, beyond = [shown], 1, 0
    for place in range(_MOST_PAGES if getattr(image, "is_animated", False) else 0):
        if place == main:
            continue
        try:
            image.seek(place)
        except Exception:  # noqa: BLE001 - the page that was asked for is read; the rest only counts
            break
        pages += 1
        if getattr(image, "is_auxiliary", False):
            continue
        left -= image.width * image.height
        if left < 0:
            beyond += 1
            continue
        small += _glimpse(image, settings, tolerant)
    return pages, _others(stills.unlike(small)) + beyond


def _other_jpegs(
    data: bytes, image: ImageFile.ImageFile, shown: Bytes, settings: DecodeSettings, tolerant: bool
) -> int:
    """Count the pictures of a multi-picture file (MPO) that differ from its first one."""
    small = [shown]
    for jpeg in mpo_pictures(data, image.info["mp"], image.info["mpoffset"]):
        try:
            other = plugins.opened(jpeg, "JPEG")
        except Exception:  # noqa: BLE001 - as above
            continue
        other.draft(None, (_LOOKED_AT_SIDE, _LOOKED_AT_SIDE))
        small += _glimpse(other, settings, tolerant)
    return _others(stills.unlike(small))


def _glimpse(image: ImageFile.ImageFile, settings: DecodeSettings, tolerant: bool) -> list[Bytes]:
    """A page at small size; none where it can't be decoded."""
    if image.width * image.height > settings.max_pixels:
        return []
    try:
        return [np.array(_rendered(image, _LOOKED_AT_SIDE, tolerant))]
    except Exception:  # noqa: BLE001 - as above
        return []


def _others(pictures: list[int]) -> int:
    """How many of the different pictures are not the one that is shown."""
    return max(0, len(pictures) - 1)


# --- pixels ------------------------------------------------------------------------------------


def _rendered(image: ImageFile.ImageFile, side: int, tolerant: bool) -> Image.Image:
    """Scale the current frame and bring it to sRGB, without turning it."""
    _loaded(image, tolerant)
    picture = scalable(image)
    size = _fitted(picture.size, side)
    if size != picture.size:
        # On photos as near to Lanczos as an area average is, in half of Lanczos' time.
        picture = picture.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
    if picture.mode in ("F", "I", "I;16"):
        picture = eight_bits(picture)
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", size, "white"), picture).convert("RGB")
    return to_srgb(picture, image.info.get("icc_profile"))


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    longer = max(size)
    if longer <= side:
        return size
    width, height = (max(1, round(extent * side / longer)) for extent in size)
    return width, height
