"""The arguments of a call: how many, by which names, and constants of the right kind."""

from __future__ import annotations

import re
from collections.abc import Sequence

from alloypy.embedded.ottl.contexts import Parameter
from alloypy.embedded.ottl.names import field_name
from alloypy.embedded.ottl.tree import (
    Argument,
    Calculation,
    Call,
    Enum,
    Group,
    ListValue,
    Literal,
    MapValue,
    Node,
    Path,
)
from alloypy.lang.text_error import TextError

_PATHS = {"Setter", "GetSetter", "PMapGetSetter", "PSliceGetSetter"}
_LITERALS = {"string": "string", "float64": "float", "int64": "int", "bool": "bool"}
_TAKEN = {
    "StringGetter": {"string"},
    "IntGetter": {"int"},
    "FloatGetter": {"float"},
    "BoolGetter": {"bool"},
    "PMapGetter": {"map"},
    "PSliceGetter": {"list"},
    "TimeGetter": set[str](),
    "DurationGetter": set[str](),
    "FloatLikeGetter": {"float", "int", "bool", "nil", "string"},
    "IntLikeGetter": {"float", "int", "bool", "nil", "string"},
    "BoolLikeGetter": {"float", "int", "bool", "nil", "string"},
    "ByteSliceLikeGetter": {"bytes", "string", "float", "int", "bool", "nil"},
}
"""The types of constants that a parameter takes; those that are missing here take all."""
_WORDS = {
    "StringGetter": "a string",
    "string": "a string in quotes",
    "IntGetter": "an integer",
    "FloatGetter": "a number with a decimal point",
    "float64": "a number with a decimal point",
    "int64": "an integer as such",
    "bool": "`true` or `false`",
    "BoolGetter": "`true` or `false`",
    "PMapGetter": "a map",
    "PSliceGetter": "a list",
    "TimeGetter": "a time, such as that of `Time(...)`",
    "DurationGetter": "a duration, such as that of `Duration(...)`",
    "FloatLikeGetter": "a number",
    "IntLikeGetter": "an integer",
    "BoolLikeGetter": "a truth value",
    "ByteSliceLikeGetter": "bytes",
}
_TYPES = {
    "nil": "`nil`",
    "string": "a string",
    "int": "an integer",
    "bool": "a truth value",
    "list": "a list",
    "float": "a number with a decimal point",
    "bytes": "bytes",
    "map": "a map",
}
_FLOAT = re.compile(r"(?i)[+-]?(?:inf(?:inity)?|nan|0x[0-9a-f_.]*p[+-]?[0-9_]+|[0-9._]+(?:e[+-]?[0-9_]+)?)")
_BOOL = {"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"}


def bind_arguments(call: Call, parameters: Sequence[Parameter]) -> list[tuple[Argument, Parameter]]:
    """The parameter of each argument. Raises TextError if they do not fit."""
    required = sum(not each.optional for each in parameters)
    given = call.arguments
    if not required <= len(given) <= len(parameters):
        takes = f"takes {_described(parameters)}, but {len(given)} {'is' if len(given) == 1 else 'are'} given"
        raise TextError(f"`{call.name}` {takes}", call.start, call.end)
    by_field = {parameter.field: parameter for parameter in parameters}
    bound: list[tuple[Argument, Parameter]] = []
    named = False
    for argument, parameter in zip(given, parameters, strict=False):
        if argument.name:
            named = True
            found = by_field.get(field_name(argument.name))
            if found is None:
                names = ", ".join(f"`{each.name}`" for each in parameters)
                message = f"`{call.name}` has no parameter `{argument.name}`: it has {names}"
                raise TextError(message, argument.start, argument.start + len(argument.name))
            bound.append((argument, found))
        elif named:
            message = "after an argument with a name all others need theirs"
            raise TextError(message, argument.start, argument.end)
        else:
            bound.append((argument, parameter))
    for argument, parameter in bound:
        _check_value(argument, parameter, call.name)
    return bound


def _described(parameters: Sequence[Parameter]) -> str:
    if not parameters:
        return "no arguments"
    names = ", ".join(f"`{each.name}`{' (optional)' if each.optional else ''}" for each in parameters)
    required = sum(not each.optional for each in parameters)
    count = str(len(parameters)) if required == len(parameters) else f"{required} to {len(parameters)}"
    return f"{count} argument{'' if count == '1' else 's'}: {names}"


def _check_value(argument: Argument, parameter: Parameter, function: str) -> None:
    kind, value = parameter.kind, argument.value
    if kind == "FunctionGetter":
        return
    if isinstance(value, str):
        message = f"`{value}` is a function: call it with `{value}(...)`"
        raise TextError(message, argument.end - len(value), argument.end)
    lead = f"`{parameter.name}` of `{function}` must be"
    if kind == "LambdaExpression":
        message = f"{lead} a lambda expression, which OTTL has not switched on in Alloy"
        raise TextError(message, value.start, value.end)
    if kind.startswith("[]"):
        if not isinstance(value, ListValue):
            raise TextError(f"{lead} a list in brackets", value.start, value.end)
        for item in value.items:
            _check_one(item, kind[2:], lead.replace("must be", "must be a list; each element"))
    else:
        _check_one(value, kind, lead)


def _check_one(value: Node, kind: str, lead: str) -> None:
    if kind in _PATHS:
        if not isinstance(value, Path):
            raise TextError(f"{lead} a path", value.start, value.end)
    elif kind in _LITERALS:
        if not isinstance(value, Literal) or value.type != _LITERALS[kind]:
            raise TextError(f"{lead} {_WORDS[kind]}, not a path or a calculation", value.start, value.end)
    elif kind in _TAKEN:
        constant = constant_type(value)
        if constant is not None and not _takes(kind, constant, value):
            message = f"{lead} {_WORDS[kind]}, but this is {_TYPES[constant]}"
            raise TextError(message, value.start, value.end)


def _takes(kind: str, constant: str, value: Node) -> bool:
    if constant not in _TAKEN[kind]:
        return False
    if constant != "string" or not isinstance(value, Literal):
        return True
    text = str(value.value)
    if kind == "BoolLikeGetter":
        return text in _BOOL
    return kind != "FloatLikeGetter" or _FLOAT.fullmatch(text) is not None


def constant_type(node: Node) -> str | None:
    """The type of a value that does not depend on the data; None if it does."""
    match node:
        case Literal():
            return node.type
        case Enum():
            return "int"
        case ListValue():
            return "list" if all(constant_type(each) for each in node.items) else None
        case MapValue():
            return "map" if all(constant_type(value) for _, value in node.entries) else None
        case Group():
            return constant_type(node.inner)
        case Calculation(parts=(only,)):
            inner = only.inner if isinstance(only, Group) else only
            if node.sign == "-":
                return only.type if isinstance(only, Literal) else None
            return constant_type(inner)
        case _:
            return None
