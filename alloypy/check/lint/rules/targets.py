"""Targets that nothing can be collected from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding, replacing
from alloypy.check.lint.view import Body, View, Written
from alloypy.lang.evaluation.literals import string_value
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Array, Call, Expression, Field, Literal, Object

_SCRAPES = frozenset({"prometheus.scrape", "pyroscope.scrape"})
_ADDRESS, _PATH = "__address__", "__path__"
_MISSPELT = {
    _ADDRESS: ("address", "_address_", "__addr__", "__target__", "url", "__url__", "target", "host"),
    _PATH: ("path", "_path_", "__filename__", "filename", "file"),
}


def _written_targets(view: View, name: str, *paths: str) -> Iterator[tuple[Body, Written[Object]]]:
    """The targets written as objects in an attribute, in one list or as arguments of array.concat."""
    for written in view.expressions(Object):
        body, around = written.body, written.around
        if body is None or body.path not in paths or not isinstance(around, Array):
            continue
        if written.attribute.name.name == name and _reaches(view, written.attribute.value, around):
            yield body, written


def _reaches(view: View, value: Expression, inner: Expression) -> bool:
    """Whether a list is an attribute's value, or one of those that array.concat puts together to it."""
    if value is inner:
        return True
    if isinstance(value, Call) and view.function(value) in {"array.concat", "concat"}:
        return any(_reaches(view, arg, inner) for arg in value.args)
    return False


def _field(node: Object, name: str) -> Field | None:
    """The field of that name; of several, the last one counts."""
    return next((field for field in reversed(node.fields) if _key(field) == name), None)


def _key(field: Field) -> str:
    return string_value(f'"{field.name}"') if field.quoted else field.name


def _addresses(view: View) -> Iterator[Diagnostic]:
    """Targets without an address, and addresses that are URLs."""
    for body, written in _written_targets(view, "targets", *_SCRAPES):
        field = _field(written.expression, _ADDRESS)
        if field is None:
            yield _without(written, _ADDRESS, f"{body.path} drops a target without {_ADDRESS}")
            continue
        text = _decided(view, field.value)
        if text == "":
            yield finding(_span(written, field.value), f"{body.path} drops a target with an empty address")
        elif text is not None and "/" in text:
            message = f"{_ADDRESS} is a host and a port, not a URL: {body.path} drops the target"
            yield finding(_span(written, field.value), message, *_as_address(field.value, text, body.path))


def _decided(view: View, node: Expression) -> str | None:
    try:
        value = view.decided(node)
    except Undecided:
        return None
    return value if isinstance(value, str) else None


def _span(written: Written[Object], node: Expression) -> Span:
    return Span(written.source, node.start, node.end)


def _without(written: Written[Object], name: str, message: str) -> Diagnostic:
    """The finding for a target without a label that it needs, with a field that may be meant."""
    for field in written.expression.fields:
        if _key(field) in _MISSPELT[name]:
            edit = Edit(field.start, field.start + len(field.name.encode()) + 2 * field.quoted, f'"{name}"')
            return finding(written.span, message, f"{_key(field)} should be {name}", (edit,))
    return finding(written.span, message, f"give the target {name}")


def _as_address(node: Expression, text: str, component: str) -> tuple[str, tuple[Edit, ...]]:
    """How to write a URL as an address."""
    scheme, _, rest = text.rpartition("://")
    address, slash, path = rest.partition("/")
    plain = re.fullmatch(r"[\w.-]+(:[0-9]+)?|\[[0-9a-fA-F:]+\](:[0-9]+)?", address) is not None
    if not plain or scheme not in {"", "http", "https"}:
        return "give only the host and the port", ()
    hint = f'write "{address}"'
    if scheme == "https":
        hint += ' and "__scheme__" = "https"'
    if path and component == "prometheus.scrape":
        hint += f' and "__metrics_path__" = "{slash}{path}"'
    fix = (replacing(node, f'"{address}"'),) if scheme != "https" and not path else ()
    return hint, fix if isinstance(node, Literal) else ()


def _log_files(view: View) -> Iterator[Diagnostic]:
    """Files to read without a path, and patterns that nothing expands."""
    for body, written in _written_targets(view, "targets", "loki.source.file"):
        field = _field(written.expression, _PATH)
        if field is None:
            yield _without(written, _PATH, f"a target without {_PATH} is not read")
            continue
        text = _decided(view, field.value)
        if text is not None and "*" in text and not _matches(body):
            message = f"loki.source.file takes {_PATH} as the name of one file, and finds none"
            hint = "put the pattern into local.file_match"
            if "file_match" in body.spec.lookup:
                hint += ", or add file_match { enabled = true }"
            yield finding(_span(written, field.value), message, hint)
    for _, written in _written_targets(view, "path_targets", "local.file_match"):
        if _field(written.expression, _PATH) is None:
            yield _without(written, _PATH, f"a target without {_PATH} matches no file")


def _matches(body: Body) -> bool:
    """Whether patterns are expanded, or may be."""
    return "file_match" in body.spec.lookup and body.given("file_match")


def _empty(view: View) -> Iterator[Diagnostic]:
    """Components that collect from nothing."""
    for body in view.bodies():
        name = "path_targets" if body.path == "local.file_match" else "targets"
        if body.path not in {*_SCRAPES, "loki.source.file", "local.file_match"}:
            continue
        written = body.written(name)
        if written is not None and isinstance(written.value, Array) and not written.value.elements:
            message = f"{name} is empty: {body.path} collects nothing"
            yield finding(Span(body.source, written.start, written.end), message)


_WRITE = """\
prometheus.remote_write "a" {
  endpoint { url = "http://mimir/api/v1/push" }
}
"""
_SCRAPE = """\
prometheus.scrape "b" {
  targets    = %s
  forward_to = [prometheus.remote_write.a.receiver]
}
"""
_LOKI = """\
loki.write "a" {
  endpoint { url = "http://loki:3100/loki/api/v1/push" }
}
"""

RULES = (
    Rule(
        "ALY0951",
        "target without a usable address",
        "A scrape takes the address from the label __address__: a host with a port, without scheme and path. "
        "__scheme__ and __metrics_path__ have those. prometheus.scrape drops any other target; "
        "pyroscope.scrape then drops all targets of the same group.",
        wrong=_WRITE + _SCRAPE % '[{"__address__" = "http://app:8080"}]',
        right=_WRITE + _SCRAPE % '[{"__address__" = "app:8080"}]',
        default=True,
        check=_addresses,
    ),
    Rule(
        "ALY0952",
        "log file that cannot be found",
        "loki.source.file reads the file that __path__ names. It expands a pattern such as *.log only with "
        "file_match enabled; otherwise local.file_match finds the files and its targets are read.",
        wrong=_LOKI + 'loki.source.file "b" {\n  targets    = [{"__path__" = "/var/log/*.log"}]\n'
        "  forward_to = [loki.write.a.receiver]\n}",
        right=_LOKI + 'local.file_match "c" {\n  path_targets = [{"__path__" = "/var/log/*.log"}]\n}\n'
        'loki.source.file "b" {\n  targets    = local.file_match.c.targets\n'
        "  forward_to = [loki.write.a.receiver]\n}",
        default=True,
        check=_log_files,
    ),
    Rule(
        "ALY0953",
        "nothing to collect from",
        "The list of targets is empty, so the component does nothing.",
        wrong=_WRITE + _SCRAPE % "[]",
        right=_WRITE + _SCRAPE % '[{"__address__" = "app:8080"}]',
        check=_empty,
    ),
)
