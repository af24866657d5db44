"""The catalogs of neighbouring minor versions differ in exactly what Alloy's sources differ in.

`changes.jsonl` has, for the newest patch release of each minor version, what is new, gone or different
compared with the one before: `[version, name, [[path, change, ...], ...]]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import load_history
from alloypy.catalog.packed import generic, members, resolved
from alloypy.catalog.replay import PastStore
from alloypy.catalog.versions import Version, timeline
from alloypy.lang.stdlib.constants import Platform

CHANGES = [
    json.loads(line) for line in Path(__file__).with_name("changes.jsonl").read_text("utf-8").splitlines()
]
NEWEST = list({version.minor: version for version in timeline().versions[:-1]}.values())

Facts = tuple[str | None, bool]
"""Of a member: the generic type, None for a block, and whether it is required."""


def store_of(version: Version) -> PastStore:
    return PastStore(load_catalog().store, load_history(), version)


def facts(store: PastStore, body: Any, before: str = "", around: tuple[str, ...] = ()) -> Iterator[Any]:
    """The members of a body and of all bodies in it, by path; one that contains itself is entered once."""
    go = resolved(store, body)["go"]
    for name, member in members(store, body).items():
        word = None if member.notation is None else generic(store.main, member.notation)
        yield f"{before}{name}", (word, member.required)
        if member.notation is None and resolved(store, member.body)["go"] not in (*around, go):
            yield from facts(store, member.body, f"{before}{name}/", (*around, go))


def listing(version: Version) -> dict[str, tuple[str, dict[str, Facts]]]:
    store = store_of(version)
    found = {}
    for section in ("components", "config_blocks"):
        for name in store.names(section):
            entry = store.entry(section, name)
            paths = dict(facts(store, entry["args"])) if "args" in entry else {}
            exports = dict(facts(store, entry["exports"])) if "exports" in entry else {}
            paths.update((f"!exports/{path}", each) for path, each in exports.items())
            found[name] = (entry["stability"], paths)
    return found


def kind(facts: Facts) -> str:
    return "block" if facts[0] is None else "attr"


def of_paths(old: dict[str, Facts], new: dict[str, Facts]) -> Iterator[list[str]]:
    listed: list[str] = []
    for path in sorted({*old, *new}):
        if path.startswith(tuple(f"{block}/" for block in listed)):
            continue
        if path not in old or path not in new:
            one = new.get(path) or old[path]
            listed += [path] if one[0] is None else []
            yield [path, "removed" if path in old else "added", kind(one)]
            continue
        (was, needed), (now, need) = old[path], new[path]
        if (was is None) != (now is None):
            yield [path, "kind", kind(old[path]), kind(new[path])]
        elif was is not None and now is not None and was != now:
            yield [path, "type", was, now]
        if needed != need:
            yield [path, "required" if need else "optional"]


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for name in {*old, *new}:
        if name not in old or name not in new:
            found[name] = [["", "removed" if name in old else "added", "component"]]
            continue
        rows = list(of_paths(old[name][1], new[name][1]))
        if old[name][0] != new[name][0]:
            rows.insert(0, ["", "stability", old[name][0], new[name][0]])
        if rows:
            found[name] = rows
    return found


def test_every_change_between_minor_versions_is_replayed() -> None:
    assert sum(len(rows) for _, _, rows in CHANGES) == 1304
    before = listing(NEWEST[0])
    for version in NEWEST[1:]:
        after = listing(version)
        wanted = {name: sorted(rows) for at, name, rows in CHANGES if at == version.name}
        assert {n: sorted(rows) for n, rows in differences(before, after).items()} == wanted
        before = after


def test_the_newest_candidate_and_main_are_the_catalog() -> None:
    main = load_catalog().store
    for version in timeline().versions[-2:]:
        store = store_of(version)
        assert (store.deprecated, store.experimental) == (main.deprecated, main.experimental)
        functions = dict(store.identifiers)
        assert set(functions.pop("constants")) == set(Platform._fields)
        assert {**functions, "constants": "map[string]string"} == main.identifiers
        for section in ("components", "config_blocks"):
            assert list(store.names(section)) == list(main.names(section))
            for name in store.names(section):
                old, new = store.entry(section, name), main.entry(section, name)
                assert old["stability"] == new.get("stability", "generally-available")
                for part in ("args", "exports"):
                    assert (part in old) == (part in new)
                    if part in old:
                        same(store, old[part], new[part])


def same(store: PastStore, old: Any, new: Any, around: tuple[str, ...] = ()) -> None:
    """Two bodies agree in everything: types, defaults, flags, and the order in which they are reported."""
    was, now = resolved(store, old), resolved(store.main, new)
    assert was["go"] == now["go"]
    assert was.get("need", []) == now.get("need", [])
    assert was.get("attrs", []) == now.get("attrs", [])
    assert [each[:2] for each in was.get("blocks", [])] == [each[:2] for each in now.get("blocks", [])]
    for one, other in zip(was.get("blocks", []), now.get("blocks", []), strict=True):
        if was["go"] not in around:
            same(store, one[2], other[2], (*around, was["go"]))


@pytest.mark.parametrize("version", timeline().versions, ids=lambda version: version.name)
def test_every_catalog_can_be_built(version: Version) -> None:
    catalog = load_catalog(version)
    history = load_history()
    for name in catalog.component_names:
        entry, recorded = catalog.component(name), history.component(name)
        assert entry is not None and recorded is not None
        assert entry.stability == recorded.stability_at(version)
        assert all(member.name for member in entry.arguments.members)
    assert all(catalog.block(name) for name in catalog.block_names)
