"""Addresses of servers that data goes to, and the credentials for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import Body, View, Written
from alloypy.lang import types as wanted
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.numbers import number_text
from alloypy.lang.secrecy import names_secret, names_url
from alloypy.rules.view import Undecided
from alloypy.schema.spec import AttributeSpec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Attribute, Call, Literal

_URL = re.compile(r"(https?)://(?:([^/?#]*)@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::\d*)?([^?#]*)")
_LOOPBACK = re.compile(r"localhost|127\.\d+\.\d+\.\d+|\[::1\]|")
LOGINS = ("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file")
"""Settings of a client that hold credentials."""
WRITES = {
    "loki.write/endpoint": "/loki/api/v1/push",
    "prometheus.remote_write/endpoint": "/api/v1/write for Prometheus, /api/v1/push for Mimir",
    "pyroscope.write/endpoint": "",
}
"""Bodies with the URL of a server to write to, and the path that belongs to it."""

_LOKI, _METRICS = "/loki/api/v1/push", ("/api/v1/write", "/api/v1/metrics/write")
_OTHERS: dict[str, tuple[str, ...]] = {
    "loki.write/endpoint": _METRICS,
    "prometheus.remote_write/endpoint": (_LOKI, "/otlp"),
    "pyroscope.write/endpoint": (_LOKI, *_METRICS, "/api/v1/push", "/api/prom/push"),
}
"""The paths of APIs that take other data."""


def written_urls(view: View) -> Iterator[tuple[Body, Attribute, re.Match[str]]]:
    """The URLs that the files determine, in bodies with a client for HTTP."""
    for body in view.bodies():
        written = body.written("url") if "url" in body.spec.lookup else None
        if written is not None:
            try:
                url = _URL.match(body.text("url"))
            except Undecided:
                continue
            if url is not None:
                yield body, written, url


def given_settings(body: Body, *names: str) -> Iterator[str]:
    """The settings that are given, in the body or in an inner block for its client."""
    for each in (body, *(body.blocks("client") if "client" in body.spec.lookup else ())):
        yield from (name for name in names if name in each.spec.lookup and each.given(name))


def _unencrypted(view: View) -> Iterator[Diagnostic]:
    """Credentials sent over plain HTTP to another machine."""
    for body, written, url in written_urls(view):
        scheme, userinfo, host, _ = url.groups()
        login = next(given_settings(body, *LOGINS), "the password of the URL" if userinfo else "")
        if scheme == "http" and login and not _LOOPBACK.fullmatch(host):
            message = f"{login} is sent to {host} over http://, which does not encrypt it"
            yield finding(_span(body, written), message, "use https://")


def _span(body: Body, attribute: Attribute) -> Span:
    return Span(body.source, attribute.start, attribute.end)


def _without_path(view: View) -> Iterator[Diagnostic]:
    """URLs of servers to write to that lack the path of the API, or have that of another one."""
    for body, written, url in written_urls(view):
        component, path = body.path.partition("/")[0], url[4].rstrip("/")
        if body.path in WRITES and path.endswith(_OTHERS[body.path]):
            message = f"{path} is the path of another API than the one that {component} writes to"
        elif not path and WRITES.get(body.path):
            message = f"the URL has no path, and {component} appends none"
        else:
            continue
        path = WRITES[body.path]
        yield finding(_span(body, written), message, f"end it with {path}" if path else "give no path")


def _bounds(view: View) -> Iterator[Diagnostic]:
    """Lower bounds above their upper bounds."""
    for body in view.bodies():
        for attribute, type_ in body.attributes():
            name = attribute.name.name
            words = name.split("_")
            if not isinstance(type_, wanted.IntType | wanted.FloatType | wanted.DurationType):
                continue
            if "min" in words:
                yield from _crossed(body, attribute, name, name.replace("min", "max"))
            elif "max" in words and body.written(name.replace("max", "min")) is None:
                yield from _crossed(body, attribute, name.replace("max", "min"), name)


def _crossed(body: Body, attribute: Attribute, low: str, high: str) -> Iterator[Diagnostic]:
    if not all(isinstance(body.spec.lookup.get(name), AttributeSpec) for name in (low, high)):
        return
    try:
        least, most = body.get(low), body.get(high)
    except Undecided:
        return
    if least > most > 0:
        texts = [number_text(each) if isinstance(each, int | float) else str(each) for each in (least, most)]
        message = f"{low} ({texts[0]}) is greater than {high} ({texts[1]})"
        yield finding(_span(body, attribute), message)


_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)\}|\A\$([A-Za-z_]\w*)\Z")
_PLAIN_NAMES = frozenset({"username", "user", "tenant_id", "client_id", "server_name", "bucket", "region"})


def _not_expanded(view: View) -> Iterator[Diagnostic]:
    """Variables of a shell in texts that Alloy takes as they are."""
    for written in view.expressions(Literal):
        node, name = written.expression, written.attribute.name.name
        if node.kind != "STRING" or "$" not in node.text or _is_handled(written, view):
            continue
        if name in _PLAIN_NAMES or name.endswith("labels") or names_secret(name) or names_url(name):
            variable = _VARIABLE.search(string_value(node.text))
            if variable is not None:
                message = f"Alloy does not replace {variable[0]}: it stays in the text"
                hint = f'write sys.env("{variable[1] or variable[2]}"), joined to the rest with +'
                yield finding(written.span, message, hint)


def _is_handled(written: Written[Literal], view: View) -> bool:
    """Whether a text is given to a function that may put something in its place."""
    call = written.around
    return isinstance(call, Call) and view.function(call) not in {"coalesce", "string.format", "format"}


REMOTE_WRITE = """\
prometheus.remote_write "a" {
  endpoint {
    url = "%s"%s
  }
}
prometheus.scrape "b" {
  targets    = [{"__address__" = "app:8080"}]
  forward_to = [prometheus.remote_write.a.receiver]
}
"""
LOGIN = """
    basic_auth {
      username = "12"
      password = sys.env("TOKEN")
    }"""
_MIMIR = "http://mimir:9009/api/v1/push"

RULES = (
    Rule(
        "ALY0958",
        "credentials sent without encryption",
        "Over http:// a password or token can be read on the way, by anybody in the same network, unless the "
        "network itself encrypts, as a service mesh does.",
        wrong=REMOTE_WRITE % (_MIMIR, LOGIN),
        right=REMOTE_WRITE % (_MIMIR.replace("http", "https"), LOGIN),
        check=_unencrypted,
    ),
    Rule(
        "ALY0960",
        "URL without the path of its API",
        "loki.write and prometheus.remote_write send to the URL as it is, so that it must have the path of "
        "the API. The servers refuse requests to / and to the path of another API, unless a proxy before "
        "them changes it.",
        wrong=REMOTE_WRITE % ("http://mimir:9009", ""),
        right=REMOTE_WRITE % (_MIMIR, ""),
        check=_without_path,
    ),
    Rule(
        "ALY0961",
        "lower bound above the upper one",
        "A setting beginning with min_ is greater than the one with max_, so one of them has no effect.",
        wrong=REMOTE_WRITE % (_MIMIR, "\n    queue_config { min_shards = 80 }"),
        right=REMOTE_WRITE % (_MIMIR, "\n    queue_config { min_shards = 8 }"),
        check=_bounds,
    ),
    Rule(
        "ALY0962",
        "variable that is not replaced",
        "Alloy replaces no ${NAME} in texts; sys.env reads variables. Ignore this if another program, such "
        "as envsubst, fills in the file before Alloy reads it.",
        wrong=REMOTE_WRITE % ("http://mimir/${TENANT}/push", ""),
        right=(REMOTE_WRITE % ("http://mimir/@/push", "")).replace("@", '" + sys.env("TENANT") + "'),
        check=_not_expanded,
    ),
)
