"""Memory that a process has freed and keeps for later: given back to the system."""

import ctypes
import gc
import sys


def trim_memory() -> None:
    """Give free pages to the system, also those between others that are in use (glibc only).

    Statements of SQLAlchemy come first: each is a cycle that holds hundreds of values, and Python
    would look for cycles only once there are tens of thousands. It takes some milliseconds: worth
    it after every batch, and after work that took much memory and is done.
    """
    gc.collect(1)
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
