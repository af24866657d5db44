"""Makes the files of the package that describe Alloy: the catalog, its history, and breaking changes.

Run by hand:

- `python -m alloypy.catalog.build extend COMPONENTS VERSION DATE [FOLDER]` adds a version of Alloy, such as
  `1.20.0`, whose components and config blocks have been reflected into COMPONENTS (JSON). DATE is that of its
  release. What it has otherwise than the version before is recorded in `history.jsonl`. If it is newer than
  all releases, `catalog.jsonl` becomes its catalog. VERSION may also be `main`.
- `python -m alloypy.catalog.build catalog COMPONENTS FILE` packs a reflected list into a catalog.
- `python -m alloypy.catalog.build history HISTORY FILE` packs a history (JSON), and `breaking CHANGES FILE`
  a list of breaking changes (JSON), from scratch.

FOLDER is that of this package unless it is given. Flags of Alloy's commands and members of `constants` are
not reflected: they stay as in the version before.
The packed forms are described in `alloypy.catalog` and `alloypy.catalog.history`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
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


def main(arguments: list[str]) -> int:
    """Do what the arguments say, as the module's docstring lists it."""
    match arguments:
        case ["catalog", source, target]:
            Path(target).write_bytes(pack(_read(source)))
        case ["history", source, target]:
            Path(target).write_bytes(pack_history(_read(source)))
        case ["breaking", source, target]:
            Path(target).write_bytes(pack_breaking(_read(source)))
        case ["extend", source, version, date, *folder] if len(folder) < 2:
            _extend(source, version, date, Path(*folder) if folder else Path(__file__).parent)
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


def _read(path: str) -> Any:
    return json.loads(Path(path).read_bytes())


def _extend(source: str, version: str, date: str, folder: Path) -> None:
    from alloypy.catalog.extend import extended
    from alloypy.catalog.history import SECTIONS
    from alloypy.catalog.store import Lines, Store

    catalog, history = folder / "catalog.jsonl", folder / "history.jsonl"
    packed = pack(_read(source))
    lines = Lines(history.read_bytes(), SECTIONS, "history")
    listing, newest = extended(lines, Store(catalog.read_bytes()), Store(packed), version, date)
    history.write_bytes(pack_history(listing))
    if newest:
        catalog.write_bytes(packed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
