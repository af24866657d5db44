"""Checking a whole configuration without running it.

`check_files` first finds what Alloy's own check finds, in its words and order; what only running
Alloy would find follows. Nothing here evaluates what depends on the machine, the environment or
a running component. Source: RUNTIME spec sections 2.2-2.4, 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from alloypy.graph.check_blocks import BlockReader, root_scope
from alloypy.graph.check_contents import ContentCheck
from alloypy.graph.check_modules import (
    all_modules,
    check_declares,
    check_instances,
    used_modules,
    with_templates,
)
from alloypy.graph.check_references import check_cycles, check_references
from alloypy.graph.check_scope import CheckedScope, Gate, Language
from alloypy.graph.nodes import Kind
from alloypy.graph.sections import root_sections
from alloypy.schema.check import check_body
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.tree import File


class Checked(NamedTuple):
    """The outcome of a check.

    scope: the root scope, for whoever wants to look further. found: what Alloy's check finds.
    missed: what only running finds, and warnings that Alloy does not give; by place.
    """

    scope: CheckedScope
    found: list[Diagnostic]
    missed: list[Diagnostic]


def check_files(
    files: Sequence[File], language: Language, gate: Gate, environ: Mapping[str, str] | None = None
) -> Checked:
    """Check the files of one configuration together.

    environ: variables that the environment will have; what the others hold is not guessed.
    Raises DiagnosticsError when a file has an attribute outside any block; nothing else is looked at then.
    """
    reader = BlockReader(language, gate)
    scope = root_scope(root_sections(files), reader)
    checker = _Checker(language, gate, reader)
    checker.scope(scope)
    contents = ContentCheck(language, environ or {}, checker.found)
    missed = list(_missed(scope, contents, checker.leaks))
    return Checked(scope, checker.found, sorted(missed, key=_place))


class _Checker:
    """What Alloy's own check does."""

    def __init__(self, language: Language, gate: Gate, reader: BlockReader) -> None:
        self._language = language
        self._gate = gate
        self._reader = reader
        self.found: list[Diagnostic] = []
        self.leaks: dict[int, list[Diagnostic]] = {}

    def scope(self, scope: CheckedScope) -> None:
        """Check the nodes of a scope one by one, then how they depend on each other."""
        for node in scope.nodes:
            problem = self._reader.resolve(node, scope) if node.kind is Kind.COMPONENT else None
            self.found += node.faults
            if problem is not None:
                self.found.append(problem)
                continue
            if node.arguments is not None:
                self.found += check_body(node.block, node.body, node.source, node.arguments)
            if node.inner is not None:
                self.scope(node.inner)
            references = check_references(node, scope, self._language, self._gate.stability)
            self.found += references.found
            self.leaks.setdefault(id(scope), []).extend(references.missed)
        self.found += check_cycles(scope)


def _missed(
    root: CheckedScope, contents: ContentCheck, leaks: Mapping[int, list[Diagnostic]]
) -> Iterator[Diagnostic]:
    """What only running finds; in a declare that nothing uses, nothing fails."""
    used = {id(scope) for scope in used_modules(root)}
    for scope in all_modules(root):
        faults = [
            *(fault for part in with_templates(scope) for fault in leaks.get(id(part), ())),
            *contents.scope(scope),
            *check_declares(scope),
            *check_instances(scope),
        ]
        for fault in faults:
            yield fault if id(scope) in used else fault._replace(severity=Severity.WARNING)


def _place(diagnostic: Diagnostic) -> tuple[str, int]:
    span = diagnostic.span
    return (span.source.name, span.start) if span is not None else ("", -1)
