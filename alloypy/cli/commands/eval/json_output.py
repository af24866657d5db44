"""Values and variables as JSON, for `eval --json` and `eval --jsonl`."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from alloypy.cli.commands.jsonl import Answer, Request, RequestError, source_of
from alloypy.lang import types
from alloypy.lang.evaluation.evaluator import EvaluationError, evaluate, evaluate_as
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.floats import SHORTEST, format_float
from alloypy.lang.stdlib import Stdlib
from alloypy.lang.stdlib.constants import Platform
from alloypy.lang.values import (
    Capsule,
    Kind,
    OptionalSecret,
    Secret,
    StringMap,
    UInt,
    Value,
    kind_of,
    text_of,
)
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.dump import diagnostics_json, text_json
from alloypy.syntax.parser import parse_expression
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Expression

HIDDEN = "(secret)"


def value_json(value: Value, reveal: bool = False) -> dict[str, Any]:
    """A value with its type; secrets are shown only with `reveal`."""
    kind = kind_of(value)
    match kind:
        case Kind.NUMBER:
            return {"type": kind, **_number_json(value)}
        case Kind.STRING:
            return {"type": kind, "value": text_json(text_of(value))}
        case Kind.BOOL:
            return {"type": kind, "value": value}
        case Kind.ARRAY:
            elements = map(UInt, value) if isinstance(value, bytes) else value
            return {"type": kind, "value": [value_json(element, reveal) for element in elements]}
        case Kind.OBJECT:
            return {"type": kind, "value": {key: value_json(item, reveal) for key, item in value.items()}}
        case Kind.CAPSULE:
            return {"type": kind, **_capsule_json(value, reveal)}
    return {"type": kind}


def _number_json(value: int | float) -> dict[str, str]:
    if isinstance(value, float):
        return {"kind": "float", "value": format_float(value, "g", SHORTEST)}
    return {"kind": "uint" if isinstance(value, UInt) else "int", "value": str(int(value))}


def _capsule_json(value: Capsule, reveal: bool) -> dict[str, Any]:
    if isinstance(value, Secret):
        return {"capsule": "secret", "value": text_json(value.reveal()) if reveal else HIDDEN}
    if isinstance(value, OptionalSecret):
        shown = reveal or not value.is_secret
        text = text_json(value.reveal()) if shown else HIDDEN
        return {"capsule": "optional_secret", "secret": value.is_secret, "value": text}
    return {"capsule": "other", "describe": value.type_text()}


def answer(request: Request) -> Answer:
    """The answer to one request: `value`, `diags` or `error`, and `as` if the request asks for it."""
    source = source_of(request)
    scope = _scope_of(request)
    try:
        expression = parse_expression(source)
    except DiagnosticsError as error:
        found = diagnostics_json(error.diagnostics)
        return {"diags": found, "parse_error": found}
    result = _outcome(lambda: value_json(evaluate(expression, source, scope), reveal=True))
    if "as" in request:
        result["as"] = {
            name: _outcome(partial(_decoded_json, expression, type_, source, scope))
            for name, type_ in _wanted_types(request).items()
        }
    return result


def _wanted_types(request: Request) -> dict[str, types.Type]:
    names = request["as"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name in _WANTED for name in names):
        raise RequestError(f"`as` must be a list of {', '.join(_WANTED)}")
    return {name: _WANTED[name] for name in names}


def _outcome(evaluation: Callable[[], Any]) -> Answer:
    try:
        return {"value": evaluation()}
    except DiagnosticsError as error:
        return {"diags": diagnostics_json(error.diagnostics)}
    except EvaluationError as error:
        return {"error": text_json(str(error))}


def _decoded_json(expression: Expression, wanted: types.Type, source: Source, scope: Scope) -> dict[str, Any]:
    value = evaluate_as(expression, wanted, source, scope)
    match wanted:
        case types.BytesType():
            return {"bytes": base64.b64encode(value).decode()}
        case types.DurationType():
            return {"duration_ns": str(int(value)), "text": str(value)}
        case types.IntType(signed=False):
            return value_json(UInt(value))
    return value_json(value, reveal=True)


def _scope_of(request: Request) -> Scope:
    """The variables and the environment of a request. Raises RequestError."""
    variables, environ = request.get("scope", {}), request.get("env", {})
    if not isinstance(variables, dict) or not isinstance(environ, dict):
        raise RequestError("`scope` and `env` must be JSON objects")
    if not all(isinstance(value, str) for value in environ.values()):
        raise RequestError("the values in `env` must be strings")
    library = Stdlib(environ=environ, platform=Platform(hostname="localhost"))
    try:
        return Scope({name: _variable(value) for name, value in variables.items()}, library)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RequestError(f"a value in `scope` does not match its tag: {error}") from None


class _Opaque(Capsule):
    """A capsule that expressions can do nothing with."""

    kind = "main.opaque"


def _variable(value: Any) -> Value:
    if isinstance(value, list):
        return [_variable(element) for element in value]
    if isinstance(value, dict):
        if len(value) == 1:
            (tag,) = value
            if tag in _TAGS:
                return _TAGS[tag](value[tag])
        return {key: _variable(item) for key, item in value.items()}
    return value


def _optional_secret(content: Mapping[str, Any]) -> OptionalSecret:
    return OptionalSecret(_text(content["value"]), bool(content["secret"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


_TAGS: dict[str, Callable[[Any], Value]] = {
    "$secret": lambda text: Secret(_text(text)),
    "$optsecret": _optional_secret,
    "$uint": UInt,
    "$float": float,
    "$bytes": lambda text: text.encode(),
    "$duration": Duration.parse,
    "$mapss": StringMap,
    "$capsule": lambda name: _Opaque(),
}


def _xy(x: str = "", y: int = 0) -> dict[str, Any]:
    return {"x": x, "y": y}


_STRING = types.StringType()
_INT = types.IntType()
_OBJECT_XY = types.ObjectType(
    (types.ObjectField("x", _STRING, required=True), types.ObjectField("y", _INT, required=False)), _xy
)
_WANTED: dict[str, types.Type] = {
    "string": _STRING,
    "int": _INT,
    "int8": types.IntType(8),
    "uint": types.IntType(signed=False),
    "uint16": types.IntType(16, signed=False),
    "float": types.FloatType(),
    "bool": types.BoolType(),
    "secret": types.SecretType(),
    "optsecret": types.OptionalSecretType(),
    "duration": types.DurationType(),
    "bytes": types.BytesType(),
    "any": types.AnyType(),
    "ptr_string": types.NullableType(_STRING),
    "ptr_int": types.NullableType(_INT),
    "list_string": types.ListType(_STRING),
    "list_number": types.ListType(_INT),
    "array2": types.ListType(_STRING, length=2),
    "map_string": types.MapType(_STRING),
    "map_number": types.MapType(_INT),
    "map_secret": types.MapType(types.SecretType()),
    "object_xy": _OBJECT_XY,
    "list_objects": types.ListType(_OBJECT_XY),
}
