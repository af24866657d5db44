"""`alloypy docs`: the reference of a component, block or function in the terminal."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from alloypy.catalog.catalog import Catalog, load_catalog
from alloypy.catalog.dates import add_dates, when
from alloypy.catalog.functions import function_names, function_reference
from alloypy.catalog.manual import manual_page
from alloypy.catalog.versions import find_version
from alloypy.catalog.wording import short
from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.docs.flags import COMMANDS, flag_reference, flag_text
from alloypy.cli.commands.docs.functions import function_text
from alloypy.cli.common_flags import DESCRIBED, AlloyVersion
from alloypy.cli.flags import FlagSet
from alloypy.schema.derive import spec_of
from alloypy.schema.describe import describe
from alloypy.schema.nearest import did_you_mean

_NOT_RUN = frozenset({"cluster", "otel", "remotecfg", "ui"})
"""Blocks that alloypy refuses; remotecfg is accepted only without a url, when it does nothing."""

_SUMMARY = """Show the arguments, blocks, defaults and exports of a component or config block,
or how a function is called. For run, fmt, validate and convert: the flags of Alloy's command.

Without a name, list them all."""


def run(argv: list[str]) -> int:
    """Print the reference of what `argv` names. Raises UsageError and HelpRequested."""
    flags = FlagSet("docs", "[COMPONENT|FUNCTION|COMMAND]", _SUMMARY, maximum=1)
    as_json = flags.bool("json", doc="print the same as JSON")
    chosen = AlloyVersion(flags, DESCRIBED)
    names = flags.parse(argv)
    catalog = load_catalog(chosen.read())
    if chosen.note():
        print(chosen.note(), file=sys.stderr)
    if not names:
        _list(catalog)
        return exit_codes.SUCCESS
    found = _find(catalog, names[0])
    if found is None:
        return _unknown(catalog, names[0])
    entry, lines = found
    print(json.dumps(entry, indent=2) if as_json.value else "\n".join(lines(entry)))
    return exit_codes.SUCCESS


def _find(
    catalog: Catalog, name: str
) -> tuple[dict[str, Any], Callable[[dict[str, Any]], Iterator[str]]] | None:
    """The reference of a component, block, function or command, and how it is printed."""
    entry = reference(catalog, name)
    if entry is not None:
        return entry, _text
    if name in COMMANDS:
        entry = flag_reference(name, catalog.version)
        return (entry, flag_text) if entry is not None else None
    entry = function_reference(name, catalog.version)
    return (entry, function_text) if entry is not None else None


def reference(catalog: Catalog, name: str) -> dict[str, Any] | None:
    """The reference of a component or block, None when there is none of that name.

    For those that alloypy runs, it includes descriptions of the settings.
    """
    entry = _component_entry(catalog, name) or _block_entry(catalog, name)
    if entry is not None:
        entry["alloy"] = catalog.title
        add_dates(entry, catalog.version)
        return entry
    return _own_entry(name) if catalog.version is None else None


def _component_entry(catalog: Catalog, name: str) -> dict[str, Any] | None:
    component = catalog.component(name)
    if component is None:
        return None
    entry = {
        "name": name,
        "manual": manual_page(name, catalog.version, component=True),
        "stability": "community" if component.community else component.stability,
        "runs_in_alloypy": False,
        "arguments": describe(component.arguments),
        "exports": describe(component.exports) if component.exports is not None else None,
    }
    return _with_own_words(entry, further=catalog.version is None)


def _own_entry(name: str) -> dict[str, Any] | None:
    """A component that only alloypy has."""
    if name not in _own_names():
        return None
    from alloypy.components.registry import REGISTRY

    registration = REGISTRY[name]
    return {
        "name": name,
        "manual": "",
        "stability": registration.stability.text,
        "runs_in_alloypy": True,
        "only_alloypy": True,
        "arguments": describe(spec_of(registration.arguments)),
        "exports": describe(spec_of(registration.exports)) if registration.exports is not None else None,
    }


def _own_names() -> list[str]:
    """The components that only alloypy has."""
    from alloypy.components.registry import REGISTRY

    return sorted(name for name in REGISTRY if name.startswith("alloypy."))


def _block_entry(catalog: Catalog, name: str) -> dict[str, Any] | None:
    block = catalog.block(name)
    if block is None:
        return None
    entry: dict[str, Any] = {
        "name": name,
        "manual": manual_page(name, catalog.version, component=False),
        "stability": block.stability,
        "allowed": block.allowed,
        "label": block.label,
        "runs_in_alloypy": name not in _NOT_RUN,
        "arguments": describe(block.arguments) if block.arguments is not None else None,
        "exports": None,
    }
    from alloypy.own_language import block_classes

    own = block_classes().get(name)
    if own is not None and entry["arguments"] is not None:
        _add_words(entry["arguments"], describe(spec_of(own)), further=catalog.version is None)
    return entry


def _with_own_words(entry: dict[str, Any], *, further: bool) -> dict[str, Any]:
    from alloypy.components.registry import REGISTRY

    registration = REGISTRY.get(entry["name"])
    if registration is not None:
        entry["runs_in_alloypy"] = True
        _add_words(entry["arguments"], describe(spec_of(registration.arguments)), further=further)
        if entry["exports"] is not None and registration.exports is not None:
            _add_words(entry["exports"], describe(spec_of(registration.exports)), further=further)
    return entry


def _add_words(body: dict[str, Any], own: dict[str, Any], *, further: bool) -> None:
    """Add the descriptions. further: also add the settings that only alloypy has."""
    for part in ("attributes", "blocks"):
        words = {member["name"]: member for member in own.get(part, ())}
        for member in body.get(part, ()):
            mine = words.pop(member["name"], None)
            if mine is not None:
                if mine.get("doc"):
                    member["doc"] = mine["doc"]
                if part == "blocks":
                    _add_words(member["body"], mine["body"], further=further)
        if not further:
            continue
        body.setdefault(part, []).extend({**member, "only_alloypy": True} for member in words.values())


def _list(catalog: Catalog) -> None:
    print(f"Config blocks of {catalog.title}:")
    print("\n".join(f"  {name}" for name in catalog.block_names))
    print("\nComponents:")
    print("\n".join(f"  {name}" for name in catalog.component_names))
    if catalog.version is None:
        print("\nComponents that only alloypy has:")
        print("\n".join(f"  {name}" for name in _own_names()))
    print("\nFunctions:")
    print("\n".join(f"  {name}" for name in function_names(catalog.version)))
    print("\nCommands, with the flags that Alloy has:")
    print("\n".join(f"  {name}" for name in COMMANDS))


def _unknown(catalog: Catalog, name: str) -> int:
    where = f" in {catalog.title}" if catalog.version is not None else ""
    kinds = "command" if name in COMMANDS else "component, block or function"
    streams.fault(f'there is no {kinds} "{name}"{where}')
    known = [*catalog.component_names, *catalog.block_names, *function_names(catalog.version)]
    known += _own_names() if catalog.version is None else ()
    hint = when(name, catalog.version) or did_you_mean(name, known)
    if hint:
        print(f"  = hint: {hint}", file=sys.stderr)
    return exit_codes.FAILURE


def _text(entry: dict[str, Any]) -> Iterator[str]:
    yield f"{entry['name']} ({entry['stability']})"
    if "alloy" in entry:
        yield f"as in {entry['alloy']}" + (f"; since {_short(entry['since'])}" if "since" in entry else "")
    else:
        yield "only alloypy has it"
    if entry["manual"]:
        yield f"described at {entry['manual']}"
    if "runs_in_alloypy" in entry and "only_alloypy" not in entry:
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
    return "; ".join([*words, *_dates(attribute)])


def _dates(member: dict[str, Any]) -> list[str]:
    """Since when there is an argument or block, and since when it is deprecated."""
    words = [f"since {_short(member['since'])}"] if "since" in member else []
    if "deprecated" in member:
        words.append(f"deprecated since {_short(member['deprecated'])}")
    if member.get("only_alloypy"):
        words.append("only in alloypy")
    return words


def _short(name: str) -> str:
    return short(find_version(name))


def _block_head(block: dict[str, Any]) -> str:
    label = ' "LABEL"' if block["body"].get("label") else ""
    remarks = [word for word in ("required", "repeated") if block[word]] + _dates(block)
    return f"{block['name']}{label} {{" + (f"  // {', '.join(remarks)}" if remarks else "")
