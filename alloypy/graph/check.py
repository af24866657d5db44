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
from alloypy.graph.check_imports import Files, ImportReader, tie_instances
from alloypy.graph.check_modules import (
    all_modules,
    check_declares,
    single_instances,
    used_modules,
    with_templates,
)
from alloypy.graph.check_ports import check_ports
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


class Beyond(NamedTuple):
    """What a check may use beyond the configuration's own text.

    environ: variables that the environment will have; what the others hold is not guessed.
    files: access to modules in files.
    """

    environ: Mapping[str, str]
    files: Files


NOTHING = Beyond({}, Files(lambda path: None, "."))
"""Neither variables nor files."""


def check_files(files: Sequence[File], language: Language, gate: Gate, beyond: Beyond = NOTHING) -> Checked:
    """Check the files of one configuration together.

    Raises DiagnosticsError when a file has an attribute outside any block; nothing else is looked at then.
    """
    reader = BlockReader(language, gate)
    root = root_scope(root_sections(files), reader)
    checker = _Checker(language, gate, reader)
    checker.scope(root)
    missed = _Missed(language, gate, reader, beyond).find(root, checker)
    return Checked(root, checker.found, sorted(missed, key=_place))


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


class _Missed:
    """What Alloy's own check does not find."""

    def __init__(self, language: Language, gate: Gate, reader: BlockReader, beyond: Beyond) -> None:
        self._language = language
        self._gate = gate
        self._reader = reader
        self._beyond = beyond

    def find(self, root: CheckedScope, checker: _Checker) -> Iterator[Diagnostic]:
        """Go through all modules. What is wrong in a declare that nothing uses is a warning only."""
        imports = ImportReader(self._reader, self._beyond.environ, self._beyond.files)
        own = list(all_modules(root))
        for scope in own:
            for part in with_templates(scope):
                yield from imports.attach(part)
        tied = {id(scope): self._tie(scope) for scope in own}
        used: list[CheckedScope] = []
        for scope in used_modules(root):
            if id(scope) not in tied:  # a declare of an imported module
                yield from self._imported(scope)
                tied[id(scope)] = self._tie(scope)
            used.append(scope)
        instances = single_instances(used)
        contents = ContentCheck(self._language, self._beyond.environ, checker.found, instances)
        yield from check_ports(listener for scope in used for listener in contents.listeners(scope))
        loaded = {id(scope) for scope in used}
        for scope in {id(scope): scope for scope in (*own, *used)}.values():
            leaks = [fault for part in with_templates(scope) for fault in checker.leaks.get(id(part), ())]
            for fault in (*leaks, *tied[id(scope)], *contents.scope(scope), *check_declares(scope)):
                yield fault if id(scope) in loaded else fault._replace(severity=Severity.WARNING)

    def _tie(self, scope: CheckedScope) -> list[Diagnostic]:
        return [fault for part in with_templates(scope) for fault in tie_instances(part)]

    def _imported(self, scope: CheckedScope) -> list[Diagnostic]:
        """What Alloy's check would find in an imported declare, if it read it."""
        checker = _Checker(self._language, self._gate, self._reader)
        checker.scope(scope)
        return checker.found


def _place(diagnostic: Diagnostic) -> tuple[str, int]:
    span = diagnostic.span
    return (span.source.name, span.start) if span is not None else ("", -1)
