"""The exception for a wrong command line."""

from __future__ import annotations


class UsageError(Exception):
    """The command line is wrong. The text follows `Error: ` on stderr.

    hint: what may have been meant, or what is allowed. usage: the usage line, "" if that would not help.
    instead: a word of the command line, and those to type in its place.
    """

    def __init__(self, text: str, *, hint: str = "", usage: str = "", instead: tuple[str, ...] = ()) -> None:
        self.hint = hint
        self.usage = usage
        self.instead = instead
        super().__init__(text)
