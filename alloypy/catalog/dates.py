"""Adds to a reference since when Alloy has what it describes, and since when it is deprecated."""

from __future__ import annotations

from typing import Any

from alloypy.catalog.history import EntryHistory, load_history
from alloypy.catalog.versions import Version
from alloypy.catalog.wording import presence


def add_dates(entry: dict[str, Any], version: Version | None) -> None:
    """Mark what is younger than the component or block around it, and what is deprecated.

    version: the version that is described; None for main.
    """
    history = load_history()
    known = history.component(entry["name"]) or history.block(entry["name"])
    if known is None:
        return
    dates = _Dates(known, version or history.timeline.main)
    entry["since"] = dates.first(known.present)
    for part, body in (("args", entry["arguments"]), ("exports", entry["exports"])):
        if body is not None:
            dates.body(body, part, "", known.present)


def when(name: str, version: Version | None) -> str:
    """Since when or until when Alloy has what a version does not have; "" for what no version has."""
    history = load_history()
    version = version or history.timeline.main
    for known in (
        history.component(name),
        history.block(name),
        history.function(name),
        history.command(name),
    ):
        if known is not None:
            return presence(history.timeline, version, name, known.present)
    return ""


class _Dates:
    def __init__(self, known: EntryHistory, version: Version) -> None:
        self._known = known
        self._version = version
        self._timeline = load_history().timeline

    def first(self, mask: int) -> str:
        """The first version of a set."""
        return self._timeline.versions[(mask & -mask).bit_length() - 1].name

    def body(self, body: dict[str, Any], part: str, before: str, around: int) -> None:
        """Mark the members of a body. around: the versions that have it."""
        for kind in ("attributes", "blocks"):
            for member in body.get(kind, ()):
                path = f"{before}{member['name']}"
                history = self._known.path(path, part)
                if history is None or member.get("only_alloypy"):
                    continue
                if self.first(history.present) != self.first(around):
                    member["since"] = self.first(history.present)
                if history.deprecated is not None and history.deprecated <= self._version.index:
                    member["deprecated"] = self._timeline.versions[history.deprecated].name
                if kind == "blocks":
                    self.body(member["body"], part, f"{path}/", history.present)
