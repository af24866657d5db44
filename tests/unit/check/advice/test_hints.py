"""Hints of the check: what was meant, as text that is valid at the place."""

from __future__ import annotations

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.advice.hints import Again, hinted
from alloypy.check.configuration import check_files
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import parse_config
from alloypy.syntax.diagnostics import Diagnostic, Severity, edited
from alloypy.syntax.source import Source
from tests.support.checking import EVERYTHING, hinted_text

WRITE = 'pyroscope.write "w" {\n  endpoint {\n    url = "http://h"\n  }\n}\n'
READ = 'pyroscope.relabel "r" {\n  forward_to = [pyroscope.write.w.receiver]\n}\n'
RELABEL = 'pyroscope.relabel "r" {{\n  forward_to = {}\n}}\n'
DECLARE = 'declare "pipe" {{\n  argument "url" {{ }}\n{}}}\n'

RIGHT = WRITE + READ


def faults(text: str, gate: Gate = EVERYTHING) -> list[Diagnostic]:
    return [d for d in hinted_text(text, gate=gate) if d.severity is Severity.ERROR or d.fix]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (RIGHT.replace("write.w.", "write."), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("write.w.", "write.v."), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("write.w.", "wirte.w."), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("[pyroscope", "[Pyroscope"), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("pyroscope.write.w.", "write.w."), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("[pyroscope.write.w.receiver]", "[w]"), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("write.w.", 'write["w"].'), "did you mean `pyroscope.write.w.receiver`?"),
        (RIGHT.replace("[pyroscope.write", "[loki.write"), "did you mean `pyroscope.write.w.receiver`?"),
        (
            RIGHT.replace('write "w"', 'write "my_w"').replace("w.rec", "my-w.rec"),
            "did you mean `pyroscope.write.my_w.receiver`?",
        ),
        (RIGHT.replace("w.receiver", "w.reciever"), "did you mean `receiver`?"),
        ('local.file "f" { filename = string.fromat("x") }', "did you mean `format`?"),
        ('local.file "f" { filename = constants.hostnam }', "did you mean `hostname`?"),
        (RIGHT.replace("w.receiver", "w.output"), "did you mean `receiver`?"),
        (RIGHT.replace("w.receiver", "w"), "did you mean `pyroscope.write.w.receiver`?"),
        (
            RIGHT.replace("[pyroscope.write.w.receiver]", '["pyroscope.write.w.receiver"]'),
            "write `pyroscope.write.w.receiver` without quotes",
        ),
        (
            RIGHT.replace("[pyroscope.write.w.receiver]", "pyroscope.write.w.receiver"),
            "a list is written in brackets: `[a, b]`",
        ),
        (
            RIGHT.replace("[pyroscope.write.w.receiver]", '"pyroscope.write.w.receiver"'),
            "write `[pyroscope.write.w.receiver]` without quotes",
        ),
        (RIGHT.replace("forward_to", "foward_to"), "did you mean `forward_to`?"),
        (RIGHT.replace("relabel", "relable"), "did you mean `pyroscope.relabel`?"),
        (RIGHT.replace("endpoint", "endpoints"), "did you mean `endpoint`?"),
        (RIGHT.replace("endpoint {", "endpoint = {").replace('h"', 'h",'), "write `endpoint { ... }`"),
        (RIGHT.replace('relabel "r"', "relabel"), 'write a label, as in `"default"`'),
        (RIGHT.replace('write "w"', "write"), 'write a label, as in `"w"`'),
        (RIGHT.replace('write "w"', 'write ""'), 'write a label, as in `"w"`'),
        (RIGHT.replace("endpoint {", 'endpoint "e" {'), "this block has no label"),
        (RIGHT.replace('"http://h"', 'env("U")'), "write `sys.env`"),
        (RIGHT.replace('"http://h"', 'getenv("U")'), "did you mean `sys.env`?"),
        (RIGHT.replace('"http://h"', "env.U"), 'write `sys.env("U")`'),
        (RIGHT.replace('"http://h"', "sys.env[U]"), 'write `sys.env("U")`'),
        (RIGHT.replace('"http://h"', 'sys.evn("U")'), "did you mean `env`?"),
        (RIGHT.replace('"http://h"', 'strings.to_lower("U")'), "did you mean `string.to_lower`?"),
        (RIGHT.replace('"http://h"', 'join(["U"], "")'), "write `string.join`"),
        (RIGHT.replace('"http://h"', "localhost"), 'text goes in double quotes, as in `"text"`'),
        (RIGHT.replace('"http://h"', "host/* why */"), 'text goes in double quotes, as in `"text"`'),
        (RIGHT.replace('"http://h"', "true"), 'text goes in double quotes, as in `"text"`'),
        (RIGHT.replace('"http://h"', '["http://h"]'), "one value is written without brackets"),
        (
            RIGHT.replace("  endpoint {\n", "  endpoint {\n    remote_timeout = 15\n"),
            'a duration is a string with units, such as "15s" or "1m30s"',
        ),
        (
            RIGHT.replace("  endpoint {\n    url", "  url").replace("  }\n}\n", "}\n"),
            "`url` belongs in the block `endpoint { ... }`",
        ),
        (
            RIGHT.replace("    url", "  }\n  url").replace('h"\n  }\n', 'h"\n'),
            "`url` belongs in the block `endpoint { ... }`",
        ),
        (
            WRITE + 'pyroscope.receive_http "h" {\n  forward_to = []\n  http {\n    port = 1\n  }\n}\n',
            "did you mean `listen_port`?",
        ),
        ('livedebugging {\n  enabled = "true"\n}\n', "write true without quotes"),
        ("livedebugging {\n  enabled = True\n}\n", "write `true`"),
        ('logging {\n  level = "warning"\n}\n', "did you mean `warn`?"),
        ("logging {\n  level = debug\n}\n", 'text goes in double quotes, as in `"text"`'),
        ('pyroscope.write "w" {\n  external_labels { }\n}\n', "write `external_labels = ...`"),
        (
            'pyroscope.write "w" {\n  external_labels {\n    a = "b"\n    c = "d"\n  }\n}\n',
            "write `external_labels = ...`",
        ),
        (DECLARE.format("") + 'pip "x" {\n  url = "a"\n}\n', "did you mean `pipe`?"),
        (
            DECLARE.format(
                '  pyroscope.write "w" {\n    endpoint {\n      url = argument.ulr.value\n    }\n  }\n'
            )
            + 'pipe "x" {\n  url = "a"\n}\n',
            "did you mean `argument.url.value`?",
        ),
    ],
)
def test_a_hint_is_right_where_it_is_put(wrong: str, hint: str) -> None:
    found = [fault for fault in faults(wrong) if fault.hint]
    fault = min(found, key=lambda each: each.severity is not Severity.ERROR)
    assert fault.hint == hint
    mended = edited(wrong.encode(), fault.fix).decode()
    left = [(d.code, d.message) for d in faults(mended)]
    assert (fault.code, fault.message) not in left
    assert len(left) < len(faults(wrong))


