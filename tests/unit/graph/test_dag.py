"""The graph: order, cycles, neighbours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloypy.graph.dag import Graph
from alloypy.graph.nodes import Kind, Node


def make(edges: dict[str, str], kinds: dict[str, Kind] | None = None) -> Graph:
    graph = Graph()
    for name in edges:
        graph.add(Node((kinds or {}).get(name, Kind.COMPONENT), name))
    for name, targets in edges.items():
        for target in targets.split():
            graph.connect(name, target)
    return graph


def ids(graph: Graph) -> list[str]:
    return [node.id for node in graph.order()]


def test_dependencies_come_first() -> None:
    assert ids(make({"a": "b", "b": "c", "c": ""})) == ["c", "b", "a"]


def test_of_independent_nodes_the_last_comes_first() -> None:
    assert ids(make({"a": "", "b": "", "c": ""})) == ["c", "b", "a"]


def test_logging_comes_before_everything_else() -> None:
    kinds = {"log": Kind.LOGGING, "trace": Kind.TRACING, "http": Kind.SERVICE}
    graph = make({"log": "", "http": "", "a": "", "trace": "", "b": ""}, kinds)
    assert ids(graph)[:3] == ["log", "trace", "http"]


def test_what_depends_on_a_cycle_has_no_place_in_the_order() -> None:
    assert ids(make({"a": "b", "b": "a", "c": "a", "d": ""})) == ["d"]


def test_cycles_are_sorted_groups() -> None:
    graph = make({"z": "a", "a": "z", "m": "n", "n": "m k", "k": ""})
    assert graph.cycles() == [["a", "z"], ["m", "n"]]


def test_a_self_reference_is_no_cycle() -> None:
    graph = make({"a": "a", "b": ""})
    assert graph.cycles() == []
    assert graph.self_references() == ["a"]


def test_neighbours() -> None:
    graph = make({"a": "c", "b": "c a", "c": ""})
    assert [node.id for node in graph.dependants("c")] == ["a", "b"]
    assert [node.id for node in graph.dependencies("b")] == ["c", "a"]


def test_a_long_chain_is_no_fault() -> None:
    names = [f"n{i}" for i in range(5000)]
    graph = make(dict(zip(names, [*names[1:], ""], strict=True)))
    assert graph.cycles() == []
    assert len(graph.order()) == 5000


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_order_and_cycles_agree(pairs: list[tuple[int, int]]) -> None:
    graph = Graph()
    for number in range(10):
        graph.add(Node(Kind.COMPONENT, f"n{number}"))
    for source, target in pairs:
        graph.connect(f"n{source}", f"n{target}")
    order = ids(graph)
    place = {node_id: at for at, node_id in enumerate(order)}
    assert len(place) == len(order)
    for node_id in order:
        assert all(place[other.id] < place[node_id] for other in graph.dependencies(node_id))
    complete = len(order) == len(graph)
    assert complete == (not graph.cycles() and not graph.self_references())


@pytest.mark.parametrize("node_id", ["a", "b"])
def test_membership(node_id: str) -> None:
    graph = make({"a": "", "b": ""})
    assert node_id in graph
    assert graph.get(node_id) is graph[node_id]
    assert graph.get("c") is None
