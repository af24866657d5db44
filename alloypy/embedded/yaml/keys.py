"""Whether a YAML text has only keys that a component knows, and values of their kinds.

This is for components that refuse all others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from alloypy.embedded.yaml.documents import Node, NotYAMLError, parse
from alloypy.embedded.yaml.scalars import KINDS, Kind
from alloypy.lang.text_error import TextError

MERGE = "<<"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class UncertainError(Exception):
    """A tag or a merge decides about a setting; a rule that needs it ends without a verdict."""


class Keys(NamedTuple):
    """A mapping with certain keys. check: further rules, which raise TextError or UncertainError."""

    fields: Mapping[str, Shape]
    check: Callable[[Node], None] | None = None


class Each(NamedTuple):
    """A mapping with any keys, and values of one shape."""

    shape: Shape


class Items(NamedTuple):
    """A list of values of one shape."""

    shape: Shape


Shape: TypeAlias = "Keys | Each | Items | Kind | None"
"""The shape of a value; None if it may be anything."""


def keys(names: str, **shapes: Shape) -> Keys:
    """A mapping with the keys in `names` and those in `shapes`.

    names: with the kind of the value, such as `timeout:duration`; without it, it is a text. `[]` before the
    kind is for a list of such values, `{}` for a mapping to them.
    """
    kinds = (name.partition(":") for name in names.split())
    return Keys({**{name: _shape(kind or "text") for name, _, kind in kinds}, **shapes})


def _shape(kind: str) -> Shape:
    if kind.startswith("[]"):
        return Items(_shape(kind[2:]))
    if kind.startswith("{}"):
        return Each(_shape(kind[2:]))
    return None if kind == "any" else KINDS[kind]


def check_keys(text: str, shape: Keys) -> None:
    """Raises TextError if a text is not YAML, or at the first fault of its keys and values."""
    try:
        root = parse(text)
    except NotYAMLError as error:
        raise TextError(f"yaml: {error}", error.at, error.at) from None
    if root is not None:
        _Check().value(root, shape, "")


def is_null(node: Node) -> bool:
    """Whether a value is null, or may be: a tag can give it any meaning."""
    return node.tagged or (node.kind == "scalar" and not node.style and node.value in _NULLS)


class _Check:
    """The check of one text. Each node is visited once for each shape, however many aliases lead to it."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def value(self, node: Node, shape: Shape, path: str) -> None:
        """Check a value. path: the keys that lead to it."""
        if shape is None or is_null(node) or (id(node), id(shape)) in self._seen:
            return
        self._seen.add((id(node), id(shape)))
        if not isinstance(shape, Keys | Each | Items):
            self._scalar(node, shape, path)
            return
        wanted = "sequence" if isinstance(shape, Items) else "mapping"
        if node.kind != wanted:
            end = node.end if node.kind == "scalar" else node.start + 1
            raise TextError(f"{path or 'the text'} must be a {wanted}", node.start, end)
        if isinstance(shape, Items):
            for at, item in enumerate(node.content):
                self.value(item, shape.shape, f"{path}[{at}]")
            return
        self._mapping(node, shape, path)
        if isinstance(shape, Keys) and shape.check is not None:
            with contextlib.suppress(UncertainError):
                shape.check(node)

    def _scalar(self, node: Node, kind: Kind, path: str) -> None:
        if node.kind != "scalar":
            raise TextError(f"{path} must be a single value, not a {node.kind}", node.start, node.start + 1)
        wanted = kind(node)
        if wanted:
            raise TextError(f"{path} must be {wanted}", node.start, node.end)

    def _mapping(self, node: Node, shape: Keys | Each, path: str) -> None:
        names: set[str] = set()
        for key, value in node.pairs():
            if key.kind != "scalar" or key.tagged or key.value == MERGE:
                continue  # what is merged is not judged
            inner = f"{path}.{key.value}" if path else key.value
            if key.value in names:
                raise TextError(f"{inner} is given twice", key.start, key.end)
            names.add(key.value)
            if isinstance(shape, Each):
                self.value(value, shape.shape, inner)
            elif key.value not in shape.fields:
                where = f" in {path}" if path else ""
                raise TextError(f"field {key.value} not found{where}", key.start, key.end)
            else:
                self.value(value, shape.fields[key.value], inner)
