"""The usual forms of rules, so that most rules are a line of data.

In messages `{value}` stands for the attribute's value, `{quoted}` for it in quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloypy.lang.go.duration import Duration
from alloypy.lang.go.text import quote
from alloypy.rules.body import Body, Broken, Rule

if TYPE_CHECKING:
    from alloypy.lang.go.url import URL


def parse_url(text: str) -> URL:
    """The parts of a URL. Raises ValueError. Most configurations are checked without this import."""
    from alloypy.lang.go import url as go_url

    return go_url.parse_url(text)


def positive(name: str, message: str = "") -> Rule:
    """A number or duration must be greater than 0."""
    text = message or f"{name} must be greater than 0"

    def rule(body: Body) -> Iterator[Broken]:
        if body.get(name) <= 0:
            yield Broken(name, _filled_in(text, body, name))

    return rule


def at_least(name: str, minimum: int, message: str) -> Rule:
    """A number or duration must not be below a minimum."""

    def rule(body: Body) -> Iterator[Broken]:
        if body.get(name) < minimum:
            yield Broken(name, _filled_in(message, body, name))

    return rule


def not_empty(name: str, message: str) -> Rule:
    """A text, secret or list must hold something."""

    def rule(body: Body) -> Iterator[Broken]:
        if not body.filled(name):
            yield Broken(name if body.given(name) else "", message)

    return rule


def one_of(name: str, *allowed: str, message: str) -> Rule:
    """A text must be one of a few."""

    def rule(body: Body) -> Iterator[Broken]:
        if body.text(name) not in allowed:
            yield Broken(name if body.given(name) else "", _filled_in(message, body, name))

    return rule


def not_both(first: str, second: str, message: str) -> Rule:
    """Two texts or secrets exclude each other."""

    def rule(body: Body) -> Iterator[Broken]:
        if body.filled(first) and body.filled(second):
            yield Broken(second, message)

    return rule


def exactly_one(*names: str, message: str, too_many: str = "") -> Rule:
    """Of some blocks and attributes exactly one must be given; `too_many` words several, `message` none."""

    def rule(body: Body) -> Iterator[Broken]:
        given = [name for name in names if body.given(name)]
        if not given:
            yield Broken("", message)
        elif len(given) > 1:
            yield Broken(given[1], too_many or message)

    return rule


def _filled_in(message: str, body: Body, name: str) -> str:
    value = body.get(name)
    text = str(value) if isinstance(value, Duration | str) else repr(value)
    return message.replace("{value}", text).replace("{quoted}", quote(text))
