"""The table of rules in docs/lint.md, from the rules: `python3 dev.py docs` writes it."""

from __future__ import annotations

import re
from pathlib import Path

from alloypy.catalog.catalog import load_catalog
from alloypy.check.lint import all_rules
from alloypy.check.lint.rule import Rule
from alloypy.check.units.fixing import is_fixable
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.own_language import own_language
from alloypy.schema.stability import Stability
from alloypy.syntax.source import Source

PAGE = Path(__file__).parents[2] / "docs" / "lint.md"
HEAD = "| Code | What it finds | Default | `--fix` |\n|---|---|---|---|\n"
TABLE = re.compile(re.escape(HEAD) + r"(?:\|.*\n)+")


ALL = frozenset(all_rules())


def example_options(program: str, selected: frozenset[str] | None) -> CheckOptions:
    """How examples for a program are checked. selected: the codes of rules; None for the default ones."""
    if program == "alloypy":
        return CheckOptions(own_language(), Gate(Stability.EXPERIMENTAL, False), {}, {}, selected)
    return CheckOptions(load_catalog(), Gate(Stability.GENERALLY_AVAILABLE, False), {}, {}, selected)


def has_fix(rule: Rule) -> bool:
    """Whether `--fix` repairs what the rule finds in its own example."""
    found = check_texts(
        "c", [Source("c", rule.wrong.encode())], example_options(rule.program, ALL)
    ).diagnostics
    return any(each.fix and is_fixable(each) for each in found if each.code == rule.code)


def table() -> str:
    """The table of all rules."""
    rows = [
        f"| {code} | {rule.title} | {'yes' if rule.default else ''} | {'yes' if has_fix(rule) else ''} |\n"
        for code, rule in sorted(all_rules().items())
    ]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
