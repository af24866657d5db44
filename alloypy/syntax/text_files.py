"""Files that are not text, or not UTF-8: one line about each, where a parser would report thousands."""

from __future__ import annotations

from alloypy.syntax.codes import BAD_ENCODING
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span

UTF8_MARK = b"\xef\xbb\xbf"
UNKNOWN_ENCODING = "unknown encoding for config"
"""Alloy's message for a file that is not UTF-8."""

_MARKS = (  # the longer marks first: UTF-32's begins with UTF-16's
    (b"\xff\xfe\x00\x00", "UTF32LittleEndian"),
    (b"\x00\x00\xfe\xff", "UTF32BigEndian"),
    (b"\xff\xfe", "UTF16LittleEndian"),
    (b"\xfe\xff", "UTF16BigEndian"),
)
_BINARY = "this is not a text file: it has a NUL byte here"


def encoding_of(data: bytes) -> str:
    """The encoding that a byte order mark names, as Go calls it; "" without a mark, and for UTF-8."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")


def not_utf8_at(data: bytes) -> int | None:
    """The offset at which Alloy finds a file not to be UTF-8, or None. Alloy trusts a UTF-8 mark."""
    if not data.startswith(UTF8_MARK):
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return error.start
    return None


def is_binary(diagnostic: Diagnostic) -> bool:
    """Whether this is the fault of a file that is not text, so that no excerpt needs to be shown."""
    return diagnostic.code == BAD_ENCODING and diagnostic.message == _BINARY


def binary_fault(source: Source) -> Diagnostic | None:
    """The single fault of a file with a NUL byte, which no text has; None for other files."""
    at = source.data.find(b"\0")
    return Diagnostic(Span(source, at, at), _BINARY, BAD_ENCODING) if at >= 0 else None


def refuse_binary(source: Source) -> None:
    """Raises DiagnosticsError for a file that is not text, or not in UTF-8."""
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
