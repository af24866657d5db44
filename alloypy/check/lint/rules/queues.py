"""Queues: destinations that cannot fail alone, and what is stored with profiles."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.check.lint.rule import Rule, finding
from alloypy.check.lint.view import View
from alloypy.check.scope import CheckedNode
from alloypy.graph.nodes import Kind, block_id
from alloypy.graph.references import expression_chains, resolve
from alloypy.rules.view import Undecided
from alloypy.syntax.diagnostics import Diagnostic
from alloypy.syntax.source import Span
from alloypy.syntax.tree import Access, Array, Attribute, Block

_QUEUE, _WRITE = "alloypy.queue", "pyroscope.write"
_PASSING = frozenset({"pyroscope.enrich", "pyroscope.relabel"})
"""Components that hand all that they keep to everything in their `forward_to`, and wait for it."""


def _several_endpoints(view: View) -> Iterator[Diagnostic]:
    """Destinations of a queue that send to several endpoints."""
    for queue in _of(view, _QUEUE):
        for destination, place in _forwards(view, queue):
            for name, count in _fans(view, destination):
                message = f"{name} sends to {count} endpoints, and while one fails the others get copies"
                yield finding(place, message, "name a component for each endpoint in forward_to of the queue")


def _fans(view: View, destination: CheckedNode) -> Iterator[tuple[str, int]]:
    """The components from a destination on that hand the same profiles to several endpoints, how many."""
    chain = [destination, *(_behind(view, destination) if destination.name in _PASSING else ())]
    for node in chain:
        count = _endpoints(node)
        if node.name in _PASSING:
            count = sum(_endpoints(each) > 0 for each, _ in _forwards(view, node))
        if count > 1:
            yield block_id(node.block), count


def _stored_headers(view: View) -> Iterator[Diagnostic]:
    """Headers of requests that are passed on to a queue."""
    for body in view.bodies():
        if body.path != "pyroscope.receive_http":
            continue
        written = body.written("forward_headers")
        try:
            if written is None or not body.get("forward_headers"):
                continue
        except Undecided:
            continue
        queue = next((each for each in _behind(view, body.node) if each.name == _QUEUE), None)
        if queue is not None:
            span = Span(body.source, written.start, written.end)
            message = f"{block_id(queue.block)} stores these headers with each profile; they may be secret"
            yield finding(span, message, "pass on only headers that are not secret, such as X-Scope-OrgID")


def _of(view: View, name: str) -> Iterator[CheckedNode]:
    return (node for node in view.of_kind(Kind.COMPONENT) if node.name == name)


def _forwards(view: View, node: CheckedNode) -> Iterator[tuple[CheckedNode, Span]]:
    """The components of this module that are named in `forward_to`, each with its place there."""
    for statement in node.body:
        if not (isinstance(statement, Attribute) and statement.name.name == "forward_to"):
            continue
        if not isinstance(statement.value, Array):  # what a call makes of a list is not certain
            continue
        for element in statement.value.elements:
            for chain in expression_chains(element) if isinstance(element, Access) else ():
                reference = resolve(chain, view.scope.graph)
                if reference is not None and isinstance(reference.target, CheckedNode):
                    yield reference.target, Span(node.source, element.start, element.end)


def _behind(view: View, node: CheckedNode) -> list[CheckedNode]:
    """The components that get what a component passes on, as long as each waits for the next."""
    found: dict[int, CheckedNode] = {}
    waiting = [node]
    while waiting:
        for target, _ in _forwards(view, waiting.pop()):
            if id(target) not in found and target is not node:
                found[id(target)] = target
                if target.name in _PASSING:
                    waiting.append(target)
    return list(found.values())


def _endpoints(node: CheckedNode) -> int:
    blocks = (each for each in node.body if isinstance(each, Block))
    return sum(each.full_name == "endpoint" for each in blocks) if node.name == _WRITE else 0


_QUEUED = """\
pyroscope.receive_http "a" {
  http {
    listen_address = "0.0.0.0"
    listen_port    = 4040
  }
%s  forward_to = [alloypy.queue.b.receiver]
}
"""
_ONE = """\
alloypy.queue "b" { forward_to = [pyroscope.write.eu.receiver] }
pyroscope.write "eu" {
  endpoint { url = "http://eu:4040" }
}
"""

RULES = (
    Rule(
        "ALY0968",
        "destination of a queue with several endpoints",
        "The queue delivers to each component in forward_to at its own pace, and again what it did not take. "
        "A component with several endpoints fails when one of them does: the others get again and again what "
        "they have taken, and hardly anything else, until that one works. With a component for each endpoint "
        "they neither wait for each other nor get copies. Only alloypy has queues: reported with "
        "--for alloypy.",
        wrong=_QUEUED % ""
        + 'alloypy.queue "b" { forward_to = [pyroscope.write.both.receiver] }\n'
        + 'pyroscope.write "both" {\n'
        + '  endpoint { url = "http://eu:4040" }\n  endpoint { url = "http://us:4040" }\n}',
        right=_QUEUED % ""
        + 'alloypy.queue "b" { forward_to = [pyroscope.write.eu.receiver, pyroscope.write.us.receiver] }\n'
        + 'pyroscope.write "eu" {\n  endpoint { url = "http://eu:4040" }\n}\n'
        + 'pyroscope.write "us" {\n  endpoint { url = "http://us:4040" }\n}',
        program="alloypy",
        default=True,
        check=_several_endpoints,
    ),
    Rule(
        "ALY0969",
        "request headers stored in a queue",
        "What forward_headers passes on is stored with each profile, on disk or in Kafka, until that is "
        "delivered, and longer if it becomes a dead letter. Headers such as Authorization can then be read "
        "by all who can read the volume, the topic or their backups. Only alloypy has queues: reported with "
        "--for alloypy.",
        wrong=_QUEUED % '  forward_headers = ["Authorization"]\n' + _ONE,
        right=_QUEUED % "" + _ONE,
        program="alloypy",
        check=_stored_headers,
    ),
)
