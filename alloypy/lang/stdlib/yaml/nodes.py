"""The nodes of a YAML document, from PyYAML's events.

Source: docs/spec/SYNTAX.md, section 5, `encoding.from_yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

_MAX_DEPTH = 999
"""Levels of nesting that every PyYAML accepts; Alloy accepts 10,000 (docs/compatibility.md)."""
_TOO_DEEP = f"exceeded max depth of {_MAX_DEPTH}"
_TOO_DEEP_FOR_LIBRARY = "exceeded maximum nesting depth"
_TOKENS_AHEAD = 2
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_LOADER: Any = getattr(yaml, "CLoader", yaml.Loader)
_LONG_PREFIX = "tag:yaml.org,2002:"


class YAMLError(ValueError):
    """A text is not YAML, or its nodes have no value."""

    def __init__(self, message: str) -> None:
        super().__init__(f"yaml: {message}")


class YAMLNode:
    """One node: a scalar, a sequence, a mapping (keys and values in turn) or an alias.

    tag: short form such as `!!int`, "" if there is none. style: the quotes, "" for a plain scalar.
    line: counted from 1.
    """

    __slots__ = ("content", "kind", "line", "style", "tag", "target", "value")

    def __init__(self, kind: str, line: int, tag: str = "", value: str = "", style: str = "") -> None:
        self.kind = kind
        self.line = line
        self.tag = tag
        self.value = value
        self.style = style
        self.content: list[YAMLNode] = []
        self.target: YAMLNode | None = None

    def pairs(self) -> Iterator[tuple[YAMLNode, YAMLNode]]:
        """Keys and values of a mapping."""
        return zip(self.content[::2], self.content[1::2], strict=True)

    @property
    def is_string(self) -> bool:
        """Whether the scalar is a string whatever its text: quoted, or tagged as a string."""
        return self.kind == "scalar" and (self.tag == "!!str" or (not self.tag and self.style != ""))

    @property
    def is_merge(self) -> bool:
        """Whether this is `<<`, a key that merges in the pairs of its value."""
        plain = not self.tag and not self.style
        return self.kind == "scalar" and self.value == "<<" and (plain or self.tag == "!!merge")


def first_document(data: bytes) -> YAMLNode | None:
    """The root of the first document; None if there is no document. Raises YAMLError."""
    loader = _LOADER(data)
    try:
        composer = _Composer(loader)
        root = composer.document()
        ahead = _fault_ahead(data, composer.end) if _has_more(data, composer.end) else None
    except (yaml.parser.ParserError, yaml.composer.ComposerError) as error:
        raise YAMLError(_fault_text(_fault_ahead(data, error.problem_mark) or error)) from None
    except yaml.YAMLError as error:
        raise YAMLError(_fault_text(error)) from None
    finally:
        loader.dispose()
    if ahead is not None:
        raise YAMLError(_fault_text(ahead))
    return root


def _fault_ahead(data: bytes, mark: Any) -> yaml.YAMLError | None:
    """The error in the tokens right after the one at `mark`, which Alloy's parser finds first.

    That parser has always read two tokens beyond the current one.
    """
    loader = _LOADER(data)
    ahead, token = -1, None
    try:
        while ahead < _TOKENS_AHEAD:
            token = loader.get_token()
            if token is None:
                return None
            if ahead >= 0 or (token.start_mark.index >= mark.index and not _is_key_sign(token)):
                ahead += 1
    except yaml.scanner.ScannerError as error:
        is_next = token is not None and _is_next(data, token.end_mark.index, error)
        return error if ahead < _TOKENS_AHEAD - 1 or is_next else None
    finally:
        loader.dispose()
    return None


def _is_key_sign(token: Any) -> bool:
    """Whether the token only says that a key follows at the same place."""
    return isinstance(token, yaml.KeyToken) and token.start_mark.index == token.end_mark.index


def _has_more(data: bytes, mark: Any) -> bool:
    """Whether anything but blanks and comments follows `mark`."""
    return mark is not None and not _BLANK.fullmatch(data.decode("utf-8", "replace"), mark.index)


def _is_next(data: bytes, index: int, error: yaml.MarkedYAMLError) -> bool:
    """Whether the token at fault is the first one after `index`."""
    blank = _BLANK.match(data.decode("utf-8", "replace"), index)
    mark = error.context_mark or error.problem_mark
    return blank is not None and mark is not None and mark.index <= blank.end()


class _Composer:
    """Builds nodes from events; keeps open nodes in a list."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self._anchors: dict[str, YAMLNode] = {}
        self._open: list[YAMLNode] = []
        self.end: Any = None

    def document(self) -> YAMLNode | None:
        """The root node."""
        self._events.get_event()  # the start of the stream
        if isinstance(self._events.get_event(), yaml.StreamEndEvent):
            return None
        root: YAMLNode | None = None
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
                    raise YAMLError(_TOO_DEEP)
        self.end = event.start_mark
        return root

    def _node(self, event: Any) -> YAMLNode:
        line: int = event.start_mark.line + 1
        anchor: str | None = event.anchor
        if isinstance(event, yaml.AliasEvent):
            node = YAMLNode("alias", line, value=anchor or "")
            node.target = self._anchors.get(node.value)
            if node.target is None:
                problem = f"unknown anchor '{anchor}' referenced"
                mark: Any = event.start_mark
                raise yaml.composer.ComposerError(None, None, problem, mark)
            return node
        tag = _short(event.tag)
        if isinstance(event, yaml.ScalarEvent):
            node = YAMLNode("scalar", line, tag, event.value, event.style or "")
        else:
            kind = "sequence" if isinstance(event, yaml.SequenceStartEvent) else "mapping"
            node = YAMLNode(kind, line, tag)
        if anchor is not None:
            self._anchors[anchor] = node
        return node


def _short(tag: str | None) -> str:
    if tag is None or tag == "!":
        return ""
    return f"!!{tag.removeprefix(_LONG_PREFIX)}" if tag.startswith(_LONG_PREFIX) else tag


def _fault_text(error: yaml.YAMLError) -> str:
    """The problem, with its line unless that is the first line."""
    if _TOO_DEEP_FOR_LIBRARY in str(error):
        return _TOO_DEEP
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(getattr(error, "reason", "") or error)
    if isinstance(error, yaml.composer.ComposerError):
        return str(error.problem)
    line = next(
        (mark.line for mark in (error.context_mark, error.problem_mark) if mark is not None and mark.line), 0
    )
    if line and isinstance(error, yaml.scanner.ScannerError):
        line += 1
    where = f"line {line}: " if line else ""
    return f"{where}{error.problem}"
