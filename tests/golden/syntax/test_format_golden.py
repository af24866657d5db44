"""The formatter against Alloy's recorded answers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.parser import parse_file
from alloypy.syntax.printer.compare import same_content
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source

HERE = Path(__file__).parent


def cases(name: str) -> Iterator[Any]:
    with (HERE / f"{name}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            yield pytest.param(case, id=case["id"])


def as_bytes(text: Any) -> bytes:
    return base64.b64decode(text["b64"]) if isinstance(text, dict) else text.encode()


def source_of(case: dict[str, Any]) -> Source:
    data = base64.b64decode(case["input_b64"]) if "input_b64" in case else case["input"].encode()
    return Source("config.alloy", data)


def alloy_does_well(expect: dict[str, Any]) -> bool:
    return expect["same_ast"] and expect["same_comments"] and expect["second_pass"] == "same"


@pytest.mark.parametrize("case", [*cases("fmt"), *cases("fmt_random"), *cases("fmt_random_err")])
def test_format(case: dict[str, Any]) -> None:
    source, expect = source_of(case), case["expect"]
    if "diags" in expect:
        with pytest.raises(DiagnosticsError) as caught:
            format_source(source)
        shown = [list(fault.span.start_position) for fault in caught.value.diagnostics if fault.span]
        assert shown == [fault["start"] for fault in expect["diags"]]
        assert [fault.message for fault in caught.value.diagnostics] == [
            fault["message"] for fault in expect["diags"]
        ]
        return
    formatted = format_source(source)
    if alloy_does_well(expect):
        assert formatted == as_bytes(expect["output"])
        assert (formatted != source.data) == expect["changed"]
    else:
        again = Source("config.alloy", formatted)
        assert same_content(parse_file(source), parse_file(again))
        assert format_source(again) == formatted
