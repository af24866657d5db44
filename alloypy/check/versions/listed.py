"""The listed changes (`breaking.jsonl`): which of them concern a place, and when a change holds at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from alloypy.catalog.history import Breaking, load_breaking
from alloypy.catalog.versions import Version, timeline
from alloypy.check.contents import ContentCheck
from alloypy.check.versions.uses import Body, NodeUse
from alloypy.lang.types import AnyType
from alloypy.rules.view import Undecided
from alloypy.syntax.tree import Attribute, Block, Literal, Statement

Read = Callable[[Body, str], Any]
"""Reads an attribute of a body; raises Undecided. None if it is not written."""


def reading(contents: ContentCheck) -> Read:
    """How the attributes of bodies are read."""

    def read(body: Body, name: str) -> Any:
        statement = body.attribute(name)
        if statement is None:
            return None
        return contents.values(body.node.source, body.node.frame).decided(statement.value, AnyType())

    return read


_UNTIL = {"B022": "1.6.0", "B061": "1.7.2"}
"""Changes that a later version has undone, in ways that the history of names and types does not show."""

_UNDOES = {"B060": "1.3.0"}
"""Changes that only undo another one: they concern upgrades from that version on."""

EVEN_UNSET = frozenset({"B171", "B298"})
"""Changes of an argument's behaviour that also concern its default."""

STILL_ACCEPTED = frozenset({"B105", "B106", "B107", "B108"})
"""Removed arguments that are accepted again, without effect."""


class Listed:
    """The listed changes between two versions; each is reported once for each place.

    entries: those after one version and up to a later one that still hold there; none for a downgrade.
    """

    def __init__(self, start: Version, end: Version) -> None:
        line = timeline()
        self.entries: list[Breaking] = []
        self._taken: set[tuple[str, int, str]] = set()
        for entry in load_breaking():
            if not start.index < entry.since <= end.index:
                continue
            if entry.id in _UNTIL and end.index >= line.index(_UNTIL[entry.id]):
                continue
            if entry.id in _UNDOES and start.index < line.index(_UNDOES[entry.id]):
                continue
            self.entries.append(entry)

    def take(self, use: NodeUse, body: Body, path: str, *kinds: str) -> Breaking | None:
        """The newest change of these kinds for a path ("" for the component), which is reported with it."""
        found = None
        for entry in self.entries:
            named = entry.kind in kinds and concerns(entry, use)
            if named and any(matches(path, argument) for argument in entry.arguments or ("",)):
                found = entry
                self._taken.add((entry.id, id(body), path))
        return found

    def is_taken(self, entry: Breaking, body: Body, path: str) -> bool:
        """Whether a change has been reported for a path."""
        return (entry.id, id(body), path) in self._taken


def concerns(entry: Breaking, use: NodeUse) -> bool:
    """Whether a listed change is about a component or config block."""
    name = entry.component
    if not name.startswith("("):
        return name == use.name
    if name == "(relabel rules)":
        return use.name.endswith(".relabel") or use.name.startswith("prometheus.operator.")
    pattern = name.strip("()")
    return "." in pattern and fnmatchcase(use.name, pattern)


def matches(path: str, argument: str) -> bool:
    """Whether a listed argument, which may have wildcards, is the one at a path."""
    return path == argument or ("*" in argument and fnmatchcase(path, argument))


def arguments_of(entry: Breaking, use: NodeUse) -> Iterator[str]:
    """The paths in a component that a listed change names, wildcards resolved; none for the whole."""
    for argument in entry.arguments:
        if "*" in argument:
            yield from (path for path in use.entry.paths() if fnmatchcase(path, argument))
        else:
            yield argument


def _text_has(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern)

    def test(value: Any) -> bool:
        texts = value if isinstance(value, list | tuple) else [value]
        return any(isinstance(each, str) and compiled.search(each) is not None for each in texts)

    return test


_NO_DOT = re.compile(r"\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)
"""Parts of a regular expression in which a dot is only a dot: quoted, escaped, or in a class."""


def _has_dot(value: Any) -> bool:
    """Whether a regular expression has a dot that stands for any character."""
    return isinstance(value, str) and not value.startswith("(?s)") and "." in _NO_DOT.sub("", value)


def _seconds_below(limit: float) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        from alloypy.lang.go.duration import Duration

        try:
            return Duration.parse(str(value)) < Duration.parse(f"{limit}s")
        except ValueError:
            return True

    return test


_VALUES: Mapping[str, Callable[[Any], bool]] = {
    "B004": lambda value: not _text_has(r":\d+$")(value),
    "B017": _seconds_below(10),
    "B048": lambda value: not _text_has(r"^AWS/")(value),
    "B054": _text_has(r"^(HEAD|FETCH_HEAD|ORIG_HEAD|MERGE_HEAD|CHERRY_PICK_HEAD)$"),
    "B059": _text_has(r"^(?!\^).*[.*+?$()|\[\]]"),
    "B104": _text_has(r"^(mscluster_|netframework_|teradici_pcoip$|vmware_blast$)"),
    "B115": _has_dot,
    "B149": _text_has(r"^(cs|logon)$"),
    "B171": lambda value: value is not False,
    "B298": lambda value: value is not True,
}
"""Changes that concern only some values of their argument."""


def _inverted(statements: list[Statement]) -> bool:
    for statement in statements:
        if isinstance(statement, Block):
            if _inverted(statement.body):
                return True
        elif statement.name.name == "invert_match":
            value = statement.value
            if not (isinstance(value, Literal) and value.text == "false"):
                return True
    return False


def _written(pattern: bytes) -> Callable[[Statement, Body], bool]:
    compiled = re.compile(pattern)

    def test(statement: Statement, body: Body) -> bool:
        return compiled.search(body.node.source.data, statement.start, statement.end + 1) is not None

    return test


_STATEMENTS: Mapping[str, Callable[[Statement, Body], bool]] = {
    "B022": lambda statement, _: isinstance(statement, Block) and _inverted(statement.body),
    "B046": _written(rb"convert_(sum_to_gauge|gauge_to_sum)"),
    "B051": lambda _, body: body.attribute("key") is None,
    "B058": _written(rb"\bflatten\s*\("),
    "B060": lambda statement, _: isinstance(statement, Block) and _inverted(statement.body),
    "B112": lambda statement, _: isinstance(statement, Block) and _inverted(statement.body),
}
"""Changes that concern only some statements."""


def is_of_value(entry: Breaking) -> bool:
    """Whether a change concerns only some values."""
    return entry.id in _VALUES or entry.id in _STATEMENTS or entry.id == "B154"


def touches(entry: Breaking, statement: Statement, body: Body, read: Read) -> bool | None:
    """Whether a change concerns what is written; None if only running can tell."""
    test = _STATEMENTS.get(entry.id)
    if test is not None:
        return test(statement, body)
    if entry.id == "B154":
        return _protocols(body, read)
    of_value = _VALUES.get(entry.id)
    if of_value is None:
        return True
    if not isinstance(statement, Attribute):
        return None
    try:
        return of_value(read(body, statement.name.name))
    except Undecided:
        return None


def _protocols(body: Body, read: Read) -> bool | None:
    """Whether native histograms are scraped, but not with the protocol that has them."""
    try:
        return read(body, "scrape_native_histograms") is True and "PrometheusProto" not in read(
            body, "scrape_protocols"
        )
    except Undecided:
        return None
