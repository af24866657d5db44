"""Pictures of configurations: which boxes, and which way things flow."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.catalog.catalog import load_catalog
from alloypy.check.configuration import check_files, has_errors
from alloypy.check.picturing import picture_of
from alloypy.check.units.units import DISK, CheckOptions, context_of
from alloypy.drawing.picture import Picture
from alloypy.graph.admission import Gate
from alloypy.schema.stability import Stability
from alloypy.syntax.config_files import module_path, parse_config
from tests.support.drawing import MODULES

OPTIONS = CheckOptions(load_catalog(), Gate(Stability.EXPERIMENTAL, community=True), {}, selected=frozenset())


def drawn(directory: Path, text: str, **modules: str) -> Picture:
    for name, module in modules.items():
        (directory / f"{name}.module").write_text(module)
    path = directory / "config.alloy"
    path.write_text(text)
    files = parse_config(DISK.unit(str(path)))
    context = context_of(module_path(str(path)), OPTIONS)
    checked = check_files(files, OPTIONS.language, OPTIONS.gate, context)
    assert not has_errors([*checked.as_alloy, *checked.further])
    return picture_of(checked, "config.alloy")


def arrows(picture: Picture) -> list[tuple[str, str, str]]:
    return [(each.source, each.target, each.carries) for each in picture.arrows]


def test_data_flows_into_and_out_of_modules(tmp_path: Path) -> None:
    picture = drawn(tmp_path, MODULES)
    assert arrows(picture) == [
        ("logging", "loki.write.logs", "logs"),
        ("sink.all", "pyroscope.write.backend", "profiles"),
        ("discovery.kubernetes.pods", "sink.all", "targets"),
        ("local.file.token", "pyroscope.write.backend", "content"),
        ("pyroscope.receive_http.sdks", "sink.all", "profiles"),
        ("pyroscope.receive_http.sdks", "pyroscope.relabel.tidy", "profiles"),
        ("pyroscope.relabel.tidy", "pyroscope.write.backend", "profiles"),
        ("discovery.kubernetes.pods", "foreach.pod", "targets"),
        ("foreach.pod", "pyroscope.write.backend", "profiles"),
        ("declare.sink/argument.found", "declare.sink/pyroscope.scrape.found", "targets"),
        ("declare.sink/pyroscope.scrape.found", "declare.sink/argument.more", "profiles"),
        ("declare.sink/export.receiver", "declare.sink/pyroscope.write.inner", "profiles"),
        ("foreach.pod/pyroscope.scrape.it", "foreach.pod/pyroscope.write.backend", "profiles"),
    ]
    assert [each.carries for each in picture.arrows if not each.is_data] == ["content"]
    assert [(group.id, group.title) for group in picture.groups] == [
        ("declare.sink", 'declare "sink"'),
        ("foreach.pod", 'foreach "pod"'),
    ]
    boxes = {box.id: box for box in picture.boxes}
    assert boxes["sink.all"].inside == "declare.sink"
    assert boxes["foreach.pod"].inside == "foreach.pod"
    assert boxes["foreach.pod/pyroscope.write.backend"].kind.value == "outside"
    assert boxes["pyroscope.receive_http.sdks"].place == f"{tmp_path}/config.alloy:57"
    assert [box.id for box in picture.boxes if not box.group][:3] == [
        "logging",
        "loki.write.logs",
        "sink.all",
    ]


def test_declares_are_drawn_once_and_inner_ones_name_the_outer(tmp_path: Path) -> None:
    picture = drawn(
        tmp_path,
        'declare "a" {\n declare "b" {\n pyroscope.write "w" { }\n }\n b "one" { }\n b "two" { }\n}\n'
        'a "x" { }\na "y" { }\ndeclare "never" { pyroscope.write "w" { } }\n',
    )
    assert [group.title for group in picture.groups] == [
        'declare "a"',
        'declare "b" in declare "a"',
        'declare "never" (unused)',
    ]
    assert [box.id for box in picture.boxes] == [
        "a.x",
        "a.y",
        "declare.a/b.one",
        "declare.a/b.two",
        "declare.a/declare.b/pyroscope.write.w",
        "declare.never/pyroscope.write.w",
    ]


def test_imported_declares_are_drawn_where_they_can_be_read(tmp_path: Path) -> None:
    module = (
        'declare "sink" {\n pyroscope.write "w" { }\n'
        ' export "out" { value = pyroscope.write.w.receiver }\n}\ndeclare "other" { }\n'
    )
    picture = drawn(
        tmp_path,
        'import.file "here" { filename = module_path + "/one.module" }\n'
        'import.http "there" { url = "http://user:hidden@localhost" }\n'
        'here.sink "s" { }\nthere.sink "t" { }\n'
        'prometheus.exporter.self "e" { }\n'
        'pyroscope.scrape "p" {\n targets = prometheus.exporter.self.e.targets\n'
        " forward_to = [here.sink.s.out, there.sink.t.out]\n}\n",
        one=module,
    )
    assert [(group.id, group.title) for group in picture.groups] == [
        ("here.sink", 'declare "sink" of import "here"')
    ]
    assert arrows(picture) == [
        ("prometheus.exporter.self.e", "pyroscope.scrape.p", "targets"),
        ("pyroscope.scrape.p", "here.sink.s", "profiles"),
        ("pyroscope.scrape.p", "there.sink.t", "profiles"),
        ("here.sink/export.out", "here.sink/pyroscope.write.w", "profiles"),
    ]
    assert [box.inside for box in picture.boxes if box.label in {"s", "t"}] == ["here.sink", ""]


OTELCOL = """\
otelcol.receiver.otlp "in" {
  output {
    traces = [otelcol.processor.batch.b.input]
  }
}
otelcol.processor.batch "b" {
  output {
    traces = [otelcol.exporter.otlp.o.input]
  }
}
otelcol.exporter.otlp "o" {
  client {
    endpoint = "localhost:1"
    auth     = otelcol.auth.basic.a.handler
  }
}
otelcol.auth.basic "a" {
  username = "u"
  password = "p"
}
"""
LOGS = """\
loki.source.api "a" {
  http { }
  forward_to = array.concat([loki.write.w.receiver])
}
loki.write "w" { }
"""
METRICS = """\
prometheus.scrape "a" {
  targets    = []
  forward_to = [prometheus.remote_write.w.receiver, prometheus.remote_write.w.receiver]
}
prometheus.remote_write "w" { }
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            OTELCOL,
            [
                ("otelcol.receiver.otlp.in", "otelcol.processor.batch.b", "otelcol"),
                ("otelcol.processor.batch.b", "otelcol.exporter.otlp.o", "otelcol"),
                ("otelcol.auth.basic.a", "otelcol.exporter.otlp.o", "handler"),
            ],
        ),
        (LOGS, [("loki.source.api.a", "loki.write.w", "logs")]),
        (METRICS, [("prometheus.scrape.a", "prometheus.remote_write.w", "metrics")]),
    ],
    ids=["otelcol", "within a call", "named twice"],
)
def test_any_component_of_alloy_is_drawn(
    tmp_path: Path, text: str, expected: list[tuple[str, str, str]]
) -> None:
    assert arrows(drawn(tmp_path, text)) == expected
