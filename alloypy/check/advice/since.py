"""Since when, or until when, Alloy has had what a check for one of its versions refuses.

The words come from the history of the catalog, which is read only when a fault may be explained by it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from alloypy.catalog.history import EntryHistory, History, PathHistory, load_breaking, load_history
from alloypy.catalog.versions import Version
from alloypy.catalog.wording import first_of, presence, short
from alloypy.graph import codes
from alloypy.schema import texts
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, File, Statement

_OF_BODIES = frozenset(texts.CODES.values())
_EXPLAINED = _OF_BODIES | {codes.UNKNOWN_COMPONENT, codes.GATE, codes.OUT_OF_SCOPE, codes.LABEL, codes.VALUE}
_NAMES = frozenset({codes.UNKNOWN_COMPONENT, texts.CODES["unknown attribute"], texts.CODES["unknown block"]})
_QUOTED = re.compile(r'"([^"]*)"')
_FIELD = re.compile(r'field "([^"]*)" does not exist')
_NO_NAME = re.compile(rb"\W")
_LONGEST = 100
_GONE = frozenset({"removed", "renamed"})
_CONTAINERS = frozenset({"declare", "foreach", "template"})


def explained(
    found: Sequence[Diagnostic],
    files: Sequence[File],
    version: Version | None,
    wanted: Callable[[Diagnostic], bool],
) -> tuple[Diagnostic, ...]:
    """The diagnostics; those that are `wanted` have what the history says about them in their hints.

    version: the one that was checked for; None for main.
    """
    history = load_history()
    explanations = _Explanations(history, version or history.timeline.main, files)
    return tuple(explanations.add(each) if wanted(each) else each for each in found)


class _Fault(NamedTuple):
    """A fault, and where it is. path: from the component or config block down to `name`, what it is about."""

    diagnostic: Diagnostic
    entry: EntryHistory | None
    path: str
    name: str

    @property
    def member(self) -> PathHistory | None:
        """The history of what it is about; None if it is unknown."""
        return self.entry.path(self.path) if self.entry is not None and self.path else None


class _Explanations:
    def __init__(self, history: History, version: Version, files: Sequence[File]) -> None:
        self._history = history
        self._timeline = history.timeline
        self._version = version
        self._files: dict[str, File | None] = {file.source.name: file for file in files}

    def add(self, diagnostic: Diagnostic) -> Diagnostic:
        """The diagnostic with an explanation, if there is one, and what to do.

        What other versions have is no misspelling: names that are like it are not suggested.
        """
        words = self._words(diagnostic) if diagnostic.code in _EXPLAINED else ""
        if not words:
            return diagnostic
        if diagnostic.code in _NAMES:
            diagnostic = diagnostic._replace(hint=self._remedy(diagnostic), fix=())
        rest = f"; {diagnostic.hint}" if diagnostic.hint else ""
        return diagnostic._replace(hint=f"{words} (checked for {self._version.name}){rest}")

    def _words(self, diagnostic: Diagnostic) -> str:
        match diagnostic.code:
            case codes.UNKNOWN_COMPONENT:
                return self._component(_first_quoted(diagnostic.message))
            case codes.OUT_OF_SCOPE:
                return self._function(_first_quoted(diagnostic.message))
            case codes.GATE:
                return self._gate(_first_quoted(diagnostic.message))
        field = _FIELD.fullmatch(diagnostic.message)
        if field is not None:
            return self._function(_namespace(diagnostic) + field[1])
        fault = self._located(diagnostic)
        return self._member(fault) if fault is not None else ""

    def _remedy(self, diagnostic: Diagnostic) -> str:
        """What to do about a part that was removed, if that is known."""
        fault = self._located(diagnostic)
        if fault is None or fault.entry is None:
            return ""
        for change in load_breaking():
            whole = not change.arguments and not fault.path
            same = change.component == fault.entry.name and (whole or fault.path in change.arguments)
            if same and change.kind in _GONE and change.since <= self._version.index:
                remedy = change.remedy.strip("-")
                return remedy[:1].lower() + remedy[1:].removesuffix(".")
        return ""

    def _component(self, name: str) -> str:
        entry = self._entry(name)
        return self._presence(name, entry.present) if entry is not None else ""

    def _function(self, name: str) -> str:
        """For a name of the library, of which only a part may be unknown: `array` in `array.concat`."""
        for known in (name, *(each for each in self._history.functions if each.startswith(f"{name}."))):
            function = self._history.function(known)
            if function is not None:
                return self._presence(known, function.present)
        return ""

    def _gate(self, name: str) -> str:
        """When a component or block has another level of stability."""
        entry = self._entry(name)
        now = entry.stability_at(self._version) if entry is not None else ""
        later = [each for each in entry.stability if each[0] != now] if entry is not None else []
        for level, mask in sorted(later, key=lambda each: each[1] & -each[1]):
            after = mask >> (self._version.index + 1)
            if after:
                words = "a community component" if level == "community" else level
                return f'"{name}" is {words} in Alloy {self._first(mask)} or newer'
        return ""

    def _member(self, fault: _Fault) -> str:
        """For an argument or block."""
        member = fault.member
        if member is None:
            return ""
        bit, name = self._version.bit, fault.name
        if not member.present & bit:
            return self._presence(name, member.present)
        match fault.diagnostic.code:
            case "ALY0303":
                if member.block & bit:
                    return self._otherwise(name, "is a block", member.block, member.present)
                return self._otherwise(name, "is an argument", ~member.block, member.present)
            case "ALY0304":
                return self._otherwise(name, "may be given once", ~member.repeated, member.present)
            case "ALY0305":
                return self._otherwise(name, "is required", member.required, member.present)
            case "ALY0306" | codes.LABEL:
                if member.labelled & bit:
                    return self._otherwise(name, "takes a label", member.labelled, member.present)
                return self._otherwise(name, "takes no label", ~member.labelled, member.present)
        return self._type(name, member)

    def _type(self, name: str, member: PathHistory) -> str:
        """Since or until when an argument has its type, and which one it has before or after."""
        own = member.type_at(self._version)
        types = sorted(member.types, key=lambda each: each[1])
        place = next((number for number, (word, _) in enumerate(types) if word == own), None)
        if place is None or len(types) < 2:
            return ""
        if place > 0:
            since = self._first(types[place][1])
            return f'"{name}" takes {own} since Alloy {since}, {types[place - 1][0]} before'
        after, mask = types[1]
        return f'"{name}" takes {own} before Alloy {self._first(mask)}, {after} since then'

    def _otherwise(self, name: str, what: str, holds: int, present: int) -> str:
        """Since when and until when something holds of what is present; "" if it always does."""
        if not holds & self._version.bit:
            return ""
        start, end = next(
            (start, end)
            for start, end in self._timeline.spans(holds & present)
            if start.index <= self._version.index and (end is None or self._version.index < end.index)
        )
        since = f" since Alloy {short(start)}" if present & (start.bit - 1) else ""
        until = f" before Alloy {short(end)}" if end is not None and present & end.bit else ""
        return f'"{name}" {what}{since}{" and" if since and until else ""}{until}' if since or until else ""

    def _presence(self, name: str, present: int) -> str:
        return presence(self._timeline, self._version, name, present)

    def _entry(self, name: str) -> EntryHistory | None:
        return self._history.component(name) or self._history.block(name)

    def _first(self, mask: int) -> str:
        return first_of(self._timeline, mask)

    def _located(self, diagnostic: Diagnostic) -> _Fault | None:
        """What the diagnostic is about."""
        if diagnostic.span is None:
            return None
        file = self._file(diagnostic.span.source)
        if file is None:
            return None
        around = _around(file.body, diagnostic.span.start)
        missing = diagnostic.code == texts.CODES["missing"]
        names = [each.full_name if isinstance(each, Block) else each.name.name for each in around]
        if missing:
            names.append(_first_quoted(diagnostic.message))
        while names and names[0] in _CONTAINERS and len(names) > 1 and self._is_entry(names[1]):
            del names[0]
        if not names:
            return None
        path = "/".join(names[1:])
        return _Fault(diagnostic, self._entry(names[0]), path, names[-1])

    def _is_entry(self, name: str) -> bool:
        return name in _CONTAINERS or self._entry(name) is not None

    def _file(self, source: Source) -> File | None:
        """The tree of a file of the configuration or of a module."""
        if source.name not in self._files:
            try:
                self._files[source.name] = parse_file(source)
            except DiagnosticsError:
                self._files[source.name] = None
        return self._files[source.name]


def _around(body: Sequence[Statement], start: int) -> Iterator[Statement]:
    """The statements around a place, from the outermost to the one that begins there."""
    while number := bisect_right(body, start, key=lambda each: each.start):
        here = body[number - 1]
        if start > here.end:
            return
        yield here
        if not isinstance(here, Block) or here.start == start:
            return
        body = here.body


def _namespace(diagnostic: Diagnostic) -> str:
    """The namespace and the dot just before the place of an unknown field."""
    span = diagnostic.span
    before = span.source.data[max(0, span.start - _LONGEST) : span.start] if span is not None else b""
    if not before.endswith(b"."):
        return ""
    return f"{_NO_NAME.split(before[:-1])[-1].decode()}."


def _first_quoted(message: str) -> str:
    found = _QUOTED.search(message)
    return found[1] if found is not None else ""
