"""The entries of the catalog as they were in an earlier version: its history laid over the catalog of main.

What has changed is rebuilt for each component, because several components share bodies; what has not
stays shared.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from alloypy.catalog.history import EntryHistory, History, Node
from alloypy.catalog.packed import Member, generic, members, notation_of, resolved
from alloypy.catalog.store import Store
from alloypy.catalog.versions import Version

_SECTIONS = ("components", "config_blocks")


class PastStore:
    """The entries of one version, in the packed form in which `Store` has those of main."""

    def __init__(self, main: Store, history: History, version: Version) -> None:
        self.main = main
        self.version = version
        self.timeline = history.timeline
        self._history = history
        self._definitions: dict[str, Any] = {}

    @property
    def deprecated(self) -> frozenset[str]:
        """Deprecated names of the standard library."""
        bit = self.version.bit
        return frozenset(n for n, each in self._history.functions.items() if each.deprecated & bit)

    @property
    def experimental(self) -> frozenset[str]:
        """Experimental functions of the standard library, with their namespaces."""
        bit = self.version.bit
        return frozenset(n for n, each in self._history.functions.items() if each.experimental & bit)

    @property
    def identifiers(self) -> Mapping[str, Any]:
        """Names of the standard library that are not deprecated, as in the header of the catalog."""
        found: dict[str, Any] = {}
        for name, each in self._history.functions.items():
            if each.present & self.version.bit and not each.deprecated & self.version.bit:
                namespace, dot, member = name.partition(".")
                if dot:
                    found.setdefault(namespace, []).append(member)
                elif name != "constants":  # which has members, too
                    found[name] = self.main.identifiers.get(name, "function")
        return found

    def names(self, section: str) -> Collection[str]:
        """The names in a section, in alphabetical order."""
        if section not in _SECTIONS:
            return self.main.names(section)
        return _Names(self, section, self._history.names(section))

    def has(self, section: str, name: str) -> bool:
        """Whether the version has an entry, of which some version is known to have one."""
        return bool(self._entry(section, name).present & self.version.bit)

    def entry(self, section: str, name: str) -> Any:
        """The entry `name` of `section`. Raises KeyError."""
        if section in _SECTIONS:
            return self._past_entry(section, name)
        if section == "defs" and name in self._definitions:
            return self._definitions[name]
        return self.main.entry(section, name)

    def _entry(self, section: str, name: str) -> EntryHistory:
        history = self._history
        entry = history.component(name) if section == "components" else history.block(name)
        if entry is None:
            raise KeyError(name)
        return entry

    def _past_entry(self, section: str, name: str) -> Any:
        history = self._entry(section, name)
        entry = dict(self.main.entry(section, name)) if name in self.main.names(section) else {}
        entry["stability"] = history.stability_at(self.version)
        if section == "components":
            entry["community"] = entry["stability"] == "community"
            entry.setdefault("args", {"go": name})
        for part, node in history.records.items():
            if node.inner:
                entry[part] = _Rebuilding(self, name).body(entry.get(part), node, "", {})
        return entry

    def define(self, name: str, body: Any) -> None:
        """Keep a rebuilt body under a name of its own."""
        self._definitions[name] = body


class _Names(Collection[str]):
    """The names in a section; to know one of them, the others are not read."""

    def __init__(self, past: PastStore, section: str, known: Collection[str]) -> None:
        self._past = past
        self._section = section
        self._known = known

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._known and self._past.has(self._section, name)

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._known if self._past.has(self._section, name))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Rebuilding:
    """Rebuilds the bodies of one component or config block."""

    def __init__(self, past: PastStore, owner: str) -> None:
        self._past = past
        self._owner = owner
        self._bit = past.version.bit
        self._timeline = past.timeline

    def body(self, packed: Any, node: Node, path: str, around: Mapping[str, str]) -> Any:
        """The body at `path` as it was.

        around: the rebuilt names of the shared bodies around it, for a body that contains itself.
        """
        if packed is None:
            packed = {"go": f"{self._owner}/{path}".rstrip("/")}
        name = packed if isinstance(packed, str) else None
        if name is not None:
            around = {**around, name: f"{name} of {self._owner}/{path}"}
        whole, known = resolved(self._past.main, packed), members(self._past.main, packed)
        need = list(whole.get("need", ()))
        attributes: list[Any] = []
        blocks: list[Any] = []
        changed: list[str] = []
        young: list[str] = []
        for member_name in {**known, **node.inner}:
            main, inner = known.get(member_name), node.inner.get(member_name)
            member = self._member(member_name, main, inner, path, around)
            if self._has_changed(inner, member, main):
                changed.append(member_name)
            elif self._is_young(inner):
                young.append(member_name)
            if member is None or not member.required:
                need = [each for each in need if each != member_name]
            elif member_name not in need:
                need.append(member_name)
            if member is not None:
                (blocks if member.notation is None else attributes).append(member.packed)
        rebuilt = {
            "go": whole["go"],
            "need": need,
            "attrs": attributes,
            "blocks": blocks,
            "changed": changed,
            "young": young,
        }
        if name is None:
            return rebuilt
        self._past.define(around[name], rebuilt)
        return around[name]

    def _member(
        self, name: str, main: Member | None, node: Node | None, path: str, around: Mapping[str, str]
    ) -> Member | None:
        """A member as it was; None if it was not there."""
        record = node.record if node is not None else None
        if record is None:
            is_attribute = main is not None and main.notation is not None
            return main if is_attribute else self._block(name, main, node, path, around)
        if not self._holds(record.get("in", 1)):
            return None
        if self._holds(record.get("block", 0)):
            return self._block(name, main, node, path, around)
        return self._attribute(name, main, record)

    def _block(
        self, name: str, main: Member | None, node: Node | None, path: str, around: Mapping[str, str]
    ) -> Member:
        main = main if main is not None and main.notation is None else None
        record = node.record if node is not None else None
        body = main.body if main is not None else None
        if (node is not None and node.inner) or main is None:
            body = self.body(body, node or Node(), f"{path}{name}/", around)
        elif isinstance(body, str):
            body = around.get(body, body)
        flags = dict(main.flags) if main is not None else {}
        required = main.required if main is not None else False
        if record is not None:
            required = self._holds(record.get("req", 0))
            given = {"repeated": "rep", "label": "label"}
            flags = {
                **{word: "" for word, key in given.items() if self._holds(record.get(key, 0))},
                **({"preset": ""} if "preset" in flags else {}),
                **({"enum": record["enum"]} if "enum" in record else {}),
            }
        words = " ".join(f"{word}={value}" if value else word for word, value in flags.items())
        return Member([name, words, body], required, True)

    def _attribute(self, name: str, main: Member | None, record: Mapping[str, Any]) -> Member:
        store = self._past.main
        word = record["t"]
        if not isinstance(word, str):
            word = next((each for each, span in word.items() if self._holds(span)), "any")
        exact = main.notation if main is not None else None
        same = exact is not None and generic(store, exact) == word
        notation = (
            exact
            if exact is not None and same and self._holds(record.get("vals", 1))
            else notation_of(store, word)
        )
        default = main.packed[2:] if main is not None and same else []
        for span, value in record.get("d", ()):
            if self._holds(span) and not (same and self._timeline.mask(span) & self._timeline.main.bit):
                default = [] if value is None else [value]
        return Member([name, notation, *default], self._holds(record.get("req", 0)), False)

    def _has_changed(self, node: Node | None, member: Member | None, main: Member | None) -> bool:
        """Whether main's rules about a member may not hold: the version lacks it or has another type.

        The newest candidate has all of the rules of main.
        """
        recorded = node is not None and node.record is not None
        return recorded and not self._has_all_rules and _differs(member, main)

    def _is_young(self, node: Node | None) -> bool:
        """Whether a member is younger than Alloy 1.0: what main says of its content may be younger still."""
        record = node.record if node is not None else None
        return record is not None and not self._has_all_rules and "in" in record

    @property
    def _has_all_rules(self) -> bool:
        version = self._past.version
        return not version.is_release and version.index >= self._timeline.main.index - 1

    def _holds(self, value: int | str) -> bool:
        return bool(self._timeline.mask(value) & self._bit) if isinstance(value, str) else bool(value)


def _differs(member: Member | None, main: Member | None) -> bool:
    """Whether a member is missing or of another type than in main; rules read defaults of their version."""
    return member is None or main is None or member.packed[:2] != main.packed[:2]
