"""Sorts the blocks of every scope into nodes, and finds faults of blocks that do not depend on their bodies.

These are labels, repeated ids, blocks in the wrong place, and stability levels. The order of the
blocks, and every text and position, are Alloy's.
Source: docs/spec/RUNTIME.md, sections 2.1, 2.3, 2.7.
"""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.check.scope import (
    CheckedNode,
    CheckedScope,
    Language,
    arguments_of_module,
    last_literal,
    level_of,
)
from alloypy.graph import codes, texts
from alloypy.graph.admission import Gates
from alloypy.graph.definitions import Template
from alloypy.graph.nodes import CONFIG_KINDS, Kind, block_id
from alloypy.graph.sections import Ids, Placed, Sections
from alloypy.lang.evaluation.literals import string_value
from alloypy.schema import texts as body_texts
from alloypy.schema.stability import Stability, admission, refusal
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Block, Statement


class BlockReader:
    """Turns blocks into nodes, scope by scope."""

    def __init__(self, language: Language, gates: Gates) -> None:
        self._language = language
        self._gates = gates
        self._by_body: dict[int, CheckedNode] = {}

    def declare(self, template: Template) -> CheckedNode:
        """The declare whose body is `template`, and which `fill` has read. Raises KeyError."""
        return self._by_body[id(template.body)]

    def fill(self, scope: CheckedScope, sections: Sections) -> CheckedScope:
        """Add the nodes of all blocks to the scope, in Alloy's order."""
        self._declares(scope, sections.declares)
        self._configs(scope, sections.configs)
        self._components(scope, sections.components)
        self._services(scope, sections.services)
        return scope

    def _declares(self, scope: CheckedScope, blocks: Sequence[Placed]) -> None:
        seen = Ids()
        for block, source in blocks:
            node = CheckedNode(Kind.DECLARE, block, source)
            if not block.label:
                node.fault(_name_end(block), texts.unlabelled("declare block"), codes.NO_LABEL)
            _note_repeated(node, seen)
            sections = _sort(node, block.body)
            node.body = ()
            written = Template(block.body, source)
            module = CheckedScope(scope, root=False, template=False, written=written)
            self._by_body[id(block.body)] = node
            node.inner = self.fill(module, sections)
            scope.add(node)
            if block.label:
                module.leaked.add("argument")
                scope.customs[block.label] = node

    def _configs(self, scope: CheckedScope, blocks: Sequence[Placed]) -> None:
        seen = Ids()
        for block, source in blocks:
            node = CheckedNode(CONFIG_KINDS[block.full_name], block, source)
            new = _note_repeated(node, seen)
            entry = self._language.block(block.full_name)
            if entry is None:
                self._missing(node, scope)
                continue
            node.arguments = entry.arguments
            match node.kind:
                case Kind.LOGGING | Kind.TRACING:
                    _note_place(node, scope)
                case Kind.FOREACH:
                    self._foreach(node, scope)
                case Kind.ARGUMENT | Kind.EXPORT:
                    self._module_port(node, scope, new)
                case _:
                    if _note_label(node) and new:
                        scope.customs[block.label] = node
            scope.add(node)

    def _module_port(self, node: CheckedNode, scope: CheckedScope, new: bool) -> None:
        """An `argument` or `export` block."""
        if scope.root:
            node.fault(node.block.end, texts.only_inside_module(node.name), codes.PLACE)
        if _note_label(node) and new and node.kind is Kind.ARGUMENT:
            scope.arguments.append(node.block)

    def _foreach(self, node: CheckedNode, scope: CheckedScope) -> None:
        block = node.block
        gate = refusal('foreach block "foreach"', Stability.EXPERIMENTAL, self._gates.gate.stability)
        if gate is not None:
            node.fault(_name_end(block), gate, codes.GATE)
        _note_label(node)
        templates = [s for s in block.body if isinstance(s, Block) and s.full_name == "template"]
        node.body = [s for s in block.body if s not in templates]
        if not templates:
            node.fault(block.end, body_texts.missing("block", "template"), codes.MISSING)
            return
        sections = _sort(node, templates[-1].body)
        written = Template(templates[-1].body, node.source)
        inner = CheckedScope(scope, root=scope.root, template=True, written=written)
        variable = last_literal(node.body, "var", "STRING")
        if variable is not None:
            inner.variables.add(string_value(variable.text))
            inner.leaked.add(string_value(variable.text))
        node.inner = self.fill(inner, sections)

    def _components(self, scope: CheckedScope, blocks: Sequence[Placed]) -> None:
        seen = Ids()
        for block, source in blocks:
            node = CheckedNode(Kind.COMPONENT, block, source)
            if not block.label:
                message = texts.unlabelled(f'component "{node.name}"')
                node.fault(_name_end(block), message, codes.NO_LABEL)
            _note_repeated(node, seen)
            scope.add(node)

    def resolve(self, node: CheckedNode, scope: CheckedScope) -> Diagnostic | None:
        """Find out what a component's body may contain and what it exports, or why it does not exist.

        Called once the blocks of all scopes are known, because a declare may come after its use.
        """
        custom = scope.custom(node.block.name[0])
        if custom is not None:
            node.kind = Kind.CUSTOM
            if custom.kind is Kind.DECLARE and custom.inner is not None:
                node.arguments = arguments_of_module(custom.inner.arguments)
            return None
        refused = self._gates.refused(node.name)
        if refused is not None:
            span = Span(node.source, node.block.start, _name_end(node.block))
            return refused._replace(span=span)
        entry = self._language.component(node.name)
        if entry is not None:
            node.arguments = entry.arguments
            node.exports = entry.exports
        return None

    def _services(self, scope: CheckedScope, blocks: Sequence[Placed]) -> None:
        seen = Ids()
        for block, source in blocks:
            node = CheckedNode(Kind.SERVICE, block, source)
            _note_repeated(node, seen)
            _note_place(node, scope)
            entry = self._language.block(node.name)
            if entry is None:
                self._missing(node, scope)
                continue
            gate = refusal(f'block "{node.name}"', level_of(entry.stability), self._gates.gate.stability)
            if entry.arguments is None:
                node.fault(block.end, texts.not_configurable(node.name), codes.NOT_CONFIGURABLE)
            elif gate is not None:
                node.fault(block.end, gate, codes.GATE, admission(level_of(entry.stability)))
            else:
                node.arguments = entry.arguments
            scope.add(node)

    def _missing(self, node: CheckedNode, scope: CheckedScope) -> None:
        """A config block or service that the version does not have yet: its body means nothing."""
        node.fault(_name_end(node.block), texts.unknown_component(node.name), codes.UNKNOWN_COMPONENT)
        node.body = ()
        scope.add(node)


