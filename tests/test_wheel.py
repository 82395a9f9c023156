"""What users install: the wheel has imagematch and what it needs, and nothing of the benchmark."""

import os
import re
import subprocess
import sys
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("hatchling", reason="builds the wheel, without the network")

ROOT = Path(__file__).parents[1]

#: Runs `imagematch` as where it is installed, with no benchmark beside it.
_MAIN = """
import sys
sys.modules["benchmark"] = None
from imagematch.cli import main
main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as pip builds it."""
    folder: Path = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [made] = folder.glob("*.whl")
    return made


def described(wheel: Path) -> Message:
    """What the wheel says of itself."""
    with ZipFile(wheel) as archive:
        [path] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_string(archive.read(path).decode("utf-8"))


def test_wheel_has_imagematch_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    kept = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "imagematch").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if ".dist-info/" not in name} == kept
    assert not [name for name in names if "bench" in name]


def test_users_do_not_install_what_only_the_benchmark_needs(wheel: Path) -> None:
    about = described(wheel)
    wanted = about.get_all("Requires-Dist", [])
    unconditional = {re.split(r"[^\w-]", text)[0] for text in wanted if "extra ==" not in text}
    assert {"numpy", "pillow"} <= unconditional
    assert not {"matplotlib", "psutil", "scikit-image"} & unconditional
    assert set(about.get_all("Provides-Extra", [])) == {"dev", "openvino", "postgres"}


def test_installed_command_line_has_no_benchmark(wheel: Path, tmp_path: Path) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)

    def ran(word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-c", _MAIN, word],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    shown = ran("--help")
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^  query ", shown.stdout, re.M)
    assert "bench" not in shown.stdout
    refused = ran("bench")
    assert (refused.returncode, "No such command 'bench'" in refused.stderr) == (2, True)
