"""Warnings about settings that are accepted: plain-text secrets, numbers that change, invalid URLs.

Warnings do not make a check fail unless the user demands it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from alloypy.check.expressions.values import ValueCheck
from alloypy.check.load_rules import RulePlace
from alloypy.check.scope import CheckedNode, warning
from alloypy.graph import codes
from alloypy.graph.nodes import Kind, block_id
from alloypy.graph.unset_variables import unset_variables
from alloypy.lang import types as wanted
from alloypy.lang.go.text import quote
from alloypy.lang.numbers import number_text
from alloypy.lang.secrecy import hide
from alloypy.lang.server_urls import appended_path, url_fault
from alloypy.lang.types import Type
from alloypy.lang.values import Kind as ValueKind
from alloypy.lang.values import kind_of
from alloypy.rules.view import Undecided
from alloypy.schema.spec import AttributeSpec, BlockSpec, Spec
from alloypy.syntax.diagnostics import Diagnostic, Edit
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Array, Attribute, Block, Expression, Literal, Statement

_PYROSCOPE = "pyroscope.write/endpoint"
_SCHEME = "http://"
_IN_HOSTS = frozenset(".:/")
"""What tells the name of a host from another word."""

_URLS = frozenset({
    _PYROSCOPE,
    "prometheus.remote_write/endpoint",
    "loki.write/endpoint",
    "discovery.http",
    "remote.http",
    "import.http",
})  # fmt: skip
"""Bodies whose `url` is requested over HTTP."""

ELSEWHERE = 'take it from the environment, as in sys.env("NAME"), or from local.file'
"""What to do about a secret in plain text."""

_ACT_ALONE = ("beyla.", "database_observability.", "otelcol.extension.", "prometheus.exporter.")
"""Components that export something, but also work if nothing uses it."""

_SENDERS = frozenset({"pyroscope.write", "prometheus.remote_write", "loki.write"})
"""Components that send only to endpoints."""

_QUEUE = "alloypy.queue"


def check_unused(node: CheckedNode) -> Iterator[Diagnostic]:
    """A component that only serves others, but that none uses."""
    serves = node.exports is not None and not node.name.startswith(_ACT_ALONE)
    name = block_id(node.block)
    # Of two blocks with the same id, which is a fault, the second has been given another id.
    is_one = node.kind is Kind.COMPONENT and serves and not node.used and node.id == name
    if is_one and not _delivers(node):
        span = Span(node.source, node.block.start, node.block.lcurly)
        yield warning(span, f"nothing uses {name}", codes.UNUSED)


def check_nowhere(node: CheckedNode) -> Iterator[Diagnostic]:
    """A component that loses what it receives, because it has nowhere to send it."""
    if node.kind is not Kind.COMPONENT or node.arguments is None:
        return
    name = block_id(node.block)
    for statement in node.body:
        if not isinstance(statement, Attribute) or statement.name.name != "forward_to":
            continue
        if _is_empty(statement) and not _is_in_kafka(node):
            message = f"forward_to is empty: what {name} receives is lost"
            yield warning(_span(statement, node.source), message, codes.NOWHERE)
    endpoints = (each for each in node.body if isinstance(each, Block) and each.full_name == "endpoint")
    if node.name in _SENDERS and next(endpoints, None) is None:
        span = Span(node.source, node.block.start, node.block.lcurly)
        yield warning(span, f"{name} has no endpoint: what it receives is lost", codes.NOWHERE)


def _delivers(node: CheckedNode) -> bool:
    """Whether it is a queue that still delivers what it has stored, or what other machines store in Kafka."""
    if node.name != _QUEUE:
        return False
    given = (each for each in node.body if isinstance(each, Attribute) and each.name.name == "forward_to")
    return _is_in_kafka(node) or not all(map(_is_empty, given))


def _is_in_kafka(node: CheckedNode) -> bool:
    """Whether it is a queue that other machines may fill or deliver."""
    blocks = (each for each in node.body if isinstance(each, Block) and each.full_name == "kafka")
    return node.name == _QUEUE and next(blocks, None) is not None


def _is_empty(statement: Attribute) -> bool:
    return isinstance(statement.value, Array) and not statement.value.elements


def check_unset(nodes: Iterable[CheckedNode], environ: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Variables that will not be set, where nothing else would reveal it. environ: the whole environment."""
    for each in unset_variables(((node.body, node.source) for node in nodes), environ):
        message = f"{each.setting} needs the environment variable {each.variable}, which is not set"
        yield warning(each.span, message, codes.UNSET_VARIABLE)


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
            yield warning(_span(statement, place.source), message, codes.PLAIN_SECRET, ELSEWHERE)
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
    span = _span(statement, place.source)
    reason = url_fault(text)
    if reason:
        found = warning(span, f"{quote(hide(text, 'url'))} is not a URL: {reason}", codes.NO_URL)
        yield _with_scheme(found, statement.value, text)
    elif place.path == _PYROSCOPE and (appended := appended_path(text)):
        message = f"{appended} is appended to the URL of every request, which will go to {appended}{appended}"
        yield warning(span, message, codes.URL_PATH, f"remove {appended} from the URL")


def _with_scheme(found: Diagnostic, value: Expression, text: str) -> Diagnostic:
    """The warning about a URL, with a repair if only the scheme is missing."""
    is_host = not _IN_HOSTS.isdisjoint(text) and "://" not in text
    if not isinstance(value, Literal) or not is_host or url_fault(f"{_SCHEME}{text}"):
        return found
    at = value.start + 1
    hint = f"did you mean `{hide(f'{_SCHEME}{text}', 'url')}`?"
    return found._replace(hint=hint, fix=(Edit(at, at, _SCHEME),))


def _inner(type_: Type) -> Type:
    return type_.inner if isinstance(type_, wanted.NullableType) else type_


def _span(statement: Attribute, source: Source) -> Span:
    return Span(source, statement.start, statement.end)
