"""Chains of names in expressions, and what they mean."""

from __future__ import annotations

import pytest

from alloypy.graph.dag import Graph
from alloypy.graph.nodes import Kind, Node
from alloypy.graph.references import chain_text, chains, resolve
from alloypy.syntax.parser import parse_file
from alloypy.syntax.source import Source


def found(expression: str) -> list[str]:
    file = parse_file(Source("x.alloy", f"a = {expression}\n".encode()))
    return [chain_text(chain) for chain in chains(file.body)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", []),
        ("a.b.c", ["a.b.c"]),
        ("[a.b, c]", ["a.b", "c"]),
        ("a.b[0].c", ["a.b"]),
        ("a.b[c.d].e", ["a.b", "c.d.e"]),  # as in Alloy: what follows is added to the last name inside
        ("f(a.b, c.d).e", ["f", "a.b", "c.d.e"]),
        ("sys.env(a.b)", ["sys.env", "a.b"]),
        ("(a.b).c", ["a.b.c"]),
        ("{ x = a.b, y = [c] }", ["a.b", "c"]),
        ("-a.b + !c", ["a.b", "c"]),
        ("a + b.c * d", ["a", "b.c", "d"]),
    ],
)
def test_chains(expression: str, expected: list[str]) -> None:
    assert found(expression) == expected


def test_chains_of_inner_blocks_come_in_source_order() -> None:
    text = b'x = a.b\nblock "l" {\n  y = c.d\n  inner { z = e }\n}\nw = f.g\n'
    assert [chain_text(c) for c in chains(parse_file(Source("x", text)).body)] == ["a.b", "c.d", "e", "f.g"]


def test_the_shortest_prefix_that_is_a_node_counts() -> None:
    graph = Graph()
    for name in ("a.b", "a.b.c", "k"):
        graph.add(Node(Kind.COMPONENT, name))
    file = parse_file(Source("x", b"x = a.b.c.d\ny = k\nz = a\n"))
    first, second, third = chains(file.body)
    reference = resolve(first, graph)
    assert reference is not None
    assert (reference.target.id, reference.rest) == ("a.b", ("c", "d"))
    reference = resolve(second, graph)
    assert reference is not None
    assert (reference.target.id, reference.rest) == ("k", ())
    assert resolve(third, graph) is None
