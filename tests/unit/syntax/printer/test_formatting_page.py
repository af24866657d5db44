"""Every example of docs/formatting.md is what the formatter does, and what Alloy's layout would be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alloypy.syntax.parser import parse_file
from alloypy.syntax.printer.printer import format_source, layout_of_alloy
from alloypy.syntax.source import Source

PAGE = Path(__file__).parents[4] / "docs" / "formatting.md"
SECTION = re.compile(r"^### (.+?)$(.+?)(?=^### |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(
    r"^(Before|Alloy writes|alloypy writes):\n\n```alloy\n(.*?)\n```$", re.MULTILINE | re.DOTALL
)
SHOWN = str.maketrans("⇥·␌", "\t \f")


def examples() -> list[object]:
    found = SECTION.findall(PAGE.read_text(encoding="utf-8"))
    return [pytest.param(dict(BLOCK.findall(text)), id=title) for title, text in found]


def as_source(text: str) -> Source:
    return Source("config.alloy", text.translate(SHOWN).encode())


@pytest.mark.parametrize("example", examples())
def test_example(example: dict[str, str]) -> None:
    before = as_source(example["Before"])
    ours = as_source(example["alloypy writes"] + "\n")
    assert format_source(before) == ours.data
    assert format_source(ours) == ours.data
    assert layout_of_alloy(parse_file(before)) == as_source(example["Alloy writes"] + "\n").data
    assert example["Alloy writes"] != example["alloypy writes"]


def test_the_page_has_examples() -> None:
    assert len(examples()) >= 11
