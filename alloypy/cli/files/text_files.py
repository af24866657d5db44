"""Files that are no text: one line about each, where reading on would give thousands."""

from __future__ import annotations

from alloypy.syntax.codes import BAD_ENCODING
from alloypy.syntax.config_files import encoding_of
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span

UTF8_MARK = b"\xef\xbb\xbf"

_BINARY = "this is no text file: it has a NUL byte here"


def is_binary(diagnostic: Diagnostic) -> bool:
    """Whether this is the fault of a file that is no text, of which no line need be shown."""
    return diagnostic.code == BAD_ENCODING and diagnostic.message == _BINARY


def binary_fault(source: Source) -> Diagnostic | None:
    """The one fault of a file that holds what no text has, a NUL byte; None for others."""
    at = source.data.find(b"\0")
    return Diagnostic(Span(source, at, at), _BINARY, BAD_ENCODING) if at >= 0 else None


def refuse_binary(source: Source) -> None:
    """Raises DiagnosticsError for a file that is no text, or not in UTF-8."""
    encoding = encoding_of(source.data)
    if encoding:
        message = f"the file is encoded with {encoding} but must be UTF-8"
        raise DiagnosticsError([Diagnostic(Span(source, 0, 0), message, BAD_ENCODING)])
    fault = binary_fault(source)
    if fault is not None:
        raise DiagnosticsError([fault])
    try:
        source.data.decode()
    except UnicodeDecodeError as error:
        message = f"byte 0x{source.data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise DiagnosticsError([Diagnostic(Span(source, error.start), message, BAD_ENCODING)]) from None
