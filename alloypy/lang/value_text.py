"""Values as text in the language's syntax, with secrets hidden.

Source: docs/spec/SYNTAX.md, section 5, `Error text`.
"""

from __future__ import annotations

from collections.abc import Mapping

from alloypy.lang.evaluation.effort import spend
from alloypy.lang.go.text import quote
from alloypy.lang.numbers import number_text
from alloypy.lang.values import Capsule, Kind, OptionalSecret, Secret, Value, kind_of, text_of
from alloypy.syntax.letters import is_identifier
from alloypy.syntax.nesting import allow_recursion
from alloypy.syntax.source import Source


def value_text(value: Value) -> str:
    """`value` as a formatted expression; a value without a literal form is shown by its type."""
    allow_recursion()
    return _formatted(_source_text(value))


def _source_text(value: Value) -> str:
    spend()
    if isinstance(value, Secret) or (isinstance(value, OptionalSecret) and value.is_secret):
        return "(secret)"
    if isinstance(value, OptionalSecret):
        return quote(value.reveal())
    match kind_of(value):
        case Kind.NULL:
            return "null"
        case Kind.BOOL:
            return "true" if value else "false"
        case Kind.NUMBER:
            return number_text(value)
        case Kind.STRING:
            return quote(text_of(value))
        case Kind.ARRAY:
            return f"[{', '.join([_source_text(element) for element in value])}]"
        case Kind.OBJECT:
            return _object_text(value)
        case Kind.FUNCTION:
            return "function"
    return _capsule_text(value)


def _capsule_text(value: Capsule) -> str:
    fields = value.fields()
    return value.type_text() if fields is None else _object_text(fields)


def _object_text(fields: Mapping[str, Value]) -> str:
    lines = [f"{_key_text(key)} = {_source_text(fields[key])},\n" for key in sorted(fields)]
    return "{\n" + "".join(lines) + "}"


def _key_text(key: str) -> str:
    return key if is_identifier(key) else quote(key)


def _formatted(text: str) -> str:
    from alloypy.syntax.diagnostics import DiagnosticsError
    from alloypy.syntax.parser import parse_expression
    from alloypy.syntax.printer.printer import format_expression

    source = Source("", text.encode("utf-8", "surrogateescape"))
    try:
        return format_expression(parse_expression(source), source)
    except DiagnosticsError:
        return text
