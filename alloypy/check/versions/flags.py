"""The command line of `alloy run` between two versions: flags that go, change or have no effect any more."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from alloypy.catalog.history import FlagHistory, History
from alloypy.catalog.versions import Version
from alloypy.check.versions.codes import FLAG
from alloypy.check.versions.findings import Finding, Rank, with_entry
from alloypy.check.versions.listed import Listed
from alloypy.check.versions.upgrade import Upgrade
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.text import parse_int, quote

_BOOLEANS = frozenset(["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"])
_ZERO = frozenset({"", "0", "false", '""'})
"""Defaults that do nothing."""


class GivenFlag(NamedTuple):
    """A flag as given. name: "" for words that are no flags. value: None for a switch without one.

    fault: why `alloy run` of any version refuses it, or "". remedy: what to do about it.
    """

    name: str
    value: str | None
    fault: str = ""
    remedy: str = ""


class FlagsError(Exception):
    """The text is not a command line; the message says why."""


def read_flags(text: str, history: History) -> list[GivenFlag]:
    """The flags in a command line, read as the shell and Alloy do, with words that `alloy run` refuses.

    Raises FlagsError.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise FlagsError(f"it ends inside quotes or after a backslash: {error}") from None
    return _Words(words, _known(history)).read()


class _Words:
    """Reads the words of a command line."""

    def __init__(self, words: list[str], known: Mapping[str, FlagHistory]) -> None:
        self._rest = iter(_without_command(words))
        self._known = known
        self._shorts = {each.short: name for name, each in known.items() if each.short}
        self._found: list[GivenFlag] = []
        self._others: list[str] = []

    def read(self) -> list[GivenFlag]:
        """The flags, then what is wrong with the other words."""
        for word in self._rest:
            if word == "--":
                self._others += self._rest
            elif word.startswith("--"):
                self._flag(word[2:])
            elif len(word) > 1 and word.startswith("-"):
                self._short(word)
            else:
                self._other(word)
        if len(self._others) > 1:
            fault = f"alloy run takes one path, but would get {len(self._others)}: {', '.join(self._others)}"
            self._found.append(GivenFlag("", None, fault, "Remove the words that belong to no flag"))
        return self._found

    def _flag(self, text: str) -> None:
        name, equals, value = text.partition("=")
        given = value if equals else None
        if not equals and _takes_value(self._known.get(name)):
            given = next(self._rest, None)
            if given is None:
                remedy = f"Write --{name}=VALUE"
                self._found.append(GivenFlag(name, None, f"the flag --{name} needs a value", remedy))
                return
        self._found.append(GivenFlag(name, given))

    def _short(self, word: str) -> None:
        name, equals, value = word[1:].partition("=")
        if name in self._shorts:
            self._flag(f"{self._shorts[name]}{equals}{value}")
            return
        remedy = f"Write -{word}" if name in self._known else "Remove it"
        fault = f"{quote(word)} is no flag of any version"
        self._found.append(GivenFlag(name, value if equals else None, fault, remedy))

    def _other(self, word: str) -> None:
        last = self._found[-1] if self._found else None
        known = self._known.get(last.name) if last is not None else None
        switch = known is not None and not _takes_value(known)
        if last is None or not switch or last.value is not None or word not in _BOOLEANS:
            self._others.append(word)
            return
        fault = f"the flag --{last.name} is a switch: {word} after it is the path of a configuration to Alloy"
        self._found[-1] = last._replace(fault=fault, remedy=f"Write --{last.name}={word}")


def _without_command(words: list[str]) -> list[str]:
    """The words without the program and its command at the beginning."""
    if words and words[0].rpartition("/")[2] == "alloy":
        words = words[1:]
    return words[1:] if words[:1] == ["run"] else words


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
    if given.fault:
        subject = f"--{given.name}" if given.name else "alloy run"
        return Finding(Rank.REFUSED, FLAG, None, subject, given.fault, given.remedy)
    if known is None:
        return _flag(Rank.REFUSED, given.name, "is no flag of any version", "Remove it")
    if not known.present & end.bit:
        words = f"is gone in {end.name}" if known.present & start.bit else f"does not exist in {end.name}"
        return _flag(Rank.REFUSED, given.name, words, "Remove it")
    kind = _type(known, end)
    if kind == "bool" and given.value is not None and given.value not in _BOOLEANS:
        message = f"is a switch in {end.name}, which takes no value but true or false"
        return _flag(Rank.REFUSED, given.name, message, "Remove the value")
    fault = _fault(given.value, kind)
    if fault:
        message = f"takes a value of type {kind} in {end.name}: {fault}"
        return _flag(Rank.REFUSED, given.name, message, f"Write {_VALUES[kind]}")
    if known.deprecated & end.bit and not known.deprecated & start.bit:
        return _flag(Rank.DEPRECATED, given.name, f"has no effect in {end.name}", "Remove it")
    old = _type(known, start)
    if old and kind and old != kind:
        return _flag(Rank.BEHAVIOUR, given.name, f"goes from type {old} to {kind} in {end.name}")
    return None


_VALUES = {"duration": "a duration such as 60s", "int": "a whole number"}


def _fault(value: str | None, kind: str) -> str:
    """Go's words for a value that is none of its type, or ""."""
    if value is None or kind not in _VALUES:
        return ""
    try:
        Duration.parse(value) if kind == "duration" else parse_int(value)
    except ValueError as error:
        return str(error)
    return ""


def _type(known: FlagHistory, version: Version) -> str:
    return next((word for word, mask in known.types if mask & version.bit), "")


def _flag(rank: Rank, name: str, words: str, remedy: str = "") -> Finding:
    return Finding(rank, FLAG, None, f"--{name}", f"the flag --{name} {words}", remedy)
