"""A new version is added to the history, which then says of each version what its catalog said."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import alloypy.catalog
from alloypy.catalog.build import main as build_main
from alloypy.catalog.extend import extended, facts, unpack
from alloypy.catalog.history import SECTIONS, History, load_breaking
from alloypy.catalog.packing import pack, pack_breaking, pack_history
from alloypy.catalog.replay import PastStore
from alloypy.catalog.store import Lines, Store

PACKAGE = Path(alloypy.catalog.__file__).parent
Listing = dict[str, Any]

FIRST: Listing = {
    "alloy_version": "v1.0.0",
    "alloy_commit": "a" * 40,
    "stdlib": {"identifiers": {"env": "function", "array": ["concat"]}, "deprecated": [], "experimental": []},
    "components": {
        "a.kept": {
            "stability": "experimental",
            "args": {
                "go": "kept.Arguments",
                "need": ["url"],
                "attrs": [
                    {"name": "url", "type": "string", "required": True},
                    {"name": "every", "type": "duration", "default": "1m0s"},
                    {"name": "count", "type": "int", "default": 5},
                    {"name": "old", "type": "string", "default": "x"},
                ],
                "blocks": [
                    {"name": "tls", "body": {"$ref": "tls"}},
                    {"name": "gone", "repeated": True, "body": {"$ref": "tls"}},
                ],
            },
        },
        "a.other": {
            "stability": "generally-available",
            "args": {"go": "other.Arguments", "blocks": [{"name": "tls", "body": {"$ref": "tls"}}]},
            "exports": {"go": "other.Exports", "attrs": [{"name": "out", "type": "string"}]},
        },
        "a.removed": {
            "stability": "community",
            "community": True,
            "args": {"go": "removed.Arguments", "blocks": [{"name": "tls", "body": {"$ref": "tls"}}]},
        },
    },
    "config_blocks": {
        "logging": {
            "kind": "config",
            "label": "ignored",
            "allowed": "root",
            "args": {"go": "logging.Options"},
        },
    },
    "defs": {"tls": {"go": "tls", "attrs": [{"name": "ca", "type": "string", "default": "/ca"}]}},
    "types": {},
}


def history_of(listing: Listing) -> bytes:
    """A history of one release, which main still equals."""
    stores = Store(pack(listing))
    names = {"constants": {"in": "1.0.0"}, "array.concat": {"in": "1.0.0"}, "env": {"in": "1.0.0"}}
    return pack_history(
        {
            "versions": [["1.0.0", "a" * 12, "2024-01-01"], ["main", "a" * 12, "2024-01-01"]],
            "components": {
                name: {"in": "1.0.0", "stability": stores.entry("components", name)["stability"]}
                for name in stores.names("components")
            },
            "config_blocks": {
                name: {"in": "1.0.0", "stability": "generally-available", "kind": "config"}
                for name in stores.names("config_blocks")
            },
            "stdlib": names,
            "flags": {"run": {"in": "1.0.0", "flags": {"a": {"in": "1.0.0", "t": "bool"}}}},
        }
    )


class World:
    """A history that grows, and what each version's own listing said."""

    def __init__(self, first: Listing) -> None:
        self.main = pack(first)
        self.history = history_of(first)
        self.listings = {"1.0.0": first, "main": first}

    def add(self, version: str, listing: Listing) -> None:
        listed, newest = extended(
            self._lines(), Store(self.main), Store(pack(listing)), version, "2025-01-01"
        )
        self.history = pack_history(listed)
        self.listings[version] = listing
        if newest:
            self.main = pack(listing)
            self.listings["main"] = listing

    def _lines(self) -> Lines:
        return Lines(self.history, SECTIONS)

    def check(self) -> None:
        """Every version is replayed as its listing has it."""
        store = Store(self.main)
        history = History(self._lines(), store)
        assert {version.name for version in history.timeline.versions} == set(self.listings)
        for version in history.timeline.versions:
            past = PastStore(store, history, version)
            assert said(past) == said(Store(pack(self.listings[version.name]))), version
        listing = unpack(self._lines())
        assert pack_history(listing) == self.history


