"""The reference of the standard library: every function and constant, by version."""

from __future__ import annotations

from functools import cache
from typing import Any

from alloypy.catalog.history import load_history
from alloypy.catalog.versions import Version
from alloypy.lang.evaluation.functions import LibraryFunction
from alloypy.lang.stdlib import ALIASES, EXPERIMENTAL, Stdlib
from alloypy.lang.stdlib.constants import WORDS


@cache
def _functions() -> dict[str, LibraryFunction]:
    """Every function by its full name, in alphabetical order."""
    members: list[Any] = []
    for member in Stdlib(environ={}).variables.values():
        members += member.values() if isinstance(member, dict) else [member]
    found = {member.name: member for member in members if isinstance(member, LibraryFunction)}
    return dict(sorted(found.items()))


def function_names(version: Version | None = None) -> list[str]:
    """The full names of all functions and constants of a version, in alphabetical order.

    version: of Alloy; None for main, whose library alloypy has.
    """
    if version is not None:
        functions = load_history().functions
        return [
            name for name, each in functions.items() if each.present & version.bit and name != "constants"
        ]
    return sorted([*_functions(), *(f"constants.{name}" for name in WORDS)])


def function_reference(name: str, version: Version | None = None) -> dict[str, Any] | None:
    """The reference of a function, a constant or a namespace; None for other names.

    version: of Alloy, without which it is main's.
    """
    if version is not None and not any(
        each == name or each.startswith(f"{name}.") for each in function_names(version)
    ):
        return None
    entry = _reference(name, version)
    return entry if entry is None or "members" in entry else _dated(entry, name, version)


def _dated(entry: dict[str, Any], name: str, version: Version | None) -> dict[str, Any]:
    """A reference under the name that was asked for if the version has no other, with its first version."""
    functions, line = load_history().functions, load_history().timeline
    version = version or line.main
    if not functions[entry["name"]].present & version.bit:
        new, old = f"{entry['name']}(", f"{name}("
        examples = [{key: text.replace(new, old) for key, text in each.items()} for each in entry["examples"]]
        entry = {**entry, "name": name, "old_names": [], "examples": examples}
    present = functions[entry["name"]].present
    return {**entry, "since": next(start for start, _ in line.spans(present)).name}


def _reference(name: str, version: Version | None) -> dict[str, Any] | None:
    old = {"env": "sys.env", **{alias: function.name for alias, function in ALIASES.items()}}
    function = _functions().get(old.get(name, name))
    if function is not None:
        return _function(function, [alias for alias, full in old.items() if full == function.name])
    first, _, constant = name.partition(".")
    if first == "constants" and constant in WORDS:
        return {"name": name, "type": "string", "doc": WORDS[constant]}
    members = [full for full in function_names(version) if full.startswith(f"{name}.")]
    return {"name": name, "members": {full: _words(full) for full in members}} if members else None


def _function(function: LibraryFunction, old_names: list[str]) -> dict[str, Any]:
    manual = function.manual
    return {
        "name": function.name,
        "stability": "experimental" if function.name in EXPERIMENTAL else "generally-available",
        "takes": list(manual.takes),
        "gives": manual.gives,
        "doc": manual.words,
        "examples": [example._asdict() for example in manual.examples],
        "old_names": old_names,
    }


def _words(name: str) -> str:
    function = _functions().get(name)
    return function.manual.words if function is not None else WORDS[name.partition(".")[2]]


def signature(entry: dict[str, Any]) -> str:
    """A function's signature: `string.split(text: string, separator: string) -> list(string)`."""
    return f"{entry['name']}({', '.join(entry['takes'])}) -> {entry['gives']}"