def _name_end(block: Block) -> int:
    """The offset at which the name would end if it were written without blanks, as Alloy counts it."""
    return block.start + len(block.full_name.encode()) - 1


def _note_repeated(node: CheckedNode, seen: Ids) -> bool:
    """Whether the block's id is new; notes a fault if it is not."""
    repeated = seen.repeated(Placed(node.block, node.source))
    if repeated is not None:
        node.faults.append(repeated)
    return repeated is None


def _note_label(node: CheckedNode) -> bool:
    """Whether the block has the label it needs; notes a fault if it does not."""
    if not node.block.label:
        node.fault(_name_end(node.block), texts.unlabelled(f"{node.name} block"), codes.NO_LABEL)
    return bool(node.block.label)


def _note_place(node: CheckedNode, scope: CheckedScope) -> None:
    if not scope.root:
        where = "module"
    elif scope.template:
        where = "foreach"
    else:
        return
    wanted = block_id(node.block)
    end = node.block.start + len(wanted.encode()) - 1
    node.fault(end, f"{wanted} not allowed in {where}", codes.PLACE)


def _sort(node: CheckedNode, body: Sequence[Statement]) -> Sections:
    """The blocks of a declare or template by kind; notes a fault of the node for each attribute."""
    for statement in body:
        if isinstance(statement, Attribute):
            span = Span(node.source, statement.start, statement.end)
            message = "unsupported statement type *ast.AttributeStmt"
            node.faults.append(Diagnostic(span, message, codes.STATEMENT))
    sections = Sections()
    sections.add([s for s in body if isinstance(s, Block)], node.source)
    return sections


def root_scope(sections: Sections, reader: BlockReader) -> CheckedScope:
    """The scope of a whole configuration."""
    return reader.fill(CheckedScope(None, root=True, template=False), sections)
