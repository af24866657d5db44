"""An example for each diagnostic code: a configuration with the fault, and one without it."""

from __future__ import annotations

from typing import NamedTuple


class FaultExample(NamedTuple):
    """A configuration for which `alloypy validate` reports the code, and one for which it does not."""

    wrong: str
    right: str


_WRITE = """\
pyroscope.write "backend" {{
  endpoint {{
    url = "http://localhost:4040"
  }}
{}}}
"""


def _write(wrong: str, right: str) -> FaultExample:
    """Two destinations, each with its additional lines."""
    return FaultExample(_WRITE.format(wrong), _WRITE.format(right))


_IMPORTED = """\
import.string "lib" {
  content = `declare "sender" {
    argument "url" { optional = true }
  }`
}
"""

_RECEIVERS = """\
pyroscope.receive_http "a" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = 9999
  }}
  forward_to = []
}}

pyroscope.receive_http "b" {{
  http {{
    listen_address = "{}"
    listen_port    = {}
  }}
  forward_to = []
}}
"""


def _receivers(wrong: tuple[str, str], right: tuple[str, str]) -> FaultExample:
    """Two pairs of receivers; the arguments are address and port of the second one."""
    return FaultExample(_RECEIVERS.format(*wrong), _RECEIVERS.format(*right))


_FILTER = """\
otelcol.processor.filter "a" {{
  traces {{
    span = [`{}`]
  }}
  output {{ }}
}}
"""

_PIPELINE = """\
loki.process "a" {{
  forward_to = []
  stage.regex {{
    {}
  }}
}}
"""


_TEMPLATE = """\
loki.process "logs" {{
  stage.template {{
    source   = "level"
    template = "{}"
  }}
  forward_to = [loki.write.logs.receiver]
}}

loki.write "logs" {{
  endpoint {{
    url = "http://localhost:3100/loki/api/v1/push"
  }}
}}
"""


def _pipeline(wrong: str, right: str) -> FaultExample:
    """Two stages; the arguments are the attribute of each."""
    return FaultExample(_PIPELINE.format(wrong), _PIPELINE.format(right))


