"""Which events a viewer wants to see: by the labels of profiles, by component, by what happened.

Labels are selected as in Pyroscope and Prometheus: `{service_name="checkout", env=~"prod|staging"}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from alloypy.lang.brief import brief
from alloypy.lang.go.regexp import parse_regexp
from alloypy.profiles.model import Labels
from alloypy.runtime.contract.events import (
    DeadLetter,
    Dropped,
    Event,
    Failed,
    Queued,
    Received,
    Relabelled,
    Sent,
)

Matcher: TypeAlias = Callable[[Labels], bool]

VERDICTS: Mapping[str, type[Event]] = {
    "received": Received,
    "relabelled": Relabelled,
    "dropped": Dropped,
    "queued": Queued,
    "dead_letter": DeadLetter,
    "sent": Sent,
    "failed": Failed,
}
"""What can happen to a profile, as the page calls it, and the events that say so."""

ALL_KINDS = frozenset(VERDICTS.values())

NOTHING = "none"
"""Asks for no verdict at all: the viewer only keeps what is held."""

_LONGEST = 4096
_MOST = 32
_ONE = re.compile(
    r'\s*(?:([A-Za-z_][\w.:]*)|("[^"\\]*"))\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*(,|$)'
)


class MatchError(ValueError):
    """A selection that cannot be understood; the text says what was expected."""


class Selector:
    """Matchers, all of which have to accept the labels of a profile, or those before a change."""

    __slots__ = ("_matchers",)

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        self._matchers = matchers

    def admits(self, event: Event, known: dict[int, bool]) -> bool:
        """Whether an event is selected. known: the answers for label sets, by their identity."""
        return self._accepts(event.labels, known) or (
            isinstance(event, Relabelled) and self._accepts(event.before, known)
        )

    def _accepts(self, labels: Labels, known: dict[int, bool]) -> bool:
        answer = known.get(id(labels))
        if answer is None:
            answer = known[id(labels)] = all(matcher(labels) for matcher in self._matchers)
        return answer


class Wanted(NamedTuple):
    """What a viewer wants to see.

    kinds: of events. selector: None for all labels. component: its global id, "" for all.
    """

    kinds: frozenset[type[Event]]
    selector: Selector | None = None
    component: str = ""


def read_verdicts(text: str | None) -> frozenset[type[Event]]:
    """The events of a comma-separated list of verdicts; all without one. Raises MatchError."""
    if text is None:
        return ALL_KINDS
    names = {name.strip() for name in text.split(",")} - {"", NOTHING}
    unknown = sorted(names.difference(VERDICTS))
    if unknown:
        given = json.dumps(brief(unknown[0]))
        raise MatchError(f"show: {given} is unknown; expected some of {', '.join(VERDICTS)}, or {NOTHING}")
    return frozenset(VERDICTS[name] for name in names)


@lru_cache(maxsize=32)
def read_selector(text: str) -> Selector | None:
    """A selector; None for an empty one. Braces may be left out. Raises MatchError.

    Viewers with the same text share it, and what it says about label sets.
    """
    if len(text) > _LONGEST:
        raise MatchError(f"match: longer than {_LONGEST} characters")
    inner = text.strip()
    if inner.startswith("{"):
        if not inner.endswith("}"):
            raise MatchError('match: expected "}" at the end')
        inner = inner[1:-1]
    found: list[Matcher] = []
    at = 0
    while inner[at:].strip():
        one = _ONE.match(inner, at)
        if one is None or len(found) == _MOST:
            raise MatchError(_expected(inner[at:].strip(), len(found)))
        found.append(_matcher(one[1] or one[2][1:-1], one[3], _unquoted(one[4])))
        at = one.end()
    return Selector(found) if found else None


def _expected(rest: str, found: int) -> str:
    if found == _MOST:
        return f"match: more than {_MOST} conditions"
    return (
        f'match: expected a condition such as service_name="checkout" at {json.dumps(brief(rest, 40))}; '
        "operators are = != =~ !~, values are quoted, conditions are separated by commas"
    )


def _unquoted(literal: str) -> str:
    if literal.startswith("`"):
        return literal[1:-1]
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:  # an escape of Go's that JSON does not have: usually one of a regular expression
        raise MatchError(
            f"match: unknown escape in {brief(literal, 60)}; write backslashes twice, or use backquotes"
        ) from None


def _matcher(name: str, operator: str, value: str) -> Matcher:
    if operator in ("=", "!="):
        equal = operator == "="
        return lambda labels: (labels.get(name, "") == value) is equal
    try:
        regexp = parse_regexp(value)
    except ValueError as error:
        raise MatchError(f"match: {name}: {error}") from None
    if not regexp.usable:
        raise MatchError(f"match: {name}: this platform has no RE2, so only = and != can be used")
    wanted = operator == "=~"
    matches = regexp.matches
    return lambda labels: matches(labels.get(name, "")) is wanted
