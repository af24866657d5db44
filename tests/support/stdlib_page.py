"""The page about the standard library, generated from the manual of each function.

    python3 dev.py docs

writes it again; a test compares the committed page with it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alloypy.catalog.functions import function_names, function_reference, signature
from alloypy.cli.commands.docs.functions import example_lines

PAGE = Path(__file__).parents[2] / "docs" / "stdlib.md"
_MARK = "<!-- made by: python3 dev.py docs -->\n"


def page() -> str:
    """The page as it should be: the text above the mark, and a section for each function."""
    introduction = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    entries = [entry for name in function_names() if (entry := function_reference(name)) is not None]
    sections = ["\n".join(_section(entry)) for entry in entries if "examples" in entry]
    constants = [f"| `{entry['name']}` | {entry['doc']} |" for entry in entries if "examples" not in entry]
    table = "\n".join(["## Constants\n", "| Name | Value |", "|---|---|", *constants, ""])
    return introduction + _MARK + "\n" + "\n".join([*sections, table])


def _section(entry: dict[str, Any]) -> Iterator[str]:
    yield f"## `{entry['name']}`"
    yield ""
    yield f"`{signature(entry)}`"
    yield ""
    if entry["stability"] == "experimental":
        yield "Experimental: a configuration that uses it needs `--stability.level=experimental`."
    yield textwrap.fill(entry["doc"], 118)
    if entry["old_names"]:
        yield f"Old name, which still works: `{entry['old_names'][0]}`."
    yield ""
    yield "```text"
    for example in entry["examples"]:
        yield from example_lines(example)
    yield "```"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
