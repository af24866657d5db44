"""`alloypy schema`: the arguments of components as JSON Schema."""

from __future__ import annotations

import json
import sys
from typing import Any

from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.catalog.dates import when
from alloypy.cli import exit_codes, streams
from alloypy.cli.common_flags import DESCRIBED, AlloyVersion
from alloypy.cli.flags import FlagSet
from alloypy.schema.json_schema import DIALECT, SchemaWriter
from alloypy.schema.nearest import did_you_mean

_SUMMARY = "Print the arguments of a component or config block as JSON Schema. Without a name, print all."


def run(argv: list[str]) -> int:
    """Print the schema of what `argv` names. Raises UsageError and HelpRequested."""
    flags = FlagSet("schema", "[COMPONENT]", _SUMMARY, maximum=1)
    chosen = AlloyVersion(flags, DESCRIBED)
    names = flags.parse(argv)
    catalog = load_catalog(chosen.read())
    if chosen.note():
        print(chosen.note(), file=sys.stderr)
    schema = component_schema(catalog, names[0]) if names else whole_schema(catalog)
    if schema is None:
        where = f" in {catalog.title}" if catalog.version is not None else ""
        streams.fault(f'there is no component or block "{names[0]}"{where}')
        known = [*catalog.component_names, *catalog.block_names]
        hint = when(names[0], catalog.version) or did_you_mean(names[0], known)
        if hint:
            print(f"  = hint: {hint}", file=sys.stderr)
        return exit_codes.FAILURE
    print(json.dumps(schema, indent=2))
    return exit_codes.SUCCESS


def component_schema(catalog: Catalog, name: str) -> dict[str, Any] | None:
    """The schema of one component's or block's arguments; None when there is none of that name."""
    entry = catalog.component(name) or catalog.block(name)
    if entry is None or entry.arguments is None:
        return None
    writer = SchemaWriter()
    reference = writer.reference(entry.arguments)
    return {"$schema": DIALECT, "title": name, **reference, "$defs": writer.definitions}


def whole_schema(catalog: Catalog) -> dict[str, Any]:
    """The schema of an object with a property for each component and each config block."""
    writer = SchemaWriter()
    properties = {}
    for name in (*catalog.block_names, *catalog.component_names):
        entry = catalog.component(name) or catalog.block(name)
        if entry is not None and entry.arguments is not None:
            properties[name] = writer.reference(entry.arguments)
    return {
        "$schema": DIALECT,
        "title": catalog.title,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "$defs": writer.definitions,
    }
