"""Lists of target groups as discovery.file and discovery.http read them from JSON.

    [{"targets": ["10.0.0.1:80"], "labels": {"env": "prod"}}]

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from alloypy.lang.go.text import quote

_MOST_EXAMINED_BYTES = 1 << 20
_BLANK = re.compile(r"[ \t\r\n]*")
_SURROGATES = re.compile("[\ud800-\udfff]")
_KINDS = {bool: "a boolean", float: "a number", str: "a string", list: "a list", dict: "an object"}


class GroupsError(ValueError):
    """A text is not a list of target groups; the text says why."""


class TargetGroup(NamedTuple):
    """Addresses, and the labels that they share."""

    addresses: Sequence[str]
    labels: Mapping[str, str]


def read_json(data: bytes) -> list[TargetGroup]:
    """The groups in a JSON document; `null` is an empty list. Call it in a thread if there may be many.

    Syntax errors are worded as Go's. Raises GroupsError.
    """
    text = data.decode("utf-8", "replace")
    try:
        items = list(_items(text))
    except (ValueError, RecursionError, IndexError) as error:
        raise syntax_fault(data, error) from None
    clean = b"\\u" not in data  # only escapes can write what is no text
    return to_groups(items[1] if items and items[0] is _NOT_A_LIST else items, clean=clean)


def to_groups(document: Any, *, clean: bool) -> list[TargetGroup]:
    """The groups in a decoded document. Raises GroupsError.

    clean: whether all its texts are text.
    """
    if document is None:
        return []
    if not isinstance(document, list):
        raise GroupsError(f"expected a list of target groups, got {_kind(document)}")
    return [_group(item, number, clean=clean) for number, item in enumerate(document, 1)]


_NOT_A_LIST = object()


def _items(text: str) -> Any:
    """The items of a list, decoded one by one: the decoder lets no other thread run in between."""
    decode = json.JSONDecoder(parse_int=float, parse_constant=_refuse).raw_decode
    at = _after_blank(text, 0)
    if text[at] != "[":
        value, at = decode(text, at)
        yield _NOT_A_LIST
        yield value
    else:
        at = _after_blank(text, at + 1)
        if text[at] == "]":
            at += 1
        else:
            mark = ","
            while mark == ",":
                value, at = decode(text, _after_blank(text, at))
                yield value
                at = _after_blank(text, at)
                mark = text[at]
                at += 1
            if mark != "]":
                raise ValueError(mark)
    if _after_blank(text, at) != len(text):
        raise ValueError("more text")


def _after_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def syntax_fault(data: bytes, error: Exception) -> GroupsError:
    """Go's words for a document that is no JSON; finding them takes long, so not for a large document."""
    if len(data) <= _MOST_EXAMINED_BYTES:
        from alloypy.lang.stdlib.json.reader import JSONError, JSONReader

        try:
            JSONReader(data, lambda _: None).document()
        except JSONError as reason:
            return GroupsError(str(reason))
    place = f" near character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
    return GroupsError(f"the document is not valid JSON, or is nested too deeply{place}")


def _group(item: Any, number: int, *, clean: bool) -> TargetGroup:
    if item is None:
        raise GroupsError("nil target group item found")
    if not isinstance(item, dict):
        raise GroupsError(f"group {number}: expected an object, got {_kind(item)}")
    addresses: Sequence[str] = ()
    labels: Mapping[str, str] = {}
    for name, value in item.items():
        folded = name.lower()  # as Go matches the names of fields
        if folded == "targets":
            addresses = _addresses(value, number)
        elif folded == "labels":
            labels = _labels(value, number)
        else:
            raise GroupsError(f"json: unknown field {quote(name)}")
    if clean:
        return TargetGroup(addresses, labels)
    return TargetGroup(
        [_text(each) for each in addresses], {_text(name): _text(value) for name, value in labels.items()}
    )


def _addresses(value: Any, number: int) -> Sequence[str]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise GroupsError(f"group {number}: targets must be a list of strings, not {_kind(value)}")
    if all(type(each) is str for each in value):
        return value
    for each in value:
        if each is not None and not isinstance(each, str):
            raise GroupsError(f"group {number}: a target must be a string, not {_kind(each)}")
    return [each or "" for each in value]


def _labels(value: Any, number: int) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise GroupsError(f"group {number}: labels must be an object, not {_kind(value)}")
    if "" in value:
        raise GroupsError('"" is not a valid label name')
    for name, each in value.items():
        if each is not None and not isinstance(each, str):
            raise GroupsError(f"group {number}: label {quote(name)} must be a string, not {_kind(each)}")
    return {name: each or "" for name, each in value.items()}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")


def _text(text: str) -> str:
    """The text with what is no character replaced, as in Go."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)
