"""The codes of findings about upgrades, each explained with an example."""

from __future__ import annotations

from typing import NamedTuple

REMOVED = "ALY0801"
RENAMED = "ALY0802"
REQUIRED = "ALY0803"
TYPE = "ALY0804"
DEFAULT = "ALY0805"
BEHAVIOUR = "ALY0806"
DEPRECATED = "ALY0807"
STABILITY = "ALY0808"
FLAG = "ALY0809"
ABSENT = "ALY0810"
REFUSED_VALUE = "ALY0811"

WARNINGS = frozenset({DEFAULT, BEHAVIOUR, DEPRECATED})
"""Codes of findings with which the new version still loads the configuration."""


SOMETIMES_WARNINGS = frozenset({TYPE, STABILITY, REFUSED_VALUE})
"""Codes of findings with which the new version loads some configurations."""


class UpgradeCode(NamedTuple):
    """A code.

    title, explanation: for people. wrong: a configuration with the finding; for a flag a command line.
    right: the same without it. start, end: an upgrade that has the finding.
    """

    title: str
    explanation: str
    wrong: str
    right: str
    start: str
    end: str


_SCRAPE = """\
prometheus.scrape "node" {{
  targets    = [{{"__address__" = "localhost:9100"}}]
  forward_to = [prometheus.remote_write.backend.receiver]{}
}}

prometheus.remote_write "backend" {{
  endpoint {{
    url = "http://localhost:9009/api/v1/push"{}
  }}
}}
"""


def _exporter(text: str) -> str:
    return f"""\
otelcol.exporter.otlp "backend" {{
  client {{
    endpoint = "localhost:4317"
  }}
{text}}}
"""


def _queue(name: str) -> str:
    return _exporter(f"\n  sending_queue {{\n    {name} = true\n  }}\n")


UPGRADE_CODES: dict[str, UpgradeCode] = {
    REMOVED: UpgradeCode(
        "removed by an upgrade",
        "The new version does not have the component, block or argument any more, so it refuses the "
        "configuration. The finding says what takes its place, if anything does. The example is an upgrade "
        "from 1.6 to 1.7.",
        'prometheus.exporter.mongodb "db" {\n  mongodb_uri                = "mongodb://localhost:27017"\n'
        '  tls_basic_auth_config_path = "/etc/web.yaml"\n}\n',
        'prometheus.exporter.mongodb "db" {\n  mongodb_uri = "mongodb://localhost:27017"\n}\n',
        "1.6",
        "1.7",
    ),
    RENAMED: UpgradeCode(
        "renamed by an upgrade",
        "The new version has the setting under another name, in another block or in another form. "
        "`alloypy upgrade --fix` changes the file. The example is an upgrade from 1.10 to 1.11.",
        _queue("blocking"),
        _queue("block_on_overflow"),
        "1.10",
        "1.11",
    ),
    REQUIRED: UpgradeCode(
        "required after an upgrade",
        "The new version requires a setting that had a default before. The example is an upgrade from 1.11 "
        "to 1.12.",
        'database_observability.mysql "db" {\n  data_source_name = "root@tcp(localhost:3306)/"\n'
        "  forward_to       = []\n}\n",
        'database_observability.mysql "db" {\n  data_source_name = "root@tcp(localhost:3306)/"\n'
        "  forward_to       = []\n  targets          = []\n}\n",
        "1.11",
        "1.12",
    ),
    TYPE: UpgradeCode(
        "another type after an upgrade",
        "The new version expects a value of another type. If the value in the file does not fit, the new "
        "version refuses it; otherwise this is a warning. The example is an upgrade from 1.8 to 1.9.",
        'prometheus.exporter.oracledb "db" {\n  connection_string = "oracle://localhost:1521/x"\n'
        "  custom_metrics    = `[[metric]]`\n}\n",
        'prometheus.exporter.oracledb "db" {\n  connection_string = "oracle://localhost:1521/x"\n}\n',
        "1.8",
        "1.9",
    ),
    DEFAULT: UpgradeCode(
        "another default after an upgrade",
        "The configuration does not set the value, and the default of the new version is another one. Set "
        "the old value to keep it. `alloypy upgrade --strict` fails on changed defaults. The example is an "
        "upgrade from 1.10 to 1.11.",
        _SCRAPE.format("", ""),
        _SCRAPE.format(
            '\n\n  scrape_native_histograms = true\n  scrape_protocols         = ["PrometheusProto"]',
            "\n    enable_http2 = true",
        ),
        "1.10",
        "1.11",
    ),
    BEHAVIOUR: UpgradeCode(
        "other behaviour after an upgrade",
        "The new version accepts what is written, but does something else with it. The example is an "
        "upgrade from 1.11 to 1.12.",
        'prometheus.exporter.process "p" {\n  remove_empty_groups = true\n}\n',
        'prometheus.exporter.process "p" { }\n',
        "1.11",
        "1.12",
    ),
    DEPRECATED: UpgradeCode(
        "deprecated by an upgrade",
        "The new version still accepts it, a later one may not. Some deprecated settings have no effect any "
        "more; `alloypy upgrade --fix` removes those, and writes the new names of functions. The example is "
        "an upgrade from 1.3 to 1.4.",
        'remote.http "page" {\n  url = env("PAGE")\n}\n',
        'remote.http "page" {\n  url = sys.env("PAGE")\n}\n',
        "1.3",
        "1.4",
    ),
    STABILITY: UpgradeCode(
        "stability level",
        "The component has a level in the new version that --stability.level does not permit, or is a "
        "community component. A level that changes and is permitted is only noted, as a warning. The example "
        "is an upgrade from 1.6 to 1.7.",
        'prometheus.write.queue "q" {\n  endpoint "a" {\n    url = "http://localhost:9009"\n  }\n}\n',
        'prometheus.remote_write "q" {\n  endpoint {\n    url = "http://localhost:9009"\n  }\n}\n',
        "1.6",
        "1.7",
    ),
    FLAG: UpgradeCode(
        "a flag of the command line",
        "A flag of `alloy run`, given with --run-flags, is unknown to the new version, has another type or "
        "no effect there, or `alloy run` refuses its value. The example is an upgrade from 1.10 to 1.11.",
        "--feature.prometheus.metric-validation-scheme=utf8",
        "--stability.level=generally-available",
        "1.10",
        "1.11",
    ),
    ABSENT: UpgradeCode(
        "not there yet",
        "The version has no such component, block, argument or function yet: this happens on the way back "
        "to an older version. The example is the way from 1.8 to 1.7.",
        'discovery.http "x" {\n  url          = "http://localhost/targets"\n  http_headers = { }\n}\n',
        'discovery.http "x" {\n  url = "http://localhost/targets"\n}\n',
        "1.8",
        "1.7",
    ),
    REFUSED_VALUE: UpgradeCode(
        "a value that is refused after an upgrade",
        "The new version checks the value, and refuses this one or the combination it is part of. The "
        "example is an upgrade from 1.4 to 1.5.",
        'import.git "modules" {\n  repository = "https://example.com/modules.git"\n  revision   = "HEAD"\n'
        '  path       = "math.alloy"\n}\n',
        'import.git "modules" {\n  repository = "https://example.com/modules.git"\n  revision   = "v1"\n'
        '  path       = "math.alloy"\n}\n',
        "1.4",
        "1.5",
    ),
}
"""All codes of `alloypy upgrade`."""
