"""What editors say about components and settings that alloypy runs.

`python3 dev.py docs` writes it. The words are those of the declarations and of
docs/components.md. Those of Go types that many components share are kept by the type, so that they are said
wherever Alloy uses it, also in components that alloypy does not run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.words import OF_CLIENTS
from alloypy.components.registry import REGISTRY
from alloypy.own_language import block_classes
from alloypy.schema.derive import spec_of
from alloypy.schema.spec import BlockSpec, Member, Spec

ROOT = Path(__file__).parents[2]
FILE = ROOT / "alloypy" / "catalog" / "words.jsonl"
_ROW = re.compile(r"^\| \[?`([a-z_.]+)`(?:\]\([^)]*\))? \|(?: [a-z ]+ \|)? ([^|]+) \|$", re.MULTILINE)
_SHARED = re.compile(r"(?:config|net|vcs)\..+|relabel\.Config")
"""Go types whose names mean one thing; others, such as `write.Arguments`, are in several packages."""
_OURS_ALONE = re.compile(r"alloypy|^Accepted|: stderr\.")
"""In words that are not true for Alloy."""


def text() -> str:
    """The content of the file."""
    found: dict[tuple[str, str], str] = {}
    for body, name, words in (*_components(), *_members()):
        found.setdefault((body, name), words)
    lines = [json.dumps([*key, words], ensure_ascii=False) for key, words in sorted(found.items())]
    return "\n".join(['{"format":1}', *lines, ""])


def _components() -> Iterator[tuple[str, str, str]]:
    """The rows of the tables."""
    catalog = load_catalog()
    for name, words in _ROW.findall((ROOT / "docs" / "components.md").read_text("utf-8")):
        if catalog.component(name) is not None or catalog.block(name) is not None:
            short = re.sub(r"\[([^\]]*)\]\([^)]*\)|`([^`]*)`", r"\1\2", words.split("; [see")[0])
            yield name, "", _said(f"{short[0].upper()}{short[1:]}.")


def _members() -> Iterator[tuple[str, str, str]]:
    catalog = load_catalog()
    for name, registration in REGISTRY.items():
        theirs = catalog.component(name)
        if theirs is None:  # only alloypy has it: editors read its own declarations
            continue
        yield from _of_body(name, spec_of(registration.arguments), theirs.arguments)
        if registration.exports is not None and theirs.exports is not None:
            yield from _of_body(f"{name}/", spec_of(registration.exports), theirs.exports)
    for name, cls in block_classes().items():
        block = catalog.block(name)
        if block is not None and block.arguments is not None:
            yield from _of_body(name, spec_of(cls), block.arguments)


def _of_body(path: str, own: Spec, theirs: Spec) -> Iterator[tuple[str, str, str]]:
    for member in own.members:
        known: Member | None = theirs.groups.get(member.name) or theirs.lookup.get(member.name)
        if known is None:
            continue
        if member.doc:
            yield _key(path, member, theirs), member.name, _said(member.doc)
        if isinstance(member, BlockSpec) and isinstance(known, BlockSpec):
            yield from _of_body(f"{path}/{member.name}", member.body, known.body)


def _key(path: str, member: Member, theirs: Spec) -> str:
    """Under what the words of a member are kept."""
    if _OURS_ALONE.search(member.doc):
        return path
    if len(member.path) > 1:
        return OF_CLIENTS
    return theirs.name if _SHARED.fullmatch(theirs.name) else path


def _said(words: str) -> str:
    """Words as an editor says them, which may be used for a configuration that Alloy runs."""
    return f"In alloypy: {words[0].lower()}{words[1:]}" if _OURS_ALONE.search(words) else words


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
