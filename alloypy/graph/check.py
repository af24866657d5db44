"""Checking a whole configuration without running it.

`check_files` first finds what Alloy's own check finds, in its words and order; what only running
Alloy would find follows. Nothing here evaluates what depends on the machine, the environment or
a running component. Source: RUNTIME spec sections 2.2-2.4, 2.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from alloypy.graph.check_blocks import BlockReader, root_scope
from alloypy.graph.check_references import check_cycles, check_references
from alloypy.graph.check_scope import CheckedScope, Gate, Language
from alloypy.graph.nodes import Kind
from alloypy.graph.sections import root_sections
from alloypy.schema.check import check_body
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.tree import File


class Checked(NamedTuple):
    """The outcome of a check.

    scope: the root scope, for whoever wants to look further. found: what Alloy's check finds.
    missed: what only running finds.
    """

    scope: CheckedScope
    found: list[Diagnostic]
    missed: list[Diagnostic]


def check_files(files: Sequence[File], language: Language, gate: Gate) -> Checked:
    """Check the files of one configuration together.

    Raises DiagnosticsError when a file has an attribute outside any block; nothing else is looked at then.
    """
    reader = BlockReader(language, gate)
    scope = root_scope(root_sections(files), reader)
    checked = Checked(scope, [], [])
    _Checker(language, gate, reader, checked).scope(scope)
    return checked


class _Checker:
    def __init__(self, language: Language, gate: Gate, reader: BlockReader, checked: Checked) -> None:
        self._language = language
        self._gate = gate
        self._reader = reader
        self._found = checked.found
        self._missed = checked.missed

    def scope(self, scope: CheckedScope) -> None:
        """Check the nodes of a scope one by one, then how they depend on each other."""
        for node in scope.nodes:
            problem = self._reader.resolve(node, scope) if node.kind is Kind.COMPONENT else None
            self._found += node.faults
            if problem is not None:
                self._found.append(problem)
                continue
            if node.arguments is not None:
                self._found += check_body(node.block, node.body, node.source, node.arguments)
            if node.inner is not None:
                self.scope(node.inner)
            references = check_references(node, scope, self._language, self._gate.stability)
            self._found += references.found
            self._missed += references.missed
        self._found += check_cycles(scope)
