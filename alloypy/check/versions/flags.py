"""The command line of `alloy run` between two versions: flags that go, change or have no effect any more."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from alloypy.catalog.history import FlagHistory, History
from alloypy.catalog.versions import Version
from alloypy.check.versions.codes import FLAG
from alloypy.check.versions.findings import Finding, Rank, with_entry
from alloypy.check.versions.listed import Listed
from alloypy.check.versions.upgrade import Upgrade

_BOOLEANS = frozenset(["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"])
_ZERO = frozenset({"", "0", "false", '""'})
"""Defaults that do nothing."""


class GivenFlag(NamedTuple):
    """A flag as given. value: None for a switch without one."""

    name: str
    value: str | None


class FlagsError(Exception):
    """The text is not a command line; the message says why."""


def read_flags(text: str, history: History) -> list[GivenFlag]:
    """The flags in a command line, read as the shell and Alloy do. Words that are no flags are skipped.

    Raises FlagsError.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise FlagsError(f"it ends inside quotes or after a backslash: {error}") from None
    known = _known(history)
    shorts = {each.short: name for name, each in known.items() if each.short}
    found = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name.startswith("--"):
            name = name[2:]
        elif len(name) > 1 and name.startswith("-"):
            name = shorts.get(name[1:], name[1:])
        else:
            continue
        given = value if equals else None
        if not equals and _takes_value(known.get(name)):
            given = next(rest, None)
        found.append(GivenFlag(name, given))
    return found


def _known(history: History) -> dict[str, FlagHistory]:
    command = history.command("run")
    return dict(command.flags) if command is not None else {}


def _takes_value(flag: FlagHistory | None) -> bool:
    """Whether a flag takes the next word; what has once been a switch is read as one."""
    return flag is not None and all(word != "bool" for word, _ in flag.types)


def flag_findings(given: Sequence[GivenFlag], upgrade: Upgrade, history: History) -> Iterator[Finding]:
    """What an upgrade changes for the flags of `alloy run`."""
    known = _known(history)
    listed = Listed(upgrade.start, upgrade.end).entries
    entries = [each for each in listed if each.component == "(alloy)"]
    told = set()
    for flag in given:
        entry = next((each for each in entries if flag.name in each.arguments), None)
        found = _finding(flag, known.get(flag.name), upgrade)
        if found is None and entry is not None:
            rank = Rank.BEHAVIOUR if entry.kind == "behaviour" else Rank.DEPRECATED
            word = "behaves differently" if rank is Rank.BEHAVIOUR else "is deprecated"
            found = _flag(rank, flag.name, f"{word} in {entry.version}")
        if found is not None:
            told.add(flag.name)
            yield with_entry(found, entry)
    for entry in entries:
        # What a default does concerns everybody.
        for name in entry.arguments:
            history_of = known.get(name)
            default = history_of.default if history_of is not None else ""
            if entry.kind == "behaviour" and name not in told and default not in _ZERO:
                message = f"behaves differently in {entry.version}"
                yield with_entry(_flag(Rank.BEHAVIOUR, name, message), entry)


def _finding(given: GivenFlag, known: FlagHistory | None, upgrade: Upgrade) -> Finding | None:
    start, end = upgrade.start, upgrade.end
    if known is None:
        return _flag(Rank.REFUSED, given.name, "is no flag of any version", "Remove it")
    if not known.present & end.bit:
        words = f"is gone in {end.name}" if known.present & start.bit else f"does not exist in {end.name}"
        return _flag(Rank.REFUSED, given.name, words, "Remove it")
    kind = _type(known, end)
    if kind == "bool" and given.value is not None and given.value not in _BOOLEANS:
        message = f"is a switch in {end.name}, which takes no value but true or false"
        return _flag(Rank.REFUSED, given.name, message, "Remove the value")
    if known.deprecated & end.bit and not known.deprecated & start.bit:
        return _flag(Rank.DEPRECATED, given.name, f"has no effect in {end.name}", "Remove it")
    old = _type(known, start)
    if old and kind and old != kind:
        return _flag(Rank.BEHAVIOUR, given.name, f"goes from type {old} to {kind} in {end.name}")
    return None


def _type(known: FlagHistory, version: Version) -> str:
    return next((word for word, mask in known.types if mask & version.bit), "")


def _flag(rank: Rank, name: str, words: str, remedy: str = "") -> Finding:
    return Finding(rank, FLAG, None, f"--{name}", f"the flag --{name} {words}", remedy)
