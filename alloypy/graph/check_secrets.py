"""Where secrets stand literally in a configuration, so that nobody prints them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alloypy.graph.check_modules import all_modules, with_templates
from alloypy.graph.check_scope import CheckedScope
from alloypy.graph.nodes import Kind
from alloypy.graph.references import inner_expressions
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Expression, Literal, Statement

_NAMED = (
    rb"(?i)\b\w*(?:password|passphrase|secret|token|credential|private_key|key_pem|api_key|access_key)\w*"
    rb"[ \t]*=[ \t]*(\"(?:[^\"\\\n]|\\.)*\"?|`[^`]*`?)"
)


def secret_literals(root: CheckedScope) -> Iterator[Span]:
    """The string literals in settings that are secret, quotes included."""
    for module in all_modules(root):
        for scope in with_templates(module):
            for node in scope.nodes:
                if node.arguments is not None and node.kind is not Kind.IMPORT:
                    yield from _in_body(node.body, node.arguments, node.source)


def _in_body(body: Sequence[Statement], spec: Spec, source: Source) -> Iterator[Span]:
    for statement in body:
        if isinstance(statement, Attribute):
            member = spec.lookup.get(statement.name.name)
            if isinstance(member, AttributeSpec) and member.secret:
                for literal in string_literals(statement.value):
                    yield Span(source, literal.start, literal.end)
        else:
            name = statement.full_name
            block = spec.groups.get(name) or spec.lookup.get(name)
            if isinstance(block, BlockSpec):
                yield from _in_body(statement.body, block.body, source)


def string_literals(expression: Expression) -> Iterator[Literal]:
    """The string literals in an expression."""
    waiting = [expression]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Literal) and part.kind == "STRING":
            yield part
        waiting += inner_expressions(part)


def likely_secrets(source: Source) -> Iterator[Span]:
    """Strings given to settings that are secret by their name, where the text cannot be read as a whole."""
    for match in re.finditer(_NAMED, source.data):
        yield Span(source, match.start(1), match.end(1) - 1)
