"""What is wrong in a text that a configuration holds as a string, and where in the text."""

from __future__ import annotations


class TextError(ValueError):
    """A fault in a text in another language, such as a regular expression.

    start, end: the characters at fault, `end` exclusive; equal for a place between two characters.
    hint: what to do about it, for people; may be empty.
    """

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.start = start
        self.end = end
        self.hint = hint
