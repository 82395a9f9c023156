"""How fast imagematch is, how large its indexes are, and how both grow.

Everything is measured as ratios within one run: imagematch's presets, the tools that one would pick
instead, and imagematch's own kernels with nothing around them take turns on the same files.
"""
