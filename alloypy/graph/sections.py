"""A module's blocks, sorted into sections: services, declares, config blocks and components.

Source: docs/spec/RUNTIME.md, sections 2.1, 2.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from alloypy.graph import codes, texts
from alloypy.graph.nodes import CONFIG_KINDS, SERVICE_NAMES, block_id, header, whole
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block, File, Statement


class Placed(NamedTuple):
    """A block and the text that contains it."""

    block: Block
    source: Source


class Ids:
    """The ids of the blocks of one section."""

    def __init__(self) -> None:
        self._first: dict[str, Placed] = {}

    def repeated(self, placed: Placed) -> Diagnostic | None:
        """The fault of a block whose id is taken; None for the first block of an id, which is recorded."""
        node_id = block_id(placed.block)
        first = self._first.setdefault(node_id, placed)
        if first is placed:
            return None
        where = whole(first.block, first.source)
        span = header(placed.block, placed.source, len(node_id.encode()))
        return Diagnostic(span, texts.declared_already(node_id, where), codes.REPEATED, further=(where,))


class Sections:
    """The blocks of one module, each kind in source order."""

    def __init__(self) -> None:
        self.services: list[Placed] = []
        self.declares: list[Placed] = []
        self.configs: list[Placed] = []
        self.components: list[Placed] = []

    def size(self) -> int:
        """The size of the blocks' text in bytes."""
        groups = (self.services, self.declares, self.configs, self.components)
        return sum(placed.block.end - placed.block.start for group in groups for placed in group)

    def add(self, body: Sequence[Statement], source: Source) -> None:
        """Sort the blocks of a body into the sections.

        Raises DiagnosticsError for the first attribute: a module consists of blocks.
        """
        for statement in body:
            if isinstance(statement, Attribute):
                name = statement.name
                raise DiagnosticsError(
                    [Diagnostic(name.span(source), f"unrecognized attribute {name.name}", codes.STATEMENT)]
                )
            placed = Placed(statement, source)
            if statement.full_name == "declare":
                self.declares.append(placed)
            elif statement.full_name in CONFIG_KINDS:
                self.configs.append(placed)
            elif block_id(statement) in SERVICE_NAMES:
                self.services.append(placed)
            else:
                self.components.append(placed)


def root_sections(files: Iterable[File]) -> Sections:
    """The blocks of all files of a configuration, in the order of the files.

    Raises DiagnosticsError with the first illegal attribute of every file.
    """
    sections = Sections()
    faults: list[Diagnostic] = []
    for file in files:
        try:
            sections.add(file.body, file.source)
        except DiagnosticsError as error:
            faults.extend(error.diagnostics)
    if faults:
        raise DiagnosticsError(faults)
    return sections


def body_sections(body: Sequence[Statement], source: Source) -> Sections:
    """The blocks of a declare or a template. Raises DiagnosticsError for the first illegal attribute."""
    sections = Sections()
    sections.add(body, source)
    return sections
