"""Files that are no text, or none in UTF-8: one line about each, where reading on would give thousands."""

from __future__ import annotations

from alloypy.syntax.codes import BAD_ENCODING
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span

UTF8_MARK = b"\xef\xbb\xbf"
UNKNOWN_ENCODING = "unknown encoding for config"
"""What Alloy says to a file that is not UTF-8."""

_MARKS = (  # the longer marks first: UTF-32's begins as UTF-16's does
    (b"\xff\xfe\x00\x00", "UTF32LittleEndian"),
    (b"\x00\x00\xfe\xff", "UTF32BigEndian"),
    (b"\xff\xfe", "UTF16LittleEndian"),
    (b"\xfe\xff", "UTF16BigEndian"),
)
_BINARY = "this is no text file: it has a NUL byte here"


def encoding_of(data: bytes) -> str:
    """What the mark at the begin says of the encoding, in Go's words; "" without a mark, and for UTF-8."""
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")


def not_utf8_at(data: bytes) -> int | None:
    """Where a file is not UTF-8, for Alloy; None where it is. With a UTF-8 mark Alloy looks no further."""
    if not data.startswith(UTF8_MARK):
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return error.start
    return None


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
