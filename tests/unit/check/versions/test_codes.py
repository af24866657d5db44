"""The examples of the codes about upgrades: the wrong ones have the finding, the right ones have not."""

from __future__ import annotations

import pytest

from alloypy.check.versions.codes import FLAG, UPGRADE_CODES, WARNINGS
from alloypy.check.versions.findings import Finding, Rank
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from tests.support.upgrading import flags_found, found

GATES = {"ALY0808": Gate()}


def _found(code: str, text: str) -> list[Finding]:
    example = UPGRADE_CODES[code]
    if code == FLAG:
        return flags_found(text, example.start, example.end)
    gate = GATES.get(code, Gate(Stability.EXPERIMENTAL, True))
    return found(text, example.start, example.end, gate=gate)


@pytest.mark.parametrize("code", UPGRADE_CODES)
def test_an_example_has_its_finding_and_its_remedy(code: str) -> None:
    example = UPGRADE_CODES[code]
    wrong, right = _found(code, example.wrong), _found(code, example.right)
    assert code in [each.code for each in wrong]
    assert code not in [each.code for each in right]
    refused = any(each.rank is Rank.REFUSED for each in wrong if each.code == code)
    assert refused == (code not in WARNINGS)
