"""Targets, receivers, endpoints and secrets: what is certainly wrong, and what only looks like it."""

from __future__ import annotations

import pytest

from tests.support.linting import findings, fixed, places

TWICE, SAME_ENDPOINT, COLLECTED = "ALY0948", "ALY0949", "ALY0950"
ADDRESS, LOG_FILE, EMPTY = "ALY0951", "ALY0952", "ALY0953"
CREDENTIAL, LABEL, SHOWN, READABLE = "ALY0954", "ALY0955", "ALY0956", "ALY0957"
OTLP = "ALY0966"
UNENCRYPTED, CLOUD, NO_PATH, BOUNDS, NOT_REPLACED = "ALY0958", "ALY0959", "ALY0960", "ALY0961", "ALY0962"

LOKI = """\
loki.write "w" {
  endpoint { url = "https://loki/push" }
}
loki.write "v" {
  endpoint { url = "https://loki/push" }
}
loki.source.journal "j" { forward_to = [loki.write.w.receiver, loki.write.v.receiver] }
"""
MIMIR = """\
prometheus.remote_write "w" {
  endpoint { url = "https://mimir/push" }
}
"""
PYROSCOPE = """\
pyroscope.write "w" {
  endpoint { url = "http://p" }
}
pyroscope.receive_http "r" { forward_to = [pyroscope.write.w.receiver] }
"""
UP = """\
prometheus.scrape "up" {
  targets    = [{"__address__" = "up"}]
  forward_to = [prometheus.remote_write.w.receiver]
}
"""


def source(label: str, targets: str, more: str = "") -> str:
    """A component that reads log files."""
    receiver = "loki.write.w.receiver"
    return f'loki.source.file "{label}" {{\n  targets = {targets}\n  forward_to = [{receiver}]\n{more}}}\n'


def scrape(targets: str, kind: str = "prometheus.scrape", more: str = "", label: str = "s") -> str:
    """A scrape, with what it sends to."""
    if kind == "prometheus.scrape":
        write, receiver = MIMIR, "prometheus.remote_write.w.receiver"
    else:
        write, receiver = (
            'pyroscope.write "w" {\n  endpoint { url = "http://p" }\n}\n',
            "pyroscope.write.w.receiver",
        )
    return f'{write}{kind} "{label}" {{\n  targets = {targets}\n  forward_to = [{receiver}]\n{more}}}\n'


def endpoint(url: str, more: str = "") -> str:
    """A component that writes metrics to one endpoint."""
    return MIMIR.replace('{ url = "https://mimir/push" }', f"{{\n    url = {url}\n    {more}\n  }}") + UP


def exporter(endpoint: str, more: str = "") -> str:
    """A component that sends over OTLP, with what it gets."""
    output = "output { traces = [otelcol.exporter.otlphttp.e.input] }"
    text = f'otelcol.receiver.otlp "r" {{\n  http {{ }}\n  {output}\n}}\n'
    return f'{text}otelcol.exporter.otlphttp "e" {{\n  client {{ endpoint = {endpoint} }}\n{more}}}\n'


LOGIN = 'basic_auth {\n      username = "a"\n      password = sys.env("B")\n    }'
CLOUD_URL = '"https://logs-prod-1.grafana.net/loki/api/v1/push"'

