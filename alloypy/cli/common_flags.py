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


FIXES_ARE_IN_FILES = "--fix and --diff change configurations in files of their own, not in YAML files"
"""What is wrong with both a fix and `--from-yaml`."""


def stdin_filename(flags: FlagSet) -> Flag[str]:
    """`--stdin-filename`."""
    return flags.string("stdin-filename", kind="name", doc="the name for standard input in messages")


COMMUNITY = "feature.community-components.enabled"
"""The flag that allows community components."""


def community_components(flags: FlagSet, doc: str = "allow community components") -> Flag[bool]:
    """`--feature.community-components.enabled`."""
    return flags.bool(COMMUNITY, doc=doc)


def stability_level(flags: FlagSet) -> Flag[str]:
    """`--stability.level`; its value is a key of `alloypy.schema.stability.LEVELS`."""
    from alloypy.schema.stability import LEVELS

    return flags.choice(
        "stability.level",
        next(iter(LEVELS)),
        tuple(LEVELS),
        noun="stability level",
        doc="lowest stability level to allow",
    )


def kind_of_units(flags: FlagSet) -> Flag[str]:
    """`--units`."""
    from alloypy.cli.files.units import CHOICES

    return flags.choice(
        "units", "path", CHOICES, noun="kind of units", doc="what counts as one configuration"
    )


def excluded(flags: FlagSet) -> Flag[list[str]]:
    """`--exclude`."""
    return flags.strings(
        "exclude", kind="pattern", doc="leave out matching paths with --recursive, as in .gitignore"
    )


def environment_flags(flags: FlagSet) -> tuple[Flag[list[str]], Flag[list[str]]]:
    """`--env` and `--env-file`."""
    return (
        flags.strings("env", kind="KEY=VALUE", doc="set an environment variable for the check; repeatable"),
        flags.strings("env-file", kind="file", doc="a file with one KEY=VALUE per line; repeatable"),
    )


def converting(flags: FlagSet, doc: str) -> None:
    """The flags of Alloy's converter, which alloypy does not have. doc: says that they do nothing."""
    flags.bool("config.bypass-conversion-errors", doc=doc)
    flags.string("config.extra-args", doc=doc)


DESCRIBED = "describe this version of Alloy: 1.10, 1.10.2, newest or main"
"""What `--alloy-version` does for the commands that describe."""


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