def said(store: Store | PastStore) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section in ("components", "config_blocks"):
        for name in store.names(section):
            entry = store.entry(section, name)
            parts = [dict(facts(store, entry[part])) if part in entry else {} for part in ("args", "exports")]
            found[name] = (entry.get("stability", "generally-available"), *parts)
    names = {name for name, each in store.identifiers.items() if not isinstance(each, list)}
    names |= {
        f"{name}.{m}" for name, each in store.identifiers.items() if isinstance(each, list) for m in each
    }
    found["library"] = (names | store.deprecated, store.deprecated, store.experimental)
    return found


def second() -> Listing:
    listing = copy.deepcopy(FIRST)
    listing["alloy_commit"] = "b" * 40
    listing["stdlib"] = {
        "identifiers": {"array": ["concat", "zip"]},
        "deprecated": ["env"],
        "experimental": ["array.zip"],
    }
    components = listing["components"]
    del components["a.removed"]
    components["a.added"] = {
        "stability": "experimental",
        "args": {"go": "added", "blocks": [{"name": "tls", "body": {"$ref": "tls"}}]},
    }
    kept = components["a.kept"]
    kept["stability"] = "generally-available"
    kept["args"]["need"] = ["every", "gone"]
    attributes = {each["name"]: each for each in kept["args"]["attrs"]}
    attributes["count"].update(type="string", default="6")
    attributes["every"]["default"] = "2m0s"
    del attributes["old"]
    attributes["new"] = {"name": "new", "type": "list(string)", "default": ["a"]}
    kept["args"]["attrs"] = list(attributes.values())
    kept["args"]["blocks"][1] = {
        "name": "gone",
        "label": True,
        "body": {"go": "gone", "blocks": [{"name": "in", "body": {"$ref": "tls"}}]},
    }
    return listing


def test_a_new_version_and_a_patch_of_an_old_one() -> None:
    world = World(FIRST)
    world.add("1.1.0", second())
    world.check()
    lines = Lines(world.history, SECTIONS)
    assert [name for name, _, _ in lines.header["versions"]] == ["1.0.0", "1.1.0", "main"]
    kept = lines.entry("components", "a.kept")
    assert kept["stability"] == {"experimental": "1.0.0<1.1.0", "generally-available": "1.1.0"}
    assert kept["args"]["count"] == {
        "t": {"number": "1.0.0<1.1.0", "string": "1.1.0"},
        "d": [["1.0.0<1.1.0", 5]],
    }
    assert kept["args"]["new"] == {"in": "1.1.0", "t": "list(string)"}
    assert kept["args"]["old"] == {"in": "1.0.0<1.1.0", "t": "string", "d": [["1.0.0<1.1.0", "x"]]}
    assert kept["args"]["url"] == {"req": "1.0.0<1.1.0", "t": "string"}
    assert lines.entry("components", "a.removed")["in"] == "1.0.0<1.1.0"
    assert lines.entry("components", "a.added") == {"in": "1.1.0", "stability": "experimental"}
    assert lines.entry("names", "stdlib")["env"] == {"in": "1.0.0", "dep": "1.1.0"}
    assert lines.entry("commands", "run")["in"] == "1.0.0"

    patched = copy.deepcopy(FIRST)
    patched["components"]["a.kept"]["args"]["attrs"].append({"name": "late", "type": "bool", "default": True})
    patched["defs"]["tls"]["attrs"].append({"name": "key", "type": "secret"})
    world.add("1.0.1", patched)
    world.check()
    world.add("main", patched)
    world.check()


def test_candidates_come_before_their_release() -> None:
    world = World(FIRST)
    for version in ("1.1.0", "1.1.0-rc.2", "1.1.0-rc.10", "1.0.10", "1.0.9"):
        world.add(version, FIRST)
    order = ["1.0.0", "1.0.9", "1.0.10", "1.1.0-rc.2", "1.1.0-rc.10", "1.1.0", "main"]
    assert [name for name, _, _ in Lines(world.history, SECTIONS).header["versions"]] == order
    with pytest.raises(ValueError, match=r"already has Alloy 1\.1\.0"):
        world.add("1.1.0", FIRST)


def bodies(body: Any, listing: Listing) -> Iterator[dict[str, Any]]:
    if "$ref" not in body:
        yield body
        for block in body.get("blocks", ()):
            yield from bodies(block["body"], listing)


