"""What rules see: the same of an instance as of the statements that it was decoded from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.lang.evaluation.evaluator import evaluate_as
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.types import Type
from alloypy.lang.values import OptionalSecret, Secret
from alloypy.rules import rules_for
from alloypy.rules.body import Body
from alloypy.rules.view import Instance, View
from alloypy.schema.decode import decode
from alloypy.schema.derive import spec_of
from alloypy.schema.fields import RULES, arguments, attribute, block, enum, squash
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Block, Expression

ROOT = Path(__file__).parents[3] / "alloypy"


@arguments
class Inner:
    size: int = attribute(default=1)


@arguments
class Shared:
    token: Secret | None = attribute(default=None)
    content: OptionalSecret = attribute(default=OptionalSecret("", False))


@arguments
class Outer:
    name: str = attribute(default="n")
    names: tuple[str, ...] | None = attribute(default=None)
    shared: Shared = squash(default=Shared())
    once: Inner | None = block(default=None)
    always: Inner = block(default=Inner(size=1))
    many: tuple[Inner, ...] = block(name="each", default=())
    auth: tuple[Inner | Shared, ...] = enum({"a": Inner, "b": Shared}, default=())


ATTRIBUTES = ("name", "names", "token", "content")
BLOCKS = ("once", "always", "each")


def views(text: str) -> tuple[View, View]:
    source = Source("c", f"b {{\n{text}\n}}\n".encode())
    body = parse_file(source).body[0]
    assert isinstance(body, Block)

    def read(expression: Expression, type_: Type) -> Any:
        return evaluate_as(expression, type_, source, Scope({}))

    return Body(spec_of(Outer), body.body, read), Instance(decode(Outer, body.body, source, Scope({})))


def seen(view: View) -> dict[str, object]:
    return {
        **{f"get {name}": view.get(name) for name in ATTRIBUTES},
        **{f"text {name}": view.text(name) for name in ("name", "token", "content")},
        **{f"filled {name}": view.filled(name) for name in ATTRIBUTES},
        **{f"given {name}": view.given(name) for name in (*ATTRIBUTES, "once", "each")},
        **{f"blocks {name}": [each.get("size") for each in view.blocks(name)] for name in ("once", "each")},
        **{f"block {name}": (each := view.block(name)) and each.get("size") for name in ("once", "always")},
        "auth": view.grouped("auth"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        'name = "x"\nnames = ["a"]\ntoken = "t"\ncontent = "c"',
        "names = []",
        "names = null\ntoken = null",
        'name = ""',
        "once { }\nalways {\nsize = 2\n}",
        "each { }\neach {\nsize = 3\n}",
        "auth.a { }\nauth.b { }\nauth.a { }",
    ],
)
def test_statements_and_instances_look_alike(text: str) -> None:
    statements, instance = views(text)
    assert seen(statements) == seen(instance)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_is_no_block(name: str) -> None:
    for view in views(""):
        with pytest.raises(TypeError, match=f"{name} is an attribute"):
            view.block(name)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_no_attribute(name: str) -> None:
    for view in views(""):
        with pytest.raises(TypeError, match=f"{name} is a block"):
            view.get(name)


ASKED_WHEN_BUILT = {"local.file", "pyroscope.relabel"}
OURS = [(cls, key) for cls, key in RULES.items() if cls.__module__.startswith("alloypy.")]


@pytest.mark.parametrize(("cls", "key"), OURS, ids=lambda each: each if isinstance(each, str) else "")
def test_a_class_that_names_rules_asks_them(cls: type[Any], key: str) -> None:
    assert rules_for(key, key)
    assert hasattr(cls, "check") != (key in ASKED_WHEN_BUILT)


def faults_made(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fault":
            yield node.lineno


def test_only_rules_find_faults() -> None:
    outside = [path for path in ROOT.rglob("*.py") if path.parent != ROOT / "rules"]
    assert {path.name: lines for path in outside if (lines := list(faults_made(path)))} == {}
