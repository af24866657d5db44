"""Changes of a text, statement by statement: renaming, moving, removing, turning into a comment.

Comments belong to a statement if they are in it, after it on its line, or directly above it. They stay where
it stays, and go where it goes.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from alloypy.check.lint.rule import removing
from alloypy.syntax.diagnostics import Edit, edited
from alloypy.syntax.lexer import scan
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, Node, Statement


class Editor:
    """Makes the changes of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._data = source.data

    def text(self, node: Node) -> str:
        """A node as written."""
        return self._read(node.start, node.end + 1)

    def bare(self, node: Node) -> str:
        """A node without the comments in it."""
        cuts = [Edit(start, end, "") for start, end in self._within(node.start, node.end + 1)]
        return self._read(node.start, node.end + 1, cuts)

    def is_commented(self, statement: Statement) -> bool:
        """Whether comments belong to a statement."""
        begin, end = self._begin(statement.start), self._end(statement.end + 1)
        return bool(self._within(begin, end))

    def indent(self, node: Node) -> str:
        """The blanks at the beginning of the line on which a node begins."""
        return self._indent(node.start)

    def _indent(self, offset: int) -> str:
        start = end = self._line(offset)
        while self._data[end : end + 1] in (b" ", b"\t"):
            end += 1
        return self._data[start:end].decode()

    def inner_indent(self, block: Block) -> str:
        """The blanks before statements in a block."""
        for statement in block.body:
            if self._begins_line(statement):
                return self.indent(statement)
        return self.indent(block) + self.unit

    def rename(self, statement: Statement, name: str) -> Edit:
        """Another name for an attribute or block."""
        if isinstance(statement, Attribute):
            return Edit(statement.name.start, statement.name.end + 1, name)
        return Edit(statement.start, statement.name_end + 1, name)

    def surround(self, node: Node, before: str, after: str) -> list[Edit]:
        """Text on both sides of a node."""
        return [Edit(node.start, node.start, before), Edit(node.end + 1, node.end + 1, after)]

    def renamed(self, statement: Attribute, name: str, edits: Iterable[Edit] = ()) -> str:
        """An attribute under another name, changed, with its comments but those above it."""
        rest = self._read(statement.name.end + 1, self._end(statement.end + 1), edits)
        return f"{name} " + rest.lstrip(" \t")

    def above(self, statement: Statement) -> list[str]:
        """The comments directly above a statement, or before it on its line."""
        spans = self._within(self._begin(statement.start), statement.start)
        return [self._read(*span) for span in spans]

    def moved(self, statement: Statement, edits: Iterable[Edit] = ()) -> list[str]:
        """A statement with its comments as lines, changed, to stand elsewhere."""
        end = self._end(statement.end + 1)
        text = self._read(statement.start, end, edits)
        return [*self.above(statement), *_shifted(text, self.indent(statement))]

    def content(self, block: Block, edits: Iterable[Edit] = ()) -> list[str]:
        """What is between the braces of a block as lines, changed."""
        text = self._read(block.lcurly + 1, block.end, edits)
        if "`" in text:
            return [text.strip()]
        return "\n".join(_shifted(text, self.inner_indent(block))).strip().split("\n") if text.strip() else []

    def head(self, block: Block, name: str) -> str:
        """The beginning of a block under another name, up to its brace, with the comments in it."""
        return name + self._read(block.name_end + 1, block.lcurly).rstrip()

    def after(self, statement: Statement) -> str:
        """The comments after a statement on its line, with the blank before them."""
        return self._read(statement.end + 1, self._end(statement.end + 1))

    def unlabel(self, block: Block) -> list[Edit]:
        """No label for a block."""
        if block.label_start is None:
            return []
        end = self._data.index(b'"', block.label_start + 1) + 1
        blanks = len(self._data) - end - len(self._data[end:].lstrip(b" \t"))
        return [Edit(block.label_start, end + blanks, "")]

    def replace(self, node: Node, lines: Iterable[str]) -> Edit:
        """Lines, indented as the node is, instead of a node and of the comments after it on its line."""
        joined = f"\n{self.indent(node)}".join(lines)
        return Edit(node.start, self._end(node.end + 1), joined)

    def remove(self, node: Node) -> Edit:
        """Nothing instead of a statement, nor an empty line."""
        return removing(node, self.source)

    def take(self, statement: Statement) -> Edit:
        """Nothing instead of a statement and its comments, which stand elsewhere now."""
        end = self._end(statement.end + 1) - 1
        return removing(Node(self._begin(statement.start), end), self.source)

    def comment_out(self, statement: Statement, why: str) -> Edit:
        """A statement as a comment, after the reason; its text stays readable."""
        text = self.text(statement)
        if not (self._begins_line(statement) and self._ends_line(statement)):
            return Edit(statement.start, statement.end + 1, f"/* {text.replace('*/', '* /')} ({why}) */")
        indent = self.indent(statement)
        text += self.after(statement)
        lines = [line.removeprefix(indent).rstrip("\r") for line in text.split("\n")]
        return self.replace(statement, [f"// {why}", *(f"// {line}".rstrip() for line in lines)])

    def append(self, block: Block, lines: Iterable[str]) -> list[Edit]:
        """Lines at the end of a block."""
        indent, outer = self.inner_indent(block), self.indent(block)
        text = "".join(f"{indent}{line}\n" for line in lines)
        first = self._line(block.end)
        if first > block.lcurly and not self._data[first : block.end].strip():
            return [Edit(first, first, text)]
        if not self._data[block.lcurly + 1 : block.end].strip():
            return [Edit(block.lcurly + 1, block.end, f"\n{text}{outer}")]
        opened = [] if b"\n" in self._data[block.lcurly : block.end] else [self._break_after(block, indent)]
        return [*opened, Edit(block.end, block.end, f"\n{text}{outer}")]

    def before(self, statement: Statement, lines: Iterable[str]) -> Edit:
        """Lines before a statement and the comments above it."""
        begin = self._begin(statement.start)
        indent = self._indent(begin)
        return Edit(begin, begin, "".join(f"{line}\n{indent}" for line in lines))

    def next(self, statement: Statement, lines: Iterable[str]) -> Edit:
        """Lines after a statement and the comments on its line."""
        end = self._end(statement.end + 1)
        return Edit(end, end, "".join(f"\n{self.indent(statement)}{line}" for line in lines))

    def keeps_comments(self, edits: Sequence[Edit]) -> bool:
        """Whether every comment is still there after changes, wherever it is then."""
        lost = {span for each in edits for span in self._within(each.start, each.end)}
        if not lost:
            return True
        text = "".join(each.text for each in edits)
        new = Source(self.source.name, text.encode("utf-8", "surrogateescape"))
        there = _essence("".join(new.data[s:e].decode("utf-8", "surrogateescape") for s, e in _comments(new)))
        return all(_essence(self._read(*span)) in there for span in lost)

    def in_line_ends(self, edits: Iterable[Edit]) -> list[Edit]:
        """The changes with the line ends of the text, by its first line."""
        if not self._data.partition(b"\n")[0].endswith(b"\r"):
            return list(edits)
        return [each._replace(text=re.sub(r"(?<!\r)\n", "\r\n", each.text)) for each in edits]

    def _break_after(self, block: Block, indent: str) -> Edit:
        start = block.lcurly + 1
        while self._data[start : start + 1] in (b" ", b"\t"):
            start += 1
        return Edit(block.lcurly + 1, start, f"\n{indent}")

    @cached_property
    def _comments(self) -> list[tuple[int, int]]:
        return list(_comments(self.source))

    def _within(self, start: int, end: int) -> list[tuple[int, int]]:
        """The comments of which a part is in a range."""
        at = bisect_right(self._comments, start, key=_comment_end)
        last = bisect_left(self._comments, end, key=_comment_start)
        return self._comments[at:last]

    def _begin(self, offset: int) -> int:
        """Where the comments begin that are directly above what begins at an offset, or before it there."""
        at = bisect_right(self._comments, offset, key=_comment_end)
        for start, end in reversed(self._comments[:at]):
            gap = self._data[end:offset]
            if gap.strip() or gap.count(b"\n") > 1:
                break
            at -= 1
            line = self._line(start)
            ahead = self._data[line:start].rstrip()
            after = ahead.endswith(b"{") or (at > 0 and self._comments[at - 1][1] == line + len(ahead))
            if ahead and (b"\n" in gap or not after):
                break
            offset = start
        return offset

    def _end(self, offset: int) -> int:
        """Where the comments end that follow on the line of an offset."""
        at = bisect_left(self._comments, offset, key=_comment_start)
        while at < len(self._comments):
            start, end = self._comments[at]
            if self._data[offset:start].strip(b" \t\r"):
                break
            offset, at = end, at + 1
        return offset

    def _read(self, start: int, end: int, edits: Iterable[Edit] = ()) -> str:
        own = (Edit(each.start - start, each.end - start, each.text) for each in edits)
        return edited(self._data[start:end], own).decode("utf-8", "surrogateescape")

    def _line(self, offset: int) -> int:
        return self._data.rfind(b"\n", 0, offset) + 1

    def _begins_line(self, node: Node) -> bool:
        return not self._data[self._line(node.start) : node.start].strip()

    def _ends_line(self, node: Node) -> bool:
        end = self._end(node.end + 1)
        newline = self._data.find(b"\n", end)
        return not self._data[end : len(self._data) if newline < 0 else newline].strip()

    @property
    def unit(self) -> str:
        """One level of indentation."""
        return "\t" if b"\n\t" in self._data else "  "

    def block(self, name: str, lines: Iterable[str]) -> list[str]:
        """A block as lines."""
        return [f"{name} {{", *(f"{self.unit}{line}" for line in lines), "}"]


def _comment_start(comment: tuple[int, int]) -> int:
    return comment[0]


def _comment_end(comment: tuple[int, int]) -> int:
    return comment[1]


def _comments(source: Source) -> Iterator[tuple[int, int]]:
    """The comments of a text: where each begins, and the byte after it."""
    data = source.data
    for group in scan(source).comments:
        for each in group:
            if data.startswith(b"/*", each.start):
                yield each.start, data.find(b"*/", each.start + 2) + 2
            else:
                yield each.start, each.end + 1


def _shifted(text: str, indent: str) -> list[str]:
    """Lines without their indentation; a text in backquotes stays as it is."""
    if "`" in text:
        return [text]
    return [line.removeprefix(indent) for line in text.split("\n")]


def _essence(comment: str) -> str:
    """A comment without what is not said in it."""
    return "".join(char for char in comment if not (char.isspace() or char in "/*"))
