"""Label sets: which labels a profile carries, and how error texts print them.

A label set is a dict from name to value without empty values, its names in
bytewise order. Names and values are text; bytes that are not valid UTF-8 are
kept as surrogate escapes. Source: docs/spec/PYROSCOPE.md, sections 2, 3.4, 3.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Final

from alloypy.lang.brief import brief
from alloypy.lang.go.text import quote, quote_rune
from alloypy.profiles.model import Labels

NAME: Final = "__name__"
SERVICE_NAME: Final = "service_name"
APP_NAME: Final = "app_name"

_MOST_PRINTED: Final = 40
_PRINTED_CHARACTERS: Final = 2000

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALLOWED_IN_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9_.]*")
_ALLOWED_IN_SERVICE_NAME: Final = re.compile(r"[A-Za-z0-9_.\-/]*")
INVALID_BYTE: Final = re.compile(r"[\udc80-\udcff]")
"""A byte that is not UTF-8."""


class InvalidLabels(ValueError):
    """A label or service name breaks the rules; the text is the reason, in Pyroscope's words."""


def label_set(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The set of the given pairs: the later of two equal names wins, empty values are dropped."""
    merged = dict(pairs)
    return {name: merged[name] for name in sorted(merged) if merged[name]}


def with_service_name(labels: Mapping[str, str]) -> dict[str, str]:
    """The receiver's rule: no service_name -> it becomes `__name__`; else app_name becomes `__name__`.

    labels: may have empty values. An empty service_name counts as present, though it is dropped.
    Source: docs/spec/PYROSCOPE.md, section 3.4, step 2.
    """
    target = APP_NAME if SERVICE_NAME in labels else SERVICE_NAME
    return label_set({**labels, target: labels.get(NAME, "")}.items())


def check_label_name(name: str) -> None:
    """Raise InvalidLabels unless `name` is a label name that clients may use."""
    if not name:
        raise InvalidLabels("label name is required")
    _check_characters("invalid label name", name, _ALLOWED_IN_LABEL_NAME)
    if name == NAME:
        raise InvalidLabels(f"label name is reserved: {name}")


def check_service_name(name: str) -> None:
    """Raise InvalidLabels unless `name` is an application name that /ingest accepts."""
    if not name:
        raise InvalidLabels("service name is required")
    _check_characters("invalid service name", name, _ALLOWED_IN_SERVICE_NAME)


def check_labels(labels: Labels) -> None:
    """Raise InvalidLabels unless the set can be sent: names, UTF-8 values, at least one label.

    Source: docs/spec/PYROSCOPE.md, section 5.1.
    """
    if not labels:
        raise InvalidLabels("service name is required")
    for name in sorted(labels):
        if not name:
            raise InvalidLabels("duplicate label name: ")
        value = labels[name]
        if not value.isascii() and not _is_utf8(value):
            raise InvalidLabels(f"invalid label value for {brief(name)}: {brief(value)}")
        if name != NAME:
            try:
                check_label_name(name)
            except InvalidLabels as reason:
                raise InvalidLabels(f"invalid label name: {reason}") from None


def print_labels(labels: Labels) -> str:
    """The set as error texts show it: `{__name__="cpu", "a-b"="1"}`, names in bytewise order, cut if long."""
    pairs = [f"{_print_name(name)}={quote(brief(labels[name]))}" for name in nsmallest(_MOST_PRINTED, labels)]
    if len(labels) > _MOST_PRINTED:
        pairs.append(f"... ({len(labels)} labels)")
    return "{" + brief(", ".join(pairs), _PRINTED_CHARACTERS) + "}"


def _print_name(name: str) -> str:
    name = brief(name)
    return name if _PLAIN_NAME.fullmatch(name) else quote(name)


def _check_characters(problem: str, name: str, allowed: re.Pattern[str]) -> None:
    good = allowed.match(name)
    end = good.end() if good else 0
    if end < len(name):
        # Go reads a byte that is not UTF-8 as U+FFFD.
        wrong = INVALID_BYTE.sub("\ufffd", name[end])
        raise InvalidLabels(f"{problem}: {brief(name)}: character is not allowed: {quote_rune(wrong)}")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
