"""Common kinds of rules, so that most rules are one line of data.

In messages `{value}` is replaced by the attribute's value, `{quoted}` by the value in quotes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from alloypy.lang.go.duration import Duration
from alloypy.lang.go.text import quote
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import IN_EXPRESSION, IN_TEMPLATE, Fault

if TYPE_CHECKING:
    from alloypy.lang.go.url import URL


_POSITIVE = "{name} must be greater than 0"
_ACCEPTED = "accepted"
_NOTHING: Mapping[str, tuple[str, ...]] = {}
POSITIVE_SIZE = "must provide a positive size"


def parse_url(text: str) -> URL:
    """The parts of a URL. Raises ValueError. Most configurations are checked without this import."""
    from alloypy.lang.go import url as go_url

    return go_url.parse_url(text)


def positive(name: str, message: str = "") -> Rule:
    """A number or duration must be greater than 0."""
    text = message or _POSITIVE.format(name=name)

    def rule(body: View) -> Iterator[Fault]:
        if body.get(name) <= 0:
            yield Fault(name, _filled_in(text, body, name))

    return rule


def at_least(name: str, minimum: int, message: str) -> Rule:
    """A number or duration must not be below a minimum."""

    def rule(body: View) -> Iterator[Fault]:
        if body.get(name) < minimum:
            yield Fault(name, _filled_in(message, body, name))

    return rule


def not_empty(name: str, message: str) -> Rule:
    """A text, secret or list must not be empty."""

    def rule(body: View) -> Iterator[Fault]:
        if not body.filled(name):
            yield Fault(name if body.given(name) else "", message)

    return rule


def accepting(**texts: tuple[str, ...]) -> Callable[[Rule], Rule]:
    """Mark a rule with the only texts that it accepts, by the names of attributes, for editors to offer.

    `__` in a name stands for the `/` before an attribute of an inner block.
    """

    def mark(rule: Rule) -> Rule:
        setattr(rule, _ACCEPTED, {name.replace("__", "/"): values for name, values in texts.items()})
        return rule

    return mark


def accepted_by(rule: Rule) -> Mapping[str, tuple[str, ...]]:
    """The only texts that a rule accepts, by the names of attributes, as far as the rule says."""
    found: Mapping[str, tuple[str, ...]] = getattr(rule, _ACCEPTED, _NOTHING)
    return found


class OneOf:
    """A text must be one of a few. name: of the attribute."""

    __slots__ = ("_message", "accepted", "allowed", "name")

    def __init__(self, name: str, allowed: tuple[str, ...], message: str) -> None:
        self.name = name
        self.allowed = allowed
        self.accepted = {name: allowed}
        self._message = message

    def __call__(self, body: View) -> Iterator[Fault]:
        """The fault of a body."""
        if body.text(self.name) not in self.allowed:
            place = self.name if body.given(self.name) else ""
            yield Fault(place, _filled_in(self._message, body, self.name))


def one_of(name: str, *allowed: str, message: str) -> Rule:
    """A text must be one of a few."""
    return OneOf(name, allowed, message)


def not_both(first: str, second: str, message: str) -> Rule:
    """Two texts or secrets are mutually exclusive."""

    def rule(body: View) -> Iterator[Fault]:
        if body.filled(first) and body.filled(second):
            yield Fault(second, message)

    return rule


def exactly_one(*names: str, message: str, too_many: str = "") -> Rule:
    """Exactly one of the named blocks and attributes must be given.

    message: for none of them. too_many: for several; `message` if empty.
    """

    def rule(body: View) -> Iterator[Fault]:
        given = [name for name in names if body.given(name)]
        if not given:
            yield Fault("", message)
        elif len(given) > 1:
            yield Fault(given[1], too_many or message)

    return rule


def go_template(attribute: str, name: str = "", *, stage: bool = False, lead: str = "") -> Rule:
    """A text must be a Go template.

    name: what Go calls the template; the text itself if empty. stage: whether it may call the functions of
    stages. lead: begins the message.
    """

    def rule(body: View) -> Iterator[Fault]:
        text = body.text(attribute)
        if "{{" not in text:
            return
        from alloypy.embedded.gotemplate.functions import BUILT_IN, STAGES
        from alloypy.embedded.gotemplate.template import check_template
        from alloypy.lang.text_error import TextError

        try:
            check_template(text, STAGES if stage else BUILT_IN, name or text)
        except TextError as error:
            yield Fault.of_text(attribute, error, IN_TEMPLATE, lead=lead)

    return rule


def regexp_fault(name: str, text: str, lead: str = "", *within: int | str) -> Iterator[Fault]:
    """The fault in an expression, if any. lead: the words before Go's. within: see `Fault`."""
    from alloypy.lang.go.regexp_syntax import check_syntax  # few configurations have such expressions
    from alloypy.lang.text_error import TextError

    try:
        check_syntax(text)
    except TextError as error:
        yield Fault.of_text(name, error, IN_EXPRESSION, *within, lead=lead)


def wrapped_regexp(name: str, before: str, after: str) -> Rule:
    """A text must be a regular expression between two others; the empty one is not used."""

    def rule(body: View) -> Iterator[Fault]:
        text = body.text(name)
        if not text:
            return
        from alloypy.lang.go.regexp_syntax import check_wrapped
        from alloypy.lang.text_error import TextError

        try:
            check_wrapped(before, text, after)
        except TextError as error:
            yield Fault.of_text(name, error, IN_EXPRESSION)

    return rule


def regexp(name: str, lead: str = "") -> Rule:
    """A text must be a regular expression; the empty one is."""

    def rule(body: View) -> Iterator[Fault]:
        text = body.text(name)
        if text:
            yield from regexp_fault(name, text, lead)

    return rule


def polling(body: View) -> Iterator[Fault]:
    """The timing of polling a server; only the first fault is reported, as Alloy does."""
    frequency, timeout = body.get("poll_frequency"), body.get("poll_timeout")
    if frequency <= 0:
        yield Fault("poll_frequency", _POSITIVE.format(name="poll_frequency"))
    elif timeout <= 0:
        yield Fault("poll_timeout", _POSITIVE.format(name="poll_timeout"))
    elif timeout >= frequency:
        at = "poll_timeout" if body.given("poll_timeout") else "poll_frequency"
        yield Fault(at, "poll_timeout must be less than poll_frequency")


def _filled_in(message: str, body: View, name: str) -> str:
    value = body.get(name)
    text = str(value) if isinstance(value, Duration | str) else repr(value)
    return message.replace("{value}", text).replace("{quoted}", quote(text))
