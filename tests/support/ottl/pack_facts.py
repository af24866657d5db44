"""Turns what tests/support/ottl/collector prints into alloypy/embedded/ottl/facts.json.

The paths, functions and constants are checked for the form that the file relies on: each context offers all
paths of the contexts whose names its paths may begin with, and each component all standard functions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FACTS = Path("alloypy/embedded/ottl/facts.json")
KEYS = {
    ("",): 0,
    ("", '["k"]', "[0]"): 1,
    ("", '["k"]', "[0]", '["k"]["k"]', '["k"][0]["k"]'): 2,
}


def main() -> None:
    """Read the facts from the standard input and write the file; the argument is OTTL's version."""
    found = json.load(sys.stdin)
    standard = found["functions"]["standard.functions"]
    packed = {
        "version": sys.argv[1],
        "functions": {name: signature(given) for name, given in sorted(standard.items())},
        "more": dict(sorted(more_functions(found["functions"], standard).items())),
        "contexts": found["contexts"],
        "paths": paths_of(found),
        "enums": found["enums"],
    }
    FACTS.write_text(f"{lines(packed)}\n", encoding="utf-8")


def signature(given: list[dict[str, Any]] | None) -> list[str] | None:
    """The parameters of a function: `?` if optional, name and kind."""
    if given is None:
        return None
    return [f"{'?' * each['Optional']}{each['Name']} {each['Kind']}" for each in given]


def more_functions(functions: dict[str, Any], standard: dict[str, Any]) -> dict[str, Any]:
    """What a component has beyond the standard functions; editors count in statements only."""
    converters = {name: given for name, given in standard.items() if name[0].isupper()}
    more: dict[str, Any] = {}
    for place, found in functions.items():
        statements = place.startswith("transform.")
        usable = {name: given for name, given in found.items() if statements or name[0].isupper()}
        expected = standard if statements else converters
        if any(usable.get(name, ()) != given for name, given in expected.items()):
            raise ValueError(f"{place} lacks standard functions")
        beyond = {name: signature(given) for name, given in sorted(usable.items()) if name not in expected}
        if beyond and not place.startswith("standard."):
            more[place] = beyond
    for place in [each for each in more if each.startswith("filterottl.")]:
        if more.pop(place) != more.get(place.replace("filterottl.", "filter.")):
            raise ValueError(f"{place} differs from the functions of the filter")
    return more


def paths_of(found: dict[str, Any]) -> dict[str, dict[str, int]]:
    """The paths by the name that they begin with, and how many keys they take."""
    paths: dict[str, dict[str, int]] = {}
    for context, names in found["contexts"].items():
        for path, keys in found["paths"][context].items():
            name, _, rest = path.partition(".")
            if rest == "cache":
                if name != context:
                    raise ValueError(f"{context} has the cache of {name}")
            elif paths.setdefault(name, {}).setdefault(rest, KEYS[tuple(keys)]) != KEYS[tuple(keys)]:
                raise ValueError(f"the keys of {path} depend on the context")
        check_without_names(context, found["paths"])
        if set(names) != {path.partition(".")[0] for path in found["paths"][context]}:
            raise ValueError(f"{context} has a name without paths")
    for context, names in found["contexts"].items():
        for name in names:
            here = {path for path in found["paths"][context] if path.startswith(f"{name}.")}
            if here - {f"{name}.cache"} != {f"{name}.{path}" for path in paths[name]}:
                raise ValueError(f"{context} does not have all paths of {name}")
    return {name: dict(sorted(each.items())) for name, each in sorted(paths.items())}


def check_without_names(context: str, paths: dict[str, Any]) -> None:
    """Where names of contexts are not demanded, the context's own paths go without."""
    named = paths[context]
    own = {path.removeprefix(f"{context}."): keys for path, keys in named.items()}
    if paths[f"{context} without contexts"] != {**named, **own}:
        raise ValueError(f"the paths of {context} without names are not those with names")


def lines(value: Any, depth: int = 0) -> str:
    """JSON with a line for each entry of the two outer levels."""
    if depth == 2 or not isinstance(value, dict):
        return json.dumps(value)
    inner = (f"{' ' * (depth + 1)}{json.dumps(key)}: {lines(each, depth + 1)}" for key, each in value.items())
    return "{\n" + ",\n".join(inner) + f"\n{' ' * depth}}}"


if __name__ == "__main__":
    main()
