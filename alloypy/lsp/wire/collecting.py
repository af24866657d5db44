"""When Python's garbage collector runs: after checks, not while somebody waits for an answer.

A full collection visits every object, which takes 60 ms once the catalog is loaded, and nothing else runs
meanwhile. Left alone, Python starts one in every check.
"""

from __future__ import annotations

import gc

_YOUNG = 20_000
"""So many new objects start a collection of the young ones, which takes 5 ms."""
_LOADING = 2
"""After the preparation and the first check, what is left is what they have loaded: it stays."""


class Collecting:
    """Runs the collector in Python's place."""

    def __init__(self) -> None:
        self._times = 0

    def begin(self) -> None:
        """From now on Python itself starts collections only rarely."""
        gc.set_threshold(_YOUNG, 5, 1000)

    def tidy(self) -> None:
        """Collect what a check has left, without a look at what was loaded."""
        gc.collect()
        if self._times < _LOADING:
            self._times += 1
            gc.freeze()
