"""A hint, if there is one, fixes its error."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.advice.hints import Again
from alloypy.check.advice.hints import hinted as check_hints
from alloypy.check.configuration import check_files
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnoser import diagnose
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity, edited, moved
from alloypy.syntax.lexer import scan
from alloypy.syntax.repairs.hints import hinted
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File
from tests.support.counts import FULL
from tests.support.mutations import mutations
from tests.support.slips import Slip, slips, syntax_slips

GOLDEN = Path(__file__).parents[1] / "golden"


def broken_texts(name: str) -> Iterator[bytes]:
    for line in (GOLDEN / "syntax" / f"{name}.jsonl").read_text("utf-8").split("\n"):
        if line:
            case = json.loads(line)
            yield case["input"].encode() if "input" in case else base64.b64decode(case["input_b64"])


def syntax_faults(text: bytes) -> list[Diagnostic]:
    return diagnose(scan(Source("config.alloy", text)), "file")


def lines_about(text: bytes, offsets: Iterable[int]) -> range:
    lines = [text.count(b"\n", 0, offset) for offset in offsets]
    return range(min(lines), max(lines) + 1)


def assert_mended(text: bytes, fault: Diagnostic, before: list[Diagnostic], after: list[Diagnostic]) -> None:
    """The error is gone, and there is no new one in the lines of its fix."""
    assert fault.span is not None
    known = {(moved(d.span.start, fault.fix), d.message) for d in before if d.span is not None}
    left = [(d.span.start, d.message) for d in after if d.span is not None]
    assert (moved(fault.span.start, fault.fix), fault.message) not in left
    mended = edited(text, fault.fix)
    places = [fault.span.start, *(at for edit in fault.fix for at in (edit.start, edit.end))]
    about = lines_about(mended, (moved(at, fault.fix) for at in places))
    assert [each for each in left if each not in known and mended.count(b"\n", 0, each[0]) in about] == []


@pytest.mark.parametrize("name", ["diag", "diag_random"])
def test_the_hint_of_a_syntax_fault_fixes_it(name: str) -> None:
    fixes = 0
    for text in broken_texts(name):
        found = syntax_faults(text)
        for fault in hinted(found):
            if fault.fix:
                fixes += 1
                assert_mended(text, fault, found, syntax_faults(edited(text, fault.fix)))
    assert fixes > 100


EXAMPLES = [path.read_bytes() for path in sorted(GOLDEN.parents[1].glob("examples/**/*.alloy"))]
MOST = 10_000 if FULL else 100
"""Slips of a kind."""


def of_kind(kind: str, given: list[Slip]) -> list[bytes]:
    """The texts with slips of a kind, at most MOST from all over the examples."""
    texts = [slip.text for slip in given if slip.kind == kind]
    return texts[:: -(-len(texts) // MOST)]


SYNTAX_SLIPS = [slip for text in EXAMPLES for slip in syntax_slips(text)]


@pytest.mark.parametrize("kind", sorted({slip.kind for slip in SYNTAX_SLIPS}))
def test_the_hint_of_a_slip_in_syntax_fixes_it(kind: str) -> None:
    helped = broken = 0
    for text in of_kind(kind, SYNTAX_SLIPS):
        found = syntax_faults(text)
        hints = [fault for fault in hinted(found) if fault.fix]
        broken += bool(found)
        helped += bool(hints)
        for fault in hints:
            assert_mended(text, fault, found, syntax_faults(edited(text, fault.fix)))
    assert broken > 0
    assert helped >= 0.9 * broken


CATALOG = load_catalog()
GATE = Gate(Stability.EXPERIMENTAL, True)
KINDS = frozenset(
    (
        "ALY0300",
        "ALY0301",
        "ALY0302",
        "ALY0303",
        "ALY0306",
        "ALY0308",
        "ALY0406",
        "ALY0407",
        "ALY0408",
        "ALY0410",
    )
)
"""Codes of errors whose hints should fix them."""


def findings(source: Source, files: list[File] | None = None) -> list[Diagnostic]:
    try:
        found = check_files(files or parse_config([source]), CATALOG, GATE)
    except DiagnosticsError as error:
        return list(error.diagnostics)
    return [*found.as_alloy, *found.further]


def hints_of(text: bytes) -> tuple[Diagnostic, ...]:
    """What is found in a text that can be parsed, with hints."""
    source = Source("config.alloy", text)
    try:
        files = parse_config([source])
    except (DiagnosticsError, ConfigReadError):
        return ()
    return check_hints(findings(source, files), files, CATALOG, Again(findings, len(text)))


def errors_in(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [diagnostic for diagnostic in found if diagnostic.severity is Severity.ERROR]


def parses(text: bytes) -> bool:
    return not syntax_faults(text)


def assert_hints_mend(text: bytes) -> int:
    """Check that every hint of a text fixes its error; returns their number."""
    fixes = 0
    found = hints_of(text)
    for fault in found:
        if fault.code not in KINDS or fault.severity is not Severity.ERROR:
            continue
        if fault.fix:
            fixes += 1
            changed = edited(text, fault.fix)
            assert_replaced(text, fault, found, errors_in(findings(Source("config.alloy", changed))))
        else:
            assert not fault.hint.startswith(("did you mean", "write a")), fault
            assert_allowed_are_allowed(text, fault)
    return fixes


def assert_replaced(
    text: bytes, fault: Diagnostic, before: Iterable[Diagnostic], after: list[Diagnostic]
) -> None:
    """The error is gone, without a new one at the same place; another stability level may be needed."""
    assert fault.span is not None
    known = {(moved(d.span.start, fault.fix), d.message) for d in before if d.span is not None}
    assert (moved(fault.span.start, fault.fix), fault.message) not in {
        (d.span.start, d.message) for d in after if d.span is not None
    }
    starts = {moved(fault.span.start, fault.fix), fault.fix[0].start}
    for each in after:
        assert each.span is not None
        if each.span.start in starts and (each.span.start, each.message) not in known:
            assert each.code == "ALY0305", (
                text,
                fault,
                each,
            )  # something is missing in a block that is known now


def assert_allowed_are_allowed(text: bytes, fault: Diagnostic) -> None:
    """Each of the names that are listed is known at the place."""
    if not fault.hint.startswith("allowed: ") or "unrecognized" not in fault.message or fault.span is None:
        return
    wrong = fault.message.split('"')[1]
    at = text.index(wrong.encode(), fault.span.start)
    for name in fault.hint.removeprefix("allowed: ").split(", "):
        changed = text[:at] + name.encode() + text[at + len(wrong.encode()) :]
        assert not any(
            "unrecognized" in d.message and d.span and d.span.start == fault.span.start
            for d in findings(Source("config.alloy", changed))
        )


SLIPS = [slip for text in EXAMPLES for slip in slips(text)]
HELPED = frozenset(
    {
        "attribute", "block", "block with =", "capitals", "component", "export left out", "export misspelt",
        "label left out", "label misspelt", "no label", "quoted", "reference misspelt",
    }
)  # fmt: skip
"""Slips whose hint restores the right text; for the others no hint is better than a wrong one."""


@pytest.mark.parametrize("kind", sorted({slip.kind for slip in SLIPS}))
def test_the_hint_of_a_slip_fixes_it(kind: str) -> None:
    texts = of_kind(kind, SLIPS)
    assert texts
    helped = sum(bool(assert_hints_mend(text)) for text in texts)
    assert helped >= 0.5 * len(texts) or kind not in HELPED


def recorded(name: str) -> list[bytes]:
    rows = map(json.loads, (GOLDEN / "validate" / f"{name}.jsonl").read_text("utf-8").splitlines())
    texts = [
        row.get("input") or row.get("config") or row.get("files", {}).get("config.alloy", "") for row in rows
    ]
    return [text.encode() for text in texts if text]


@pytest.mark.parametrize("name", ["validate", "commands", "load_rules", "pyroscope"])
def test_the_hints_of_recorded_configurations_fix_them(name: str) -> None:
    assert sum(assert_hints_mend(text) for text in recorded(name)) > (
        0 if name in {"validate", "commands"} else -1
    )


def test_the_hints_of_mistakes_fix_them() -> None:
    good = [text for text in recorded("validate") if parses(text) and not errors_in(hints_of(text))]
    mistakes = [mutation.text for text in good for mutation in mutations(text)]
    assert sum(assert_hints_mend(text) for text in mistakes[::9]) > 20
