"""imagematch finds reused photos across sites and against reference galleries.

It compares photos, never faces: a match says that two files derive from the same photograph.
"""

#: Written here, and not looked up where packages are installed: that takes a twentieth of a second.
__version__ = "0.1.0"