WRONG = [
    (TWICE, LOKI + 'loki.source.journal "k" { forward_to = [loki.write.w.receiver, loki.write.w.receiver] }'),
    (
        TWICE,
        LOKI + 'declare "m" {\n  argument "to" { }\n'
        '  loki.source.journal "k" { forward_to = [argument.to.value, argument.to.value] }\n}\n'
        'm "n" { to = loki.write.w.receiver }',
    ),
    (
        SAME_ENDPOINT,
        endpoint('"https://a/b"', 'name = "c"\n  }\n  endpoint {\n    name = "d"\n url = "https://a/b"'),
    ),
    (COLLECTED, LOKI + source("a", '[{"__path__" = "b"}]') + source("c", '[ {"__path__" = "b"}, ]')),
    (
        COLLECTED,
        scrape('[{__address__ = sys.env("A")}]', more='  job_name = "j"\n')
        + scrape('[{__address__ = sys.env("A")}]', more='  job_name = "j"\n', label="t").replace(MIMIR, ""),
    ),
    (ADDRESS, scrape('[{"address" = "a:80"}]')),
    (ADDRESS, scrape('array.concat([{"__address__" = ""}], [])')),
    (ADDRESS, scrape('[{"__address__" = "https://a:80/metrics"}]')),
    (ADDRESS, scrape('[{"__address__" = "a:80/debug"}]', "pyroscope.scrape")),
    (LOG_FILE, LOKI + source("a", '[{"path" = "/var/log/a"}]')),
    (LOG_FILE, LOKI + source("a", '[{"__path__" = "/var/log/*.log"}]')),
    (
        LOG_FILE,
        LOKI
        + 'local.file_match "m" { path_targets = [{"filename" = "*.log"}] }\n'
        + source("a", "local.file_match.m.targets"),
    ),
    (EMPTY, scrape("[]")),
    (EMPTY, LOKI + source("a", "[]")),
    (CREDENTIAL, endpoint('"https://me:gX3vq8Zt@mimir/push"')),
    (CREDENTIAL, endpoint('"https://mimir/push"', 'headers = {"X-Api-Key" = "Token c2VsZG9tLXJpZ2h0"}')),
    (CREDENTIAL, endpoint('"https://mimir/push"', 'headers = {"Authorization" = "Basic c2VsZG9tOnJpZ2h0"}')),
    (CREDENTIAL, endpoint('"https://mimir/push"', f'headers = {{"X-Scope" = "ghp_{"a1B2" * 9}"}}')),
    (CREDENTIAL, endpoint('"https://mimir/push?key=" + "glsa_Qm7zRk2vNw9bXc4tLp8sDf3hJg6y_1a2b3c4d"')),
    (LABEL, MIMIR.replace("endpoint", 'external_labels = {a = sys.env("DB_PASSWORD")}\n  endpoint') + UP),
    (LABEL, endpoint('"https://mimir/push?token=" + sys.env("TOKEN")')),
    (
        LABEL,
        'local.file "api_token" {\n  filename = "a"\n  is_secret = true\n}\n'
        + endpoint('"https://mimir/push?t=" + convert.nonsensitive(local.file.api_token.content)'),
    ),
    (LABEL, endpoint('string.format("https://%s:%s@mimir", sys.env("USER"), sys.env("MIMIR_PASSWORD"))')),
    (LABEL, scrape('[{"__address__" = "a", "auth" = string.format("t-%s", env("apiToken"))}]')),
    (
        LABEL,
        'remote.kubernetes.secret "k" {\n  namespace = "a"\n  name = "b"\n}\n'
        + MIMIR.replace(
            "endpoint",
            'external_labels = {a = nonsensitive(remote.kubernetes.secret.k.data["token"])}\nendpoint',
        )
        + UP,
    ),
    (
        LABEL,
        MIMIR + 'prometheus.relabel "r" {\n  forward_to = [prometheus.remote_write.w.receiver]\n  rule {\n'
        '    target_label = "a"\n    replacement = sys.env("TOKEN")\n  }\n}\n'
        + UP.replace("remote_write.w", "relabel.r"),
    ),
    (
        SHOWN,
        'local.file "f" { filename = "f" }\n'
        + endpoint('"https://a/b"', "bearer_token = local.file.f.content"),
    ),
    (
        SHOWN,
        'local.file "f" { filename = "f" }\n'
        + endpoint('"https://a/b"', 'bearer_token = json_path(local.file.f.content, "$.token")[0]'),
    ),
    (
        READABLE,
        'local.file "f" {\n  filename = "f"\n  is_secret = true\n}\n'
        + endpoint('"https://a/b"', "bearer_token = convert.nonsensitive(local.file.f.content)"),
    ),
    (UNENCRYPTED, endpoint('"http://mimir.example.com/push"', LOGIN)),
    (UNENCRYPTED, endpoint('"http://me:" + "secret" + "@10.0.0.1:80/push"')),
    (CLOUD, LOKI.replace('"https://loki/push"', CLOUD_URL, 1)),
    (NO_PATH, endpoint('"http://mimir:9009"')),
    (NO_PATH, LOKI.replace("loki/push", "loki/", 1)),
    (NO_PATH, endpoint('"http://mimir/loki/api/v1/push"')),
    (NO_PATH, LOKI.replace("loki/push", "loki/api/v1/write", 1)),
    (NO_PATH, PYROSCOPE.replace("http://p", "http://p/api/v1/push")),
    (OTLP, exporter('"http://tempo:4318/v1/traces/"')),
    (OTLP, exporter('"http://mimir/otlp/v1/metrics"')),
    (OTLP, exporter('"tempo:4318"')),
    (BOUNDS, endpoint('"https://a/b"', 'queue_config { min_backoff = "10s" }')),
    (BOUNDS, endpoint('"https://a/b"', "queue_config {\n max_shards = 2\n min_shards = 3\n }")),
    (NOT_REPLACED, endpoint('"https://${HOST}/b"')),
    (NOT_REPLACED, endpoint('"https://a/b"', 'bearer_token = "$TOKEN"')),
    (NOT_REPLACED, MIMIR.replace("endpoint", 'external_labels = {host = "${HOST}"}\n  endpoint') + UP),
]