@pytest.mark.parametrize(
    "text",
    [
        RELABEL.format("[pyroscope.write.w.receiver]"),  # the block itself is alike
        RELABEL.format("[discovery.http.w.targets]"),
        WRITE + RELABEL.format("[loki.write.other.receiver]"),
        DECLARE.format("  logging {\n    level = argument.interval.value\n  }\n"),  # another argument
        'pyroscope.nothing_like_it "w" { }\n',
    ],
)
def test_no_hint_is_better_than_a_wrong_one(text: str) -> None:
    assert [fault.hint for fault in faults(text) if "mean" in fault.hint] == []
    assert [fault.fix for fault in faults(text) if fault.fix] == []


def test_names_that_are_equally_likely_are_all_told() -> None:
    text = WRITE + WRITE.replace('"w"', '"v"') + RELABEL.format("[pyroscope.write.receiver]")
    (fault,) = faults(text)
    assert fault.hint == "which one: `pyroscope.write.w.receiver` or `pyroscope.write.v.receiver`?"
    assert fault.fix == ()


def test_guessing_ends_with_its_time() -> None:
    source = Source("c", WRITE.replace("endpoint", "endpont").encode())
    files = parse_config([source])
    checked = check_files(files, load_catalog(), EVERYTHING)
    times = iter(range(0, 1_000, 10))
    found = hinted(checked.as_alloy, files, load_catalog(), Again(lambda _: [], 1), lambda: next(times))
    assert [(fault.hint, fault.fix) for fault in found if fault.code == "ALY0302"] == [("", ())]


def test_a_hint_says_which_stability_level_it_needs() -> None:
    text = 'pyroscope.enrihc "e" {\n  targets = []\n  forward_to = []\n}\n'
    (fault,) = faults(text, Gate(Stability.GENERALLY_AVAILABLE))
    assert fault.hint == (
        "did you mean `pyroscope.enrich`? (add --stability.level=experimental to the command line)"
    )


def test_a_name_of_another_module_is_not_offered() -> None:
    text = WRITE + 'declare "m" {\n' + READ.replace("write.w.", "write.v.") + "}\n"
    assert [fault.fix for fault in faults(text) if fault.fix] == []


def test_hints_end_where_trying_would_take_long() -> None:
    many = "".join(f'pyroscope.relabel "r{n}" {{\n  foward_to = []\n}}\n' for n in range(400))
    found = [fault for fault in faults(many) if fault.fix]
    assert 1 <= len(found) < 100


def test_what_nests_deeply_has_its_hint() -> None:
    deep = RIGHT.replace("[pyroscope.write.w.receiver]", "[" * 900 + "pyroscope.write.w.reciever" + "]" * 900)
    assert [fault.hint for fault in faults(deep) if fault.code == "ALY0410"] == []
    inner = "livedebugging {\n" + "a {\n" * 900 + "b = pyroscope.write.x.receiver\n" + "}\n" * 900 + "}\n"
    assert any(fault.code == "ALY0410" for fault in faults(WRITE + inner))


def test_a_reference_to_a_component_without_its_label_gets_no_hint() -> None:
    found = faults(READ + WRITE.replace('write "w"', "write"))
    assert [d.hint for d in found if "label" not in d.message] == [""]


@pytest.mark.parametrize(
    "wrong", [RIGHT.replace('write "w"', 'writer "w"'), READ + 'pyroscope.writer "v" { }\n']
)
def test_no_hint_names_a_component_that_does_not_exist(wrong: str) -> None:
    found = faults(wrong)
    assert len(found) > 1
    assert not any("pyroscope.writer" in d.hint for d in found)
