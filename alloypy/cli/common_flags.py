"""Flags that several commands share, so that their names and descriptions agree."""

from __future__ import annotations

from alloypy.cli.flags import Flag, FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.lang.go.text import quote


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


def unknown_format(name: str) -> UsageError:
    """The error for a configuration format that Alloy does not know either."""
    return UsageError(f"(Critical) unrecognized kind {quote(name)} given to the config converter")
