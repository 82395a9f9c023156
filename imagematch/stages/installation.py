"""What this installation can do: the versions and decoders that decide whether a photo fails.

A failure remembers the installation that met it. Another one may do better, so it tries again.
"""

from importlib import metadata

from imagematch import __version__

#: Packages that look at photos; of those with several names, the one that is installed counts.
_PACKAGES = (
    "pillow",
    "pillow-heif",
    "opencv-python-headless",
    "opencv-python",
    "numpy",
    "imagehash",
    "pdqhash",
    "onnxruntime",
    "openvino",
)


def installation() -> str:
    """This installation in one line; another line means that a photo that failed may not again.

    It names imagematch first, then the packages that are installed, then the formats that they
    can decode here, as a library may be there without its codecs.
    """
    decoders = [name for name, there in (("HEIC", has_heic()), ("AVIF", has_avif())) if there]
    return ", ".join([f"imagematch {__version__}", *_versions(), *decoders])


def _versions() -> list[str]:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def has_heic() -> bool:
    """Whether HEIC photos can be decoded."""
    try:
        import pillow_heif
    except ImportError:
        return False
    return bool(pillow_heif.libheif_info().get("decoders"))


def has_avif() -> bool:
    """Whether AVIF photos can be decoded."""
    from PIL import features

    return bool(features.check("avif"))
