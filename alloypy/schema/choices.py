"""Text types with a fixed list of accepted texts.

Source: docs/spec/SYNTAX.md, section 5 (text types).
"""

from __future__ import annotations

from alloypy.lang.go.text import quote
from alloypy.lang.types import TextType


class Choice:
    """The parser of a type that accepts only certain texts.

    error: message for any other text, in which `%q` is that text quoted, `%s` plain.
    any_case: upper and lower case are the same; lower_error: the message shows the text in lower case.
    """

    __slots__ = ("any_case", "error", "lower_error", "values")

    def __init__(
        self, values: tuple[str, ...], error: str, *, any_case: bool = False, lower_error: bool = False
    ) -> None:
        self.values = values
        self.error = error
        self.any_case = any_case
        self.lower_error = lower_error

    def __call__(self, text: str) -> str:
        """The accepted text itself. Raises ValueError."""
        known = text.lower() if self.any_case else text
        if known in self.values:
            return known
        shown = text.lower() if self.lower_error else text
        raise ValueError(self.error.replace("%q", quote(shown)).replace("%s", shown))


def choice(name: str, *values: str, error: str) -> TextType:
    """The type `name` that accepts `values`; `error` as in `Choice`. Its zero value is the empty text.

    `Annotated[str, choice("relabel.Action", "keep", "drop", error="unrecognized action type %q")]`.
    """
    return TextType(name, Choice(values, error))
