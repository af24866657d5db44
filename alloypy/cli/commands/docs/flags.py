"""The flags of Alloy's own commands, by version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from alloypy.catalog.history import FlagHistory, History, load_history
from alloypy.catalog.versions import Version, find_version
from alloypy.catalog.wording import short
from alloypy.lang.go.duration import Duration, format_duration

COMMANDS = ("run", "fmt", "validate", "convert")
"""The commands of Alloy whose flags are known."""

_DURATION = re.compile(r"(\d+) \* time\.(Second|Minute)")
_SECONDS = {"Second": 1, "Minute": 60}
_LEVEL = "featuregate.StabilityGenerallyAvailable"


def flag_reference(command: str, version: Version | None) -> dict[str, Any] | None:
    """The flags of a command in a version, as JSON-like data; None if the version has no such command.

    version: None for main.
    """
    history = load_history()
    version = version or history.timeline.main
    known = history.command(command)
    if known is None or not known.present & version.bit:
        return None
    flags = [
        _flag(history, name, flag, version)
        for name, flag in known.flags.items()
        if flag.present & version.bit
    ]
    return {
        "name": f"alloy {command}",
        "alloy": history.timeline.title(version),
        "flags": flags,
    }


def _flag(history: History, name: str, flag: FlagHistory, version: Version) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": name,
        "type": next(word for word, mask in flag.types if mask & version.bit),
        "default": _default(flag.default),
        "short": flag.short,
    }
    since = next(start for start, _ in history.timeline.spans(flag.present))
    if since.index:
        entry["since"] = since.name
    if flag.deprecated & version.bit:
        entry["deprecated"] = next(start for start, _ in history.timeline.spans(flag.deprecated)).name
    if flag.windows:
        entry["only_on"] = "windows"
    return entry


def _default(text: str) -> str | None:
    """A default as it is written on the command line; None if there is none, or if only Alloy knows it."""
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return format_duration(Duration(int(duration[1]) * _SECONDS[duration[2]] * 1_000_000_000))
    if text == _LEVEL:
        return "generally-available"
    if text[:1] == '"' == text[-1:]:
        return text[1:-1] or None
    return text if text in ("true", "false") or text.isdecimal() else None


def flag_text(entry: dict[str, Any]) -> Iterator[str]:
    """The reference as lines of text."""
    yield f"{entry['name']} in {entry['alloy']}"
    yield ""
    yield "Flags"
    rows = [(_name(flag), flag["type"], _remark(flag)) for flag in entry["flags"]]
    names, kinds = (max(len(row[column]) for row in rows) for column in (0, 1))
    for name, kind, remark in rows:
        yield f"  {name:<{names}}  {kind:<{kinds}}  {remark}".rstrip()


def _name(flag: dict[str, Any]) -> str:
    return f"-{flag['short']}, --{flag['name']}" if flag["short"] else f"--{flag['name']}"


def _remark(flag: dict[str, Any]) -> str:
    words = []
    if flag["default"] is not None:
        words.append(f"default {flag['default']}")
    if "since" in flag:
        words.append(f"since {short(find_version(flag['since']))}")
    if "deprecated" in flag:
        words.append(f"without effect since {short(find_version(flag['deprecated']))}")
    if "only_on" in flag:
        words.append(f"on {flag['only_on']} only")
    return "; ".join(words)