RIGHT = [
    (TWICE, LOKI),
    (TWICE, LOKI.replace("write.v.receiver", "write.v.receiver, ")),
    (
        SAME_ENDPOINT,
        endpoint('"https://a/b"', '}\n  endpoint {\n    url = "https://a/b"\n    headers = {a = "b"}'),
    ),
    (
        SAME_ENDPOINT,
        endpoint(
            '"https://a/b"',
            'write_relabel_config {\n action = "drop"\n source_labels = ["a"]\n regex = "b"\n }\n'
            '  }\n  endpoint {\n    url = "https://a/b"',
        ),
    ),
    (COLLECTED, LOKI + source("a", '[{"__path__" = "b"}]') + source("c", '[{"__path__" = "d"}]')),
    (
        COLLECTED,
        scrape('[{__address__ = "a"}]') + scrape('[{__address__ = "a"}]', label="t").replace(MIMIR, ""),
    ),
    (ADDRESS, scrape('[{"__address__" = "a:80"}, {__address__ = sys.env("ADDRESS")}]')),
    (
        ADDRESS,
        scrape("discovery.relabel.r.output") + 'discovery.relabel "r" { targets = [{"host" = "a/b"}] }',
    ),
    (ADDRESS, scrape('[{"__address__" = "[::1]:80"}]', "pyroscope.scrape")),
    (LOG_FILE, LOKI + source("a", '[{"__path__" = "/var/log/syslog"}]')),
    (LOG_FILE, LOKI + source("a", '[{"__path__" = "/var/log/*.log"}]', "  file_match { enabled = true }\n")),
    (EMPTY, scrape('coalesce([], [{"__address__" = "a"}])')),
    (EMPTY, 'discovery.relabel "r" { targets = [] }\n' + scrape("discovery.relabel.r.output")),
    (CREDENTIAL, endpoint('"https://me:" + sys.env("PASSWORD") + "@mimir/push"')),
    (CREDENTIAL, endpoint('"https://USERNAME:PASSWORD@mimir/push"')),
    (CREDENTIAL, endpoint('"https://mimir/push"', 'headers = {"Authorization" = "Bearer <TOKEN>"}')),
    (CREDENTIAL, endpoint('"https://mimir/push"', 'headers = {"X-Scope-OrgID" = "Token c2VsZG9tLXJpZ2h0"}')),
    (CREDENTIAL, endpoint('"https://mimir/a:b@c/push"')),
    (
        CREDENTIAL,
        endpoint('"https://mimir/push"', 'headers = {"Authorization" = "Basic VVNFUk5BTUU6UEFTU1dPUkQ="}'),
    ),
    (CREDENTIAL, endpoint('"https://mimir/push"', 'headers = {"Authorization" = "Basic of-the-server"}')),
    (CREDENTIAL, endpoint('"https://mimir/push"', 'headers = {"a" = "AKIAIOSFODNN7EXAMPLE"}')),
    (LABEL, MIMIR.replace("endpoint", 'external_labels = {a = sys.env("TOKEN_NAME")}\n  endpoint') + UP),
    (
        LABEL,
        MIMIR.replace(
            "endpoint", 'external_labels = {a = string.format("%t", sys.env("TOKEN") == "")}\n  endpoint'
        )
        + UP,
    ),
    (LABEL, endpoint('"https://mimir/push" + sys.env("TOKEN_PATH")')),
    (
        LABEL,
        'remote.kubernetes.secret "token" {\n  namespace = "a"\n  name = "b"\n}\n'
        + endpoint('"https://" + convert.nonsensitive(remote.kubernetes.secret.token.data["host"])'),
    ),
    (LABEL, endpoint('"https://mimir/push"', 'bearer_token = sys.env("TOKEN")')),
    (LABEL, scrape('[{"__address__" = "a", "__param_token" = sys.env("TOKEN")}]')),
    (
        SHOWN,
        'local.file "f" {\n  filename = "f"\n  is_secret = true\n}\n'
        + endpoint('"https://a/b"', "bearer_token = local.file.f.content"),
    ),
    (SHOWN, 'local.file "f" { filename = "f" }\n' + endpoint("local.file.f.content")),
    (
        READABLE,
        'local.file "f" { filename = "f" }\n' + endpoint("convert.nonsensitive(local.file.f.content)"),
    ),
    (UNENCRYPTED, endpoint('"http://127.0.0.1:80/push"', LOGIN)),
    (UNENCRYPTED, endpoint('"https://mimir/push"', LOGIN)),
    (UNENCRYPTED, endpoint('"http://mimir/push"')),
    (UNENCRYPTED, endpoint('sys.env("URL")', LOGIN)),
    (CLOUD, endpoint(CLOUD_URL, LOGIN)),
    (CLOUD, endpoint(CLOUD_URL, 'headers = {"Authorization" = sys.env("A")}')),
    (CLOUD, endpoint('"https://grafana.net.example.com/push"')),
    (
        NO_PATH,
        PYROSCOPE,
    ),
    (NO_PATH, endpoint('"http://mimir/push?a=b"')),
    (OTLP, exporter('"http://tempo:4318"')),
    (OTLP, exporter('"https://mimir/otlp/"')),
    (OTLP, exporter('sys.env("OTLP")')),
    (OTLP, exporter('"ignore"', '  traces_endpoint = "http://tempo:4318/v1/traces"\n')),
    (BOUNDS, endpoint('"https://a/b"', "queue_config { max_shards = 1 }")),
    (NOT_REPLACED, endpoint('"https://a/b"', 'bearer_token = "pa$$w0rd"')),
    (NOT_REPLACED, endpoint('string.replace("https://${HOST}/b", "${HOST}", sys.env("HOST"))')),
    (
        NOT_REPLACED,
        MIMIR + 'prometheus.relabel "r" {\n  forward_to = [prometheus.remote_write.w.receiver]\n  rule {\n'
        '    target_label = "a"\n    regex = "(?P<name>.*)"\n    replacement = "${name}"\n  }\n}\n'
        + UP.replace("remote_write.w", "relabel.r"),
    ),
]


