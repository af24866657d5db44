"""All pages of docs/components, and the tables that lead to them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from alloypy.components.registry import REGISTRY
from tests.support.component_pages.bodies import HTTP_PAGE, RULES_PAGE
from tests.support.component_pages.examples import Seen, missing, see
from tests.support.component_pages.page import DOCS, http_page, page, rules_page

_LISTED = re.compile(r"(- \[Components\]\(components\.md\).*\n)(?:  - .*\n)*")


def pages() -> dict[Path, str]:
    """Every page as it should be, by its path; but those of components that cannot run here."""
    seen = asyncio.run(_see_all())
    found = {DOCS / "components" / f"{name}.md": page(name, each) for name, each in seen.items()}
    found[DOCS / "components" / HTTP_PAGE] = http_page()
    found[DOCS / "components" / RULES_PAGE] = rules_page()
    for path in (DOCS / "components.md", DOCS / "index.md"):
        found[path] = linked(path.name, path.read_text("utf-8"))
    return found


async def _see_all() -> Mapping[str, Seen]:
    return {name: await see(name) for name in REGISTRY if not missing(name)}


def linked(name: str, text: str) -> str:
    """The list of components, or the guide, with a link to each page."""
    if name == "components.md":
        for component in REGISTRY:
            row = f"| `{component}` |"
            text = text.replace(row, f"| [`{component}`](components/{component}.md) |")
        return text
    listed = [f"[`{component}`](components/{component}.md)" for component in sorted(REGISTRY)]
    listed += [f"[HTTP clients](components/{HTTP_PAGE})", f"[relabel rules](components/{RULES_PAGE})"]
    return _LISTED.sub(lambda found: found[1] + "".join(f"  - {each}\n" for each in listed), text)


def superfluous() -> list[Path]:
    """Pages of components that alloypy does not run."""
    known = {*(f"{name}.md" for name in REGISTRY), HTTP_PAGE, RULES_PAGE}
    return [path for path in sorted((DOCS / "components").glob("*.md")) if path.name not in known]
