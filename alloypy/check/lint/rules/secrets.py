"""Secrets where people can read them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding, text_of
from alloypy.check.lint.view import Body, View, Written
from alloypy.check.scope import CheckedNode
from alloypy.check.warnings import ELSEWHERE
from alloypy.graph.nodes import Kind, block_id
from alloypy.graph.references import chain_text, expression_chains, inner_expressions
from alloypy.lang import types as wanted
from alloypy.lang.evaluation.literals import string_value
from alloypy.lang.secrecy import keeps_secret, names_url
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import (
    Access,
    Array,
    Binary,
    Call,
    Expression,
    Field,
    Identifier,
    Index,
    Literal,
    Object,
)

_READABLE = ("convert.nonsensitive", "nonsensitive")
_FROM_ENVIRONMENT = ("sys.env", "env")
_TOKEN = re.compile(
    r"(?<![\w+/=-])(?:gl(?:c|sa)_[\w+/=-]{20,}|gh[pousr]_\w{30,}|github_pat_\w{22,}|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{20,}|AKIA[0-9A-Z]{16}(?![0-9A-Z])|AIza[\w-]{35}|hvs\.[\w-]{20,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/]{40}")
_PASSWORD_IN_URL = re.compile(r"\A[a-z][a-z0-9+.-]*://[^\s/:@?#]+:([^\s/@?#]+)@[\w\[]")
_HEADER = re.compile(r"(?i)\A(bearer|basic|token)\s+([\w+/=.~-]{12,})\Z")
_PLACEHOLDER = re.compile(
    r"(?i)[<>{}$%*]|\.\.\.|xxx|your|change|replace|example|dummy|sample|fake|test|placeholder|redacted|insert|"
    r"pass|secret|token|api_?key|user|(.)\1{4}"
)
"""What texts have that are no secrets, but show where one goes."""


def _in_plain_text(view: View) -> Iterator[Diagnostic]:
    """Credentials in texts that are not settings for secrets."""
    for written in view.expressions(Literal):
        node = written.expression
        if node.kind == "STRING" and not _is_secret_setting(written):
            what = _credential(string_value(node.text))
            if what:
                yield finding(written.span, f"{what} in plain text", ELSEWHERE)
    for objects in view.expressions(Object):
        name = objects.attribute.name.name
        if name.endswith("headers") and objects.around is None:
            for field in objects.expression.fields:
                if keeps_secret("headers", field.name):
                    yield from _header(field, objects.source)


def _is_secret_setting(written: Written[Literal]) -> bool:
    """Whether it is the value of a setting for secrets, about which the check of values warns."""
    type_ = written.body.type_of(written.attribute) if written.body is not None else None
    return written.around is None and isinstance(type_, wanted.SecretType)


def _credential(text: str) -> str:
    """What sort of credential a text contains; "" for none."""
    token = _TOKEN.search(text)
    if token is not None and not _PLACEHOLDER.search(token[0]):
        return "a token"
    if _PRIVATE_KEY.search(text):
        return "a private key"
    url = _PASSWORD_IN_URL.match(text)
    if url is not None and not _PLACEHOLDER.search(url[1]):
        return "the password of a URL"
    return ""


def _header(field: Field, source: Source) -> Iterator[Diagnostic]:
    values = field.value.elements if isinstance(field.value, Array) else [field.value]
    for value in values:
        if isinstance(value, Literal) and value.kind == "STRING":
            text = string_value(value.text)
            header = _HEADER.match(text)
            # A token of a known form has been found already.
            if header is not None and _is_real(*header.groups()) and not _credential(text):
                span = Span(source, value.start, value.end)
                yield finding(span, f"the header {field.name} has a credential in plain text", ELSEWHERE)


def _is_real(scheme: str, text: str) -> bool:
    """Whether the credential of a header is certainly no placeholder."""
    if scheme.lower() != "basic":
        return not _PLACEHOLDER.search(text)
    import base64  # few configurations have such a header

    try:
        login = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return False
    return ":" in login and not _PLACEHOLDER.search(login)


_SECRET_NAME = re.compile(
    r"(?i:(?:\A|[_.-])(?:password|passwd|passphrase|secret|token|api_?key|secret_?key|private_?key|"
    r"secret_access_key))\Z|(?<=[a-z])(?:Password|Secret|Token|ApiKey|APIKey|SecretKey|PrivateKey)\Z"
)
_PASSES_ON = frozenset({
    *_READABLE,
    "coalesce",
    "format",
    "join",
    "string.format",
    "string.join",
    "string.trim_space",
    "trim_space",
})  # fmt: skip
_LABELS = frozenset({"external_labels", "labels"})


def _in_labels(view: View) -> Iterator[Diagnostic]:
    """Secrets that become part of a label or an address, which others see."""
    for objects in view.expressions(Object):
        if not _makes_labels(objects):
            continue
        for field in objects.expression.fields:
            secret = "" if field.name.startswith("__") else _secret_in(field.value, view)
            if secret:
                span = Span(objects.source, field.value.start, field.value.end)
                yield finding(span, f"{secret} becomes the label {field.name}", _NO_LABEL)
    for body in view.bodies():
        yield from _in_urls(body, view)
        replacement = body.written("replacement") if body.path.endswith("/rule") else None
        if replacement is not None and _is_visible(body):
            secret = _secret_in(replacement.value, view)
            if secret:
                span = Span(body.source, replacement.value.start, replacement.value.end)
                yield finding(span, f"{secret} becomes a label", _NO_LABEL)


def _in_urls(body: Body, view: View) -> Iterator[Diagnostic]:
    for attribute, type_ in body.attributes():
        if isinstance(type_, wanted.StringType | wanted.TextType) and names_url(attribute.name.name):
            secret = _secret_in(attribute.value, view)
            if secret:
                span = Span(body.source, attribute.value.start, attribute.value.end)
                message = f"{secret} becomes part of {attribute.name.name}, which the user interface shows"
                yield finding(span, message, "send it in a header, or with basic_auth")


_NO_LABEL = "leave it out: everybody who can read the data can read its labels"


def _makes_labels(objects: Written[Object]) -> bool:
    """Whether the fields of an object become labels of what is sent."""
    name, path = objects.attribute.name.name, objects.body.path if objects.body is not None else ""
    if objects.around is None:
        return name in _LABELS or (name == "values" and path.endswith("/stage.static_labels"))
    return name in {"targets", "path_targets"} and isinstance(objects.around, Array)


def _is_visible(rule: Body) -> bool:
    """Whether the label that a relabel rule sets is certainly not an internal one."""
    try:
        return bool(rule.text("target_label")) and not rule.text("target_label").startswith("__")
    except Undecided:
        return False


def _secret_in(node: Expression, view: View) -> str:
    """The secret that becomes part of a text, in words; "" for none that is certain."""
    if isinstance(node, Binary) and node.op != "+":
        return ""
    if isinstance(node, Call):
        function = view.function(node)
        if function in _FROM_ENVIRONMENT and len(node.args) == 1:
            name = _literal(node.args[0])
            return f"the variable {name}" if _SECRET_NAME.search(name) else ""
        if function not in _PASSES_ON:
            return ""
        if function in _READABLE and len(node.args) == 1:
            *outer, last = _names(node.args[0]) or [""]
            name = outer[-1] if last == "content" and outer else last
            return ".".join([*outer, last]) if _SECRET_NAME.search(name) else ""
        return _first(node.args, view)
    return _first(inner_expressions(node), view) if not isinstance(node, Index | Access) else ""


def _first(nodes: list[Expression], view: View) -> str:
    return next(filter(None, (_secret_in(node, view) for node in nodes)), "")


def _literal(node: Expression) -> str:
    return string_value(node.text) if isinstance(node, Literal) and node.kind == "STRING" else ""


def _names(node: Expression) -> list[str]:
    """The names of an expression such as `remote.kubernetes.secret.a.data["password"]`; empty for others."""
    names: list[str] = []
    while isinstance(node, Access | Index):
        names.append(node.name.name if isinstance(node, Access) else _literal(node.index))
        node = node.value
    return [node.name, *reversed(names)] if isinstance(node, Identifier) else []


_WITH_CONTENT = frozenset({"local.file", "remote.http", "remote.s3"})


def _shown_files(view: View) -> Iterator[Diagnostic]:
    """Files whose content is used as a secret, but shown by the user interface."""
    contents = {f"{block_id(n.block)}.content": n for n in view.of_kind(Kind.COMPONENT) if _is_shown(n)}
    if not contents:
        return
    whole: list[str] = []
    settings: dict[str, str] = {}
    for body in view.bodies():
        for attribute, type_ in body.attributes():
            if isinstance(type_, wanted.SecretType):
                used = [chain_text(chain) for chain in expression_chains(attribute.value)]
                whole += used if isinstance(attribute.value, Access) else ()
                settings.update(dict.fromkeys(used, attribute.name.name))
    every = Counter(chain_text(chain) for _, chain in view.chains())
    direct = Counter(whole)
    for name, node in contents.items():
        if name in settings:
            yield _marked(node, settings[name], every[name] == direct[name])


def _is_shown(node: CheckedNode) -> bool:
    written = any(not hasattr(each, "body") and each.name.name == "is_secret" for each in node.body)
    return node.name in _WITH_CONTENT and not written


def _marked(node: CheckedNode, setting: str, only: bool) -> Diagnostic:
    """The finding for a file that should be marked as secret. only: whether it has no other use."""
    at = node.block.lcurly + 1
    line = b"\n" in node.source.data[at : node.block.end]
    fix = (Edit(at, at, "\n  is_secret = true" if line else " is_secret = true\n"),) if only else ()
    message = f"{block_id(node.block)} is used as {setting}, but the user interface shows its content"
    hint = "add `is_secret = true`"
    if not only:
        hint += ", and convert.nonsensitive where only a plain text will do"
    return finding(Span(node.source, node.block.start, node.block.lcurly), message, hint, fix)


def _without_need(view: View) -> Iterator[Diagnostic]:
    """Secrets made readable where a secret is accepted."""
    for call in view.calls(*_READABLE):
        type_ = call.body.type_of(call.attribute) if call.body is not None else None
        args = call.expression.args
        secret = isinstance(type_, wanted.SecretType | wanted.OptionalSecretType)
        if call.around is None and secret and len(args) == 1:
            inner = text_of(args[0], call.source)
            node = call.expression
            edits = (Edit(node.start, args[0].start, ""), Edit(args[0].end + 1, node.end + 1, ""))
            message = f"{call.attribute.name.name} takes a secret as it is: nothing has to make it readable"
            hint = f"write {inner}" if "\n" not in inner else "write only the argument"
            yield finding(call.span, message, hint, edits)


_KEPT = 'local.file "a" { filename = "/run/secrets/a" }\n'
_CLIENT = 'remote.http "b" {\n  url = "http://localhost"\n  client { bearer_token = %s }\n}\n'
_UNUSED = 'logging { level = coalesce(convert.nonsensitive(remote.http.b.content), "info") }'
_LABELLED = """\
loki.write "a" {
  endpoint { url = "http://loki:3100/loki/api/v1/push" }
  external_labels = { %s }
}
loki.source.journal "b" { forward_to = [loki.write.a.receiver] }
"""
_HEADERS = """\
remote.http "a" {
  url     = "http://localhost"
  headers = { Authorization = %s }
}
logging { level = coalesce(convert.nonsensitive(remote.http.a.content), "info") }
"""

RULES = (
    Rule(
        "ALY0954",
        "credential in a string",
        "A token, a private key, the password of a URL or the value of an authorization header is written "
        "out. Anybody who can read the file can read it, and the user interface may show it.",
        wrong=_HEADERS % '"Bearer 7f3a9c1e5b2d8f406a17"',
        right=_HEADERS % '"Bearer " + sys.env("API_TOKEN")',
        check=_in_plain_text,
    ),
    Rule(
        "ALY0955",
        "secret in a label or an address",
        "A variable or secret whose name says that it is a password, token or key becomes part of a label or "
        "a URL. Each reader of the data sees its labels, and the user interface shows URLs.",
        wrong=_LABELLED % 'auth = sys.env("API_TOKEN")',
        right=_LABELLED % 'cluster = sys.env("CLUSTER")',
        check=_in_labels,
    ),
    Rule(
        "ALY0956",
        "secret file that is shown",
        "The content of local.file, remote.http and remote.s3 is shown by the user interface and the API "
        "unless is_secret is true. Here it is used as a password or token.",
        wrong=_KEPT + _CLIENT % "local.file.a.content" + _UNUSED,
        right=_KEPT.replace("{ ", "{\n  is_secret = true\n  ").replace(" }", "\n}")
        + _CLIENT % "local.file.a.content"
        + _UNUSED,
        check=_shown_files,
    ),
    Rule(
        "ALY0957",
        "secret made readable without need",
        "A setting for secrets takes a secret as it is. convert.nonsensitive is for settings that only take "
        "plain texts, which the user interface shows.",
        wrong=_KEPT + _CLIENT % "convert.nonsensitive(local.file.a.content)" + _UNUSED,
        right=_KEPT + _CLIENT % "local.file.a.content" + _UNUSED,
        check=_without_need,
    ),
)
