"""How often tests repeat: a tenth of the full count, unless `dev.py test --full` runs all repetitions."""

from __future__ import annotations

import os

FULL = os.environ.get("ALLOYPY_FULL") == "1"


def repeated(full: int) -> int:
    """The number of repetitions: `full` of them in a full run, else a tenth, at least one."""
    return full if FULL else max(1, full // 10)
