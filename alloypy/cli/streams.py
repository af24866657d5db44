"""The standard streams as a shell may leave them: closed, full, without a reader, in any encoding.

`put` and `say` are for commands whose exit code is a verdict: it stands whoever reads along.
"""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO

from alloypy.os_errors import system_words

_MODES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
_ERRORS = "alloypy.bytes"

closed: set[str] = set()
"""The streams that the caller had closed, by name, once `prepare` was called."""


class InputError(Exception):
    """Standard input cannot be read; the text says why."""


class OutputError(Exception):
    """Standard output cannot be written; the text says why."""


def prepare() -> None:
    """Open what the caller has closed, and let everything be written in the encoding that there is.

    A closed descriptor would otherwise become that of a socket or file. File names that are no text in the
    encoding come out as the bytes that they are.
    """
    for number, (name, mode) in enumerate(_MODES):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free: this one
        if getattr(sys, name) is None:
            closed.add(name)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    codecs.register_error(_ERRORS, _encode)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_ERRORS)


def _encode(error: UnicodeError) -> tuple[bytes, int]:
    """Bytes of a file name as they are, other characters that the encoding lacks as escape sequences."""
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
    """Write to standard output. A reader that has gone is no fault; raises OutputError for the others."""
    if not data:
        return
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
    """What Alloy prints on standard output for a refused configuration; nobody misses it."""
    with suppress(OutputError):
        if "stdout" not in closed:
            put(b"\n")


def say(text: str) -> None:
    """Write to standard error, as far as that can be."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def output_fault(error: OSError) -> OutputError:
    """The fault of standard output, which takes nothing more from here on."""
    silence(sys.stdout)
    return OutputError(f"cannot write to standard output: {system_words(error)}")


def silence(stream: TextIO) -> None:
    """Let everything written to `stream` go nowhere from now on, what waits in it included."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
