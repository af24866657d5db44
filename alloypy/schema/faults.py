"""A broken rule, as rules report it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from alloypy.lang.text_error import TextError

IN_EXPRESSION = "ALY0505"
"""A regular expression, a LogQL selector, a pattern or a JMESPath expression that cannot be read."""
IN_OTTL = "ALY0506"
"""A statement or a condition in OpenTelemetry's transformation language that cannot be read."""
IN_TEMPLATE = "ALY0507"
"""A Go template that cannot be read."""
IN_DOCUMENT = "ALY0508"
"""A JSON or YAML document that cannot be used."""


class Characters(NamedTuple):
    """Characters of a string: from `start` to before `end`; equal for a place between two of them."""

    start: int
    end: int


class Fault(NamedTuple):
    """A broken rule over the values of one body.

    name: the attribute or block at fault, as the configuration calls it; "" for the body as a whole.
        `disk/device_include` is that attribute of an inner block.
        If the body does not contain it, the body as a whole is at fault.
    message: Alloy's words if Alloy has this rule.
    code: what kind of fault it is, if not just a broken rule.
    at: the characters at fault, if the attribute's value is a string; None for all of them.
    within: where that string is, if the value is a list or an object of strings: indexes and keys, from the
        outside in.
    hint: what to do about it, for people.
    """

    name: str
    message: str
    code: str = ""
    at: Characters | None = None
    within: tuple[int | str, ...] = ()
    hint: str = ""

    @classmethod
    def of_text(cls, name: str, error: TextError, code: str, *within: int | str, lead: str = "") -> Fault:
        """The fault that an error in a string is. lead: the words before the error's own."""
        return cls(name, f"{lead}{error}", code, Characters(error.start, error.end), within, error.hint)
