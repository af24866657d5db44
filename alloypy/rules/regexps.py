"""Regular expressions that components compile when they are loaded, in Go's words."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.rules.view import Rule, View
from alloypy.schema.faults import IN_EXPRESSION, Fault


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
