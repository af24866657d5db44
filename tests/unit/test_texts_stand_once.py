"""No text of the program is in two of its files, because such pairs drift apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2] / "alloypy"
SHORTEST = 26
"""The minimum length, in characters; shorter texts are names and common phrases."""

NAME = re.compile(r"[\w./-]+")
"""Names of components, settings and places are words, which many say."""

QUOTING = "check/rule_ages.py"
"""Quotes messages of rules; a test of its own holds that they are theirs."""

CONFIGURATION = re.compile(r'\w (?:"\w+" )?\{|\{\n|\[$|\["__meta_')
"""Parts of configurations, in examples."""


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
        if path.parent.name != "pb" and not path.as_posix().endswith(QUOTING):  # the former is generated
            for text in texts(ast.parse(path.read_text("utf-8"))):
                if len(text) >= SHORTEST and not NAME.fullmatch(text) and not CONFIGURATION.search(text):
                    found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_no_text_is_in_two_files() -> None:
    several = {text: sorted(files) for text, files in places().items() if len(files) > 1}
    assert several == {}


def test_parts_of_f_strings_count_and_docstrings_do_not() -> None:
    source = (
        'def f(x):\n    """Says so."""\n    return f"{x} is {x:>5} here", "there"\n\n\nA = 1\n"""Of A."""\n'
    )
    assert sorted(texts(ast.parse(source))) == [" here", " is ", ">5", "there"]
