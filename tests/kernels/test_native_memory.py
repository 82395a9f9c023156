"""Native code of the kernels keeps to its memory, whatever a picture shows and however odd it is.

OpenCV in a worker has one thread and takes other ways than here. Its `Canny` wrote past its memory
there on every picture of a grid: so each kernel runs as in a worker, in a process whose allocator
checks what is around each block and fills blocks with rubbish.
"""

import ctypes
import os
import subprocess
import sys

import pytest

from tests.kernels.native_calls import CALLS

_LIBRARY = "libc_malloc_debug.so.0"

#: Writes past the end of a block of memory, and frees it.
_OVERRUN = """
import numpy as np
block = np.empty(1000)
longer = np.lib.stride_tricks.as_strided(block, (1001,))
longer[1000] = 1
del longer, block
"""


def checked(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Python under glibc's checks of the heap."""
    environment = {
        **os.environ,
        "LD_PRELOAD": _LIBRARY,
        "MALLOC_CHECK_": "3",
        "MALLOC_PERTURB_": "165",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def checker() -> None:
    """Skip where the system has no such allocator: it is glibc's, 2.34 and later."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        pytest.skip(f"this system has no {_LIBRARY} to check memory with")


@pytest.mark.usefixtures("checker")
def test_the_checks_find_a_write_past_the_end() -> None:
    ran = checked("-c", _OVERRUN)
    assert ran.returncode < 0, ran.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("checker")
@pytest.mark.parametrize("call", sorted(CALLS))
def test_kernels_keep_to_their_memory(call: str) -> None:
    ran = checked("-m", "tests.kernels.native_calls", call)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("call", ["frames", "parts"])
def test_grids_do_not_kill_a_worker(call: str) -> None:
    """Without any check, where there is none: what was wrong ended the process by itself."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.kernels.native_calls", call],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
