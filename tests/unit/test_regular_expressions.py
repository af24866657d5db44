"""No regular expression of the package takes long on any text, although Python tries all ways to match."""

from __future__ import annotations

import importlib
import re
import re._constants as code  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.watchdog import briefly

ROOT = Path(__file__).parents[2]
LENGTH = 20_000
"""Enough to show quadratic time, and for anything worse never to end."""

BOUNDED = {
    ("alloypy.net.client.go_errors", "_ALERT"): "reads the text of an error of OpenSSL's, which is short",
}
REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT)


class Expression(NamedTuple):
    """A pattern that is a constant of a module, and the methods it is used with."""

    module: str
    name: str
    pattern: re.Pattern[Any]
    methods: tuple[str, ...]


def expressions() -> Iterator[Expression]:
    for path in sorted((ROOT / "alloypy").rglob("*.py")):
        text = path.read_text("utf-8")
        if not re.search(r"\bre\.", text) or "_pb2" in path.name:
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for constant, value in vars(importlib.import_module(name)).items():
            called = re.findall(rf"\bre\.(\w+)\(\s*{constant}\b|\b{constant}\.(\w+)\(", text)
            methods = {"".join(pair) for pair in called} - {"compile"}
            if isinstance(value, re.Pattern):
                yield Expression(name, constant, value, tuple(sorted(methods)) or ("match",))
            elif isinstance(value, (str, bytes)) and methods & {
                "match",
                "fullmatch",
                "search",
                "sub",
                "findall",
            }:
                yield Expression(name, constant, re.compile(value), tuple(sorted(methods)))


def sample(members: Any) -> str:
    """A character of a class."""
    characters, negated = [], False
    for kind, value in members:
        if kind is code.NEGATE:
            negated = True
        elif kind is code.LITERAL:
            characters.append(chr(value))
        elif kind is code.RANGE:
            characters.append(chr(value[0]))
        elif kind is code.CATEGORY:
            characters.append({code.CATEGORY_SPACE: " ", code.CATEGORY_DIGIT: "0"}.get(value, "a"))
    return next(each for each in "a =,;" if each not in characters) if negated else characters[0]


def example(tree: Any) -> str:
    """A text that the expression matches, more or less."""
    text = ""
    for kind, value in tree:
        if kind is code.LITERAL:
            text += chr(value)
        elif kind is code.IN:
            text += sample(value)
        elif kind in (code.ANY, code.NOT_LITERAL):
            text += "a"
        elif kind in REPEATS:
            text += example(value[2]) * max(value[0], 1)
        elif kind is code.SUBPATTERN:
            text += example(value[3])
        elif kind is code.BRANCH:
            text += example(value[1][0])
        elif kind is code.ATOMIC_GROUP:
            text += example(value)
        elif kind is code.ASSERT:
            text += example(value[1])
    return text


def repeated(tree: Any) -> Iterator[str]:
    """Texts that the expression can match again and again."""
    for kind, value in tree:
        if kind in REPEATS:
            yield example(value[2])
            yield from repeated(value[2])
        elif kind is code.SUBPATTERN:
            yield from repeated(value[3])
        elif kind is code.BRANCH:
            for branch in value[1]:
                yield example(branch)
                yield from repeated(branch)
        elif kind in (code.ATOMIC_GROUP, code.ASSERT):
            yield from repeated(value if kind is code.ATOMIC_GROUP else value[1])


def hostile(expression: Expression) -> Iterator[str]:
    """Something that begins as the expression does, then something repeated, then something that is wrong."""
    tree = parser.parse(expression.pattern.pattern, expression.pattern.flags)
    parts = list(tree)
    ends = [place for place, (kind, _) in enumerate(parts) if kind is not code.LITERAL]
    beginnings = {example(parts[:length]) for length in (0, *ends, len(parts))}
    for pump in {*repeated(tree), *beginnings} - {""}:
        for beginning in beginnings:
            for end in ("\0", "!"):
                for length in (30 * len(pump), LENGTH):  # exponential time shows with the short one
                    yield beginning + (pump * LENGTH)[:length] + end


def use(expression: Expression, method: str, text: str | bytes) -> None:
    if method in {"match", "fullmatch"}:
        getattr(expression.pattern, method)(text)
    else:
        for _ in expression.pattern.finditer(text):
            pass


ALL = [each for each in expressions() if (each.module, each.name) not in BOUNDED]


def test_the_expressions_are_found() -> None:
    assert len(ALL) > 60


@pytest.mark.parametrize("expression", ALL, ids=lambda each: f"{each.module}.{each.name}")
def test_no_text_takes_long(expression: Expression) -> None:
    as_bytes = isinstance(expression.pattern.pattern, bytes)
    for text in hostile(expression):
        given = text.encode("latin-1", "replace") if as_bytes else text
        for method in expression.methods:
            with briefly():
                use(expression, method, given)
