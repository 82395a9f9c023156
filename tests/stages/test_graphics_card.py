"""A worker under its memory limit can start what reserves far more addresses than that."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from imagematch.records import Fingerprint
from imagematch.settings import DEFAULTS, DescribeSettings, WorkerSettings
from imagematch.stages.fingerprints import describe_files, file_outside
from imagematch.stages.photo_workers import photo_workers
from tests.world import photo, save

#: An ONNX Runtime with a provider for a graphics card, which starts as CUDA does, and then needs as
#: much memory of its own as `greed` says.
RUNTIME = """
import ctypes
import numpy as np

__version__ = "1.0"


def get_available_providers():
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


class SessionOptions:
    pass


class InferenceSession:
    def __init__(self, path, options, providers):
        assert providers[0] == "CUDAExecutionProvider"
        nothing = ctypes.CDLL(None)
        nothing.mmap.restype = ctypes.c_void_p
        nothing.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 4]
        if nothing.mmap(None, 256 * 2**30, 0, 0x4022, -1, 0) == 2**64 - 1:
            raise RuntimeError("CUDA error 2: out of memory")

    def get_providers(self):
        return ["CUDAExecutionProvider"]

    def get_inputs(self):
        return [type("Input", (), {"name": "image"})]

    def run(self, _outputs, inputs):
        if inputs["image"].any():
            bytearray(GREED * 2**30)
        return [np.ones((1, 4), np.float32) / 2]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds the limit")
@pytest.mark.parametrize(("greed", "code"), [(0, ""), (64, "memory")])
def test_cuda_starts_under_the_default_limit_and_is_held_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, greed: int, code: str
) -> None:
    package = tmp_path / "packages" / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(RUNTIME.replace("GREED", str(greed)))
    monkeypatch.syspath_prepend(package.parent)  # which workers inherit
    model = tmp_path / "model.onnx"
    model.write_bytes(b"any")
    settings = replace(
        DEFAULTS,
        describe=DescribeSettings(model=str(model), runtime="cuda"),
        workers=WorkerSettings(count=1),
    )
    task = file_outside(save(photo(1), tmp_path / "1.jpg"))
    work = partial(describe_files, settings.decode, settings.describe)
    with photo_workers(settings) as executor:
        [outcome] = executor.run(work, [task])
    found = outcome.result if outcome.failure is None else outcome.failure
    if code:
        assert getattr(found, "code", "") == code
    else:
        assert isinstance(found, Fingerprint)
        assert found.embeddings.shape[1] == 4
