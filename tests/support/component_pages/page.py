"""The page of a component: what it is, an example, its settings, exports, metrics and debug information."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.labels import labels_of
from alloypy.catalog.versions import find_version
from alloypy.catalog.wording import short
from alloypy.cli.commands.docs.command import reference
from alloypy.components.registry import REGISTRY
from alloypy.schema.derive import spec_of
from alloypy.schema.describe import describe
from alloypy.schema.spec import Spec
from alloypy.schema.stability import Stability
from tests.support.component_pages.bodies import HTTP_PAGE, RULES_PAGE, prose, settings, table, type_name
from tests.support.component_pages.examples import Seen, path_of

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
MARK = "<!-- made by: python3 dev.py docs -->\n"
KEPT = "<!-- written by hand from here on -->\n"

_LEVELS = {
    Stability.GENERALLY_AVAILABLE: "It is generally available; it needs no flag.",
    Stability.PUBLIC_PREVIEW: "It is a public preview; it needs `--stability.level=public-preview`.",
    Stability.EXPERIMENTAL: "It is experimental; it needs `--stability.level=experimental`.",
}
_FURTHER: Mapping[str, Mapping[str, str]] = {
    "pyroscope.receive_http": {
        "What a client is answered": "../components.md#what-a-client-is-answered",
        "Traces": "../components.md#traces",
    },
    "pyroscope.write": {
        "HTTP/2 and proxies": "../components.md#http2-and-proxies",
        "Traces": "../components.md#traces",
    },
    "alloypy.queue": {"Queues on disk": "../queue.md", "Queues in Kafka": "../queue-kafka.md"},
    "pyroscope.scrape": {"Scraping": "../components.md#scraping", "Clustering": "../clustering.md"},
}
"""Pages that say more about a component."""


def page(name: str, seen: Seen) -> str:
    """The page of a component. seen: its example, while it runs."""
    return "\n".join([f"# {name}", "", MARK, *_lines(name, seen)]) + kept(DOCS / "components" / f"{name}.md")


def kept(path: Path) -> str:
    """What was written by hand at the end of a page."""
    _, mark, text = (path.read_text("utf-8") if path.exists() else "").partition(KEPT)
    return f"\n{mark}{text}" if mark else ""


def described_as(name: str) -> str:
    """What a component does, in the words of the table of components: `sends profiles to ...`."""
    listed = (DOCS / "components.md").read_text("utf-8")
    row = re.search(rf"^\| \[?`{re.escape(name)}`[^|]*\|[^|]+\| (.+) \|$", listed, re.MULTILINE)
    assert row is not None, f"docs/components.md has no row about {name}"
    return re.sub(r"\]\((?!\w+:)", "](../", row[1].split("; [see")[0])


def _lines(name: str, seen: Seen) -> Iterator[str]:
    registration = REGISTRY[name]
    entry = reference(load_catalog(), name)
    assert entry is not None
    yield _paragraph(f"`{name}` {described_as(name)}. {_LEVELS[registration.stability]}")
    yield ""
    if "since" in entry:
        yield _paragraph(
            f"Alloy has it since {short(find_version(entry['since']))}: "
            f"[Alloy's reference]({entry['manual']}), [differences]({_differences(name)})."
        )
    else:
        yield _paragraph(
            "Only alloypy has it: check configurations that use it with `validate --for alloypy`."
        )
    yield from ["", "## Example", "", "```alloy", path_of(name).read_text("utf-8").rstrip(), "```", ""]
    yield from ["## Arguments", "", *settings(entry["arguments"], spec_of(registration.arguments))]
    if entry["exports"] is not None:
        yield from ["## Exports", "", *_exports(entry["exports"])]
    labels = labels_of(name) if name.startswith("discovery.") else ()
    if labels:
        yield from [
            "## Labels",
            "",
            "Its targets can have these labels, and `__address__` if they have an address:",
            "",
            *_labels(labels),
        ]
    yield from _observed(name, seen)
    yield from _further(name)


def _paragraph(text: str) -> str:
    """Lines of at most 118 characters; links stay whole."""
    whole = re.sub(r"\[[^]]*\]\([^)]*\)", lambda link: link[0].replace(" ", "\0"), text)
    return textwrap.fill(whole, 118, break_long_words=False, break_on_hyphens=False).replace("\0", " ")


def _differences(name: str) -> str:
    """The part of the page about differences that concerns a component."""
    section = "targets-and-discovery" if name.startswith(("discovery.", "remote.")) else ""
    section = "receiving-and-forwarding-profiles" if name.startswith("pyroscope.") else section
    return "../compatibility.md" + (f"#{section}" if section else "")


def _exports(described: Mapping[str, Any]) -> list[str]:
    rows = [
        (f"`{each['name']}`", type_name(each["type"]), prose(each.get("doc", "")))
        for each in described["attributes"]
    ]
    return table(("Name", "Type", "Description"), rows)


def _labels(labels: tuple[str, ...]) -> list[str]:
    """A list of the labels; those of which there are many end with a placeholder."""
    many = [label.endswith("_") and not label.endswith("__") for label in labels]
    shown = (f"{label}NAME" if of_many else label for label, of_many in zip(labels, many, strict=True))
    return [*(f"- `{label}`" for label in shown), ""]


def _observed(name: str, seen: Seen) -> Iterator[str]:
    """Its metrics, and what the API shows of its state."""
    if seen.families:
        yield from ["## Metrics", ""]
        rows = [(f"`{each.name}`", each.type, prose(each.documentation)) for each in seen.families]
        yield from table(("Name", "Type", "Help"), rows)
    if seen.debug_info is None:
        return
    yield from ["## Debug information", ""]
    yield _paragraph(
        f"`GET /api/v0/web/components/{name}.LABEL` on the admin address shows these fields as `debugInfo`."
    )
    yield ""
    yield from _debug_fields(spec_of(type(seen.debug_info)), ())


def _debug_fields(spec: Spec, around: tuple[str, ...]) -> Iterator[str]:
    described = describe(spec)
    rows = [
        (f"`{'.'.join((*around, each['name']))}`", type_name(each["type"]), prose(each.get("doc", "")))
        for each in described["attributes"]
    ]
    if rows:
        yield from table(("Name", "Type", "Description"), rows)
    for block in spec.blocks:
        yield from _debug_fields(block.body, (*around, block.name))


def _further(name: str) -> Iterator[str]:
    used = re.compile(rf"^\s*{re.escape(name)} \"", re.MULTILINE)
    links = [f"- [{title}]({place})" for title, place in _FURTHER.get(name, {}).items()]
    examples = [
        f"[{folder.name}](../../examples/{folder.name}/)"
        for folder in sorted((ROOT / "examples").iterdir())
        if folder.name != "components"
        and any(used.search(path.read_text("utf-8")) for path in folder.glob("*.alloy"))
    ]
    if examples:
        links.append(f"- Examples: {', '.join(examples)}")
    if links:
        yield from ["## See also", "", *links, ""]


def shared_page(name: str, title: str, described: Mapping[str, Any], own: Spec) -> str:
    """A page about settings that many components share, below the words written by hand at its beginning."""
    path = DOCS / "components" / name
    introduction = path.read_text("utf-8").partition(MARK)[0] if path.exists() else f"# {title}\n\n"
    return "\n".join([introduction + MARK, *settings(described, own, shared=False)]).rstrip("\n") + "\n"


def http_page() -> str:
    """The page about the settings of HTTP clients."""
    entry = reference(load_catalog(), "remote.http")
    assert entry is not None
    client = next(each for each in entry["arguments"]["blocks"] if each["name"] == "client")
    own = spec_of(REGISTRY["remote.http"].arguments).lookup["client"].body  # type: ignore[union-attr]
    return shared_page(HTTP_PAGE, "HTTP clients", client["body"], own)


def rules_page() -> str:
    """The page about the rules of relabeling."""
    entry = reference(load_catalog(), "discovery.relabel")
    assert entry is not None
    rule = next(each for each in entry["arguments"]["blocks"] if each["name"] == "rule")
    own = spec_of(REGISTRY["discovery.relabel"].arguments).lookup["rule"].body  # type: ignore[union-attr]
    return shared_page(RULES_PAGE, "Relabel rules", rule["body"], own)
