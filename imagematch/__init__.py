"""imagematch finds reused photos across sites and against reference galleries.

It compares photos, never faces: a match says that two files derive from the same photograph.
"""

from importlib.metadata import version

__version__ = version("imagematch")
