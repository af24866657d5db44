"""The history of the catalog: which version of Alloy has which component, argument, function and flag.

`history.jsonl` has one JSON value per line, like the catalog: a header with `format`, `versions`
(`[name, commit, date]`, oldest first, `main` last) and the offsets of the lines of `components`,
`config_blocks`, `names` (one line `stdlib`) and `commands`.
It is a supplement to the catalog, which describes main. A line of a component or config block has `in`
(range of versions), `stability` (a level, or `{level: range}`), and `args` and `exports`: records by path.
A member of the catalog without a record is unchanged in all versions that have the block around it; what
main no longer has is listed in full. Records have these keys, all optional:

- `in`: range; without it, as long as the block around it.
- `block`: 1, or the range in which it is a block and not an attribute.
- `req`, `rep`, `label`: 1 or a range; `enum`: the list to which a block belongs.
- `t`: type, or `{type: range}`; `vals`: range in which its text is checked against a list of values.
- `d`: `[[range, value], ...]`, null for the zero value; where no range fits, the catalog's default holds.
- `dep`: the version that deprecates it.

A range is `A` (from A on) or `A<B` (up to but without B), several joined by commas. Types are generic:
`number` for all numbers, `string` for all that read text, `map(string)` for targets,
`capsule(metrics|logs|profiles|otelcol|GO TYPE)`. Names of standard functions have `in`, `dep` and
`experimental` (ranges); commands have `in` and `flags`, which have `in`, `t`, `default` (a Go expression),
`short`, `dep` (range in which it has no effect) and `windows` (1: on Windows only).

A block that contains itself (`stage.match`) has no records below its second level: they are the same.
Source: made by `alloypy.catalog.build`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.catalog.packed import Member, generic, members
from alloypy.catalog.store import HISTORY_SECTIONS, Lines, Store, history_lines, main_store
from alloypy.catalog.versions import Timeline, Version, timeline, timeline_of

SECTIONS = HISTORY_SECTIONS


class PathHistory(NamedTuple):
    """One attribute or block of a component. Sets of versions are masks.

    present: where it exists, with all blocks around it. block: where it is a block, and not an attribute.
    required, repeated, labelled: where it is so. group: the enum to which a block belongs, or "".
    types: generic types of an attribute, with where it has them.
    checked: where its text is checked against a list of values; only meaningful for such types.
    defaults: the defaults that changed, with where they hold; None is the zero value. Elsewhere the
        catalog's default holds.
    deprecated: the index of the version since which it is deprecated, or None.
    """

    present: int
    block: int
    required: int
    repeated: int
    labelled: int
    group: str
    types: tuple[tuple[str, int], ...]
    checked: int
    defaults: tuple[tuple[int, Any], ...]
    deprecated: int | None

    def type_at(self, version: Version) -> str | None:
        """The generic type of an attribute in a version; None where it is no attribute."""
        return next((word for word, mask in self.types if mask & version.bit), None)

    def default_at(self, version: Version) -> Any:
        """The recorded default in a version; None if there is none, or if it is the type's zero value."""
        return next((value for mask, value in self.defaults if mask & version.bit), None)


class NameHistory(NamedTuple):
    """A function, namespace member or constant of the standard library, as masks of versions."""

    present: int
    deprecated: int
    experimental: int


class FlagHistory(NamedTuple):
    """A flag of one of Alloy's commands. Sets of versions are masks.

    types: such as `bool`, `duration`, with where it has them. default: a Go expression, or "".
    short: its letter, or "". deprecated: where it is accepted without effect.
    windows: whether it exists on Windows only.
    """

    present: int
    types: tuple[tuple[str, int], ...]
    default: str
    short: str
    deprecated: int
    windows: bool


class CommandHistory(NamedTuple):
    """One of Alloy's commands: the versions that have it, and its flags by name."""

    present: int
    flags: Mapping[str, FlagHistory]


class Node:
    """Records by name, with those of the members inside."""

    __slots__ = ("inner", "record")

    def __init__(self) -> None:
        self.record: Mapping[str, Any] | None = None
        self.inner: dict[str, Node] = {}


def tree(records: Mapping[str, Mapping[str, Any]]) -> Node:
    """Records by path as a tree."""
    root = Node()
    for path, record in records.items():
        node = root
        for name in path.split("/"):
            node = node.inner.setdefault(name, Node())
        node.record = record
    return root


_UNCHANGED = Node()


class _Step(NamedTuple):
    """What is known of a path.

    found: its history. body: what its block contains in the catalog. node: the records there. name: its last
    name. present: the versions that have it. missing: whether no version has it, or a block around it.
    """

    found: PathHistory | None
    body: Any
    node: Node
    name: str
    present: int
    missing: bool


