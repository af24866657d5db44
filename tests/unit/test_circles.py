"""Circles of imports: none but those with a reason, imports in functions and for types counted."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

ALLOWED = {
    ("alloypy.runtime.running.instances", "alloypy.runtime.running.modules"): (
        "a module holds instances, and an instance knows its module: two sides of one thing, for types only"
    ),
}
"""Modules that import each other, and why they may."""


def modules() -> dict[str, Path]:
    """Every module of the package by name."""
    found = {}
    for path in (ROOT / "alloypy").rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports, anywhere in its text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known:
                    yield whole
                elif node.module in known:
                    yield node.module


def reachable(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """What can be reached from `start` by one step or more."""
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += edges[here]
    return seen


def circles(edges: Mapping[str, set[str]]) -> set[tuple[str, ...]]:
    """Groups of modules of which each reaches every other."""
    reach = {name: reachable(name, edges) for name in edges}
    groups = {
        tuple(sorted(other for other in reach[name] if name in reach[other]))
        for name in edges
        if name in reach[name]
    }
    return {group for group in groups if len(group) > 1}


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "e"}, "e": {"f"}, "f": {"g"}, "g": {"e"}}
    assert circles(edges) == {("b", "c"), ("e", "f", "g")}


def test_no_modules_import_each_other_without_a_reason() -> None:
    known = modules()
    assert len(known) > 300
    edges = {name: set(imported(path, known)) - {name} for name, path in known.items()}
    assert edges["alloypy.cli.main"]
    assert circles(edges) == set(ALLOWED)
