"""Copies as people make them who repost photos: edits of one photo, and photos in other pictures.

Decoded photos and a seeded generator come in, altered pictures go out; nothing is read or written.
"""
