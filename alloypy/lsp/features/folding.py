"""What an editor can fold: brackets, comments, texts and regions that take several lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from alloypy.lsp.documents.document import Document
from alloypy.lsp.features.scanning import end_of, matched, tokens_of
from alloypy.syntax.tokens import CLOSER_OF
from alloypy.syntax.tree import Comment, File

_REGION = re.compile(r"//\s*#?(region|endregion)\b")
_CLOSERS = frozenset(CLOSER_OF.values())


class Fold(Enum):
    """What is folded."""

    CODE = "code"
    COMMENT = "comment"
    REGION = "region"


class Folding(NamedTuple):
    """A part that can be folded. start: where the rest of its first line begins; stop: of its last.

    The line with a closing bracket stays visible: `stop` is at the end of the line before it.
    """

    fold: Fold
    start: int
    stop: int


def foldings(document: Document) -> list[Folding]:
    """All parts of several lines, in order; also of a text that cannot be parsed."""
    found: list[Folding] = []
    marks: list[tuple[int, bool]] = []
    for section in document.sections:
        base, parts = section.start, section.kept(_parts)
        found += (Folding(fold, base + start, base + stop) for fold, start, stop in parts.foldings)
        marks += ((base + at, opens) for at, opens in parts.marks)
    found += _regions(marks, document.data)
    return sorted(found, key=lambda each: (each.start, -each.stop))


def _nested(found: Iterable[Folding]) -> Iterator[Folding]:
    """The parts without those that begin in one that ends before them, as a comment and a bracket can."""
    opened: list[int] = []
    for each in sorted(found, key=lambda each: (each.start, -each.stop)):
        while opened and opened[-1] <= each.start:
            opened.pop()
        if not opened or each.stop <= opened[-1]:
            opened.append(each.stop)
            yield each


class _Parts(NamedTuple):
    """What one section has; offsets count from its beginning.

    marks: the comments that begin or end a region, and whether they begin one.
    """

    foldings: tuple[Folding, ...]
    marks: tuple[tuple[int, bool], ...]


def _parts(file: File) -> _Parts:
    finder = _Finder(file)
    return _Parts(tuple(_nested(finder.foldings())), tuple(finder.marks()))


def _regions(marks: list[tuple[int, bool]], data: bytes) -> Iterator[Folding]:
    opened: list[int] = []
    for at, opens in marks:
        if opens:
            opened.append(at)
        elif opened:
            start, stop = opened.pop(), _line_end(data, at)
            yield Folding(Fold.REGION, _line_end(data, start), stop)


def _line_end(data: bytes, at: int) -> int:
    found = data.find(b"\n", at)
    end = found if found >= 0 else len(data)
    return end - 1 if data[end - 1 : end] == b"\r" and end > at else end


class _Finder:
    """Finds the parts of a section."""

    def __init__(self, file: File) -> None:
        self._source = file.source
        self._data = file.source.data
        self._tokens = tokens_of(file)

    def foldings(self) -> Iterator[Folding]:
        """All but regions."""
        yield from self._brackets()
        for token in self._tokens.tokens:
            if token.text.startswith("`") and "\n" in token.text:
                yield Folding(Fold.CODE, _line_end(self._data, token.start), token.end)
        for group in self._tokens.comments:
            yield from self._comments(group)

    def marks(self) -> Iterator[tuple[int, bool]]:
        """The comments that begin or end a region, and whether they begin one."""
        for group in self._tokens.comments:
            for comment in group:
                match = _REGION.match(comment.text)
                if match is not None:
                    yield comment.start, match[1] == "region"

    def _brackets(self) -> Iterator[Folding]:
        opened: list[int] = []
        found: dict[
            int, Folding
        ] = {}  # by first line: of two that begin there the outer one, which ends later
        for token in matched(self._tokens):
            if token.type in CLOSER_OF:
                opened.append(token.start)
            elif token.type in _CLOSERS:
                start = opened.pop()
                first, last = self._source.line(start), self._source.line(token.start)
                last -= bool(token.text) and self._begins_line(token.start)
                if last > first:
                    found[first] = Folding(Fold.CODE, start + 1, self._end_of_line(last))
        yield from found.values()

    def _begins_line(self, at: int) -> bool:
        before = self._data.rfind(b"\n", 0, at) + 1
        return not self._data[before:at].strip(b" \t\r])}")

    def _end_of_line(self, line: int) -> int:
        return _line_end(self._data, self._source.line_starts[line - 1])

    def _comments(self, group: list[Comment]) -> Iterator[Folding]:
        """A run of comment lines that is interrupted by no region mark, and block comments."""
        run: list[Comment] = []
        for comment in [*group, None]:
            plain = comment is not None and comment.text[:2] == "//" and not _REGION.match(comment.text)
            if plain and comment is not None and self._alone(comment):
                run.append(comment)
                continue
            if len(run) > 1:
                yield Folding(Fold.COMMENT, end_of(self._data, run[0]), end_of(self._data, run[-1]))
            run = []
            if comment is not None and comment.text[:2] == "/*" and "\n" in comment.text:
                yield Folding(Fold.COMMENT, _line_end(self._data, comment.start), end_of(self._data, comment))

    def _alone(self, comment: Comment) -> bool:
        before = self._data.rfind(b"\n", 0, comment.start) + 1
        return not self._data[before : comment.start].strip()
