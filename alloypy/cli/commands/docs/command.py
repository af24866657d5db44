"""`alloypy docs`: the reference of a component, block or function in the terminal."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.cli import exit_codes
from alloypy.cli.commands.docs.functions import function_names, function_reference, function_text
from alloypy.cli.flags import FlagSet
from alloypy.schema.derive import spec_of
from alloypy.schema.describe import describe
from alloypy.schema.nearest import did_you_mean

_REFERENCE = "https://grafana.com/docs/alloy/latest/reference"

_NOT_RUN = frozenset({"cluster", "import.git", "otel", "remotecfg", "ui"})
"""Blocks that alloypy refuses; remotecfg is accepted only without a url, when it does nothing."""

_NO_PAGE = frozenset({"cluster", "labelstore", "otel", "ui"})
"""Blocks without a page in Alloy's reference."""

_SUMMARY = """Show the arguments, blocks, defaults and exports of a component or config block,
or how a function is called.

Without a name, list them all."""


def run(argv: list[str]) -> int:
    """Print the reference of what `argv` names. Raises UsageError and HelpRequested."""
    flags = FlagSet("docs", "[COMPONENT|FUNCTION]", _SUMMARY, maximum=1)
    as_json = flags.bool("json", doc="print the same as JSON")
    names = flags.parse(argv)
    catalog = load_catalog()
    if not names:
        _list(catalog)
        return exit_codes.SUCCESS
    entry = reference(catalog, names[0])
    lines = _text
    if entry is None:
        entry, lines = function_reference(names[0]), function_text
    if entry is None:
        return _unknown(catalog, names[0])
    print(json.dumps(entry, indent=2) if as_json.value else "\n".join(lines(entry)))
    return exit_codes.SUCCESS


def reference(catalog: Catalog, name: str) -> dict[str, Any] | None:
    """The reference of a component or block, None when there is none of that name.

    For those that alloypy runs, it includes descriptions of the settings.
    """
    component = catalog.component(name)
    if component is not None:
        return _with_own_words(
            {
                "name": name,
                "manual": _manual(name, component=True),
                "stability": "community" if component.community else component.stability,
                "runs_in_alloypy": False,
                "arguments": describe(component.arguments),
                "exports": describe(component.exports) if component.exports is not None else None,
            }
        )
    block = catalog.block(name)
    if block is None:
        return None
    entry: dict[str, Any] = {
        "name": name,
        "manual": "" if name in _NO_PAGE else _manual(name, component=False),
        "stability": block.stability,
        "allowed": block.allowed,
        "label": block.label,
        "runs_in_alloypy": name not in _NOT_RUN,
        "arguments": describe(block.arguments) if block.arguments is not None else None,
        "exports": None,
    }
    own = _block_classes().get(name)
    if own is not None and entry["arguments"] is not None:
        _add_words(entry["arguments"], describe(spec_of(own)))
    return entry


def _block_classes() -> dict[str, type[Any]]:
    """The declared arguments of every config block that has any."""
    from alloypy.components.remote.http_import import Arguments as ImportHTTPArguments
    from alloypy.runtime.blocks import modules
    from alloypy.runtime.evaluating.config_blocks import ARGUMENTS

    return {**ARGUMENTS, **modules.BLOCKS, "import.http": ImportHTTPArguments}


def _with_own_words(entry: dict[str, Any]) -> dict[str, Any]:
    from alloypy.components.registry import REGISTRATIONS

    for registration in REGISTRATIONS:
        if registration.name == entry["name"]:
            entry["runs_in_alloypy"] = True
            _add_words(entry["arguments"], describe(spec_of(registration.arguments)))
            if entry["exports"] is not None and registration.exports is not None:
                _add_words(entry["exports"], describe(spec_of(registration.exports)))
    return entry


def _add_words(body: dict[str, Any], own: dict[str, Any]) -> None:
    """Add the descriptions, and the settings that only alloypy has."""
    for part in ("attributes", "blocks"):
        words = {member["name"]: member for member in own.get(part, ())}
        for member in body.get(part, ()):
            mine = words.pop(member["name"], None)
            if mine is not None:
                if mine.get("doc"):
                    member["doc"] = mine["doc"]
                if part == "blocks":
                    _add_words(member["body"], mine["body"])
        body.setdefault(part, []).extend({**member, "only_alloypy": True} for member in words.values())


