"""Names of time zones as Go loads them.

Source: the database that Go 1.26 has in its programs, as Alloy does; `time_zones.txt` lists its names.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from pathlib import Path

_OTHER_FORMS = ("posix/", "right/", "SystemV/")
"""Folders that a system may have in its own database."""


def zone_fault(name: str) -> tuple[str, str]:
    """Why no system can load a time zone, in Go's words, and a hint; both are "" if one may."""
    if name in {"", "UTC", "Local"}:
        return "", ""
    if ".." in name or name.startswith(("/", "\\")):
        return "time: invalid location name", "write a name such as `Europe/Berlin`"
    zones = _zones()
    if name in zones or name.startswith(_OTHER_FORMS):
        return "", ""
    meant = _nearest(name, zones)
    hint = f"did you mean `{meant}`?" if meant else "write a name such as `Europe/Berlin`"
    return f"unknown time zone {name}", hint


def _nearest(name: str, zones: frozenset[str]) -> str:
    folded = {zone.casefold(): zone for zone in sorted(zones)}
    close = get_close_matches(name.casefold().replace(" ", "_"), folded, 1, 0.8)
    return folded[close[0]] if close else ""


@cache
def _zones() -> frozenset[str]:
    return frozenset(Path(__file__).with_suffix(".txt").read_text("ascii").split())
