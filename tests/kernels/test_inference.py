"""Runtimes: which computes, that they agree, and what is said where one is missing."""

import importlib.util
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from imagematch.errors import EmbedderUnavailable, SettingsError
from imagematch.kernels import embeddings, inference
from imagematch.kernels.embeddings import ModelEmbedder
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import scene

PHOTOS = [np.asarray(scene(640, 480)), np.asarray(scene(300, 300))]

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="openvino is not installed"
)


def embedder(runtime: str, preset: str = "balanced") -> ModelEmbedder:
    found = embeddings.load(replace(DEFAULTS.describe, runtime=runtime, preset=preset))
    assert found is not None
    return found


@needs_openvino
@pytest.mark.model
def test_both_runtimes_give_nearly_the_same_vectors() -> None:
    one, other = embedder("onnxruntime"), embedder("openvino")
    assert one.runtime.startswith("ONNX Runtime ")
    assert other.runtime.startswith("OpenVINO ")
    cosines = (one.embed(PHOTOS) * other.embed(PHOTOS)).sum(axis=1)
    assert cosines.min() > 0.995


@needs_openvino
@pytest.mark.model
@pytest.mark.parametrize("fast", [True, False])
def test_auto_takes_openvino_where_the_processor_makes_it_fast(
    monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(inference, "_multiplies_in_bfloat16", lambda: fast)
    model = embeddings.find_model(DEFAULTS.describe)
    assert model is not None
    assert ModelEmbedder(model).runtime.startswith("OpenVINO" if fast else "ONNX Runtime")


@pytest.mark.model
def test_a_model_that_does_not_bear_it_stays_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "_multiplies_in_bfloat16", lambda: True)
    model = embeddings.find_model(replace(DEFAULTS.describe, preset="thorough"))
    assert model is not None
    assert ModelEmbedder(model).runtime.startswith("ONNX Runtime")


def test_without_openvino_auto_means_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        assert name == "openvino"

    monkeypatch.setattr(importlib.util, "find_spec", none)
    assert not inference._multiplies_in_bfloat16()


@pytest.mark.model
def test_a_runtime_that_is_missing_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError, match=r"there is no runtime 'gpu'.*cuda"):
        embedder("gpu")
    with pytest.raises(EmbedderUnavailable, match=r"CUDAExecutionProvider.*onnxruntime-gpu"):
        embedder("cuda")
    monkeypatch.setitem(sys.modules, "openvino", None)
    model = embeddings.find_model(DEFAULTS.describe)
    assert model is not None
    with pytest.raises(EmbedderUnavailable, match=r"pip install imagematch\[openvino\]"):
        ModelEmbedder(model, "openvino")


@needs_openvino
@pytest.mark.model
def test_openvino_tells_nobody_that_it_runs() -> None:
    """Its package would report its use over the network on being imported."""
    code = """
import sys
def refuse(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(event)
sys.addaudithook(refuse)
import numpy as np
from dataclasses import replace
from imagematch.kernels import embeddings
from imagematch.settings import DEFAULTS
embedder = embeddings.load(replace(DEFAULTS.describe, runtime="openvino"))
embedder.embed([np.zeros((40, 40, 3), np.uint8)])
print([name for name, module in sys.modules.items() if "openvino_telemetry" in name and module])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.stdout.strip(), ran.returncode) == ("[]", 0), ran.stderr
