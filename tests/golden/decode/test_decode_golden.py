"""Decoding and the static check against what Alloy answered for the same block."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import pytest

from alloypy.lang.evaluation.evaluator import EvaluationError
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.lang.stdlib import Stdlib
from alloypy.lang.types import TextType
from alloypy.lang.values import Function, OptionalSecret, Secret, UInt
from alloypy.schema.building import DecodeError
from alloypy.schema.check import check_body
from alloypy.schema.decode import decode
from alloypy.schema.derive import spec_of
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, enum, label, squash
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block

LINES = Path(__file__).with_name("decode.jsonl").read_text("utf-8").splitlines()
ALL = [json.loads(line) for line in LINES]
CASES = [case for case in ALL if "diags" not in case["expect"]]
UNREADABLE = [case for case in ALL if "diags" in case["expect"]]


def parse_mode(text: str) -> str:
    if text in {"fast", "slow"}:
        return text
    raise ValueError(f'unknown mode "{text}"')


@arguments
class Inner:
    name: str = attribute()
    n: int = attribute(default=0)


@arguments
class Labelled:
    name: str = label()
    v: str = attribute(default="")


@arguments
class Squashed:
    extra: str = attribute(default="")
    sub: Inner | None = block(default=None)


@arguments
class Settings:
    text: str = attribute(name="str")
    opt_str: str = attribute(default="dflt")
    num: int = attribute(default=7)
    unum: UInt = attribute(default=UInt(0))
    flt: float = attribute(default=0.0)
    flag: bool = attribute(default=False)
    dur: Duration = attribute(default=Duration(15_000_000_000))
    sec: Secret = attribute(default=Secret(""))
    osec: OptionalSecret = attribute(default=OptionalSecret("", False))
    list_: tuple[str, ...] | None = attribute(default=None)
    map_: Mapping[str, str] | None = attribute(name="map", default=None)
    any_: Any = attribute(default=None)
    obj: Inner | None = attribute(default=None)
    mode: Annotated[str, TextType("Mode", parse_mode)] = attribute(default="")
    req: Inner = block()
    one: Inner | None = block(default=None)
    many: tuple[Inner, ...] = block(default=())
    two: tuple[Inner, Inner] = block(default=(Inner(name=""), Inner(name="")))
    dotted: Inner | None = block(name="dot.ted", default=None)
    lab: tuple[Labelled, ...] = block(default=())
    free: Mapping[str, Any] | None = block(default=None)
    choice: tuple[Inner | Labelled, ...] = enum({"a": Inner, "b": Labelled}, default=())
    squashed: Squashed = squash(default=Squashed())

    def check(self) -> Iterator[Fault]:
        if self.num > 1000:
            yield Fault("num", "num must not exceed 1000")


def inner(value: Inner | None) -> Any:
    return None if value is None else {"name": value.name, "n": value.n}


def labelled(value: Labelled) -> Any:
    return {"$label": value.name, "v": value.v}


def secret(value: Secret | OptionalSecret) -> Any:
    if isinstance(value, Secret):
        return {"secret": value.reveal()}
    return {"is_secret": value.is_secret, "value": value.reveal()}


def free(value: Any) -> Any:
    """A value of no particular type, as the recordings describe one."""
    match value:
        case None:
            return {"type": "null"}
        case bool():
            return {"type": "bool", "value": value}
        case int():
            return {"type": "number", "kind": "int", "value": str(value)}
        case str():
            return {"type": "string", "value": value}
        case list():
            return {"type": "array", "value": [free(item) for item in value]}
        case dict():
            return {"type": "object", "value": {key: free(item) for key, item in value.items()}}
        case Function():
            return {"type": "function"}
        case Secret():
            return {"type": "capsule", "capsule": "secret", "value": value.reveal()}
        case OptionalSecret():
            return {
                "type": "capsule",
                "capsule": "optional_secret",
                "is_secret": value.is_secret,
                "value": value.reveal(),
            }
    raise AssertionError(f"no recorded form for {value!r}")


def top_free(value: Any) -> Any:
    """Directly below `any`, null and secrets are written in short form."""
    if value is None:
        return None
    return secret(value) if isinstance(value, Secret | OptionalSecret) else free(value)


def chosen(value: Inner | Labelled) -> Any:
    if isinstance(value, Inner):
        return {"a": inner(value), "b": None}
    return {"a": None, "b": labelled(value)}


def recorded(s: Settings) -> dict[str, Any]:
    return {
        "str": s.text,
        "opt_str": s.opt_str,
        "num": s.num,
        "unum": s.unum,
        "flt": s.flt,
        "flag": s.flag,
        "dur": str(s.dur),
        "sec": secret(s.sec),
        "osec": secret(s.osec),
        "list": None if s.list_ is None else list(s.list_),
        "map": s.map_,
        "any": top_free(s.any_),
        "obj": inner(s.obj),
        "mode": s.mode,
        "req": inner(s.req),
        "one": inner(s.one),
        "many": [inner(i) for i in s.many] or None,
        "two": [inner(i) for i in s.two],
        "dot.ted": inner(s.dotted),
        "lab": [labelled(i) for i in s.lab] or None,
        "free": None if s.free is None else {key: free(value) for key, value in s.free.items()},
        "choice": [chosen(c) for c in s.choice] or None,
        "extra": s.squashed.extra,
        "sub": inner(s.squashed.sub),
    }


def described(diagnostic: Diagnostic) -> dict[str, Any]:
    span = diagnostic.span
    end = span.end_position if span else None
    result = {
        "severity": diagnostic.severity.value,
        "start": list(span.start_position) if span else None,
        "end": list(end) if end else None,
        "message": diagnostic.message,
    }
    return result | ({"value": diagnostic.value} if diagnostic.value else {})


def parse(case: Mapping[str, Any]) -> tuple[Source, Block]:
    source = Source("config.alloy", case["input"].encode())
    statement = parse_file(source).body[0]
    assert isinstance(statement, Block)
    return source, statement


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_decoding_answers_as_alloy_does(case: Mapping[str, Any]) -> None:
    source, statement = parse(case)
    scope = Scope(
        {"hush": Secret("shh"), "maybe": OptionalSecret("plain", False)},
        Stdlib({}),
    )
    expected = case["expect"]["eval"]
    try:
        decoded = decode(Settings, statement.body, source, scope)
    except DiagnosticsError as error:
        assert {"diags": [described(d) for d in error.diagnostics]} == expected
    except (DecodeError, EvaluationError) as error:
        assert {"error": str(error)} == expected
    else:
        assert {"value": recorded(decoded)} == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_static_check_finds_what_alloy_finds(case: Mapping[str, Any]) -> None:
    source, statement = parse(case)
    found = [described(d) for d in check_body(statement, statement.body, source, spec_of(Settings))]
    if "typecheck_panic" in case["expect"]:
        assert found
    else:
        assert found == case["expect"]["typecheck"]


@pytest.mark.parametrize("case", UNREADABLE, ids=lambda case: case["id"])
def test_what_does_not_parse_is_refused_as_alloy_does(case: Mapping[str, Any]) -> None:
    with pytest.raises(DiagnosticsError) as caught:
        parse(case)
    assert [described(d) for d in caught.value.diagnostics] == case["expect"]["diags"]
