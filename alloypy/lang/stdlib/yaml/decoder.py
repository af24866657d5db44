"""YAML as Go's yaml.v3 reads it: the nodes of the first document, and their values.

PyYAML only scans and parses; the meaning of scalars, tags, merges and aliases is decided here.
Source: docs/spec/SYNTAX.md, section 5, `encoding.from_yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from alloypy.lang.go.text import quote
from alloypy.lang.stdlib.yaml.nodes import YAMLError, YAMLNode, first_document
from alloypy.lang.stdlib.yaml.scalars import resolve, short_tag
from alloypy.lang.values import Capsule, Value
from alloypy.syntax.nesting import allow_recursion

__all__ = ["Mapping", "YAMLError", "decode"]

_FEW_NODES, _MANY_NODES = 400_000, 4_000_000


class Mapping(Capsule):
    """A mapping with keys that are not strings: expressions can only pass it on."""

    __slots__ = ("content",)
    kind = "map[interface {}]interface {}"

    def __init__(self, content: dict[Value, Value]) -> None:
        self.content = content

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and other.content == self.content

    def __hash__(self) -> int:
        return hash(Mapping.kind)


def decode(text: str) -> Value:
    """The value of the first document of a YAML text. Raises YAMLError."""
    root = first_document(text.encode("utf-8", "surrogateescape"))
    if root is None:
        return None
    allow_recursion()
    decoder = _Decoder()
    value, _ = decoder.value(root)
    if decoder.faults:
        raise YAMLError("unmarshal errors:\n  " + "\n  ".join(decoder.faults))
    return value


class _Decoder:
    """Decodes one document; collects the faults that do not end decoding."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._inside: set[int] = set()
        self._nodes = 0
        self._aliased_nodes = 0

    def value(self, node: YAMLNode) -> tuple[Value, bool]:
        """The value of a node, and whether it is valid."""
        self._count()
        match node.kind:
            case "alias":
                return self._alias(node)
            case "scalar":
                return resolve(node), True
            case "sequence":
                return self._sequence(node), True
        return self._mapping(node)

    def _count(self) -> None:
        """Counts a node; small documents may consist almost entirely of aliases, large ones of a tenth."""
        self._nodes += 1
        if not self._inside:
            return
        self._aliased_nodes += 1
        if self._aliased_nodes <= 100 or self._nodes <= 1000:
            return
        share = min(max((self._nodes - _FEW_NODES) / (_MANY_NODES - _FEW_NODES), 0.0), 1.0)
        if self._aliased_nodes / self._nodes > 0.99 - 0.89 * share:
            raise YAMLError("document contains excessive aliasing")

    def _alias(self, node: YAMLNode) -> tuple[Value, bool]:
        target = node.target
        if id(node) in self._inside or target is None:
            raise YAMLError(f"anchor '{node.value}' value contains itself")
        self._inside.add(id(node))
        result = self.value(target)
        self._inside.discard(id(node))
        return result

    def _sequence(self, node: YAMLNode) -> list[Value]:
        values = [self.value(item) for item in node.content]
        return [value for value, good in values if good]

    def _mapping(self, node: YAMLNode) -> tuple[Value, bool]:
        if self._has_duplicates(node):
            return None, False
        content: dict[Any, Value] = {}
        of_strings = all(short_tag(key) in {"!!str", "!!merge"} for key, _ in node.pairs())
        self._fill(node, content, self._text_key if of_strings else self._any_key, merged=None)
        return (content if of_strings else Mapping(content)), True

    def _has_duplicates(self, node: YAMLNode) -> bool:
        places: dict[tuple[str, str], list[int]] = {}
        for key, _ in node.pairs():
            places.setdefault((key.kind, key.value), []).append(key.line)
        if len(places) * 2 == len(node.content):
            return False
        for key, _ in node.pairs():
            first, *others = places[key.kind, key.value]
            del places[key.kind, key.value][0]
            self.faults += [
                f"line {other}: mapping key {quote(key.value)} already defined at line {first}"
                for other in others
            ]
        return True

    def _text_key(self, key: YAMLNode) -> tuple[Value, bool]:
        """A key of an object; a mapping that was merged in may have keys not written as strings."""
        self._count()
        if key.kind == "alias" and key.target is not None:
            key = key.target
        if key.kind != "scalar":
            self.faults.append(f"line {key.line}: cannot unmarshal {short_tag(key)} into string")
            return None, False
        value = resolve(key)
        if value is None:
            return None, False
        return (value if key.tag == "!!binary" else key.value), True

    def _any_key(self, key: YAMLNode) -> tuple[Value, bool]:
        name, good = self.value(key)
        if good and isinstance(name, list | dict | Mapping):
            raise YAMLError(f"invalid map key: {_go_syntax(name)}")
        return name, good

    def _fill(
        self,
        node: YAMLNode,
        content: dict[Any, Value],
        read_key: Callable[[YAMLNode], tuple[Value, bool]],
        merged: set[Any] | None,
    ) -> None:
        """Put the pairs of `node` into `content`, except keys in `merged`, which are already there."""
        merge: YAMLNode | None = None
        for key, item in node.pairs():
            if key.is_merge:
                merge = item
                continue
            name, good = read_key(key)
            if not good:
                continue
            if merged is not None:
                if name in merged:
                    continue
                merged.add(name)
            value, good = self.value(item)
            if good:
                content[name] = value
        if merge is not None:
            taken = merged if merged is not None else self._own_keys(node)
            for source in self._merge_sources(merge):
                self._merge(source, content, read_key, taken)

    def _own_keys(self, node: YAMLNode) -> set[Any]:
        names = (self.value(key) for key, _ in node.pairs())
        return {name for name, good in names if good and not isinstance(name, list | dict)}

    def _merge_sources(self, merge: YAMLNode) -> Iterator[YAMLNode]:
        sources = merge.content if merge.kind == "sequence" else [merge]
        for source in sources:
            target = source.target if source.kind == "alias" else source
            if target is None or target.kind != "mapping":
                raise YAMLError("map merge requires map or sequence of maps as the value")
            yield source

    def _merge(
        self,
        source: YAMLNode,
        content: dict[Any, Value],
        read_key: Callable[[YAMLNode], tuple[Value, bool]],
        taken: set[Any],
    ) -> None:
        self._count()
        if source.kind != "alias":
            if not self._has_duplicates(source):
                self._fill(source, content, read_key, taken)
            return
        if id(source) in self._inside or source.target is None:
            raise YAMLError(f"anchor '{source.value}' value contains itself")
        self._inside.add(id(source))
        self._merge(source.target, content, read_key, taken)
        self._inside.discard(id(source))


def _go_syntax(value: Value) -> str:
    """The value as Go's %#v prints it."""
    from alloypy.lang.stdlib.sprintf.format import sprintf

    return sprintf("%#v", [value])
