"""The nodes of a YAML document, from PyYAML's events.

Source: spec section 5, `encoding.from_yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_MAX_DEPTH = 10_000
_LONG_PREFIX = "tag:yaml.org,2002:"


class YAMLError(ValueError):
    """A text is not YAML, or its nodes have no value."""

    def __init__(self, message: str) -> None:
        super().__init__(f"yaml: {message}")


class Node:
    """One node: a scalar, a sequence, a mapping (keys and values in turn) or an alias.

    tag: short form such as `!!int`, "" where there is none. style: the quotes, "" for a plain scalar.
    line: counted from 1.
    """

    __slots__ = ("content", "kind", "line", "style", "tag", "target", "value")

    def __init__(self, kind: str, line: int, tag: str = "", value: str = "", style: str = "") -> None:
        self.kind = kind
        self.line = line
        self.tag = tag
        self.value = value
        self.style = style
        self.content: list[Node] = []
        self.target: Node | None = None

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Keys and values of a mapping."""
        return zip(self.content[::2], self.content[1::2], strict=True)

    @property
    def is_string(self) -> bool:
        """A scalar that is a string whatever its text: quoted, or tagged as one."""
        return self.kind == "scalar" and (self.tag == "!!str" or (not self.tag and self.style != ""))

    @property
    def is_merge(self) -> bool:
        """`<<`, which has the pairs of its value merged in."""
        plain = not self.tag and not self.style
        return self.kind == "scalar" and self.value == "<<" and (plain or self.tag == "!!merge")

    @property
    def short_tag(self) -> str:
        """The tag, resolved where there is none."""
        from alloypy.lang.yaml_scalars import plain_tag

        if self.is_string:
            return "!!str"
        if self.is_merge:
            return "!!merge"
        if self.kind == "alias" and self.target is not None:
            return self.target.short_tag
        if self.tag:
            return self.tag
        return {"sequence": "!!seq", "mapping": "!!map"}.get(self.kind) or plain_tag(self.value)


def first_document(data: bytes) -> Node | None:
    """The root of the first document; None where there is no document. Raises YAMLError."""
    parser = (getattr(yaml, "CLoader", None) or yaml.Loader)(data)
    try:
        return _Composer(parser).document()
    except yaml.YAMLError as error:
        raise YAMLError(_fault_text(error)) from None
    finally:
        parser.dispose()


class _Composer:
    """Builds nodes from events; open ones wait on a list."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._open: list[Node] = []

    def document(self) -> Node | None:
        """The root node."""
        self._events.get_event()  # the start of the stream
        if isinstance(self._events.get_event(), yaml.StreamEndEvent):
            return None
        root: Node | None = None
        while not isinstance(event := self._events.get_event(), yaml.DocumentEndEvent):
            if isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                self._open.pop()
                continue
            node = self._node(event)
            if self._open:
                self._open[-1].content.append(node)
            root = root or node
            if node.kind in {"sequence", "mapping"}:
                self._open.append(node)
                if len(self._open) > _MAX_DEPTH:
                    raise YAMLError(f"exceeded max depth of {_MAX_DEPTH}")
        return root

    def _node(self, event: Any) -> Node:
        line: int = event.start_mark.line + 1
        anchor: str | None = event.anchor
        if isinstance(event, yaml.AliasEvent):
            node = Node("alias", line, value=anchor or "")
            node.target = self._anchors.get(node.value)
            if node.target is None:
                raise YAMLError(f"unknown anchor '{anchor}' referenced")
            return node
        tag = _short(event.tag)
        if isinstance(event, yaml.ScalarEvent):
            node = Node("scalar", line, tag, event.value, event.style or "")
        else:
            kind = "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
            node = Node(kind, line, tag)
        if anchor is not None:
            self._anchors[anchor] = node
        return node


def _short(tag: str | None) -> str:
    if tag is None or tag == "!":
        return ""
    return f"!!{tag.removeprefix(_LONG_PREFIX)}" if tag.startswith(_LONG_PREFIX) else tag


def _fault_text(error: yaml.YAMLError) -> str:
    """The problem, with its line unless that is the first."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(getattr(error, "reason", "") or error)
    line = next(
        (mark.line for mark in (error.context_mark, error.problem_mark) if mark is not None and mark.line), 0
    )
    if line and isinstance(error, yaml.scanner.ScannerError):
        line += 1
    where = f"line {line}: " if line else ""
    return f"{where}{error.problem}"