class EntryHistory:
    """A component or config block.

    present: the versions that have it. stability: levels (`community` for community components) with the
    versions of each. configurable: where a service can be configured.
    """

    def __init__(self, timeline: Timeline, store: Store, section: str, name: str, line: Any) -> None:
        self.name = name
        self._timeline = timeline
        self._store = store
        self._section = section
        self._line = line
        self.present = timeline.mask(line["in"])
        self.stability = _spread(timeline, line["stability"], self.present)
        self.configurable = _span(timeline, line.get("configurable", 1), self.present)
        self._known: dict[tuple[str, str], PathHistory | None] = {}
        self._members: dict[str, Mapping[str, PathHistory]] = {}
        self._bodies: dict[str, dict[str, Member]] = {}
        self._walked: dict[tuple[str, str], _Step] = {}

    @cached_property
    def _base(self) -> Mapping[str, Any]:
        """The entry of main; empty if main does not have it."""
        store = self._store
        found: Mapping[str, Any] = (
            store.entry(self._section, self.name) if self.name in store.names(self._section) else {}
        )
        return found

    @cached_property
    def records(self) -> Mapping[str, Node]:
        """The records of its arguments (`args`) and exports."""
        return {part: tree(self._line.get(part, {})) for part in ("args", "exports")}

    def stability_at(self, version: Version) -> str:
        """The level in a version that has it; `community` for a community component."""
        return next(level for level, mask in self.stability if mask & version.bit)

    def path(self, path: str, part: str = "args") -> PathHistory | None:
        """The argument or block at a path such as `endpoint/basic_auth/password`; None if no version has it.

        part: `args` or `exports`. Enum members keep their dots (`stage.json/expressions`).
        """
        if (part, path) not in self._known:
            self._known[part, path] = self._find(path, part)
        return self._known[part, path]

    def members(self, path: str) -> Mapping[str, PathHistory]:
        """What is directly in the block at a path ("" for the whole body), in any version."""
        known = self._members.get(path)
        if known is None:
            step = self._step(path, "args")
            outer = path.rpartition("/")[0]
            if outer in self._members and self._step(outer, "args") is step:
                # A block in one of the same name has the same members.
                self._members[path] = self._members[outer]
                return self._members[path]
            names = (self._inside(step.body) if step.body is not None else {}) | step.node.inner
            found = {name: self.path(f"{path}/{name}".lstrip("/")) for name in names}
            known = self._members[path] = {name: each for name, each in found.items() if each is not None}
        return known

    def _inside(self, body: Any) -> dict[str, Member]:
        """The members of a packed body; those of a shared one are decoded once, however deep it nests."""
        if not isinstance(body, str):
            return members(self._store, body)
        if body not in self._bodies:
            self._bodies[body] = members(self._store, body)
        return self._bodies[body]

    def paths(self, part: str = "args") -> Iterator[str]:
        """All paths of all versions; a block that contains itself is entered once."""
        yield from self._paths(self._base.get(part), self.records[part], "", ())

    def _find(self, path: str, part: str) -> PathHistory | None:
        step = self._step(path, part)
        return None if step.missing else step.found

    def _step(self, path: str, part: str) -> _Step:
        """What is known of a path. Those of the paths around it are kept, so that each step is made once."""
        known = self._walked.get((part, path))
        if known is not None:
            return known
        names = path.split("/") if path else []
        done = len(names)
        while done and (part, "/".join(names[:done])) not in self._walked:
            done -= 1
        step = self._walked.get((part, "/".join(names[:done])))
        if step is None:
            step = _Step(None, self._base.get(part), self.records[part], "", self.present, False)
        for index in range(done, len(names)):
            step = self._inward(step, names[index])
            self._walked[part, "/".join(names[: index + 1])] = step
        return step

    def _inward(self, step: _Step, name: str) -> _Step:
        """The step to a name; the same step for a block in itself, which has the records of the outer one."""
        _, body, node, before, present, missing = step
        member = self._inside(body).get(name) if body is not None else None
        if name == before and member is not None and member.body is not None and member.body == body:
            return step
        node = node.inner.get(name, _UNCHANGED)
        found: PathHistory | None = None
        if node.record is not None:
            found = self._recorded(node.record, present)
        elif member is not None:
            found = _unchanged(self._store, member, present)
        body = member.body if member is not None else None
        present = found.present if found is not None else 0
        return _Step(found, body, node, name, present, missing or found is None)

    def _recorded(self, record: Mapping[str, Any], around: int) -> PathHistory:
        line = self._timeline
        present = line.mask(record["in"]) & around if "in" in record else around
        block = _span(line, record.get("block", 0), present)
        return PathHistory(
            present,
            block,
            _span(line, record.get("req", 0), present),
            _span(line, record.get("rep", 0), present),
            _span(line, record.get("label", 0), present),
            record.get("enum", ""),
            _spread(line, record["t"], present & ~block) if "t" in record else (),
            _span(line, record.get("vals", 1), present),
            tuple((line.mask(span) & present, value) for span, value in record.get("d", ())),
            line.index(record["dep"]) if "dep" in record else None,
        )

    def _paths(self, body: Any, node: Node, before: str, around: tuple[Any, ...]) -> Iterator[str]:
        known = self._inside(body) if body is not None else {}
        for name in {**known, **node.inner}:
            yield f"{before}{name}"
            inner = known[name].body if name in known else None
            if not (isinstance(inner, str) and inner in (*around, body)):
                yield from self._paths(
                    inner, node.inner.get(name, _UNCHANGED), f"{before}{name}/", (*around, body)
                )


