"""What single lint rules find in a text."""

from __future__ import annotations

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.versions import find_version
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Diagnostic, edited
from alloypy.syntax.source import Source

_EVERYTHING = Gate(Stability.EXPERIMENTAL, True)


def findings(code: str, text: str, version: str = "main") -> list[Diagnostic]:
    """The findings of one rule in a text that has no faults otherwise. version: of Alloy."""
    options = CheckOptions(load_catalog(find_version(version)), _EVERYTHING, {}, {}, frozenset({code}))
    found = check_texts("c", [Source("c", text.encode())], options).diagnostics
    assert [str(each) for each in found if each.code != code] == []
    return list(found)


def places(code: str, text: str) -> list[int]:
    """The lines in which a rule finds something, counted from 1."""
    return [each.span.source.line(each.span.start) for each in findings(code, text) if each.span]


def fixed(code: str, text: str) -> str:
    """The text with all fixes of a rule applied."""
    edits = [edit for each in findings(code, text) for edit in each.fix]
    return edited(text.encode(), edits).decode()
