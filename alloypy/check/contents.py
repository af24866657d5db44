"""Finds faults in block bodies that Alloy finds only when it runs: values that cannot fit, labels.

Source: docs/spec/RUNTIME.md, sections 2.4, 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, NamedTuple

from alloypy.check.expressions.values import Surroundings, ValueCheck
from alloypy.check.findings import Findings
from alloypy.check.load_rules import RulePlace, check_rules
from alloypy.check.modules.frames import Frame
from alloypy.check.scope import CheckedNode, Language, warning
from alloypy.check.warnings import check_nowhere, check_settings
from alloypy.graph import codes
from alloypy.graph.nodes import Kind
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.types import AnyType
from alloypy.schema import texts
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Expression, Statement

if TYPE_CHECKING:
    from alloypy.catalog.versions import Version


class GivenValue(NamedTuple):
    """An attribute of a block, with the value check for the module that contains the block."""

    check: ValueCheck
    value: Expression


class ContentCheck:
    """Checks the bodies of the blocks that Alloy would evaluate."""

    def __init__(self, language: Language, environ: Mapping[str, str], findings: Findings) -> None:
        self._language = language
        self._environ = environ
        self._findings = findings
        self._stdlib: Scope | None = None

    def node(self, node: CheckedNode, frame: Frame) -> list[Diagnostic]:
        """The faults in the body of a node, without secrets whose values come from elsewhere."""
        check = self.values(node.source, frame)
        found = list(self._node(node, check))
        return [_without(each, check.secrets) for each in found] if check.secrets else found

    def _node(self, node: CheckedNode, check: ValueCheck) -> Iterator[Diagnostic]:
        self._body(node.body, node.arguments, check)
        yield from check.faults
        if node.arguments is not None and node.kind is not Kind.CUSTOM:
            version = self._language.version
            place = RulePlace(node.block, node.name, node.source, older=version is not None)
            broken = check_rules(place, node.body, node.arguments, check.decided)
            yield from (broken if version is None else _of_version(broken, version))
            yield from check_settings(place, node.body, node.arguments, check)
        yield from check_nowhere(node)
        if node.kind is Kind.COMPONENT:
            missing = self._language.missing_package(node.name)
            if missing:
                head = Span(node.source, node.block.start, node.block.lcurly)
                yield warning(head, missing, codes.NOT_INSTALLED)

    def values(self, source: Source, frame: Frame) -> ValueCheck:
        """The value check for those expressions of a module that are written in `source`."""
        return ValueCheck(source, Surroundings(frame, self._language, self._library, self._environ))

    def given(self, node: CheckedNode, frame: Frame, name: str) -> GivenValue | None:
        """The attribute `name` in a node's body, if any; of several, the last one counts."""
        found = None
        for statement in node.body:
            if isinstance(statement, Attribute) and statement.name.name == name:
                found = GivenValue(self.values(node.source, frame), statement.value)
        return found

    def _library(self) -> Scope:
        """The standard library; its facts about the machine are never used."""
        if self._stdlib is None:
            from alloypy.check.expressions.library import restricted
            from alloypy.lang.stdlib import Stdlib
            from alloypy.lang.stdlib.constants import Platform

            self._stdlib = restricted(Stdlib(self._environ, Platform()), self._language)
        return self._stdlib

    def _body(self, body: Sequence[Statement], spec: Spec | None, check: ValueCheck) -> None:
        for statement in body:
            if isinstance(statement, Attribute):
                if not self._findings.is_faulty(statement, check.source):
                    self._attribute(statement, spec, check)
            else:
                self._inner_block(statement, spec, check)

    def _attribute(self, attribute: Attribute, spec: Spec | None, check: ValueCheck) -> None:
        member = spec.lookup.get(attribute.name.name) if spec is not None else None
        check.fit(attribute.value, member.type if isinstance(member, AttributeSpec) else AnyType())

    def _inner_block(self, block: Block, spec: Spec | None, check: ValueCheck) -> None:
        name = block.full_name
        member = None if spec is None else spec.groups.get(name) or spec.lookup.get(name)
        if not isinstance(member, BlockSpec):
            if spec is None:
                self._body(block.body, None, check)
            return
        if member.body.free is None:
            message = ""
            if member.body.takes_label and not block.label:
                message = texts.label_required(name)
            elif block.label and not member.body.takes_label:
                message = texts.label_refused(name)
            if message:
                span = Span(check.source, block.start, block.lcurly)
                check.faults.append(Diagnostic(span, message, codes.LABEL))
        self._body(block.body, member.body, check)


def _of_version(broken: Iterator[Diagnostic], version: Version) -> Iterator[Diagnostic]:
    """The broken load rules that an earlier version of Alloy had."""
    for each in broken:
        if each.code == codes.LOAD_RULE:
            from alloypy.check.rule_ages import is_known_to

            if not is_known_to(version, each.message):
                continue
        yield each


def _without(diagnostic: Diagnostic, secrets: Set[str]) -> Diagnostic:
    from alloypy.redaction.masking import without_texts

    message = without_texts(diagnostic.message, secrets)
    return diagnostic._replace(message=message, hint=without_texts(diagnostic.hint, secrets), value="")
