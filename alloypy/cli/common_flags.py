"""Flags that several commands share, so that their names and descriptions agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloypy.cli.flags import Flag, FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.lang.go.text import quote

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version


VERSION_KIND = "version"
"""The word that the help shows for the value of `--alloy-version`."""


def stdin_filename(flags: FlagSet) -> Flag[str]:
    """`--stdin-filename`."""
    return flags.string("stdin-filename", kind="name", doc="the name for standard input in messages")


def community_components(flags: FlagSet, doc: str) -> Flag[bool]:
    """`--feature.community-components.enabled`."""
    return flags.bool("feature.community-components.enabled", doc=doc)


def converting(flags: FlagSet, doc: str) -> None:
    """The flags of Alloy's converter, which alloypy does not have. doc: says that they do nothing."""
    flags.bool("config.bypass-conversion-errors", doc=doc)
    flags.string("config.extra-args", doc=doc)


class AlloyVersion:
    """`--alloy-version`: the version of Alloy that is meant; main if it is not given."""

    def __init__(self, flags: FlagSet, doc: str) -> None:
        self.flag = flags.string("alloy-version", "main", kind=VERSION_KIND, doc=doc)

    def read(self) -> Version | None:
        """The version; None for main. Raises UsageError for one that is not known."""
        return version_of(self.flag.value, "--alloy-version")

    def note(self) -> str:
        """What to tell about the version that was chosen for an unfinished one; "" if nothing."""
        return candidate_note(self.read(), self.flag.value)


def candidate_note(version: Version | None, text: str) -> str:
    """What to tell about the version that `text` names, if that is an unfinished one; else ""."""
    if version is None or version.is_release or text.removeprefix("v") == version.name:
        return ""
    return f"Note: Alloy {version.minor} is not released yet; this is its newest candidate, {version.name}"


def version_of(text: str, where: str) -> Version | None:
    """The version that `text` names; None for main. where: what to name in the message of a UsageError."""
    if text == "main":
        return None
    from alloypy.catalog.versions import VersionError, find_version

    try:
        version = find_version(text)
    except VersionError as error:
        raise UsageError(f"{where}: {error}") from None
    return None if version.is_main else version


def unknown_format(name: str) -> UsageError:
    """The error for a configuration format that Alloy does not know either."""
    return UsageError(f"(Critical) unrecognized kind {quote(name)} given to the config converter")
