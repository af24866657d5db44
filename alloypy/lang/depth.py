"""How deep expressions and values may nest.

Expressions nest as deep as their writer likes, and what walks them here calls itself.
Such calls live on the heap, so the interpreter's limit of a thousand guards nothing.
"""

from __future__ import annotations

import sys

FRAMES = 30_000
"""Frames that are allowed: at three a level, ten thousand levels."""


def allow_depth() -> None:
    """Raise the interpreter's limit to `FRAMES`; beyond it RecursionError is raised as ever."""
    if sys.getrecursionlimit() < FRAMES:
        sys.setrecursionlimit(FRAMES)
