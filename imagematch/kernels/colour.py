"""A picture in whatever mode and colour space a file has, to 8-bit sRGB."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

#: Colour spaces of ICC profiles, as the header spells them, and the modes that they describe.
_ICC_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}

_MOST_ICC_BYTES = 4 * 2**20  # printing presses' profiles have up to 2 MiB


def scalable(image: Image.Image) -> Image.Image:
    """Convert to a mode in which neighbouring pixels may be averaged."""
    if image.mode.startswith("I;16"):
        return Image.fromarray(np.asarray(image).astype(np.uint16))  # native byte order
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK", "F", "I"):
        return image
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB") or image
    return image.convert("L" if image.mode == "1" else "RGB")


def eight_bits(picture: Image.Image) -> Image.Image:
    """Map deep grey levels to 0-255: by the range of their type where it is known.

    32-bit and float pictures do not say which level is white: 1, 255 and 65,535 are customary, and
    what fits none of them is stretched from its darkest to its lightest level.
    """
    levels = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0, neginf=0)
    low, high = float(levels.min()), float(levels.max())
    if picture.mode == "I;16" or (low >= 0 and 255 < high <= 65535):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 1 and picture.mode == "F":
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    return Image.fromarray(
        np.rint((levels - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    )


def to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB; a profile that is broken or meant for other pixels is passed over.

    Returns:
        An RGB picture; `picture` itself where nothing is to be converted.
    """
    if profile and len(profile) <= _MOST_ICC_BYTES:
        transform = _icc_transform(profile, picture.mode)
        if transform is not None:
            return ImageCms.applyTransform(picture, transform) or picture
    return picture if picture.mode == "RGB" else picture.convert("RGB")


@lru_cache(maxsize=16)
def _icc_transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the way from a profile to sRGB; None if it is unusable or changes next to nothing."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if _ICC_MODES.get(source.profile.xcolor_space) != mode:
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode == "RGB" and _is_identity(transform) else transform


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Tell whether colours all over the cube move by two levels at most, as with sRGB itself."""
    ramp = np.linspace(0, 255, 9, dtype=np.uint8)
    cube = np.stack(np.meshgrid(ramp, ramp, ramp), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(cube), transform))
    return bool(np.abs(moved.astype(np.int16) - cube).max() <= 2)
