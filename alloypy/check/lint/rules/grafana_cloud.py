"""What Grafana Cloud refuses."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.rules.endpoints import (
    LOGIN,
    LOGINS,
    REMOTE_WRITE,
    WRITES,
    given_settings,
    written_urls,
)
from alloypy.check.lint.view import View
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span

_PROOFS = (
    *LOGINS,
    *("headers", "http_headers", "sigv4", "azuread", "google_iam", "tls_config"),
    *("proxy_url", "proxy_from_environment", "auth"),
)
"""Settings of a client that may make a server accept it."""


def _anonymous(view: View) -> Iterator[Diagnostic]:
    """Data sent to Grafana Cloud without credentials."""
    for body, written, url in written_urls(view):
        _, userinfo, host, _ = url.groups()
        if body.path not in WRITES or not host.endswith(".grafana.net") or userinfo:
            continue
        if next(given_settings(body, *_PROOFS), None) is None:
            message = f"{host} refuses requests without credentials"
            hint = "add basic_auth with the instance ID as username and a token as password"
            yield finding(Span(body.source, written.start, written.end), message, hint)


_CLOUD = "https://prometheus-prod-01-eu-west-0.grafana.net/api/prom/push"

RULES = (
    Rule(
        "ALY0959",
        "no credentials for Grafana Cloud",
        "Grafana Cloud refuses all data without credentials: with 401, and without trying again.",
        wrong=REMOTE_WRITE % (_CLOUD, ""),
        right=REMOTE_WRITE % (_CLOUD, LOGIN),
        default=True,
        check=_anonymous,
    ),
)
