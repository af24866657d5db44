"""Changing files as findings suggest: `--fix` writes them, `--diff` shows what it would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.os_errors import system_words
from alloypy.syntax.codes import UNWRITABLE
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source


class Change(NamedTuple):
    """A file whose text changes. name: as diagnostics name it."""

    name: str
    before: bytes
    after: bytes


def changes_of(sources: Sequence[Source], after: Sequence[Source]) -> list[Change]:
    """The changes between two versions of the same files."""
    pairs = zip(sources, after, strict=True)
    return [Change(old.name, old.data, new.data) for old, new in pairs if new.data != old.data]


def write_changes(changes: Sequence[Change]) -> list[Diagnostic]:
    """Write the files, each as a whole; returns a diagnostic for each that could not be written."""
    from alloypy.cli.files.rewriting import NotRegularError, rewrite

    faults = []
    for change in changes:
        try:
            rewrite(change.name, change.after)
        except NotRegularError:
            message = f"cannot write {change.name}: not a regular file"
            faults.append(Diagnostic(None, message, UNWRITABLE))
        except OSError as error:
            faults.append(Diagnostic(None, f"open {change.name}: {system_words(error)}", UNWRITABLE))
    return faults


def difference(changes: Sequence[Change], *, colour: bool) -> bytes:
    """What the changes do, as one text in the unified format."""
    from alloypy.cli.files.diff import unified

    return b"".join(unified(each.before, each.after, each.name, colour=colour) for each in changes)