EXAMPLES: dict[str, FaultExample] = {
    "ALY0101": FaultExample(
        '# a comment\nlogging { level = "debug" }', '// a comment\nlogging { level = "debug" }'
    ),
    "ALY0103": FaultExample('logging { level = "debug }', 'logging { level = "debug" }'),
    "ALY0104": FaultExample("logging { level = 'debug' }", 'logging { level = "debug" }'),
    "ALY0105": FaultExample(
        r'local.file "a" { filename = "C:\data" }', 'local.file "a" { filename = `C:\\data` }'
    ),
    "ALY0106": FaultExample(
        '/* a comment\nlogging { level = "debug" }', '/* a comment */\nlogging { level = "debug" }'
    ),
    "ALY0107": FaultExample("tracing { sampling_fraction = 1e }", "tracing { sampling_fraction = 1e-2 }"),
    "ALY0108": FaultExample(
        "livedebugging { enabled = true | false }", "livedebugging { enabled = true || false }"
    ),
    "ALY0110": FaultExample('logging {\n  level = "debug"\n', 'logging {\n  level = "debug"\n}'),
    "ALY0111": FaultExample(
        'logging {\n  level = "debug" format = "json"\n}',
        'logging {\n  level  = "debug"\n  format = "json"\n}',
    ),
    "ALY0112": FaultExample('"level" = "debug"', 'logging { level = "debug" }'),
    "ALY0113": FaultExample('local.file a { filename = "a" }', 'local.file "a" { filename = "a" }'),
    "ALY0114": FaultExample('logging\nlevel = "debug"', 'logging {\n  level = "debug"\n}'),
    "ALY0115": FaultExample("logging {\n  level =\n}", 'logging {\n  level = "debug"\n}'),
    "ALY0116": FaultExample(
        'local.file "a" {\n  filename = string.join(\n    ["a", "b"], "/"\n  )\n}',
        'local.file "a" {\n  filename = string.join(\n    ["a", "b"], "/",\n  )\n}',
    ),
    "ALY0117": _write('  external_labels = {1 = "a"}\n', '  external_labels = {"1" = "a"}\n'),
    "ALY0118": FaultExample('logging { log.level = "debug" }', 'logging { level = "debug" }'),
    "ALY0119": FaultExample('logging { level "a" = "debug" }', 'logging { level = "debug" }'),
    "ALY0120": FaultExample(
        "livedebugging {\n  enabled = http {\n  }\n}", "livedebugging {\n  enabled = true\n}"
    ),
    "ALY0300": FaultExample(
        'local.file "a" { filename = "a" + 1 - 1 }', 'local.file "a" { filename = "a" + "1" }'
    ),
    "ALY0301": FaultExample('logging { levle = "debug" }', 'logging { level = "debug" }'),
    "ALY0302": FaultExample("tracing {\n  samplr { }\n}", "tracing {\n  sampler { }\n}"),
    "ALY0303": _write("  tracing = {}\n", "  tracing { }\n"),
    "ALY0304": FaultExample(
        'logging {\n  level = "info"\n  level = "debug"\n}', 'logging {\n  level = "debug"\n}'
    ),
    "ALY0305": FaultExample('local.file "a" { }', 'local.file "a" { filename = "a" }'),
    "ALY0306": _write('  tracing "a" { }\n', "  tracing { }\n"),
    "ALY0308": FaultExample(
        'local.file "a" {\n  filename  = "a"\n  is_secret = "yes"\n}',
        'local.file "a" {\n  filename  = "a"\n  is_secret = true\n}',
    ),
    "ALY0401": FaultExample('level = "debug"', 'logging { level = "debug" }'),
    "ALY0402": FaultExample(
        'local.file "a" { filename = "a" }\nlocal.file "a" { filename = "b" }',
        'local.file "a" { filename = "a" }\nlocal.file "b" { filename = "b" }',
    ),
    "ALY0403": FaultExample('argument "url" { }', 'declare "sender" {\n  argument "url" { }\n}'),
    "ALY0404": FaultExample('declare "declare" { }', 'declare "sender" { }'),
    "ALY0405": FaultExample(
        'foreach "teams" {\n  collection = ["a"]\n  var        = "team"\n  template { }\n}',
        'logging { level = "debug" }',
    ),
    "ALY0406": FaultExample(
        f'{_IMPORTED}lib.sender "a" {{ ulr = "http://localhost:4040" }}',
        f'{_IMPORTED}lib.sender "a" {{ url = "http://localhost:4040" }}',
    ),
    "ALY0407": FaultExample('local.files "a" { filename = "a" }', 'local.file "a" { filename = "a" }'),
    "ALY0408": FaultExample('local.file { filename = "a" }', 'local.file "a" { filename = "a" }'),
    "ALY0409": FaultExample("ui { }", 'logging { level = "debug" }'),
    "ALY0410": FaultExample(
        'local.file "b" { filename = local.fil.a.content }\nlocal.file "a" { filename = "a" }',
        'local.file "b" { filename = local.file.a.content }\nlocal.file "a" { filename = "a" }',
    ),
    "ALY0411": FaultExample(
        'local.file "a" { filename = local.file.b.content }\n'
        'local.file "b" { filename = local.file.a.content }',
        'local.file "a" { filename = local.file.b.content }\nlocal.file "b" { filename = "b" }',
    ),
    "ALY0412": FaultExample(
        'local.file "a" { filename = local.file.a.content }', 'local.file "a" { filename = "a" }'
    ),
    "ALY0501": FaultExample(
        'local.file "a" {\n  filename       = "a"\n  poll_frequency = "0s"\n}',
        'local.file "a" {\n  filename       = "a"\n  poll_frequency = "30s"\n}',
    ),
    "ALY0505": _pipeline(r'expression = "^(?P<level>\\w+): (?!debug)"', r'expression = "^(?P<level>\\w+): "'),
    "ALY0508": FaultExample(
        'prometheus.exporter.blackbox "web" {\n  config = "modules: { web: { probe: http } }"\n}',
        'prometheus.exporter.blackbox "web" {\n  config = "modules: { web: { prober: http } }"\n}',
    ),
    "ALY0506": FaultExample(
        _FILTER.format('IsMatch(nam, "^GET /health")'), _FILTER.format('IsMatch(name, "^GET /health")')
    ),
    "ALY0507": FaultExample(
        _TEMPLATE.format("{{ .Value | toUpper }}"), _TEMPLATE.format("{{ .Value | upper }}")
    ),
    "ALY0307": FaultExample(
        f'{_IMPORTED}lib.sender "a" {{\n  url {{ }}\n}}',
        f'{_IMPORTED}lib.sender "a" {{\n  url = "http://localhost:4040"\n}}',
    ),
    "ALY0502": _receivers(("127.0.0.1", "9999"), ("127.0.0.1", "9998")),
    "ALY0503": FaultExample(
        'import.string "lib" {\n  content = "logging { }"\n}\nlogging { level = "debug" }',
        'import.string "lib" {\n  content = "declare \\"sender\\" { }"\n}\nlogging { level = "debug" }',
    ),
}
"""By code; faults of whole files, and those without a code of their own, have no example."""


def example_of(code: str) -> FaultExample | None:
    """The example of a code, if it has one; those of rules and upgrades come with them."""
    from alloypy.check.lint import all_rules
    from alloypy.check.versions.codes import UPGRADE_CODES

    if code in UPGRADE_CODES:
        return FaultExample(UPGRADE_CODES[code].wrong, UPGRADE_CODES[code].right)
    rule = all_rules().get(code)
    return EXAMPLES.get(code) if rule is None else FaultExample(rule.wrong, rule.right)
