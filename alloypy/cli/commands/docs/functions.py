"""What `alloypy docs` prints about functions and constants."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from alloypy.catalog.functions import signature
from alloypy.catalog.versions import find_version
from alloypy.catalog.wording import short

_WIDTH = 100


def example_lines(example: dict[str, str]) -> Iterator[str]:
    """An example as lines: the expression after `>`, then the value."""
    if example["variable"]:
        yield f"with {example['variable']} in the environment"
    yield f"> {example['expression']}"
    yield from example["value"].replace("\t", "  ").split("\n")


def _since(entry: dict[str, Any]) -> str:
    """Since when Alloy has a function, unless it has always had it."""
    since = find_version(entry["since"])
    return f"; since Alloy {short(since)}" if since.index else ""


def function_text(entry: dict[str, Any]) -> Iterator[str]:
    """A reference as lines of text."""
    if "members" in entry:
        yield f"{entry['name']} (namespace of the standard library)"
        width = max(map(len, entry["members"]))
        for name, words in entry["members"].items():
            yield f"  {name:<{width}}  {words.partition('. ')[0].removesuffix('.')}"
        return
    if "examples" not in entry:
        yield f"{entry['name']}: {entry['type']}{_since(entry)}"
        yield f"  {entry['doc']}"
        return
    yield f"{entry['name']} ({entry['stability']}){_since(entry)}"
    yield ""
    yield f"  {signature(entry)}"
    yield ""
    yield textwrap.fill(entry["doc"], _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if entry["old_names"]:
        yield f"  Old name, which still works: {', '.join(entry['old_names'])}"
    yield ""
    yield "Examples"
    for example in entry["examples"]:
        yield from (f"  {line}" for line in example_lines(example))
