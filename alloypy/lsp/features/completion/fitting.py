"""Whether a value that is already written may be of a type, as far as the text tells."""

from __future__ import annotations

from alloypy.check.expressions.shapes import mismatch
from alloypy.lang import types as wanted
from alloypy.lang.types import Type
from alloypy.lsp.cursor.place import Place
from alloypy.lsp.cursor.sight import Sight
from alloypy.lsp.cursor.values import element_of, names_of, plain
from alloypy.schema.check import check_value
from alloypy.syntax.tree import Array, Call, Expression, Literal


def fits(value: Expression | None, type_: Type, place: Place, sight: Sight) -> bool:
    """Whether nothing shows that the value is of another type."""
    if value is None:
        return True
    if check_value(value, place.section.source, type_):
        return False
    return _names_fit(value, plain(type_) or type_, sight)


def _names_fit(value: Expression, type_: Type, sight: Sight) -> bool:
    if isinstance(value, Array):
        element = element_of(type_)
        return element is None or all(_names_fit(each, element, sight) for each in value.elements)
    if isinstance(value, Literal):
        return True
    callee = value.value if isinstance(value, Call) else value
    chain = names_of(callee)
    if chain is None or isinstance(type_, wanted.AnyType):
        return True
    return all(
        mismatch(each.shape, type_) is None
        for each in sight.names
        if each.chain == chain and (each.function is not None) == isinstance(value, Call)
    )