@pytest.mark.parametrize(("code", "text"), WRONG)
def test_what_is_certainly_wrong_is_found_once(code: str, text: str) -> None:
    assert len(findings(code, text)) == 1


@pytest.mark.parametrize(("code", "text"), RIGHT)
def test_what_may_be_right_is_not_found(code: str, text: str) -> None:
    assert findings(code, text) == []


@pytest.mark.parametrize(
    ("code", "text", "before", "after"),
    [
        (TWICE, WRONG[0][1], "[loki.write.w.receiver, loki.write.w.receiver]", "[loki.write.w.receiver]"),
        (ADDRESS, scrape('[{"address" = "a:80"}]'), '"address"', '"__address__"'),
        (ADDRESS, scrape('[{host = "a:80"}]'), "host", '"__address__"'),
        (ADDRESS, scrape('[{"__address__" = "http://a:80/"}]'), '"http://a:80/"', '"a:80"'),
        (OTLP, exporter('"http://tempo:4318/v1/traces"'), "/v1/traces", ""),
        (LOG_FILE, LOKI + source("a", '[{"path" = "/a"}]'), '"path"', '"__path__"'),
        (
            READABLE,
            dict(WRONG)[READABLE],
            "convert.nonsensitive(local.file.f.content)",
            "local.file.f.content",
        ),
    ],
)
def test_fixes_keep_everything_else(code: str, text: str, before: str, after: str) -> None:
    assert fixed(code, text) == text.replace(before, after)


def test_a_secret_file_with_another_use_is_not_marked_by_a_fix() -> None:
    secret = 'local.file "f" { filename = "f" }\n' + endpoint(
        '"https://a/b"', "bearer_token = local.file.f.content"
    )
    (found,) = findings(SHOWN, secret)
    assert found.fix
    (found,) = findings(SHOWN, secret.replace('"https://a/b"', '"https://a/" + local.file.f.content'))
    assert not found.fix


def test_messages_do_not_show_the_secrets_that_they_are_about() -> None:
    for code, text in WRONG:
        for found in findings(code, text) if code in {CREDENTIAL, UNENCRYPTED} else ():
            assert not {"gX3vq8Zt", "c2VsZG9tLXJpZ2h0", "secret"} & set(found.message.split())


def test_findings_in_modules_and_templates_have_their_own_places() -> None:
    text = LOKI + 'foreach "f" {\n  collection = ["a"]\n  var = "x"\n  template {\n'
    text += source("b", '[{"__path__" = "/logs/*/" + x}]') + "}\n}\n"
    assert places(LOG_FILE, text) == []
    assert places(LOG_FILE, text.replace(" + x", "")) == [text[: text.index("targets")].count("\n") + 1]


def test_the_remedy_for_a_pattern_is_one_that_the_version_has() -> None:
    text = LOKI + source("a", '[{"__path__" = "/var/log/*.log"}]')
    assert "file_match {" in findings(LOG_FILE, text)[0].hint
    assert findings(LOG_FILE, text, "1.0")[0].hint == "put the pattern into local.file_match"
