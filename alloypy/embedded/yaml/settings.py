"""Reads settings of a YAML mapping for rules about several of them."""

from __future__ import annotations

from typing import NoReturn

from alloypy.embedded.yaml.documents import Node
from alloypy.embedded.yaml.keys import MERGE, UncertainError, is_null
from alloypy.lang.text_error import TextError


def present(node: Node, name: str) -> bool:
    """Whether a setting is given and not null. Raises UncertainError."""
    found = node.get(name)
    if node.get(MERGE) is not None or (found is not None and found.tagged):
        raise UncertainError
    return found is not None and not is_null(found)


def text(node: Node, name: str, default: str = "") -> str:
    """The text of a setting, or its default. Raises UncertainError."""
    if not present(node, name):
        found = node.get(name)
        return default if found is None else ""
    return node.text(name)


def size(node: Node, name: str) -> int:
    """The number of items of a list, or of keys of a mapping. Raises UncertainError."""
    found = node.get(name) if present(node, name) else None
    return 0 if found is None else len(found.content)


def filled(node: Node, *names: str) -> int:
    """How many of these texts are not empty. Raises UncertainError."""
    return sum(bool(text(node, name)) for name in names)


def refuse(message: str, node: Node) -> NoReturn:
    """Refuse a mapping; the place is its beginning."""
    raise TextError(message, node.start, node.start + 1)
