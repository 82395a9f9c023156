"""Pictures that are drawn from a seed: printed matter, screens, frames, walls and grounds.

All words, names and numbers in them are invented.
"""
