"""What is at a place of a text: the blocks around it, what is being written there, and what is wanted there.

Judged from the tree of the place's section, in which holes stand for what is missing, and from the text
around the cursor where the tree has nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from alloypy.lsp.cursor.around import Around, Role, around_of, member_of
from alloypy.lsp.cursor.values import Call, ValueFinder, ValuePlace
from alloypy.lsp.cursor.words import CommentRange, blank, comment_at, line_before, word_around
from alloypy.lsp.documents.sections import Section
from alloypy.syntax.holes.parsing import is_unfinished
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, Expression, Statement

if TYPE_CHECKING:
    from alloypy.lang.types import Type
    from alloypy.lsp.documents.document import Document
    from alloypy.lsp.workspace.workspace import Workspace
    from alloypy.schema.spec import Member, Spec


_FIRST_LINE = re.compile(rb"(?:[ \t\r]*\n)*+([ \t]*+)(?=\S)")
_MOST_JOINED = 20_000
"""Bytes of sections that are read together; more would take too long for a keystroke."""


class Kind(Enum):
    """What can be written at a place."""

    STATEMENT = "name of an attribute or block"
    LABEL = "label of a block"
    VALUE = "expression"
    MEMBER = "name after a dot in an expression"
    FIELD = "name in an object"
    STRING = "inside of a string"
    COMMENT = "inside of a comment"
    ELSEWHERE = "nothing that could be named"


class Place(NamedTuple):
    """A place in a text. `offset`, `start` and `stop` count from the beginning of the text.

    written: the name or text there up to the cursor: with its dots for a STATEMENT, the last name for a
    MEMBER. start, stop: what a chosen name replaces. rest: what follows the cursor of the dotted name being
    written, such as `.write.x.receiver`; empty in the middle of a name.
    blocks: those around it, the outermost first. statement: the one that the place belongs to; offsets in
    trees count from the beginning of `section`. member: what may be written as this statement.
    wanted: the type of the value that is wanted there; None where there is no value, or no known type.
    call: the innermost function call around it. path: the names before the dot of a MEMBER, if those are only
    names. expression: the smallest expression there; for a MEMBER, what comes before the dot.
    """

    document: Document
    section: Section
    workspace: Workspace
    offset: int
    kind: Kind
    written: str
    start: int
    stop: int
    rest: str = ""
    blocks: tuple[Around, ...] = ()
    statement: Statement | None = None
    member: Member | None = None
    wanted: Type | None = None
    call: Call | None = None
    path: tuple[str, ...] = ()
    expression: Expression | None = None

    @property
    def spec(self) -> Spec | None:
        """What the innermost body around the place may contain; None if that is not known."""
        return self.blocks[-1].spec if self.blocks else None

    @property
    def role(self) -> Role:
        """What the innermost block around the place is; ROOT outside of all blocks."""
        return self.blocks[-1].role if self.blocks else Role.ROOT


def place_at(workspace: Workspace, document: Document, offset: int) -> Place:
    """The place at an offset of a document; never raises."""
    offset = min(max(offset, 0), len(document.data))
    section = document.section_at(offset)
    found = _Finder(workspace, document, section, offset - section.start).place()
    after = _is_indented(document.data, section.end)
    if found.blocks and not after:
        return found
    if not after and not _is_indented(document.data, section.start):
        return found
    joined = _joined(document, section)
    inside = _Finder(workspace, document, joined, offset - joined.start).place()
    return inside if len(inside.blocks) > len(found.blocks) else found


def _joined(document: Document, section: Section) -> Section:
    """A section with its neighbours, as far as their indentation says that one block contains them.

    Where the brace that opens a block is missing, what the block contains are sections of their own.
    """
    data, start, stop = document.data, section.start, section.end
    while start and stop - start < _MOST_JOINED and _is_indented(data, start):
        start = document.section_at(start - 1).start
    while stop < len(data) and stop - start < _MOST_JOINED and _is_indented(data, stop):
        stop = document.section_at(stop).end
    return Section(start, Source(document.path, data[start:stop]))


def _is_indented(data: bytes, start: int) -> bool:
    """Whether the first line from an offset on that is not blank is indented."""
    first = _FIRST_LINE.match(data, start)
    return first is not None and bool(first[1])


class _Finder:
    """Finds a place. All offsets count from the beginning of the section."""

    def __init__(self, workspace: Workspace, document: Document, section: Section, at: int) -> None:
        self._workspace = workspace
        self._document = document
        self._section = section
        self._data = section.source.data
        self._at = at
        self._blocks: list[Around] = []
        self._statement: Statement | None = None

    def place(self) -> Place:
        comment = comment_at(self._section.file.comments, self._at, self._data)
        body = self._section.file.body
        while True:
            found = _last_before(body, self._at)
            if not isinstance(found, Block) or not self._is_inside(found):
                break
            outer = self._blocks[-1] if self._blocks else None
            self._blocks.append(around_of(self._workspace, self._document, self._section.start, found, outer))
            body = found.body
        if comment is not None:
            return self._commented(comment)
        if isinstance(found, Block):
            return self._near_block(found)
        if found is not None:
            return self._near_attribute(found)
        return self._gap()

    def _is_inside(self, block: Block) -> bool:
        """Whether the place is in the body of a block, which may not be closed."""
        if self._at <= block.lcurly or is_unfinished(block):
            return False
        if self._at <= block.end:
            return True
        if self._data[block.end : block.end + 1] == b"}" or not self._is_blank(block.end):
            return False
        return not block.body or self._is_deeper(block.start)

    def _is_blank(self, start: int) -> bool:
        return blank(self._data, start, self._at)

    def _is_deeper(self, start: int) -> bool:
        """Whether the place is in the line of an offset, or further to the right than that line begins."""
        if b"\n" not in self._data[start : self._at]:
            return True
        here, there = line_before(self._data, self._at), line_before(self._data, start)
        return _indentation(here) > _indentation(there)

    # Blocks

    def _near_block(self, block: Block) -> Place:
        """A place in the head of a block, or after it."""
        head = block.lcurly if block.label_start is None else block.label_start
        if self._at <= block.name_end + 1 or ("" in block.name and self._at <= head):
            return self._name(block)
        if is_unfinished(block) or self._at <= block.lcurly:
            return self._after_name(block)
        return self._gap()

    def _after_name(self, block: Block) -> Place:
        """After the name of a block and before its body: where its label belongs."""
        label = block.label_start
        member = self._member(block)
        if label is None:
            same_line = (
                self._is_blank(block.name_end + 1) and b"\n" not in self._data[block.name_end : self._at]
            )
            if not same_line:
                return self._gap()
            labelled = not self._blocks or self._blocks[-1].role.has_nodes
            kind = Kind.LABEL if labelled or _takes_label(member) else Kind.ELSEWHERE
            return self._make(kind, self._at, self._at)._replace(statement=block, member=member)
        stop = label + len(block.label.encode("utf-8", "surrogatepass")) + 1
        if not label < self._at <= stop:
            return self._gap() if b"\n" in self._data[stop : self._at] else self._elsewhere(block)
        if is_unfinished(block) and _type_of(member) is not None:
            found = ValuePlace("STRING", label + 1, stop, wanted=_type_of(member))
            return self._value_place(found, block)
        return self._make(Kind.LABEL, label + 1, stop)._replace(statement=block, member=member)

    def _member(self, statement: Statement) -> Member | None:
        name = statement.full_name if isinstance(statement, Block) else statement.name.name
        return member_of(self._blocks[-1].spec if self._blocks else None, name)

    # Attributes

    def _near_attribute(self, attribute: Attribute) -> Place:
        """A place in an attribute, or after it."""
        name = attribute.name
        if self._at <= name.end + 1:
            return self._name(attribute)
        assign = self._data.find(b"=", name.end + 1, max(attribute.value.start, name.end + 1) + 1)
        if self._at <= assign:
            return self._elsewhere(attribute) if name.name else self._name(attribute)
        wanted = _type_of(self._member(attribute))
        found = ValueFinder(self._data, self._at).find(attribute.value, wanted)
        if found is None:
            return self._gap()
        return self._value_place(found, attribute)

    def _value_place(self, found: ValuePlace, statement: Statement) -> Place:
        rest = self._dotted_after(found.stop) if found.kind in {"VALUE", "MEMBER"} else ""
        return self._make(Kind[found.kind], found.start, found.stop)._replace(
            rest=rest,
            statement=statement,
            member=self._member(statement),
            wanted=found.wanted,
            call=found.call,
            path=found.path,
            expression=found.node,
        )

    # Places without a tree

    def _name(self, statement: Statement) -> Place:
        if not self._may_begin_statement():
            return self._elsewhere(statement)
        return self._statement_name(statement)

    def _gap(self) -> Place:
        """A place that belongs to no statement."""
        if self._may_begin_statement():
            return self._statement_name(None)
        return self._elsewhere(None)

    def _statement_name(self, statement: Statement | None) -> Place:
        start, stop = word_around(self._data, self._at, dotted=True)
        member = self._member(statement) if statement is not None else None
        rest = self._dotted_after(self._at)
        return self._make(Kind.STATEMENT, start, stop)._replace(rest=rest, statement=statement, member=member)

    def _dotted_after(self, start: int) -> str:
        """The dotted names after a name, if the cursor is at its end."""
        if self._at != start or self._data[start : start + 1] != b".":
            return ""
        _, stop = word_around(self._data, start, dotted=True)
        return self._data[start:stop].decode("utf-8", "replace")

    def _may_begin_statement(self) -> bool:
        """Whether the name is the first in its line, or in its block."""
        start, _ = word_around(self._data, self._at, dotted=True)
        line = line_before(self._data, start)
        if blank(line, 0, len(line)):
            return True
        return bool(self._blocks) and blank(self._data, self._blocks[-1].block.lcurly + 1, start)

    def _elsewhere(self, statement: Statement | None) -> Place:
        return self._make(Kind.ELSEWHERE, self._at, self._at)._replace(statement=statement)

    def _commented(self, comment: CommentRange) -> Place:
        return self._make(Kind.COMMENT, comment.start, comment.stop)

    def _make(self, kind: Kind, start: int, stop: int) -> Place:
        base = self._section.start
        return Place(
            self._document,
            self._section,
            self._workspace,
            base + self._at,
            kind,
            self._data[start : self._at].decode("utf-8", "replace"),
            base + start,
            base + stop,
            blocks=tuple(self._blocks),
        )


def _last_before(body: Sequence[Statement], at: int) -> Statement | None:
    """The last statement that begins at or before an offset."""
    number = bisect_right(body, at, key=lambda statement: statement.start)
    return body[number - 1] if number else None


def _indentation(line: bytes) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(8))


def _type_of(member: Member | None) -> Type | None:
    from alloypy.schema.spec import AttributeSpec

    return member.type if isinstance(member, AttributeSpec) else None


def _takes_label(member: Member | None) -> bool:
    from alloypy.schema.spec import BlockSpec

    return isinstance(member, BlockSpec) and member.body.takes_label
