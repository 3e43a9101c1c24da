"""Malformed files by the hundred, and what a reader may answer to them.

``mutations``: small functions that damage a file's bytes, a tree of lists and dicts, an array or a mask.
``contract``: reads a damaged data set and decides whether the answer is allowed.
"""
