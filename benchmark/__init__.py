"""The benchmark of imagematch: a program of its own, and no part of what users install.

`python -m benchmark quality FOLDER` edits photos as posters do, hides them among others, and
measures who finds them again: imagematch's presets, through the same doors as users, and the
methods that one would pick instead. `python -m benchmark speed FOLDER` measures how fast they are.
`python -m benchmark links FOLDER` makes worlds with known operators of them, and measures who finds
them by what profiles share.
"""
