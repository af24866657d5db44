"""Checks a whole configuration without running it.

`check_files` first finds what Alloy's own check finds, in its words and order; then what Alloy
would find only when it runs. Nothing here evaluates what depends on the machine, the environment
or a running component. Source: docs/spec/RUNTIME.md, sections 2.2-2.4, 2.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from alloypy.check.blocks import BlockReader, root_scope
from alloypy.check.contents import ContentCheck
from alloypy.check.findings import Findings, no_pause
from alloypy.check.lint import chosen_rules
from alloypy.check.modules.frames import Frame
from alloypy.check.modules.imports import Files, ImportReader, Location
from alloypy.check.modules.modules import ModuleCheck, Tools
from alloypy.check.ports import check_ports
from alloypy.check.references import check_cycles, check_references
from alloypy.check.scope import CheckedScope, Kinds, Language
from alloypy.check.warnings import check_unset, check_unused
from alloypy.graph.admission import Gate, Gates
from alloypy.graph.nodes import NOWHERE as NO_TEXT
from alloypy.graph.nodes import Kind
from alloypy.graph.sections import Sections, root_sections
from alloypy.schema.check import check_body
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.tree import File


class Checked(NamedTuple):
    """The outcome of a check.

    scope: the root scope, for further checks. as_alloy: what Alloy's check finds.
    further: what Alloy finds only when it runs, and warnings that it does not have; sorted by place.
    frames: the first module of each scope, the root first. contents: reads the values in them.
    """

    scope: CheckedScope
    as_alloy: list[Diagnostic]
    further: list[Diagnostic]
    frames: tuple[Frame, ...]
    contents: ContentCheck


class Context(NamedTuple):
    """What a check may use beyond the configuration's own text.

    environ: variables that the environment will have; the values of all others are unknown.
    files: access to modules in files.
    full_environ: the whole environment, if known: a variable that is not in it will not be set.
    selected: the codes of the lint rules to run; None for the default selection.
    pause: called between the steps of the check; what it raises ends the check.
    """

    environ: Mapping[str, str]
    files: Files
    full_environ: Mapping[str, str] | None = None
    selected: frozenset[str] | None = None
    pause: Callable[[], None] = no_pause


NOTHING = Context({}, Files(lambda path: None, ".", lambda path: Location(path, ".")))
"""Neither variables nor files."""


def check_files(files: Sequence[File], language: Language, gate: Gate, context: Context = NOTHING) -> Checked:
    """Check the files of one configuration together.

    Raises DiagnosticsError if a file has an attribute outside any block; nothing else is checked then.
    """
    gates = Gates(Kinds(language), gate, language.beyond)
    reader = BlockReader(language, gates)
    sections = root_sections(files)
    root = root_scope(sections, reader)
    checker = _Checker(language, gate, reader, context.pause)
    checker.scope(root)
    findings = Findings(checker.found, checker.out_of_scope)
    contents = ContentCheck(language, context.environ, findings)
    imports = ImportReader(reader, context.files, contents, findings)
    modules = ModuleCheck(Tools(reader, imports, contents, findings, gates, context.pause))
    _find_further(modules, findings, root, sections, context)
    if not has_errors(checker.found) and not has_errors(findings):
        rules = list(chosen_rules([file.source for file in files], context.selected))
        if rules:
            from alloypy.check.lint.runner import Linted, run_rules

            linted = Linted(files, modules.frames, lambda frame: contents.values(NO_TEXT, frame), language)
            findings.add(run_rules(rules, linted, context.pause))
    return Checked(root, checker.found, sorted(findings, key=_place), tuple(modules.frames), contents)


def _find_further(
    modules: ModuleCheck, findings: Findings, root: CheckedScope, sections: Sections, context: Context
) -> None:
    """Find what Alloy's own check does not; faults in a declare that nothing uses are warnings."""
    allow_recursion()
    frame = modules.root(root, sections, context.files.module_path)
    findings.harmless = False
    findings.add(check_ports(frame.listeners))
    for each in modules.frames:
        for node in each.scope.nodes:
            findings.add(check_unused(node))
        if context.full_environ is not None:
            findings.add(check_unset(each.scope.nodes, context.full_environ))


class _Checker:
    """Does what Alloy's own check does."""

    def __init__(
        self, language: Language, gate: Gate, reader: BlockReader, pause: Callable[[], None]
    ) -> None:
        self._pause = pause
        self._language = language
        self._gate = gate
        self._reader = reader
        self.found: list[Diagnostic] = []
        self.out_of_scope: list[Diagnostic] = []

    def scope(self, scope: CheckedScope) -> None:
        """Check the nodes of a scope one by one, then their dependencies on each other."""
        for node in scope.nodes:
            self._pause()
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
            self.found += references.as_alloy
            self.out_of_scope += references.further
        self.found += check_cycles(scope)


def has_errors(found: Iterable[Diagnostic]) -> bool:
    """Whether any diagnostic is an error."""
    return any(each.severity is Severity.ERROR for each in found)


def _place(diagnostic: Diagnostic) -> tuple[str, int]:
    span = diagnostic.span
    return (span.source.name, span.start) if span is not None else ("", -1)
