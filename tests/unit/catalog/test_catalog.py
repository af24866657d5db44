"""The catalog file, its readers, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from alloypy.catalog.build import main as build_main
from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.catalog.packing import pack
from alloypy.catalog.store import CatalogError, Store, read_store
from alloypy.lang import types as wanted
from alloypy.lang.conversion import ConversionError, convert, zero
from alloypy.lang.go.duration import Duration
from alloypy.lang.stdlib import DEPRECATED, EXPERIMENTAL, IDENTIFIERS
from alloypy.lang.values import Capsule, OptionalSecret, Secret
from alloypy.schema.spec import Missing, Spec

LISTING: dict[str, Any] = {
    "alloy_version": "v9.9.9",
    "alloy_commit": "abc",
    "stdlib": {"identifiers": {"sys": ["env"]}, "deprecated": ["env"], "experimental": ["array.x"]},
    "components": {
        "a.b": {
            "stability": "experimental",
            "args": {
                "go": "b.Arguments",
                "need": ["url", "inner"],
                "attrs": [
                    {"name": "url", "type": "string", "required": True},
                    {"name": "every", "type": "duration", "default": "1m0s"},
                    {"name": "token", "type": "secret?", "secret": True},
                    {"name": "mode", "type": "@b.Mode"},
                ],
                "blocks": [
                    {"name": "inner", "required": True, "body": {"$ref": "b.Inner"}},
                    {"name": "stage.x", "repeated": True, "enum": "stage", "body": {"$ref": "b.Inner"}},
                    {"name": "named", "repeated": True, "label": True, "body": {"$ref": "b.Inner"}},
                    {"name": "there", "preset": True, "body": {"$ref": "b.Inner"}},
                ],
            },
            "exports": {
                "go": "b.Exports",
                "need": ["out"],
                "attrs": [{"name": "out", "type": "@b.Sink", "required": True}],
            },
        },
        "a.c": {"stability": "community", "community": True, "args": {"go": "c.Arguments"}},
    },
    "config_blocks": {
        "logging": {"kind": "config", "label": "ignored", "allowed": "root", "args": {"go": "l.Options"}},
        "ui": {"kind": "service", "label": "forbidden", "allowed": "root", "configurable": False},
    },
    "defs": {
        "b.Inner": {
            "go": "b.Inner",
            "blocks": [{"name": "again", "repeated": True, "body": {"$ref": "b.Inner"}}],
        }
    },
    "types": {
        "b.Mode": {
            "alloy": "string",
            "values": ["fast"],
            "error": "unknown mode %q",
            "null_error": "no mode",
        },
        "b.Sink": {"alloy": "capsule", "kind": "interface"},
    },
}


@pytest.fixture
def small() -> Catalog:
    return Catalog(Store(pack(LISTING)))


def test_what_was_packed_is_read(small: Catalog) -> None:
    entry = small.component("a.b")
    assert entry is not None
    assert (entry.name, entry.stability, entry.community) == ("a.b", "experimental", False)
    spec = entry.arguments
    assert [a.name for a in spec.attributes] == ["url", "every", "token", "mode"]
    assert [m.name for m in spec.required] == ["url", "inner"]
    assert spec.attributes[1].default == "1m0s"
    assert [a.secret for a in spec.attributes] == [False, False, True, False]
    inner, stage, named, there = spec.blocks
    assert (stage.group, stage.repeated) == ("stage", True)
    assert list(spec.groups) == ["stage.x"]
    assert "stage.x" not in spec.lookup
    assert there.preset
    assert not inner.preset
    assert named.body.takes_label
    assert not inner.body.takes_label
    assert entry.exports is not None
    assert entry.exports.attributes[0].type.cls.kind == "b.Sink"  # type: ignore[union-attr]


def test_a_body_may_hold_itself(small: Catalog) -> None:
    body = small.definition("b.Inner")
    assert body.blocks[0].body is body


def test_blocks_of_the_process(small: Catalog) -> None:
    logging, ui = small.block("logging"), small.block("ui")
    assert logging is not None
    assert logging.arguments is not None
    assert (logging.allowed, logging.label) == ("root", "ignored")
    assert ui is not None
    assert ui.arguments is None
    assert small.block("nope") is None


def test_what_is_not_there_is_none(small: Catalog) -> None:
    assert small.component("a") is None
    community = small.component("a.c")
    assert community is not None
    assert community.community
    assert community.exports is None


def test_texts_of_named_types(small: Catalog) -> None:
    mode = small.type("@b.Mode")
    assert isinstance(mode, wanted.TextType)
    assert mode.null_error == "no mode"
    assert convert("fast", mode) == "fast"
    with pytest.raises(ConversionError, match='unknown mode "slow"'):
        convert("slow", mode)


def test_the_version_is_reported(small: Catalog) -> None:
    assert small.store.header["alloy_version"] == "v9.9.9"
    assert small.deprecated == {"env"}
    assert small.experimental == {"array.x"}
    assert small.identifiers == {"sys": ["env"]}


def test_another_format_is_refused() -> None:
    with pytest.raises(CatalogError, match="has format 2, not 1"):
        Store(b'{"format":2}\n')
    with pytest.raises(CatalogError, match="not a catalog"):
        Store(b"PK\x03\x04\n")


def test_packing_from_the_command_line(tmp_path: Any) -> None:
    source, target = tmp_path / "listing.json", tmp_path / "catalog.jsonl"
    source.write_text(json.dumps(LISTING))
    assert build_main(["catalog", str(source), str(target)]) == 0
    assert target.read_bytes() == pack(LISTING)


def test_invalid_notations(small: Catalog) -> None:
    with pytest.raises(KeyError):
        small.type("strnig")


def bodies(spec: Spec, seen: set[int]) -> Iterator[Spec]:
    if id(spec) in seen:
        return
    seen.add(id(spec))
    yield spec
    for block in spec.blocks:
        yield from bodies(block.body, seen)


def all_bodies() -> list[Spec]:
    catalog, seen = load_catalog(), set[int]()
    found: list[Spec] = []
    for name in catalog.component_names:
        entry = catalog.component(name)
        assert entry is not None
        found += bodies(entry.arguments, seen)
        if entry.exports is not None:
            found += bodies(entry.exports, seen)
    for name in catalog.block_names:
        block = catalog.block(name)
        assert block is not None
        if block.arguments is not None:
            found += bodies(block.arguments, seen)
    return found


def test_everything_in_the_package_s_catalog_can_be_read() -> None:
    catalog = load_catalog()
    assert len(catalog.component_names) == 184
    assert len(catalog.block_names) == 17
    assert len(all_bodies()) > 700


KINDS = {
    wanted.AnyType: object,
    wanted.BoolType: bool,
    wanted.StringType: str,
    wanted.BytesType: bytes,
    wanted.IntType: int,
    wanted.FloatType: float,
    wanted.DurationType: Duration,
    wanted.SecretType: Secret,
    wanted.OptionalSecretType: OptionalSecret,
    wanted.TextType: object,
    wanted.CapsuleType: Capsule | None,
    wanted.ListType: list,
    wanted.MapType: dict,
    wanted.ObjectType: object,
}


def fits(value: object, kind: wanted.Type) -> bool:
    """Whether a value, including its elements, has the type."""
    match kind:
        case wanted.NullableType(inner):
            return value is None or fits(value, inner)
        case wanted.ListType(element):
            return isinstance(value, list) and all(fits(each, element) for each in value)
        case wanted.MapType(element):
            return isinstance(value, dict) and all(fits(each, element) for each in value.values())
    return isinstance(value, KINDS[type(kind)])


def test_every_default_is_a_value_of_its_type() -> None:
    given = 0
    for body in all_bodies():
        for attribute in body.attributes:
            assert fits(zero(attribute.type), attribute.type), attribute
            if not isinstance(attribute.default, Missing):
                given += 1
                value = convert(attribute.default, attribute.type)
                assert fits(value, attribute.type), attribute
    assert given > 100


def test_defaults_are_read_as_written() -> None:
    entry = load_catalog().component("pyroscope.write")
    assert entry is not None
    endpoint = entry.arguments.blocks[0].body
    timeout = endpoint.lookup["remote_timeout"]
    assert convert(timeout.default, timeout.type) == Duration(10_000_000_000)  # type: ignore[union-attr]


def test_only_the_lines_asked_for_are_parsed() -> None:
    store = read_store()
    assert store.entry("components", "local.file")["stability"] == "generally-available"
    with pytest.raises(KeyError):
        store.entry("components", "local.nope")


def test_the_standard_library_is_the_one_described() -> None:
    catalog = load_catalog()
    assert catalog.deprecated == DEPRECATED
    assert catalog.experimental == EXPERIMENTAL
    assert set(catalog.identifiers) | catalog.deprecated == IDENTIFIERS
