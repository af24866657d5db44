"""What each version of Alloy accepts and refuses, taken from its documentation, changelog and source.

`given.jsonl`: `[id, version, kind, config, options, expected]`. config: a file, or the command and flag of
a case about flags. options: the stability level, and `community` if community components are enabled.
expected: null if the version accepts it, or the name that it refuses and why.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import load_history
from alloypy.catalog.versions import find_version
from alloypy.check.units.units import CheckOptions, check_texts
from alloypy.cli.commands.docs.flags import flag_reference
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.diagnostics import Diagnostic, Severity
from alloypy.syntax.source import Source

CASES = [json.loads(line) for line in Path(__file__).with_name("given.jsonl").read_text("utf-8").splitlines()]
LEVELS = {level.text: level for level in Stability}
CODES = {
    "unknown component": {"ALY0407"},
    "unknown argument": {"ALY0301"},
    "unknown block": {"ALY0302"},
    "must be a block": {"ALY0303"},
    "must be an argument": {"ALY0303"},
    "missing required argument": {"ALY0305"},
    "wrong type": {"ALY0308"},
    "stability": {"ALY0405"},
    "community": {"ALY0405"},
    "unknown function": {"ALY0410", "ALY0300"},
}


def test_all_cases_are_here() -> None:
    assert len(CASES) == 539


def errors_of(case: list[Any]) -> list[Diagnostic]:
    _, version, _, config, words, _ = case
    level, _, community = words.partition(" ")
    options = CheckOptions(load_catalog(find_version(version)), Gate(LEVELS[level], bool(community)), {})
    outcome = check_texts("config.alloy", [Source("config.alloy", config.encode())], options)
    return [each for each in outcome.diagnostics if each.severity is Severity.ERROR]


@pytest.mark.parametrize("version", sorted({case[1] for case in CASES}))
def test_a_version_accepts_and_refuses_what_it_should(version: str) -> None:
    for case in CASES:
        if case[1] != version or case[2] == "flag":
            continue
        errors, expected = errors_of(case), case[5]
        if expected is None:
            assert not errors, case[0]
            continue
        name, why = expected
        assert len(errors) == 1, case[0]
        error = errors[0]
        assert error.span is not None
        assert error.code in CODES[why], case[0]
        line = error.span.source.data[error.span.start :].decode()
        before = error.span.source.data[: error.span.start].decode()
        last = name.rpartition(".")[2]
        assert last in error.message or before.endswith(f"{name} = ") or line.startswith(name), case[0]


def test_refusals_say_since_or_until_when() -> None:
    """Without are only names that no version has there, and levels that never changed."""
    silent = 0
    for case in CASES:
        if case[2] != "flag" and case[5] is not None:
            (error,) = errors_of(case)
            if f"(checked for {case[1]})" not in error.hint:
                silent += 1
                name, why = case[5]
                assert why in ("community", "stability") or not _is_in_history(case[3], name), case[0]
    assert silent == 31


def _is_in_history(config: str, name: str) -> bool:
    """Whether the outermost body or a block directly in it ever had that name."""
    component, rest = config.split(maxsplit=1)
    blocks = re.findall(r"^  ([\w.]+)(?: \"\w+\")? \{$", rest, re.MULTILINE)
    history = load_history()
    entry = history.component(component) or history.block(component)
    if entry is None:
        return history.function(name) is not None
    if re.search(rf"^  {name} ", rest, re.MULTILINE):
        return entry.path(name) is not None
    return any(
        re.search(rf"^  {block} .*\n(?:    .*\n)*?    {name} ", rest, re.MULTILINE)
        and entry.path(f"{block}/{name}") is not None
        for block in blocks
    )


def test_flags() -> None:
    for case in (case for case in CASES if case[2] == "flag"):
        command, flag = case[3]
        entry = flag_reference(command, find_version(case[1]))
        known = entry is not None and flag in {each["name"] for each in entry["flags"]}
        assert known == (case[5] is None), case[0]
