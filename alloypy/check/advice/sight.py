"""What can be named at a place in a configuration, judging by its text alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from alloypy.check.scope import Language
from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES, Kind, block_id
from alloypy.graph.references import inner_expressions
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block, Expression, File, Statement

_UNNAMED = frozenset({*CONFIG_KINDS, *SERVICE_NAMES}) - {"argument"}


class Visible(NamedTuple):
    """A component, or an argument of a module. chains: its exports by their full names."""

    id: str
    name: str
    label: str
    chains: tuple[str, ...]


class Place:
    """The part of a file that a fault is about, and what is visible from there.

    start, end: offsets of its first byte and just after its last. text: the text there. block: the innermost
    block that begins there. expression: the expression there.
    """

    def __init__(self, files: Sequence[File], file: File, span: Span, language: Language) -> None:
        self.data = file.source.data
        self.start = span.start
        self.end = (span.start if span.end is None else span.end) + 1
        self.text = self.data[self.start : self.end].decode("utf-8", "replace")
        self.block: Block | None = None
        self.expression: Expression | None = None
        self._files = files
        self._language = language
        self._around: list[Block] = []
        self._find(file.body)

    def _find(self, body: Sequence[Statement]) -> None:
        """Descend to the place, without recursion, because blocks may nest deeply."""
        inside: Sequence[Statement] | None = body
        while inside is not None:
            here = next((each for each in inside if each.start <= self.start <= each.end), None)
            inside = None
            if isinstance(here, Attribute):
                self._find_expression(here.value)
            elif here is not None and here.start == self.start:
                self.block = here
            elif here is not None:
                self._around.append(here)
                inside = here.body

    def _find_expression(self, value: Expression) -> None:
        node: Expression | None = value
        while node is not None and (node.start, node.end + 1) != (self.start, self.end):
            parts = inner_expressions(node)
            node = next((e for e in parts if e.start <= self.start and self.end <= e.end + 1), None)
        self.expression = node

    @property
    def holder(self) -> str:
        """The names before the last one, `a.b` in `a.b.c`."""
        before = re.search(rb"([\w.]+)\.\s*$", self.data[: self.start])
        return before[1].decode("utf-8", "replace") if before is not None else ""

    @cached_property
    def visible(self) -> tuple[Visible, ...]:
        """What expressions at the place can name, except the block that contains them."""
        bodies: list[Sequence[Statement]] = [file.body for file in self._files]
        own: Block | None = None
        for block in self._around:
            if block.full_name == "declare":
                bodies, own = [block.body], None
            elif block.full_name == "template":
                bodies, own = [*bodies, block.body], None
            elif own is None and block.full_name != "foreach":
                own = block
        blocks = [each for body in bodies for each in body if isinstance(each, Block) and each is not own]
        return tuple(
            self._visible(block) for block in blocks if block.label and self._exists(block.full_name)
        )

    def _exists(self, name: str) -> bool:
        """Whether blocks of this name can be referred to; a misspelt one cannot."""
        if name in _UNNAMED:
            return False
        known = name == "argument" or name in self._language.component_names or name in self.customs
        return known or name.partition(".")[0] in self._imports

    @cached_property
    def _imports(self) -> frozenset[str]:
        """Labels of imports, with which names of custom components begin."""
        imports = (each for each in self._blocks() if CONFIG_KINDS.get(each.full_name) is Kind.IMPORT)
        return frozenset(each.label for each in imports)

    def _visible(self, block: Block) -> Visible:
        name = block_id(block)
        if block.full_name == "argument":
            exports = ["value"]
        else:
            component = self._language.component(block.full_name)
            exports = self._module_exports(block.full_name)
            if component is not None:
                exports = [each.name for each in component.exports.attributes] if component.exports else []
        return Visible(name, block.full_name, block.label, tuple(f"{name}.{export}" for export in exports))

    def _module_exports(self, name: str) -> list[str]:
        declare = self.customs.get(name)
        body = declare.body if declare is not None else ()
        return [each.label for each in body if isinstance(each, Block) and each.full_name == "export"]

    @cached_property
    def customs(self) -> dict[str, Block]:
        """The declares that define custom components, by their names; of equal ones the first."""
        found: dict[str, Block] = {}
        for block in self._blocks():
            if block.full_name == "declare":
                found.setdefault(block.label, block)
        return found

    @property
    def without_label(self) -> frozenset[str]:
        """Names of blocks that have no label."""
        return frozenset(block.full_name for block in self._blocks() if not block.label)

    @property
    def dangling(self) -> list[str]:
        """Labels that expressions use with the block's component, but that no block has."""
        if self.block is None:
            return []
        name = re.escape(self.block.full_name.encode())
        text = b"\n".join(file.source.data for file in self._files)
        named = re.findall(rb"\b" + name + rb"\.([A-Za-z_]\w*)\.", text)
        used = set(re.findall(rb"\b" + name + rb'\s+"(\w+)"', text))
        return list(dict.fromkeys(each.decode("utf-8", "replace") for each in named if each not in used))

    def _blocks(self) -> Iterator[Block]:
        waiting = [statement for file in self._files for statement in file.body]
        while waiting:
            statement = waiting.pop()
            if isinstance(statement, Block):
                yield statement
                if statement.full_name in {"declare", "foreach", "template"}:
                    waiting += statement.body
