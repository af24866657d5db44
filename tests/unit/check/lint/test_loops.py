"""Endpoints that send to a receiver of their own configuration."""

from __future__ import annotations

import pytest

from tests.support.linting import findings

LOOP = """\
prometheus.receive_http "a" {
  http {
    listen_address = "0.0.0.0"
    listen_port    = 9999
  }
  forward_to = [prometheus.relabel.b.receiver]
}
prometheus.relabel "b" {
  rule {
    action       = "replace"
    target_label = "site"
    replacement  = "here"
  }
  forward_to = [prometheus.remote_write.c.receiver]
}
prometheus.remote_write "c" {
  endpoint { url = "http://127.0.0.1:9999/api/v1/metrics/write" }
}
"""
LOGS = """\
loki.source.api "a" {
  http {
    listen_port = 3100
  }
  forward_to = [loki.process.b.receiver]
}
loki.process "b" {
  stage.static_labels {
    values = {site = "here"}
  }
  forward_to = [loki.write.c.receiver]
}
loki.write "c" {
  endpoint { url = "http://localhost:3100/loki/api/v1/push" }
}
"""


@pytest.mark.parametrize("text", [LOOP, LOGS], ids=["metrics", "logs"])
def test_a_loop_through_the_network_is_found(text: str) -> None:
    (found,) = findings("ALY0963", text)
    assert "endless loop" in found.message


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        (LOOP, "127.0.0.1:9999", "10.0.0.1:9999"),
        (LOOP, "127.0.0.1:9999", "127.0.0.1:9998"),
        (LOOP, "http://127", "https://127"),
        (LOOP, "metrics/write", "write"),
        (LOOP, '"0.0.0.0"', '"10.0.0.1"'),
        (LOOP, '"replace"', '"drop"'),
        (LOOP, 'action       = "replace"', 'action = sys.env("ACTION")'),
        (LOOP, 'write" }', 'write"\n    write_relabel_config { action = "drop" }\n  }'),
        (LOOP, "9999\n", '9999\n    tls {\n cert_file = "c"\n key_file = "k"\n }\n'),
        (LOGS, "static_labels {", 'drop {\n expression = "a"\n }\n  stage.static_labels {'),
        (LOGS, "[loki.process.b.receiver]", "[loki.echo.d.receiver]"),
        (LOGS, '"http://localhost:3100/loki/api/v1/push"', 'sys.env("URL")'),
    ],
)
def test_what_may_end_is_not_a_loop(text: str, before: str, after: str) -> None:
    if "echo" in after:
        text += 'loki.echo "d" { }\nloki.source.journal "e" { forward_to = [loki.process.b.receiver] }\n'
    assert before in text
    assert findings("ALY0963", text.replace(before, after, 1)) == []