def _list(catalog: Catalog) -> None:
    print(f"Config blocks of {catalog.title}:")
    print("\n".join(f"  {name}" for name in catalog.block_names))
    print("\nComponents:")
    print("\n".join(f"  {name}" for name in catalog.component_names))
    print("\nFunctions:")
    print("\n".join(f"  {name}" for name in function_names()))


def _unknown(catalog: Catalog, name: str) -> int:
    print(f'Error: there is no component, block or function "{name}"', file=sys.stderr)
    hint = did_you_mean(name, [*catalog.component_names, *catalog.block_names, *function_names()])
    if hint:
        print(f"  = hint: {hint}", file=sys.stderr)
    return exit_codes.FAILURE


def _manual(name: str, *, component: bool) -> str:
    """The URL of the page in Alloy's reference, which has examples and says what a component is for."""
    folder = f"components/{name.partition('.')[0]}" if component else "config-blocks"
    return f"{_REFERENCE}/{folder}/{name}/"


def _text(entry: dict[str, Any]) -> Iterator[str]:
    yield f"{entry['name']} ({entry['stability']})"
    if entry["manual"]:
        yield f"described at {entry['manual']}"
    if "runs_in_alloypy" in entry:
        yield "alloypy runs it" if entry["runs_in_alloypy"] else "alloypy checks it and does not run it"
    if "allowed" in entry:
        places = {
            "root": "at the top level",
            "module": "in modules",
            "anywhere": "at the top level and in modules",
        }
        yield f"allowed {places[entry['allowed']]}; label {entry['label']}"
    if entry["arguments"] is None:
        yield "takes no settings of its own"
        return
    yield ""
    yield "Arguments"
    yield from _body(entry["arguments"], 1) if _has_members(entry["arguments"]) else ["  none"]
    if entry["exports"] is not None:
        yield ""
        yield "Exports"
        for attribute in entry["exports"]["attributes"]:
            attribute["required"] = False  # nobody sets an export, so none is "required"
        yield from _body(entry["exports"], 1)


def _has_members(body: dict[str, Any]) -> bool:
    return bool(body.get("attributes") or body.get("blocks"))


def _body(body: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    if "recursive" in body:
        yield f"{indent}as above, one level deeper"
        return
    attributes = body.get("attributes", ())
    width = max((len(attribute["name"]) for attribute in attributes), default=0)
    kinds = max((len(attribute["type"]) for attribute in attributes), default=0)
    for attribute in attributes:
        line = f"{indent}{attribute['name']:<{width}}  {attribute['type']:<{kinds}}  {_remark(attribute)}"
        yield line.rstrip()
        if attribute.get("doc"):
            yield _words(attribute["doc"], depth)
    for block in body.get("blocks", ()):
        yield f"{indent}{_block_head(block)}"
        if block.get("doc"):
            yield _words(block["doc"], depth)
        yield from _body(block["body"], depth + 1)
        yield f"{indent}}}"


def _words(text: str, depth: int) -> str:
    indent = "  " * depth + "    "
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent)


def _remark(attribute: dict[str, Any]) -> str:
    words = []
    if attribute["required"]:
        words.append("required")
    elif attribute.get("default") is not None:
        words.append(f"default {json.dumps(attribute['default'])}")
    if attribute.get("values"):
        words.append("one of " + ", ".join(json.dumps(value) for value in attribute["values"] if value))
    if attribute.get("only_alloypy"):
        words.append("only in alloypy")
    return "; ".join(words)


def _block_head(block: dict[str, Any]) -> str:
    label = ' "LABEL"' if block["body"].get("label") else ""
    remarks = [word for word in ("required", "repeated") if block[word]]
    if block.get("only_alloypy"):
        remarks.append("only in alloypy")
    return f"{block['name']}{label} {{" + (f"  // {', '.join(remarks)}" if remarks else "")
