"""What only running finds in the bodies of blocks: values that cannot fit, labels.

Source: RUNTIME spec sections 2.4, 2.7.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from alloypy.graph import codes
from alloypy.graph.check_modules import Instance
from alloypy.graph.check_ports import Listener, listener_of
from alloypy.graph.check_rules import RulePlace, check_rules
from alloypy.graph.check_scope import CheckedNode, CheckedScope, Language
from alloypy.graph.check_shapes import ANYTHING, Shape, exactly, of_type
from alloypy.graph.check_values import Surroundings, ValueCheck
from alloypy.graph.check_warnings import check_open_receiver, check_settings, check_unused
from alloypy.graph.nodes import Kind
from alloypy.lang.scope import Scope
from alloypy.lang.types import AnyType
from alloypy.lang.values import Kind as ValueKind
from alloypy.lang.values import Secret
from alloypy.schema import texts
from alloypy.schema.partial import Undecided
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Literal, Statement

_MAY_BE_SECRET = ("local.file", "remote.http", "remote.s3")
"""Components whose `content` is a secret when `is_secret` says so."""


class ContentCheck:
    """Looks into the bodies of all blocks that running would evaluate.

    known: what has been found already; an attribute with a fault is not looked at again.
    instances: what gives argument blocks their values, by the block's id().
    """

    def __init__(
        self,
        language: Language,
        environ: Mapping[str, str],
        known: Sequence[Diagnostic],
        instances: Mapping[int, Instance],
    ) -> None:
        self._language = language
        self._instances = instances
        self._environ = environ
        self._stdlib: Scope | None = None
        self._shapes: dict[int, Shape] = {}
        self._places: dict[Source, list[int]] = {}
        for diagnostic in known:
            if diagnostic.span is not None and diagnostic.severity is Severity.ERROR:
                self._places.setdefault(diagnostic.span.source, []).append(diagnostic.span.start)
        for places in self._places.values():
            places.sort()

    def scope(self, scope: CheckedScope) -> Iterator[Diagnostic]:
        """What is wrong in the blocks of a scope, and of the templates in it; not of its declares."""
        for node in scope.nodes:
            check = self._values(node.source, scope)
            self._body(node.body, node.arguments, check)
            yield from check.faults
            if node.arguments is not None and node.kind is not Kind.CUSTOM:
                place = RulePlace(node.block, node.name, node.source)
                yield from check_rules(place, node.body, node.arguments, check.decided)
                yield from check_settings(place, node.body, node.arguments, check)
            yield from check_unused(node)
            yield from check_open_receiver(node, check)
            if node.kind is Kind.FOREACH and node.inner is not None:
                yield from self.scope(node.inner)

    def listeners(self, scope: CheckedScope) -> Iterator[Listener]:
        """Where the components of a scope listen; not those of its templates, of which there may be none."""
        for node in scope.nodes:
            listener = listener_of(node, self._values(node.source, scope))
            if listener is not None:
                yield listener

    def _values(self, source: Source, scope: CheckedScope) -> ValueCheck:
        surroundings = Surroundings(scope, self._language, self._exports, self._library, self._environ)
        return ValueCheck(source, surroundings)

    def _library(self) -> Scope:
        """The standard library; what it says about the machine is never looked at."""
        if self._stdlib is None:
            from alloypy.lang.stdlib import Stdlib
            from alloypy.lang.stdlib.constants import Platform

            self._stdlib = Stdlib(self._environ, Platform())
        return self._stdlib

    def _is_faulty(self, statement: Statement, source: Source) -> bool:
        places = self._places.get(source, [])
        at = bisect_left(places, statement.start)
        return at < len(places) and places[at] <= statement.end

    def _body(self, body: Sequence[Statement], spec: Spec | None, check: ValueCheck) -> None:
        for statement in body:
            if isinstance(statement, Attribute):
                if not self._is_faulty(statement, check.source):
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

    def _exports(self, node: CheckedNode) -> Shape:
        """What is known of the value that references to a node find."""
        known = self._shapes.get(id(node))
        if known is None:
            self._shapes[id(node)] = ANYTHING  # what needs itself is found as a cycle
            known = self._shapes[id(node)] = self._find_exports(node)
        return known

    def _find_exports(self, node: CheckedNode) -> Shape:
        if node.kind is Kind.ARGUMENT:
            return Shape(ValueKind.OBJECT, parts={"value": self._argument(node)})
        if node.kind is Kind.CUSTOM and node.made_from is not None and node.made_from.inner is not None:
            return self._module_exports(node.made_from.inner)
        if node.kind is not Kind.COMPONENT or node.arguments is None:
            return ANYTHING
        parts = {a.name: of_type(a.type) for a in node.exports.attributes} if node.exports else {}
        if node.name in _MAY_BE_SECRET and _is_true(node.body, "is_secret"):
            parts["content"] = Shape(ValueKind.CAPSULE, capsule=Secret.kind)
        return Shape(ValueKind.OBJECT, parts=parts)

    def _argument(self, node: CheckedNode) -> Shape:
        """What is known of an argument's value: that of the one instance, else the default."""
        instance = self._instances.get(id(node))
        if instance is None:
            return ANYTHING
        for statement in instance.node.body:
            if isinstance(statement, Attribute) and statement.name.name == node.label:
                return self._values(instance.node.source, instance.scope).shape(statement.value)
        for statement in node.body:
            if isinstance(statement, Attribute) and statement.name.name == "default":
                try:
                    check = self._values(node.source, instance.scope)
                    return exactly(check.decided(statement.value, AnyType()))
                except Undecided:
                    return ANYTHING
        return exactly(None)

    def _module_exports(self, module: CheckedScope) -> Shape:
        parts: dict[str, Shape] = {}
        for node in module.nodes:
            if node.kind is Kind.EXPORT:
                values = [s.value for s in node.body if isinstance(s, Attribute) and s.name.name == "value"]
                shape = self._values(node.source, module).shape(values[0]) if values else ANYTHING
                parts[node.label] = shape
        return Shape(ValueKind.OBJECT, parts=parts)


def _is_true(body: Sequence[Statement], name: str) -> bool:
    return any(
        isinstance(s, Attribute)
        and s.name.name == name
        and isinstance(s.value, Literal)
        and s.value.text == "true"
        for s in body
    )
