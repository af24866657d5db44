"""What works and is still worth a word: secrets in plain text, numbers that change, URLs that are none.

Warnings never fail a check unless the user asks for that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alloypy.catalog.rules.body import Body, Undecided
from alloypy.graph import codes
from alloypy.graph.check_ports import RECEIVERS
from alloypy.graph.check_rules import RulePlace
from alloypy.graph.check_scope import CheckedNode, warning
from alloypy.graph.check_values import ValueCheck
from alloypy.graph.nodes import Kind, block_id
from alloypy.lang import types as wanted
from alloypy.lang.go_text import quote
from alloypy.lang.numbers import number_text
from alloypy.lang.secrecy import hide
from alloypy.lang.types import Type
from alloypy.lang.values import Kind as ValueKind
from alloypy.lang.values import kind_of
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Attribute, Block, Literal, Statement

_URLS = frozenset({
    "pyroscope.write/endpoint",
    "prometheus.remote_write/endpoint",
    "loki.write/endpoint",
    "discovery.http",
    "remote.http",
    "import.http",
})  # fmt: skip
"""Bodies whose `url` is asked over HTTP."""

_ACT_ALONE = ("beyla.", "database_observability.", "otelcol.extension.", "prometheus.exporter.")
"""Components that export something and do their work without anybody using it."""

_PLAIN_URL = r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[A-Za-z0-9/._~-]*)?\Z"
"""URLs that need no closer look, which would take an import."""

_EVERYWHERE = frozenset({"", "0.0.0.0", "::", "[::]"})


def check_unused(node: CheckedNode) -> Iterator[Diagnostic]:
    """A component that only serves others, and that none uses."""
    serves = node.exports is not None and not node.name.startswith(_ACT_ALONE)
    name = block_id(node.block)
    # Of two blocks with one name, which is a fault, the second has got an id of its own.
    if node.kind is Kind.COMPONENT and serves and not node.used and node.id == name:
        span = Span(node.source, node.block.start, node.block.lcurly)
        yield warning(span, f"nothing uses {name}", codes.UNUSED)


def check_open_receiver(node: CheckedNode, check: ValueCheck) -> Iterator[Diagnostic]:
    """A receiver that everybody can reach, without TLS."""
    if node.name not in RECEIVERS or node.arguments is None:
        return
    http = Body(node.arguments, node.body, check.decided).block("http")
    try:
        if http is None or http.text("listen_address") not in _EVERYWHERE or http.given("tls"):
            return
    except Undecided:
        return
    span = Span(node.source, node.block.start, node.block.lcurly)
    message = f"{block_id(node.block)} listens on all interfaces without TLS"
    hint = 'set http.listen_address, such as to "127.0.0.1", or add a tls block to http'
    yield warning(span, message, codes.OPEN_RECEIVER, hint)


def check_settings(
    place: RulePlace, statements: Sequence[Statement], spec: Spec, check: ValueCheck
) -> Iterator[Diagnostic]:
    """Warnings about the attributes of a body and of all blocks in it."""
    for statement in statements:
        if isinstance(statement, Attribute):
            member = spec.lookup.get(statement.name.name)
            if isinstance(member, AttributeSpec):
                yield from _attribute(place, statement, _inner(member.type), check)
        else:
            yield from _block(place, statement, spec, check)


def _block(place: RulePlace, block: Block, spec: Spec, check: ValueCheck) -> Iterator[Diagnostic]:
    name = block.full_name
    member = spec.groups.get(name) or spec.lookup.get(name)
    if isinstance(member, BlockSpec):
        inner = RulePlace(block, f"{place.path}/{name}", place.source)
        yield from check_settings(inner, block.body, member.body, check)


def _attribute(
    place: RulePlace, statement: Attribute, type_: Type, check: ValueCheck
) -> Iterator[Diagnostic]:
    value = statement.value
    if isinstance(type_, wanted.SecretType):
        if isinstance(value, Literal) and value.kind == "STRING" and value.end - value.start > 1:
            message = f"{statement.name.name} is a secret in plain text"
            hint = 'take it from the environment, as in sys.env("NAME"), or from local.file'
            yield warning(_span(statement, place.source), message, codes.PLAIN_SECRET, hint)
    elif isinstance(type_, wanted.IntType):
        yield from _number(place, statement, type_, check)
    elif statement.name.name == "url" and place.path in _URLS:
        yield from _url(place, statement, check)


def _number(
    place: RulePlace, statement: Attribute, type_: wanted.IntType, check: ValueCheck
) -> Iterator[Diagnostic]:
    try:
        given = check.decided(statement.value, wanted.AnyType())
        if kind_of(given) != ValueKind.NUMBER:
            return
        taken = check.decided(statement.value, type_)
    except Undecided:
        return
    if given != taken:
        message = f"{number_text(given)} does not fit; {statement.name.name} will be {taken}"
        yield warning(_span(statement, place.source), message, codes.NUMBER_CHANGED)


def _url(place: RulePlace, statement: Attribute, check: ValueCheck) -> Iterator[Diagnostic]:
    try:
        text = check.decided(statement.value, wanted.StringType())
    except Undecided:
        return
    reason = _url_fault(text)
    if reason:
        message = f"{quote(hide(text, 'url'))} is not a URL: {reason}"
        yield warning(_span(statement, place.source), message, codes.NO_URL)


def _url_fault(text: str) -> str:
    """Why nothing can be asked at a URL; "" where it can."""
    if re.match(_PLAIN_URL, text):
        return ""
    from alloypy.lang.go_url import parse_url

    try:
        url = parse_url(text)
    except ValueError as error:
        return str(error)
    if url.scheme not in {"http", "https"}:
        return "it does not begin with http:// or https://"
    return "" if url.hostname else "it has no host"


def _inner(type_: Type) -> Type:
    return type_.inner if isinstance(type_, wanted.NullableType) else type_


def _span(statement: Attribute, source: Source) -> Span:
    return Span(source, statement.start, statement.end)
