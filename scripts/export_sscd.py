"""Make an ONNX model for `describe.model` from a TorchScript file of SSCD, and check it on photos.

In goes Meta's `sscd_disc_mixup.torchscript.pt` (MIT, linked by the README of
https://github.com/facebookresearch/sscd-copy-detection), out comes a file that anyone may pass on:
input `image`, uint8 [N,H,W,3] RGB; output `embedding`, float32 [N,512], of unit length. Needs the
packages of export-requirements.lock.
"""

import argparse
import hashlib
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from imagematch.errors import ImagematchError
from imagematch.kernels.decode import decode
from imagematch.kernels.embeddings import ModelEmbedder, find_model
from imagematch.kernels.sizes import scaled
from imagematch.records import Bytes, Floats
from imagematch.settings import DEFAULTS

try:
    import onnx  # noqa: F401 - torch exports with it, and would say so only after a while
    import torch
except ImportError as missing:
    sys.exit(
        f"{missing.name} is not installed. Get what the export needs with "
        "`pip install --require-hashes -r export-requirements.lock`"
    )

_DIMENSIONS = 512

#: Of ImageNet, RGB, of a range of 0 to 1: what SSCD was trained with (its README, "Preprocessing").
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)

#: Least cosine between the vectors of one photo. Rounding alone leaves more than 0.99999.
_LEAST_COSINE = 0.9999

#: Every ONNX Runtime that imagematch allows reads it, and so does OpenVINO.
_OPSET = 17


class _WithPixels(torch.nn.Module):  # type: ignore[misc]  # torch is not there for the checks
    """A model that takes normalised floats, made one that takes the pixels of a picture."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", 255 * torch.tensor(_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("deviation", 255 * torch.tensor(_DEVIATION).reshape(1, 3, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Shape (N, H, W, 3), uint8, to shape (N, 512), float32."""
        channels_first = image.permute(0, 3, 1, 2).float()
        vectors = self.model((channels_first - self.mean) / self.deviation)
        return torch.nn.functional.normalize(vectors)


def load(path: Path) -> Any:
    """Load a TorchScript model."""
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        sys.exit(
            f"{path} can't be loaded: {reason}. Wanted is a TorchScript file, "
            "sscd_disc_mixup.torchscript.pt; those that end in .torchvision.pt or .classy.pt "
            "hold weights alone"
        )


def normalised(picture: Bytes) -> Any:
    """What the TorchScript model takes, shape (1, 3, H, W), as SSCD's README makes it; written
    apart from what is exported, so that one checks the other."""
    mean, deviation = np.array(_MEAN, np.float32), np.array(_DEVIATION, np.float32)
    floats = (picture.astype(np.float32) / 255 - mean) / deviation
    return torch.from_numpy(np.ascontiguousarray(floats.transpose(2, 0, 1)[None]))


def vector(model: Any, picture: Bytes, path: Path) -> Floats:
    """The vector, of unit length, that a TorchScript model gives for a picture."""
    try:
        with torch.inference_mode():
            found = model(normalised(picture))
        shape = tuple(found.shape)
    except (RuntimeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[-1]
        sys.exit(f"{path} does not take floats [N,3,H,W], as SSCD does: {reason}")
    if shape != (1, _DIMENSIONS):
        sys.exit(
            f"{path} gives an array of shape {shape} for one photo, wanted (1, {_DIMENSIONS}). "
            "Take sscd_disc_mixup.torchscript.pt"
        )
    row: Floats = found[0].numpy()
    return row / np.float32(np.linalg.norm(row))


def export(model: Any, out: Path, side: int) -> None:
    """Write the ONNX file; N, H and W are free in it."""
    example = torch.zeros((2, side, side, 3), dtype=torch.uint8)
    free = {0: "N", 1: "H", 2: "W"}
    torch.onnx.export(
        torch.jit.script(_WithPixels(model).eval()),
        (example,),
        str(out),
        input_names=["image"],
        output_names=["embedding"],
        dynamic_axes={"image": free, "embedding": {0: "N"}},
        opset_version=_OPSET,
        dynamo=False,
    )


def read(path: Path) -> Bytes:
    """The pixels of a photo, as indexing sees them."""
    try:
        return decode(path.read_bytes(), DEFAULTS.decode).rgb
    except (OSError, ImagematchError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        sys.exit(f"{path} can't be read: {reason}. Name photos that `imagematch query` takes")


def check(model: Any, source: Path, made: Path, photos: Sequence[Path], side: int) -> float:
    """Compare what imagematch computes with the new file with what the TorchScript model does.

    Returns:
        The least cosine of the two vectors of one photo.
    """
    found = find_model(replace(DEFAULTS.describe, model=str(made), model_side=side))
    assert found is not None
    embedder = ModelEmbedder(found)
    least = 1.0
    for path in photos:
        photo = read(path)
        [ours] = embedder.embed([photo])
        cosine = float(ours @ vector(model, scaled(photo, side, side), source))
        if not cosine >= _LEAST_COSINE:
            sys.exit(
                f"{path}: the vectors of {source} and of its ONNX model have a cosine of "
                f"{cosine:.6f}, wanted {_LEAST_COSINE} or more. Nothing was written; try the "
                "versions of torch and ONNX Runtime in the lock files"
            )
        least = min(least, cosine)
    return least


def main() -> None:
    """Export, check, write, and say how to use it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="sscd_disc_mixup.torchscript.pt")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    parser.add_argument("photos", type=Path, nargs="+", help="photos to check it on")
    parser.add_argument(
        "--side",
        type=int,
        default=DEFAULTS.describe.model_side,
        help="of the square that photos are resized to, px (default: %(default)s)",
    )
    arguments = parser.parse_args()
    # TorchScript and its exporter are deprecated; what replaces them does not take such files.
    warnings.simplefilter("ignore")
    model = load(arguments.model)
    vector(model, np.zeros((arguments.side, arguments.side, 3), np.uint8), arguments.model)
    try:
        with tempfile.TemporaryDirectory(dir=arguments.out.parent) as scratch:
            made = Path(scratch) / arguments.out.name
            export(model, made, arguments.side)
            least = check(model, arguments.model, made, arguments.photos, arguments.side)
            sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
            made.replace(arguments.out)
    except OSError as error:
        sys.exit(
            f"{arguments.out} can't be written: {error.strerror}. Name a file in a folder of yours"
        )
    except ImagematchError as error:
        sys.exit(str(error))
    print(f"{arguments.out}: {len(arguments.photos)} photos, least cosine {least:.6f}")
    named = {"model": str(arguments.out.resolve()), "model_sha256": sha256}
    if arguments.side != DEFAULTS.describe.model_side:
        named["model_side"] = arguments.side
    print("To use it, put this into the settings.toml of the index:\n")
    print(tomli_w.dumps({"describe": named}), end="")


if __name__ == "__main__":
    main()
