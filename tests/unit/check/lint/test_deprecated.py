"""Deprecated settings, by version, and debugging that is on."""

from __future__ import annotations

import pytest

from alloypy.lang.stdlib import DEPRECATED, Stdlib
from tests.support.linting import findings, fixed

IN_A_LIST = """\
foreach "x" {
  collection = [%s]
  var        = "item"
  template { }
}
"""
EBPF = """\
pyroscope.ebpf "a" {
  cache_rounds = 3 // rounds
  forward_to   = [pyroscope.write.b.receiver]
}
pyroscope.write "b" {
  endpoint { url = "http://pyroscope:4040" }
}
"""
OTEL = """\
otelcol.receiver.otlp "a" {
  debug_metrics {
    level = "detailed"
  }
  output {
    logs = [otelcol.processor.filter.b.input]
  }
}
otelcol.processor.filter "b" {
  logs {
    log_record = ["true"]
  }
  output {
    logs = [otelcol.exporter.debug.c.input]
  }
}
otelcol.exporter.debug "c" { }
"""


@pytest.mark.parametrize("name", sorted(DEPRECATED))
def test_the_fix_of_an_old_function_name_gives_the_same_function(name: str) -> None:
    before, after = IN_A_LIST.split("%s")
    new = fixed("ALY0901", IN_A_LIST % name).removeprefix(before).removesuffix(after)
    assert new != name
    library = Stdlib({})
    namespace, _, member = new.partition(".")
    assert library.lookup(namespace)[member] is library.lookup(name)


def test_a_setting_without_effect_is_removed() -> None:
    (found,) = findings("ALY0964", EBPF)
    assert found.message == "cache_rounds is deprecated since Alloy 1.11.0"
    assert found.hint == "remove it"
    assert fixed("ALY0964", EBPF) == EBPF.replace("cache_rounds = 3 // rounds", "// rounds")


def test_a_setting_is_deprecated_only_since_its_version() -> None:
    assert len(findings("ALY0964", EBPF, "1.11")) == 1
    assert findings("ALY0964", EBPF, "1.10") == []


def test_blocks_and_settings_in_blocks_are_found_but_not_those_of_the_same_name_elsewhere() -> None:
    found = findings("ALY0964", OTEL)
    assert [each.message for each in found] == [
        "debug_metrics/level is deprecated since Alloy 1.8.0",
        "logs is deprecated since Alloy 1.15.0",
    ]
    assert [bool(each.fix) for each in found] == [True, False]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('logging { level = "debug" }', 1),
        ('logging { level = sys.env("LEVEL") }', 0),
        ("livedebugging { enabled = true }", 1),
        ("livedebugging { enabled = false }", 0),
        (OTEL, 1),
    ],
)
def test_debugging_that_is_on_is_found(text: str, count: int) -> None:
    assert len(findings("ALY0965", text)) == count


def test_what_debugging_costs_is_said() -> None:
    messages = [
        each.message
        for each in findings("ALY0965", 'logging { level = "debug" }\nlivedebugging { enabled = true }')
    ]
    assert messages == [
        "the log level is debug, which writes a lot and may log sensitive data",
        "live debugging is on: the user interface shows the data that passes through",
    ]