def _unchanged(store: Store, member: Member, present: int) -> PathHistory:
    is_block = member.notation is None
    return PathHistory(
        present,
        present if is_block else 0,
        present if member.required else 0,
        present if "repeated" in member.flags else 0,
        present if "label" in member.flags else 0,
        member.flags.get("enum", ""),
        () if member.notation is None else ((generic(store, member.notation), present),),
        present,
        (),
        None,
    )


def _span(timeline: Timeline, value: int | str, present: int) -> int:
    if isinstance(value, str):
        return timeline.mask(value) & present
    return present if value else 0


def _spread(timeline: Timeline, value: Any, present: int) -> tuple[tuple[str, int], ...]:
    if isinstance(value, str):
        return ((value, present),)
    return tuple((word, timeline.mask(span) & present) for word, span in value.items())


class History:
    """The history of everything: read line by line as it is needed."""

    def __init__(self, lines: Lines, store: Store) -> None:
        """store: the catalog of main, which the history supplements."""
        self.timeline = timeline() if lines is history_lines() else timeline_of(lines)
        self._lines = lines
        self._store = store
        self._entries: dict[tuple[str, str], EntryHistory] = {}
        self._functions: dict[str, NameHistory] = {}

    def names(self, section: str) -> Collection[str]:
        """The names in `components`, `config_blocks` or `commands`, of all versions."""
        return self._lines.names(section)

    def component(self, name: str) -> EntryHistory | None:
        """The history of a component; None if no version has it."""
        return self._entry("components", name)

    def block(self, name: str) -> EntryHistory | None:
        """The history of a config block or service; None if no version has it."""
        return self._entry("config_blocks", name)

    @property
    def functions(self) -> Mapping[str, NameHistory]:
        """The standard library of all versions: `env`, `array.concat`, `constants.os`; read once."""
        if not self._functions:
            line = self.timeline
            self._functions = {
                name: NameHistory(
                    line.mask(record["in"]),
                    line.mask(record["dep"]) if "dep" in record else 0,
                    line.mask(record["experimental"]) if "experimental" in record else 0,
                )
                for name, record in self._lines.entry("names", "stdlib").items()
            }
        return self._functions

    def function(self, name: str) -> NameHistory | None:
        """A function, namespace member or constant by its full name; None if no version has it."""
        return self.functions.get(name)

    def command(self, name: str) -> CommandHistory | None:
        """One of Alloy's commands (`run`, `fmt`, `validate`, `convert`) with its flags; None for others."""
        if name not in self._lines.names("commands"):
            return None
        line, entry = self.timeline, self._lines.entry("commands", name)
        flags = {}
        for flag, record in entry["flags"].items():
            present = line.mask(record["in"])
            flags[flag] = FlagHistory(
                present,
                _spread(line, record["t"], present),
                record.get("default", ""),
                record.get("short", ""),
                line.mask(record["dep"]) if "dep" in record else 0,
                bool(record.get("windows")),
            )
        return CommandHistory(line.mask(entry["in"]), flags)

    def _entry(self, section: str, name: str) -> EntryHistory | None:
        known = self._entries.get((section, name))
        if known is None and name in self._lines.names(section):
            known = self._entries[section, name] = EntryHistory(
                self.timeline, self._store, section, name, self._lines.entry(section, name)
            )
        return known


@cache
def load_history() -> History:
    """The history of the package, read once. Raises CatalogError."""
    return History(history_lines(), main_store())


class Breaking(NamedTuple):
    """A change that an existing configuration can meet.

    id: such as `B001`. version: the name of the first version with it; `1.19.0` for what is in main only.
    since: the index of the first known version with it. component: in parentheses if it is not one
    component, such as `(alloy)`. arguments: paths; none for the whole component.
    kind: `removed`, `renamed`, `default`, `requirement`, `type`, `behaviour` or `deprecated`.
    what: the change in a sentence. remedy: what to do. source: where Alloy says so.
    """

    id: str
    version: str
    since: int
    component: str
    arguments: tuple[str, ...]
    kind: str
    what: str
    remedy: str
    source: str


@cache
def load_breaking() -> tuple[Breaking, ...]:
    """All changes that can break a configuration, oldest first. Raises CatalogError.

    `breaking.jsonl` has a header with `format`, then one change per line: a list of the fields
    of `Breaking` without `since`.
    """
    line = load_history().timeline
    lines = Lines(_file("breaking.jsonl"), (), "list of changes")
    return tuple(
        Breaking(id_, version, line.first(version), component, tuple(arguments), *rest)
        for id_, version, component, arguments, *rest in lines.rest()
    )


def _file(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
