"""Diagnostics: what is wrong in a file, as values.

Rendering for people lives in `alloypy.syntax.render`; machine formats in the CLI.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from alloypy.syntax.source import Span


class Severity(str, Enum):
    """How bad a diagnostic is."""

    ERROR = "error"
    WARNING = "warning"


class Edit(NamedTuple):
    """One change of a text: its bytes from `start` to before `end` become `text`."""

    start: int
    end: int
    text: str


class Diagnostic(NamedTuple):
    """One fault of a configuration.

    span: where it is; None when the fault has no place (Alloy prints `-`).
    message: Alloy's words if Alloy reports this fault.
    code: stable identifier, `ALY` and four digits (see `alloypy.syntax.codes`).
    value: text of the offending value if the span does not show it literally.
    hint: what to do about it, for people; empty if there is nothing to add.
    fix: the same for programs, as changes of the source that `span` is in; empty if a person has to decide.
    further: the other places that it is about.
    """

    span: Span | None
    message: str
    code: str = "ALY0001"
    severity: Severity = Severity.ERROR
    value: str = ""
    hint: str = ""
    fix: tuple[Edit, ...] = ()
    further: tuple[Span, ...] = ()

    def __str__(self) -> str:
        """`file:line:col: message`, Alloy's one-line form."""
        return f"{self.span if self.span is not None else '-'}: {self.message}"


def edited(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The text with all changes made; they must not overlap."""
    pieces, at = [], 0
    for start, end, text in sorted(edits):
        pieces += [data[at:start], text.encode("utf-8", "surrogateescape")]
        at = end
    return b"".join([*pieces, data[at:]])


def moved(offset: int, edits: Iterable[Edit]) -> int:
    """The offset after the changes of the byte now at `offset`; text inserted right there precedes it."""
    shift = 0
    for start, end, text in edits:
        if end <= offset:
            shift += len(text.encode()) - (end - start)
        elif start < offset:
            shift += start - offset
    return offset + shift


class DiagnosticsError(Exception):
    """A stage could not go on; carries every diagnostic it found."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        """The first diagnostic, and how many more there are, as Alloy's one-line contexts print it."""
        if not self.diagnostics:
            return "no errors"
        first, more = str(self.diagnostics[0]), len(self.diagnostics) - 1
        if more == 0:
            return first
        return f"{first} (and {more} more diagnostics)"
