"""The examples of `alloypy explain`: the wrong ones have the fault, the right ones have none."""

from __future__ import annotations

import pytest

from alloypy.check.explanations import all_codes, severity_of
from alloypy.cli.commands.explain.examples import EXAMPLES, example_of
from alloypy.graph.admission import Gate
from alloypy.graph.codes import NOT_INSTALLED, STOPPING
from alloypy.schema.stability import Stability
from alloypy.syntax import codes
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from tests.support.checking import check_text

WITHOUT = {
    codes.GENERAL,
    codes.BAD_ENCODING,
    codes.TOO_DEEP,
    codes.UNREADABLE,
    codes.UNWRITABLE,
    codes.UNFORMATTED,
    codes.NO_FILES,
    codes.BAD_MANIFEST,
    codes.NOT_RENDERED,
    NOT_INSTALLED,
    STOPPING,
}
"""Codes that no text causes, or none that can be shown."""


def found(text: str) -> list[Diagnostic]:
    try:
        checked = check_text(text, gate=Gate(Stability.GENERALLY_AVAILABLE, False), full_environ={})
    except DiagnosticsError as error:
        return list(error.diagnostics)
    return [*checked.as_alloy, *checked.further]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_has_its_fault_and_its_remedy(code: str) -> None:
    wrong, right = found(EXAMPLES[code].wrong), found(EXAMPLES[code].right)
    assert severity_of(code) in [each.severity.value for each in wrong if each.code == code]
    assert [str(each) for each in right if each.code == code or each.severity.value == "error"] == []


def test_every_code_of_a_text_has_an_example() -> None:
    assert {code for code in all_codes() if example_of(code) is None} == WITHOUT
