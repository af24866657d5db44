"""How the history is put into words: since when, and until when, there is something."""

from __future__ import annotations

from alloypy.catalog.versions import Timeline, Version


def short(version: Version) -> str:
    """A version as in `needs Alloy 1.5 or newer`: a minor version means its first release."""
    if not version.is_release or version.name == f"{version.minor}.0":
        return version.minor
    return version.name


def first_of(timeline: Timeline, mask: int) -> str:
    """The first version of a set that is not empty, in its short form."""
    return short(timeline.versions[(mask & -mask).bit_length() - 1])


def presence(timeline: Timeline, version: Version, name: str, present: int) -> str:
    """Since when or until when something exists that a version does not have; "" if it has it."""
    if present & version.bit or not present:
        return ""
    before = present & (version.bit - 1)
    after = present & ~(version.bit - 1)
    removed = short(timeline.versions[before.bit_length()]) if before else ""
    if not after:
        return f'"{name}" was removed in Alloy {removed}'
    first = first_of(timeline, after)
    if removed:
        return f'"{name}" was removed in Alloy {removed} and is back in Alloy {first}'
    gone = next((end for _, end in timeline.spans(after) if end is not None), None)
    needs = f'"{name}" needs Alloy {first} or newer'
    return needs if gone is None else f"{needs}; it is not in Alloy {short(gone)}"
