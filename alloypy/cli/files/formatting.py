"""Formatting one file for the `fmt` command, in this process or in a worker."""

from __future__ import annotations

import errno
from enum import Enum
from pathlib import Path
from stat import S_ISDIR
from typing import NamedTuple

from alloypy.cli import streams
from alloypy.os_errors import system_words
from alloypy.syntax.codes import UNFORMATTED, UNREADABLE, UNWRITABLE
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from alloypy.syntax.text_files import UTF8_MARK, refuse_binary

STDIN = "-"


class Mode(Enum):
    """What happens to the formatted text."""

    PRINT = "print"
    WRITE = "write"
    CHECK = "check"
    DIFF = "diff"


class Task(NamedTuple):
    """One file to format. name: its name in messages. colour: whether a difference has colours."""

    path: str
    name: str
    mode: Mode
    colour: bool = False


class Formatted(NamedTuple):
    """The result for one file.

    diagnostics: its faults, including that it is not formatted in the modes that check. changed: whether
    formatting changes the text. failed: whether it could not be read, parsed or written.
    output: what goes to standard output, the text or the difference.
    """

    name: str
    diagnostics: tuple[Diagnostic, ...] = ()
    changed: bool = False
    failed: bool = False
    output: bytes = b""


class _UnusableError(Exception):
    """The file cannot be read or written; the text says why, in Go's words."""


def format_one(task: Task) -> Formatted:
    """Format one file and do what its mode says. Faults are part of the result; nothing is raised."""
    try:
        data = _read(task)
    except _UnusableError as error:
        return _failed(task, error, UNREADABLE)
    source = Source(task.name, data)
    try:
        refuse_binary(source)
        formatted = format_source(source)
    except DiagnosticsError as error:
        from alloypy.syntax.repairs.foreign import NOT_READ, without_yaml

        return Formatted(task.name, tuple(without_yaml(error.diagnostics, NOT_READ)), failed=True)
    if task.mode is Mode.PRINT:
        return Formatted(task.name, changed=formatted != data, output=formatted)
    if formatted == data:
        return Formatted(task.name)
    if task.mode is Mode.WRITE:
        try:
            _write(task, formatted)
        except _UnusableError as error:
            return _failed(task, error, UNWRITABLE)
        return Formatted(task.name, changed=True)
    output = b""
    if task.mode is Mode.DIFF:
        from alloypy.cli.files.diff import unified

        output = unified(data, formatted, task.name, colour=task.colour)
    message = f"file {task.name} is not formatted correctly{_besides(data)}"
    unformatted = Diagnostic(None, message, UNFORMATTED)
    return Formatted(task.name, (unformatted,), changed=True, output=output)


def _besides(data: bytes) -> str:
    """A reason that editors do not show, and differences hardly; "" if there is none."""
    if b"\r\n" in data:
        return ": its lines end in CR LF, the standard layout's in LF"
    if data.startswith(UTF8_MARK):
        return ": it begins with a byte order mark"
    return ""


def _failed(task: Task, error: _UnusableError, code: str) -> Formatted:
    return Formatted(task.name, (Diagnostic(None, str(error), code),), failed=True)


def _read(task: Task) -> bytes:
    if task.path == STDIN:
        return _read_stdin()
    step = "stat"
    try:
        if not task.path:
            raise FileNotFoundError(errno.ENOENT, "")
        path = Path(task.path)
        if S_ISDIR(path.stat().st_mode):
            raise _UnusableError("cannot format a directory")
        step = "open"
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _UnusableError(f"{step} {task.name}: {system_words(error)}") from None


def _read_stdin() -> bytes:
    try:
        return streams.read_stdin()
    except streams.InputError as error:
        raise _UnusableError(str(error)) from None


def _write(task: Task, data: bytes) -> None:
    from alloypy.cli.files.rewriting import NotRegularError, rewrite

    try:
        rewrite(task.path, data)
    except NotRegularError:
        raise _UnusableError(f"cannot write {task.name}: not a regular file") from None
    except OSError as error:
        raise _UnusableError(f"open {task.name}: {system_words(error)}") from None
