"""Lists of target groups as discovery.file reads them from YAML.

Scalars are taken as they are written: `yes`, `010` and `1.50` stay so, null is an empty text.
Source: the behaviour recorded in tests/golden/components/discovery.file.jsonl.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from alloypy.components.discovery.target_groups import GroupsError, TargetGroup
from alloypy.lang.go.text import quote
from alloypy.lang.stdlib.yaml.nodes import YAMLError, YAMLNode, first_document
from alloypy.lang.stdlib.yaml.scalars import resolve, short_tag

_MOST_NODES = 1_000_000
_KINDS = {"sequence": "a list", "mapping": "an object", "scalar": "a string"}


def read_yaml(data: bytes) -> list[TargetGroup]:
    """The groups in the first document; an empty one is an empty list. Call it in a thread if it is long.

    Raises GroupsError.
    """
    try:
        root = first_document(data)
        return [] if root is None else _Reader().groups(root)
    except YAMLError as error:
        raise GroupsError(str(error)) from None


class _Reader:
    """Reads one document. Aliases can make a small document long, so what is read is counted."""

    def __init__(self) -> None:
        self._nodes = 0

    def groups(self, root: YAMLNode) -> list[TargetGroup]:
        node = self._real(root)
        if _is_null(node):
            return []
        if node.kind != "sequence":
            raise GroupsError(f"expected a list of target groups, got {_KINDS[node.kind]}")
        return [self._group(self._real(item), number) for number, item in enumerate(node.content, 1)]

    def _real(self, node: YAMLNode) -> YAMLNode:
        """The node itself, or the one that an alias stands for."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise GroupsError("yaml: document contains excessive aliasing")
        return node if node.target is None else self._real(node.target)

    def _group(self, node: YAMLNode, number: int) -> TargetGroup:
        if _is_null(node):
            raise GroupsError("nil target group item found")
        if node.kind != "mapping":
            raise GroupsError(f"group {number}: expected an object, got {_KINDS[node.kind]}")
        addresses: Sequence[str] = ()
        labels: Mapping[str, str] = {}
        for name, key, value in self._pairs(node):
            if name == "targets":
                addresses = self._addresses(value, number)
            elif name == "labels":
                labels = self._labels(value, number)
            else:
                raise _fault(key, f"unknown field {quote(name)}, expected targets or labels")
        return TargetGroup(addresses, labels)

    def _addresses(self, node: YAMLNode, number: int) -> list[str]:
        if _is_null(node):
            return []
        if node.kind != "sequence":
            raise GroupsError(f"group {number}: targets must be a list of strings, not {_KINDS[node.kind]}")
        return [self._text(item, f"group {number}: a target") for item in node.content]

    def _labels(self, node: YAMLNode, number: int) -> dict[str, str]:
        if _is_null(node):
            return {}
        if node.kind != "mapping":
            raise GroupsError(f"group {number}: labels must be an object, not {_KINDS[node.kind]}")
        labels = {}
        for name, _, value in self._pairs(node):
            if not name:
                raise GroupsError('"" is not a valid label name')
            labels[name] = self._text(value, f"group {number}: label {quote(name)}")
        return labels

    def _pairs(self, node: YAMLNode, depth: int = 0) -> Iterator[tuple[str, YAMLNode, YAMLNode]]:
        """Name, key and value of each field, merged ones included; its own come first."""
        merged: list[YAMLNode] = []
        seen: set[str] = set()
        for key, value in node.pairs():
            if key.is_merge:
                merged.append(self._real(value))
                continue
            name = self._text(key, "a key")
            if name in seen:
                raise _fault(key, f"key {quote(name)} already set in map", lead="unmarshal errors:\n  ")
            seen.add(name)
            yield name, key, self._real(value)
        for each in merged:
            items = [self._real(item) for item in each.content] if each.kind == "sequence" else [each]
            for item in items:
                if item.kind != "mapping" or depth > 10:
                    raise _fault(item, "map merge requires map or sequence of maps as the value")
                for name, key, value in self._pairs(item, depth + 1):
                    if name not in seen:
                        seen.add(name)
                        yield name, key, value

    def _text(self, given: YAMLNode, what: str) -> str:
        node = self._real(given)
        if node.kind != "scalar":
            raise GroupsError(f"{what} must be a string, not {_KINDS[node.kind]}")
        if _is_null(node):
            return ""
        return str(resolve(node)) if node.tag == "!!binary" else node.value


def _is_null(node: YAMLNode) -> bool:
    return node.kind == "scalar" and short_tag(node) == "!!null"


def _fault(node: YAMLNode, message: str, lead: str = "") -> GroupsError:
    return GroupsError(f"yaml: {lead}line {node.line}: {message}")
