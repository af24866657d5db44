"""Which components belong together, because data flows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alloypy.runtime.contract.options import Outline

ALONE = "without a pipeline"
"""The pipeline of components between which and others no data flows."""


def pipelines(outlines: Sequence[Outline]) -> Mapping[str, str]:
    """The name of each component's pipeline by its global id.

    A custom component and what is inside it are in the same one. A pipeline is named for the component at
    which data enters it, or for the first of several.
    """
    parents: dict[str, str] = {each.global_id: each.global_id for each in outlines}
    fed: set[str] = set()
    for each in outlines:
        prefix = f"{each.module}/" if each.module else ""
        for target in (prefix + local for local in each.data_flow):
            fed.add(target)
            _unite(parents, each.global_id, target)
        if each.module:
            _unite(parents, _owner(each.module, parents), each.global_id)
    groups: dict[str, list[str]] = {}
    for name in parents:
        groups.setdefault(_root(parents, name), []).append(name)
    return {name: _named(group, fed) for group in groups.values() for name in group}


def _owner(module: str, known: Mapping[str, str]) -> str:
    """The component that a module belongs to: of the same id, or, for an item of a foreach, the foreach."""
    return module if module in known else module.rpartition("/")[0]


def _named(group: Sequence[str], fed: set[str]) -> str:
    if len(group) == 1:
        return ALONE
    top = [name for name in group if "/" not in name] or list(group)
    sources = sorted(name for name in top if name not in fed) or sorted(top)
    more = len(sources) - 1
    return f"{sources[0]} and {more} more" if more else sources[0]


def _root(parents: dict[str, str], name: str) -> str:
    while parents[name] != name:
        parents[name] = parents[parents[name]]
        name = parents[name]
    return name


def _unite(parents: dict[str, str], one: str, other: str) -> None:
    if one in parents and other in parents:
        parents[_root(parents, other)] = _root(parents, one)
