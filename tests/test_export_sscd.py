"""The script that makes an ONNX model of Meta's SSCD: what it writes, and what it refuses.

All but one need torch: `pip install --require-hashes -r export-requirements.lock`.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from imagematch.kernels.inference import open_session
from tests.conftest import CommandLine, World
from tests.scripts import SCRIPTS, script
from tests.world import photo, reposted, save


@pytest.fixture
def export_sscd() -> ModuleType:
    pytest.importorskip("torch", reason="models are exported with torch")
    pytest.importorskip("onnx", reason="torch exports with onnx")
    return script("export_sscd")


@pytest.fixture
def torchscript(export_sscd: ModuleType, tmp_path: Path) -> Path:  # noqa: ARG001 - skips
    """A model of the same shape as SSCD, but small."""
    from tests import small_sscd

    path = tmp_path / "small.torchscript.pt"
    small_sscd.save(str(path))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [save(photo(seed), tmp_path / "photos" / f"{seed}.jpg") for seed in range(3)]


def exported(export_sscd: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["export_sscd.py", *map(str, words)])
    export_sscd.main()


def test_without_torch_it_says_what_to_install() -> None:
    program = (
        f"import runpy, sys; sys.modules['torch'] = None; "
        f"runpy.run_path({str(SCRIPTS / 'export_sscd.py')!r})"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith(("torch is not installed", "onnx is not installed"))
    assert "-r export-requirements.lock" in ran.stderr


def test_any_number_of_pictures_of_any_size_give_the_vectors_of_torch(
    export_sscd: ModuleType,
    torchscript: Path,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "small.onnx"
    exported(export_sscd, monkeypatch, torchscript, out, *photos)
    session = open_session(out, 288, "onnxruntime")
    model = export_sscd.load(torchscript)
    for count, height, width in ((1, 288, 288), (3, 96, 96), (2, 120, 200)):
        pictures = np.stack([photo(seed, width, height) for seed in range(count)])
        vectors = session.run(pictures)
        assert vectors.shape == (count, 512)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        wanted = [export_sscd.vector(model, picture, torchscript) for picture in pictures]
        np.testing.assert_allclose(vectors, wanted, atol=1e-4)


def test_what_it_prints_makes_an_index_use_the_model(
    export_sscd: ModuleType,
    torchscript: Path,
    photos: list[Path],
    world: World,
    imagematch: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, index = tmp_path / "it's small.onnx", tmp_path / "index"
    exported(export_sscd, monkeypatch, torchscript, out, *photos, "--side", "96")
    printed = capsys.readouterr().out
    assert re.search(r"3 photos, least cosine (1\.0000|0\.9999)", printed)
    named = printed[printed.index("[describe]") :]
    sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
    assert tomllib.loads(named)["describe"] == {
        "model": str(out),
        "model_sha256": sha256,
        "model_side": 96,
    }
    index.mkdir()
    (index / "settings.toml").write_text(named, encoding="utf-8")
    ran = imagematch("index", world.ads, "--index", index, "--site-from-path")
    assert ran.code == 0, ran.err
    shown = imagematch("status", "--index", index, "--json").json()
    assert shown["embedder"] == f"{out.name}:{sha256[:12]}@96"
    query = save(reposted(photo(4), 4), tmp_path / "query.jpg")
    best = imagematch("query", query, "--index", index, "--jsonl").json()["matches"][0]
    assert best["path"] == "site1/profile4/4.jpg"
    assert best["evidence"]["cosine"] > 0.5


def test_a_model_that_computes_otherwise_is_not_written(
    export_sscd: ModuleType,
    torchscript: Path,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = export_sscd.normalised
    monkeypatch.setattr(export_sscd, "normalised", lambda picture: -right(picture))
    out = tmp_path / "small.onnx"
    with pytest.raises(SystemExit, match=r"0\.jpg: .* a cosine of .*, wanted 0\.9999"):
        exported(export_sscd, monkeypatch, torchscript, out, *photos)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "small.torchscript.pt"]


def test_other_vectors_than_those_of_sscd_are_refused(
    export_sscd: ModuleType,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests import small_sscd

    path = tmp_path / "large.torchscript.pt"
    small_sscd.save(str(path), dimensions=1024)
    with pytest.raises(SystemExit, match=r"shape \(1, 1024\) for one photo, wanted \(1, 512\)"):
        exported(export_sscd, monkeypatch, path, tmp_path / "out.onnx", *photos)


@pytest.mark.parametrize("content", [None, b"<html>404 not found</html>"])
def test_a_file_that_is_no_torchscript_is_named_with_what_is_wanted(
    export_sscd: ModuleType,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
) -> None:
    path = tmp_path / "model.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit, match=r"model\.pt can't be loaded: .*torchscript\.pt"):
        exported(export_sscd, monkeypatch, path, tmp_path / "out.onnx", *photos)


def test_a_photo_that_can_not_be_read_is_named(
    export_sscd: ModuleType,
    torchscript: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SystemExit, match=r"gone\.jpg can't be read"):
        exported(export_sscd, monkeypatch, torchscript, tmp_path / "out.onnx", "gone.jpg")


def test_a_folder_that_is_not_there_is_named(
    export_sscd: ModuleType,
    torchscript: Path,
    photos: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "gone" / "out.onnx"
    with pytest.raises(SystemExit, match=r"gone.out\.onnx can't be written: No such file"):
        exported(export_sscd, monkeypatch, torchscript, out, *photos)
