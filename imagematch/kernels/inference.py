"""Running an ONNX model: a square RGB picture in, a vector out, on whatever computes it fastest.

ONNX Runtime runs everywhere. OpenVINO, where it is installed, takes half the time on processors
that multiply in bfloat16; a model must bear that. Graphics cards are used on request, since each
worker process would load the model there.
"""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from imagematch.errors import EmbedderUnavailable, SettingsError
from imagematch.records import Bytes, Floats

AUTO, ONNX, OPENVINO = "auto", "onnxruntime", "openvino"

#: Execution providers of ONNX Runtime for graphics cards, and the package that has each.
_PROVIDERS = {
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "directml": ("DmlExecutionProvider", "onnxruntime-directml"),
    "migraphx": ("MIGraphXExecutionProvider", "onnxruntime-migraphx"),
    "coreml": ("CoreMLExecutionProvider", "onnxruntime"),
}

#: Pinned to a core, the workers would all share the first one.
_OPENVINO_OPTIONS = {
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "ENABLE_CPU_PINNING": False,
    "CACHE_DIR": "",
}

RUNTIMES = (AUTO, ONNX, OPENVINO, *_PROVIDERS)


class Session(Protocol):
    """A loaded model."""

    @property
    def runtime(self) -> str:
        """What computes, in words: "ONNX Runtime 1.31.1", "OpenVINO 2026.4.1, bfloat16"."""

    def run(self, picture: Bytes) -> Floats:
        """Run the model.

        Args:
            picture: shape (1, S, S, 3), uint8, RGB.

        Returns:
            What the model gives, shape (1, D) where it is an embedder.
        """


def open_session(path: Path, side: int, runtime: str, *, bfloat16: bool = False) -> Session:
    """Load a model for one CPU thread: the workers are the parallelism.

    Args:
        side: px of the square pictures that it gets.
        runtime: one of `RUNTIMES`; "auto" takes OpenVINO where that is installed and faster, if
            the model bears it, else ONNX Runtime.
        bfloat16: whether it does: its vectors hardly change with numbers of eight bits.

    Raises:
        SettingsError: there is no such runtime.
        EmbedderUnavailable: it is not installed, or can't load the model.
    """
    if runtime not in RUNTIMES:
        raise SettingsError(
            f"there is no runtime {runtime!r}; describe.runtime is one of {', '.join(RUNTIMES)}"
        )
    faster = runtime == AUTO and bfloat16 and _multiplies_in_bfloat16()
    uses_openvino = runtime == OPENVINO or faster
    try:
        return _OpenVino(path, side) if uses_openvino else _OnnxRuntime(path, runtime)
    except EmbedderUnavailable:
        raise
    except ImportError as error:
        raise EmbedderUnavailable(
            f"describe.runtime is {runtime!r}, which can't be loaded: {error}. Get it with "
            f"`pip install imagematch[openvino]`"
            if uses_openvino
            else f"ONNX Runtime can't be loaded: {error}"
        ) from error
    except Exception as error:  # the errors of neither library share a base class
        raise EmbedderUnavailable(f"{path} can't be loaded as an ONNX model: {error}") from error


def _multiplies_in_bfloat16() -> bool:
    """Whether OpenVINO is here, and this processor has what makes it fast."""
    if importlib.util.find_spec("openvino") is None:
        return False
    try:
        return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    except Exception:  # noqa: BLE001 - a broken installation must not stop what works without it
        return False


def _openvino() -> Any:
    # It reports to its makers that it was imported, unless what does so is not there. Nothing of
    # imagematch may use the network.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino  # 0.4 s to import, and only wanted where it is used

    return openvino


class _OpenVino:
    """A model compiled for one size of picture; in bfloat16 where the processor has that."""

    def __init__(self, path: Path, side: int) -> None:
        openvino = _openvino()
        core = openvino.Core()
        model = core.read_model(path)
        model.reshape([1, side, side, 3])
        compiled = core.compile_model(model, "CPU", _OPENVINO_OPTIONS)
        kind = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        precision = {"bf16": "bfloat16", "f32": "float32"}.get(kind, kind)
        self.runtime = f"OpenVINO {openvino.__version__.split('-')[0]}, {precision}"
        self._request = compiled.create_infer_request()
        self._output = compiled.output(0)

    def run(self, picture: Bytes) -> Floats:
        """See `Session.run`."""
        outputs: Mapping[Any, Any] = self._request.infer({0: picture})
        return np.array(outputs[self._output], np.float32)  # a copy: the next run writes there


class _OnnxRuntime:
    """A model in ONNX Runtime, on the processor or on a graphics card."""

    def __init__(self, path: Path, runtime: str) -> None:
        import onnxruntime  # 0.2 s to import, and not needed for hashes

        provider, package = _PROVIDERS.get(runtime, ("CPUExecutionProvider", "onnxruntime"))
        if provider not in onnxruntime.get_available_providers():
            raise EmbedderUnavailable(
                f"this ONNX Runtime has no {provider}, which describe.runtime = {runtime!r} asks "
                f"for. Put the package {package} in the place of onnxruntime, or change the setting"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # gives memory back between photos
        options.log_severity_level = 4
        providers = list(dict.fromkeys([provider, "CPUExecutionProvider"]))
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=providers)
        on = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        self.runtime = f"ONNX Runtime {onnxruntime.__version__}" + (
            f", {on}" if on != "CPU" else ""
        )
        self._input = self._session.get_inputs()[0].name

    def run(self, picture: Bytes) -> Floats:
        """See `Session.run`."""
        return np.asarray(self._session.run(None, {self._input: picture})[0])
