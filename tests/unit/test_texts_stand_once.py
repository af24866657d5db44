"""No text of the program is in two of its files, because such pairs drift apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2] / "alloypy"
SHORTEST = 26
"""The minimum length, in characters; shorter texts are names and common phrases."""

TWICE = {
    "prometheus.remote_write/endpoint": "a place in configurations; one file has its rules, one its warnings",
}
"""Texts that are in several files, and why."""


def texts(tree: ast.Module) -> Iterator[str]:
    """The texts in a module that are not docstrings; of f-strings, the parts that do not change."""
    described = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


@cache
def places() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        if path.parent.name != "pb":  # generated
            for text in texts(ast.parse(path.read_text("utf-8"))):
                if len(text) >= SHORTEST:
                    found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_no_text_is_in_two_files() -> None:
    several = {text: sorted(files) for text, files in places().items() if len(files) > 1}
    assert {text: files for text, files in several.items() if text not in TWICE} == {}


def test_what_may_stand_twice_does() -> None:
    assert [text for text in TWICE if len(places().get(text, ())) < 2] == []


def test_parts_of_f_strings_count_and_docstrings_do_not() -> None:
    source = (
        'def f(x):\n    """Says so."""\n    return f"{x} is {x:>5} here", "there"\n\n\nA = 1\n"""Of A."""\n'
    )
    assert sorted(texts(ast.parse(source))) == [" here", " is ", ">5", "there"]
