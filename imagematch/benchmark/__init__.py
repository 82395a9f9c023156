"""The benchmark: any folder of photos in, tables, plots and a page of the hardest cases out.

It edits photos as posters do, hides them among others, and measures who finds them again:
imagematch's presets, through the same doors as users, and the methods that one would pick instead.
"""
