"""Packs reflected listings into the files of the package that describe Alloy.

The packed forms are described in `alloypy.catalog` and `alloypy.catalog.history`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMAT = 1


def pack(listing: Mapping[str, Any]) -> bytes:
    """The catalog file for a reflected list of components, config blocks, definitions and types."""
    entries: dict[str, dict[str, bytes]] = {"components": {}, "config_blocks": {}, "defs": {}, "types": {}}
    for name, component in listing["components"].items():
        entries["components"][name] = _line(_pack_entry(component))
    for name, block in listing["config_blocks"].items():
        entries["config_blocks"][name] = _line(_pack_entry(block))
    for name, body in listing["defs"].items():
        entries["defs"][name] = _line(_pack_body(body))
    for name, type_ in listing["types"].items():
        entries["types"][name] = _line(_pack_type(type_))
    header = {
        "alloy_version": listing["alloy_version"],
        "alloy_commit": listing["alloy_commit"],
        "stdlib": listing["stdlib"],
    }
    return _indexed(header, entries)


def pack_history(listing: Mapping[str, Any]) -> bytes:
    """The history file for a listing of versions, components, config blocks, names and commands."""
    sections = {
        "components": listing["components"],
        "config_blocks": listing["config_blocks"],
        "names": {"stdlib": listing["stdlib"]},
        "commands": listing["flags"],
    }
    entries = {
        section: {name: _line(entry) for name, entry in sorted(named.items())}
        for section, named in sections.items()
    }
    return _indexed({"versions": listing["versions"]}, entries)


def pack_breaking(changes: Sequence[Mapping[str, str]]) -> bytes:
    """The file of breaking changes for a list of them."""
    lines = [_line({"format": FORMAT})]
    for change in changes:
        arguments = [path for path in change["argument"].split(", ") if path]
        rest = (change[key] for key in ("kind", "what", "do", "source"))
        lines.append(_line([change["id"], change["version"], change["component"], arguments, *rest]))
    return b"".join(lines)


def _indexed(header: Mapping[str, Any], entries: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """A header with the offset of each line, and the lines."""
    index: dict[str, dict[str, int]] = {}
    lines: list[bytes] = []
    offset = 0
    for section, named in entries.items():
        index[section] = {}
        for name, line in named.items():
            index[section][name] = offset
            lines.append(line)
            offset += len(line)
    return _line({"format": FORMAT, **header, **index}) + b"".join(lines)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _pack_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    packed = dict(entry)
    for key in ("args", "exports"):
        if key in entry:
            packed[key] = _pack_body(entry[key])
    return packed


def _pack_type(type_: Mapping[str, Any]) -> dict[str, Any]:
    return {**type_, "body": _pack_body(type_["body"])} if "body" in type_ else dict(type_)


def _pack_body(body: Mapping[str, Any]) -> Any:
    if "$ref" in body:
        return body["$ref"]
    packed: dict[str, Any] = {"go": body["go"]}
    if "need" in body:
        packed["need"] = body["need"]
    if body.get("attrs"):
        packed["attrs"] = [_pack_attribute(attribute) for attribute in body["attrs"]]
    if body.get("blocks"):
        packed["blocks"] = [_pack_block(block) for block in body["blocks"]]
    return packed


def _pack_attribute(attribute: Mapping[str, Any]) -> list[Any]:
    packed = [attribute["name"], attribute["type"]]
    if "default" in attribute:
        packed.append(attribute["default"])
    return packed


def _pack_block(block: Mapping[str, Any]) -> list[Any]:
    flags = [flag for flag in ("repeated", "label", "preset") if block.get(flag)]
    if "enum" in block:
        flags.append(f"enum={block['enum']}")
    return [block["name"], " ".join(flags), _pack_body(block["body"])]