def mutated(listing: Listing, chance: random.Random) -> Listing:
    """The listing with a few changes of any kind."""
    listing = copy.deepcopy(listing)
    components = listing["components"]
    for _ in range(chance.randint(1, 6)):
        name = chance.choice(sorted(components))
        roots = [components[name]["args"], *listing["defs"].values()]
        body = chance.choice([each for root in roots for each in bodies(root, listing)])
        taken = {each["name"] for key in ("attrs", "blocks") for each in body.get(key, ())}
        free = chance.choice([letter for letter in "pqrstuvwxyz" if letter not in taken] or ["zz"])
        match chance.randrange(9):
            case 0:
                kind, default = chance.choice([("string", "d"), ("int", 3), ("bool", True), ("secret", None)])
                attribute = {"name": free, "type": kind}
                body.setdefault("attrs", []).append(attribute | ({"default": default} if default else {}))
            case 1:
                inner = {"go": f"go{chance.random()}", "attrs": [{"name": "a", "type": "int", "default": 7}]}
                body.setdefault("blocks", []).append(
                    {"name": free, "body": chance.choice([inner, {"$ref": "tls"}])}
                )
            case 2 | 3 if taken:
                lost = chance.choice(sorted(taken))
                for key in ("attrs", "blocks"):
                    body[key] = [each for each in body.get(key, ()) if each["name"] != lost]
                body["need"] = [each for each in body.get("need", ()) if each != lost]
            case 4 if taken:
                body["need"] = chance.sample(sorted(taken), chance.randint(0, min(2, len(taken))))
            case 5 if body.get("attrs"):
                kinds: list[dict[str, Any]] = [
                    {"type": "string", "default": "e"},
                    {"type": "int", "default": 4},
                ]
                chance.choice(body["attrs"]).update(chance.choice(kinds))
            case 6 if body.get("blocks"):
                chance.choice(body["blocks"])[chance.choice(["repeated", "label"])] = chance.random() < 0.5
            case 7:
                levels = ["experimental", "public-preview", "generally-available"]
                components[name]["stability"] = chance.choice(levels)
            case 8 if len(components) > 1:
                if chance.random() < 0.5:
                    del components[name]
                else:
                    components[f"b.{free}"] = copy.deepcopy(components[name])
    return listing


@pytest.mark.parametrize("seed", range(10))
def test_any_changes_in_any_order_are_replayed(seed: int) -> None:
    chance = random.Random(seed)
    world = World(FIRST)
    versions = ["1.1.0", "1.2.0", "1.3.0-rc.1", "main", "1.3.0", "1.1.1", "1.4.0", "1.2.1", "1.5.0", "main"]
    for version in versions:
        world.add(version, mutated(world.listings[chance.choice(sorted(world.listings))], chance))
        world.check()


def test_the_package_s_files_are_what_packing_makes() -> None:
    data = (PACKAGE / "history.jsonl").read_bytes()
    assert pack_history(unpack(Lines(data, SECTIONS))) == data
    keys = ("id", "version", "component", "argument", "kind", "what", "do", "source")
    changes = [
        dict(
            zip(
                keys,
                (each.id, each.version, each.component, ", ".join(each.arguments), *each[5:]),
                strict=True,
            )
        )
        for each in load_breaking()
    ]
    assert pack_breaking(changes) == (PACKAGE / "breaking.jsonl").read_bytes()


def test_a_version_without_changes_changes_nothing_but_the_versions() -> None:
    main = Store((PACKAGE / "catalog.jsonl").read_bytes())
    lines = Lines((PACKAGE / "history.jsonl").read_bytes(), SECTIONS)
    listing, newest = extended(lines, main, main, "1.19.0", "2026-09-01")
    before = unpack(lines)
    assert newest
    assert [name for name, _, _ in listing["versions"]][-3:] == ["1.19.0-rc.3", "1.19.0", "main"]
    assert {**listing, "versions": []} == {**before, "versions": []}


def test_extending_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "catalog.jsonl").write_bytes(pack(FIRST))
    (tmp_path / "history.jsonl").write_bytes(history_of(FIRST))
    (tmp_path / "components.json").write_text(json.dumps(second()))
    arguments = ["extend", str(tmp_path / "components.json"), "1.1.0", "2025-01-01", str(tmp_path)]
    assert build_main(arguments) == 0
    assert (tmp_path / "catalog.jsonl").read_bytes() == pack(second())
    world = World(FIRST)
    world.add("1.1.0", second())
    assert (tmp_path / "history.jsonl").read_bytes() == world.history
    assert build_main(["extend"]) == 2
