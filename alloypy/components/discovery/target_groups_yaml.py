"""Lists of target groups as discovery.file reads them from YAML.

Scalars are taken as they are written: `yes`, `010` and `1.50` stay so, null is an empty text.
Source: the behaviour recorded in tests/golden/components/discovery.file.jsonl.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alloypy.components.discovery.target_groups import GroupsError, TargetGroup, to_groups
from alloypy.lang.go.text import quote
from alloypy.lang.stdlib.yaml.nodes import YAMLError, YAMLNode, first_document
from alloypy.lang.stdlib.yaml.scalars import resolve, short_tag

_MOST_NODES = 1_000_000
_DEEPEST = 20
_FIELDS = {"targets", "labels"}


def read_yaml(data: bytes) -> list[TargetGroup]:
    """The groups in the first document; an empty one is an empty list. Call it in a thread if it is long.

    Raises GroupsError.
    """
    try:
        root = first_document(data)
        return [] if root is None else to_groups(_Reader().document(root), clean=True)
    except YAMLError as error:
        raise GroupsError(str(error)) from None


class _Reader:
    """Decodes one document. Aliases can make a small document long, so what is read is counted."""

    def __init__(self) -> None:
        self._nodes = 0

    def document(self, root: YAMLNode) -> Any:
        """The document; the keys of groups are checked, because only here their lines are known."""
        node = self._real(root)
        if node.kind != "sequence":
            return self._value(node, 0)
        for item in map(self._real, node.content):
            for name, key, _ in self._pairs(item, 0) if item.kind == "mapping" else ():
                if name not in _FIELDS:
                    raise _fault(key, f"unknown field {quote(name)}, expected targets or labels")
        return self._value(node, 0)

    def _real(self, node: YAMLNode) -> YAMLNode:
        """The node itself, or the one that an alias stands for."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise GroupsError("yaml: document contains excessive aliasing")
        return node if node.target is None else node.target

    def _value(self, given: YAMLNode, depth: int) -> Any:
        """Lists, objects, texts and None."""
        node = self._real(given)
        if depth > _DEEPEST:
            raise _fault(node, "nested too deeply")
        if node.kind == "sequence":
            return [self._value(item, depth + 1) for item in node.content]
        if node.kind == "mapping":
            return {name: self._value(value, depth + 1) for name, _, value in self._pairs(node, depth)}
        if short_tag(node) == "!!null":
            return None
        return str(resolve(node)) if node.tag == "!!binary" else node.value

    def _pairs(self, node: YAMLNode, depth: int) -> Iterator[tuple[str, YAMLNode, YAMLNode]]:
        """Name, key and value of each field, merged ones included; its own come first."""
        merged: list[YAMLNode] = []
        seen: set[str] = set()
        for key, value in node.pairs():
            if key.is_merge:
                merged.append(self._real(value))
                continue
            name = self._value(key, depth) or ""
            if not isinstance(name, str):
                raise _fault(key, "a key must be a string")
            if name in seen:
                raise _fault(key, f"key {quote(name)} already set in map", lead="unmarshal errors:\n  ")
            seen.add(name)
            yield name, key, value
        for each in merged:
            for item in map(self._real, each.content) if each.kind == "sequence" else (each,):
                if item.kind != "mapping" or depth > _DEEPEST:
                    raise _fault(item, "`<<` needs an object or a list of objects")
                for name, key, value in self._pairs(item, depth + 1):
                    if name not in seen:
                        seen.add(name)
                        yield name, key, value


def _fault(node: YAMLNode, message: str, lead: str = "") -> GroupsError:
    return GroupsError(f"yaml: {lead}line {node.line}: {message}")
