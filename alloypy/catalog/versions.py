"""The versions of Alloy whose components are known, in order, and sets of them.

A set of versions is a bit mask: the bit of a version is its index. The order is that of the names, not of
the dates: a patch release of an old minor version may be younger than the next minor version.
Source: the header of the history file (`alloypy.catalog.history`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from alloypy.catalog.store import Lines, history_lines

MAIN = "main"
NEWEST = "newest"


class VersionError(Exception):
    """The text names no known version; the message says which is meant, or how to list them."""


class Version:
    """One version; there is one object for each.

    index: its place in the order, and its bit in a mask. name: such as `1.10.2`, `1.19.0-rc.3` or `main`.
    date: of its release, or of its newest commit, as YYYY-MM-DD.
    """

    __slots__ = ("date", "index", "name")

    def __init__(self, index: int, name: str, date: str) -> None:
        self.index = index
        self.name = name
        self.date = date

    def __repr__(self) -> str:
        return f"Version({self.name})"

    @property
    def bit(self) -> int:
        """The mask of this version alone."""
        return 1 << self.index

    @property
    def is_main(self) -> bool:
        """Whether it is Alloy's main branch, which the catalog of the package describes."""
        return self.name == MAIN

    @property
    def is_release(self) -> bool:
        """Whether it is a finished release: neither a candidate nor `main`."""
        return not self.is_main and "-" not in self.name

    @property
    def minor(self) -> str:
        """Its minor version, such as `1.10`; `main` for main."""
        return self.name if self.is_main else ".".join(self.name.split(".")[:2])


class Timeline:
    """All versions in order, oldest first; the last one is `main`."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions = tuple(versions)
        self.everything = (1 << len(self.versions)) - 1
        self._indices = {version.name: version.index for version in self.versions}
        self._masks: dict[str, int] = {}

    @property
    def main(self) -> Version:
        """The main branch."""
        return self.versions[-1]

    @property
    def newest(self) -> Version:
        """The newest release without a suffix."""
        return next(version for version in reversed(self.versions) if version.is_release)

    @property
    def coming(self) -> str:
        """The minor version that main will become, such as `1.19`."""
        newest = self.versions[-2]
        if not newest.is_release:
            return newest.minor
        major, minor = newest.minor.split(".")
        return f"{major}.{int(minor) + 1}"

    def title(self, version: Version) -> str:
        """The version as users should read it, such as `Alloy main, the coming 1.19` or `Alloy 1.10.2`."""
        if version.is_main:
            return f"Alloy main, the coming {self.coming}"
        return f"Alloy {version.name}"

    def find(self, text: str) -> Version:
        """The version that a user means.

        A name without a patch (`1.10`) is its newest patch release, or its newest candidate while there is
        no release, as is the release itself (`1.19.0`); `newest` is the newest release; a leading `v` is
        ignored. Raises VersionError.
        """
        name = text.strip().lower().removeprefix("v")
        if name == NEWEST:
            return self.newest
        if name in self._indices:
            return self.versions[self._indices[name]]
        of_minor = [version for version in self.versions if version.minor == name]
        if of_minor:
            return max(of_minor, key=lambda version: (version.is_release, version.index))
        candidates = [version for version in self.versions if version.name.startswith(f"{name}-")]
        if candidates:
            return candidates[-1]
        raise VersionError(self._unknown(text, name))

    def index(self, name: str) -> int:
        """The index of the version with exactly this name. Raises KeyError."""
        return self._indices[name]

    def first(self, name: str) -> int:
        """The index of a version, or of its first candidate if it is not out yet. Raises KeyError."""
        for version in self.versions:
            if version.name == name or version.name.startswith(f"{name}-"):
                return version.index
        raise KeyError(name)

    def mask(self, text: str) -> int:
        """The set that a range names: `A` (from A on), `A<B` (up to but without B), joined by commas."""
        known = self._masks.get(text)
        if known is None:
            known = 0
            for part in text.split(","):
                start, _, end = part.partition("<")
                below = (1 << self._indices[end]) - 1 if end else self.everything
                known |= below & ~((1 << self._indices[start]) - 1)
            self._masks[text] = known
        return known

    def text(self, mask: int) -> str:
        """The range that names a set; the reverse of `mask`."""
        return ",".join(
            start.name if end is None else f"{start.name}<{end.name}" for start, end in self.spans(mask)
        )

    def spans(self, mask: int) -> Iterator[tuple[Version, Version | None]]:
        """The unbroken spans of a set: the first version and the first one after it, None if it lasts."""
        start: Version | None = None
        for version in self.versions:
            if mask & version.bit:
                start = start or version
            elif start is not None:
                yield start, version
                start = None
        if start is not None:
            yield start, None

    def _unknown(self, text: str, name: str) -> str:
        start = f'unknown Alloy version "{text}"'
        nearest = self._nearest(name)
        if nearest is not None:
            return f'{start}; did you mean "{nearest}"?'
        first, last = self.versions[0].minor, self.versions[-2].minor
        return (
            f"{start}; expected {first} to {last}, a release such as {self.newest.name}, {NEWEST} or {MAIN}"
        )

    def _nearest(self, name: str) -> str | None:
        if name in ("latest", "stable", "current", "release"):
            return NEWEST
        if name in ("head", "dev", "devel", "master", "trunk", "next"):
            return MAIN
        numbers = name.partition("-")[0].split(".")
        if not all(number.isdecimal() for number in numbers) or len(numbers) < 2:
            return None
        of_minor = [v for v in self.versions if v.minor == ".".join(numbers[:2])]
        if of_minor:
            return max(of_minor, key=lambda version: (version.is_release, version.index)).name
        return None

    def names(self) -> list[str]:
        """What to offer for completion: main, newest, then minor versions and releases, newest first."""
        minors = dict.fromkeys(version.minor for version in reversed(self.versions[:-1]))
        return [MAIN, NEWEST, *minors, *(version.name for version in reversed(self.versions[:-1]))]


def timeline_of(history: Lines) -> Timeline:
    """The versions that the header of a history names."""
    named = enumerate(history.header["versions"])
    return Timeline([Version(index, name, date) for index, (name, _, date) in named])


@cache
def timeline() -> Timeline:
    """The versions of the package's history. Raises CatalogError."""
    return timeline_of(history_lines())


def find_version(text: str) -> Version:
    """The version that `text` names, as `Timeline.find`. Raises VersionError, CatalogError."""
    return timeline().find(text)
