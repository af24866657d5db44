"""Between the protocol's words and ours: URIs and paths, positions and offsets, ranges and edits."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from lsprotocol import types

from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.positions import Encoding, Position
from alloypy.lsp.documents.ranges import Range, TextEdit
from alloypy.lsp.wire.errors import RequestFailed

_FILE = re.compile(r"file:(?://([^/?#]*))?([^?#]*)", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_DRIVE = re.compile(r"/?([A-Za-z]):")


def path_of(uri: str) -> str:
    """The path that a URI names; the URI itself if it does not name a file of this machine."""
    found = _FILE.fullmatch(uri)
    if found is None or not found[2].startswith("/"):
        return uri
    host = (found[1] or "").lower()
    try:
        path = os.fsdecode(unquote_to_bytes(found[2].encode("utf-8", "surrogateescape")))
    except UnicodeEncodeError:  # half of a character
        return uri
    if "\0" in path:
        return uri
    if os.name == "nt":
        if host not in {"", "localhost"}:
            return os.path.normpath(f"//{host}{path}")
        return os.path.normpath(_DRIVE.sub(lambda drive: f"{drive[1].upper()}:", path, count=1))
    return os.path.normpath(path) if host in {"", "localhost"} else uri


def uri_of(path: str) -> str:
    """The URI of a path; what is none, because the client wrote something else, stays as it is."""
    if is_uri(path) or not os.path.isabs(path):  # noqa: PTH117 -- also on what is no path
        return path
    if os.name == "nt":
        shown = PurePath(path).as_posix()
        return f"file:{'' if shown.startswith('//') else '///'}{quote(shown, safe='/:')}"
    return f"file://{quote_from_bytes(os.fsencode(path), safe='/')}"


def is_uri(path: str) -> bool:
    """Whether the path of a document is the URI of a text that is no file."""
    return _SCHEME.match(path) is not None


def folders_of(uris: Iterable[str]) -> tuple[str, ...]:
    """The directories of this machine among some URIs, each once."""
    paths = dict.fromkeys(path_of(each) for each in uris)
    return tuple(each for each in paths if os.path.isabs(each))  # noqa: PTH117 -- also on what is no path


class Conversion:
    """Converts places in texts.

    encoding: what the columns of the client count. document: returns the text at a path. spelled: the URIs of
    open texts by path, as the client writes them.
    """

    def __init__(self, encoding: Encoding, document: Callable[[str], Document | None]) -> None:
        self.encoding = encoding
        self.spelled: dict[str, str] = {}
        self._document = document

    def uri_of(self, path: str) -> str:
        """The URI of a path, in the client's spelling if the text is open."""
        return self.spelled.get(path) or uri_of(path)

    def position(self, document: Document, offset: int) -> types.Position:
        """The position of an offset."""
        line, character = document.lines.position(offset, self.encoding)
        return types.Position(line=line, character=character)

    def offset(self, document: Document, position: types.Position) -> int:
        """The offset of a position; one outside of the text is moved to the nearest inside."""
        return document.lines.offset(Position(position.line, position.character), self.encoding)

    def span(self, document: Document, start: int, stop: int) -> types.Range:
        """A range of a text that is at hand."""
        return types.Range(start=self.position(document, start), end=self.position(document, stop))

    def range_of(self, place: Range) -> types.Range:
        """A range of the text at its path. Raises RequestFailed if the text cannot be read any more."""
        return self.span(self._text(place.path), place.start, place.stop)

    def bytes_of(self, document: Document, place: types.Range) -> Range:
        """The range in bytes of what the client calls a range; its ends may be in the wrong order."""
        ends = sorted((self.offset(document, place.start), self.offset(document, place.end)))
        return Range(document.path, ends[0], ends[1])

    def location(self, place: Range) -> types.Location:
        """A range with the URI of its text."""
        return types.Location(uri=self.uri_of(place.path), range=self.range_of(place))

    def edits(self, edits: Iterable[TextEdit]) -> list[types.TextEdit]:
        """Edits of one text."""
        return [types.TextEdit(range=self.range_of(edit.range), new_text=edit.text) for edit in edits]

    def workspace_edit(self, edits: Iterable[TextEdit], versioned: bool) -> types.WorkspaceEdit:
        """Edits of any texts. versioned: name the versions of open texts; not every client knows them."""
        by_path: dict[str, list[TextEdit]] = {}
        for edit in edits:
            by_path.setdefault(edit.range.path, []).append(edit)
        if not versioned:
            return types.WorkspaceEdit(
                changes={self.uri_of(path): self.edits(each) for path, each in by_path.items()}
            )
        return types.WorkspaceEdit(
            document_changes=[
                types.TextDocumentEdit(
                    text_document=types.OptionalVersionedTextDocumentIdentifier(
                        uri=self.uri_of(path), version=self._text(path).version
                    ),
                    edits=self.edits(each),
                )
                for path, each in by_path.items()
            ]
        )

    def _text(self, path: str) -> Document:
        document = self._document(path)
        if document is None:
            raise RequestFailed(f"{path} cannot be read")
        return document
