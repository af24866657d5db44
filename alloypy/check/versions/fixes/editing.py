"""Changes of a text, statement by statement: renaming, moving, removing, turning into a comment."""

from __future__ import annotations

from collections.abc import Iterable

from alloypy.check.lint.rule import removing
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, Node, Statement


class Editor:
    """Makes the changes of one source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._data = source.data

    def text(self, node: Node) -> str:
        """A node as written."""
        return self._data[node.start : node.end + 1].decode("utf-8", "surrogateescape")

    def indent(self, node: Node) -> str:
        """The blanks at the beginning of the line on which a node begins."""
        start = self._data.rfind(b"\n", 0, node.start) + 1
        end = start
        while end < len(self._data) and self._data[end : end + 1] in (b" ", b"\t"):
            end += 1
        return self._data[start:end].decode()

    def inner_indent(self, block: Block) -> str:
        """The blanks before statements in a block."""
        for statement in block.body:
            if self._begins_line(statement):
                return self.indent(statement)
        return self.indent(block) + ("\t" if b"\n\t" in self._data else "  ")

    def rename(self, statement: Statement, name: str) -> Edit:
        """Another name for an attribute or block."""
        if isinstance(statement, Attribute):
            return Edit(statement.name.start, statement.name.end + 1, name)
        return Edit(statement.start, statement.name_end + 1, name)

    def replace(self, node: Node, lines: Iterable[str]) -> Edit:
        """Lines, indented as the node is, instead of it."""
        joined = f"\n{self.indent(node)}".join(lines)
        return Edit(node.start, node.end + 1, joined)

    def remove(self, node: Node) -> Edit:
        """Nothing instead of a statement, nor an empty line."""
        return removing(node, self.source)

    def comment_out(self, statement: Statement, why: str) -> Edit:
        """A statement as a comment, after the reason; its text stays readable."""
        text = self.text(statement)
        if not (self._begins_line(statement) and self._ends_line(statement)):
            return Edit(statement.start, statement.end + 1, f"/* {text.replace('*/', '* /')} ({why}) */")
        indent = self.indent(statement)
        lines = [line.removeprefix(indent).rstrip("\r") for line in text.split("\n")]
        return self.replace(statement, [f"// {why}", *(f"// {line}".rstrip() for line in lines)])

    def append(self, block: Block, lines: Iterable[str]) -> list[Edit]:
        """Lines at the end of a block."""
        indent, outer = self.inner_indent(block), self.indent(block)
        text = "".join(f"{indent}{line}\n" for line in lines)
        first = self._data.rfind(b"\n", 0, block.end) + 1
        if first > block.lcurly and not self._data[first : block.end].strip():
            return [Edit(first, first, text)]
        if not self._data[block.lcurly + 1 : block.end].strip():
            return [Edit(block.lcurly + 1, block.end, f"\n{text}{outer}")]
        opened = [] if b"\n" in self._data[block.lcurly : block.end] else [self._break_after(block, indent)]
        return [*opened, Edit(block.end, block.end, f"\n{text}{outer}")]

    def before(self, statement: Statement, lines: Iterable[str]) -> Edit:
        """Lines before a statement."""
        indent = self.indent(statement)
        return Edit(statement.start, statement.start, "".join(f"{line}\n{indent}" for line in lines))

    def _break_after(self, block: Block, indent: str) -> Edit:
        start = block.lcurly + 1
        while self._data[start : start + 1] in (b" ", b"\t"):
            start += 1
        return Edit(block.lcurly + 1, start, f"\n{indent}")

    def _begins_line(self, node: Node) -> bool:
        return not self._data[self._data.rfind(b"\n", 0, node.start) + 1 : node.start].strip()

    def _ends_line(self, node: Node) -> bool:
        end = self._data.find(b"\n", node.end)
        rest = self._data[node.end + 1 : len(self._data) if end < 0 else end].strip()
        return not rest or rest.startswith(b"//")

    @property
    def unit(self) -> str:
        """One level of indentation."""
        return "\t" if b"\n\t" in self._data else "  "

    def block(self, name: str, lines: Iterable[str]) -> list[str]:
        """A block as lines."""
        return [f"{name} {{", *(f"{self.unit}{line}" for line in lines), "}"]
