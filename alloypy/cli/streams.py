"""The standard streams in any state: closed, full, without a reader, in any encoding.

`put` and `say` are for commands whose exit code is a verdict, which must not depend on who reads the output.
"""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from alloypy.os_errors import system_words

if TYPE_CHECKING:
    from alloypy.cli.progress import ShownSteps

_MODES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_ERRORS = "alloypy.bytes"

closed: set[str] = set()
"""The names of the streams that the caller had closed; filled by `prepare`."""


class Steps:
    """Work in steps that may take long, which nobody follows; `alloypy.cli.progress` has those that show."""

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def expect(self, total: int) -> None:
        """Say how many steps there will be."""

    def step(self) -> None:
        """Note that a step is done."""


followed: list[ShownSteps] = []
"""The steps that a terminal shows at the moment; other output takes their line."""


class InputError(Exception):
    """Standard input cannot be read; the text says why."""


class OutputError(Exception):
    """Standard output cannot be written; the text says why."""


def prepare() -> None:
    """Open the streams that the caller has closed, and make every text writable in their encoding.

    Otherwise the next socket or file would get a closed stream's descriptor. File names that are not
    valid in the encoding are written as their original bytes.
    """
    for number, (name, mode) in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free one: this
        if getattr(sys, name) is None:
            closed.add(name)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    codecs.register_error(_ERRORS, _encode)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


def _encode(error: UnicodeError) -> tuple[bytes, int]:
    """Write a file name's bytes unchanged, and other characters that the encoding lacks as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return b"".join(map(_encoded, text)), error.end


def _encoded(char: str) -> bytes:
    if "\udc80" <= char <= "\udcff":
        return bytes([ord(char) - 0xDC00])
    return char.encode("ascii", "backslashreplace")


def read_stdin() -> bytes:
    """All of standard input. Raises InputError."""
    if "stdin" in closed:
        raise InputError("cannot read standard input: it is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        raise InputError(f"cannot read standard input: {system_words(error)}") from None


def put(data: bytes) -> None:
    """Write to standard output. A reader that is gone is not an error; others raise OutputError."""
    if not data:
        return
    for steps in followed:
        steps.make_room()
    if "stdout" in closed:
        raise OutputError("cannot write to standard output: it is closed")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as error:
        raise output_fault(error) from None


def lone_line_feed() -> None:
    """Print the line feed that Alloy prints for a refused configuration; failures are ignored."""
    with suppress(OutputError):
        if "stdout" not in closed:
            put(b"\n")


def say(text: str) -> None:
    """Write to standard error, if possible."""
    for steps in followed:
        steps.make_room()
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def fault(text: str) -> None:
    """Say an error. What terminals act on is escaped: names of files and texts of others may hold it."""
    from alloypy.syntax.render import escaped

    say(f"Error: {escaped(text)}\n")


def follow(doing: str) -> Steps | ShownSteps:
    """Steps to be shown while they take long, if standard error is a terminal that people look at."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb" or os.environ.get("CI"):
        return Steps()
    from alloypy.cli.progress import ShownSteps

    return ShownSteps(doing, followed)


def output_fault(error: OSError) -> OutputError:
    """The error to raise for standard output, which discards everything from here on."""
    silence(sys.stdout)
    return OutputError(f"cannot write to standard output: {system_words(error)}")


def silence(stream: TextIO) -> None:
    """Discard everything written to `stream` from now on, including what is still in its buffer."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
