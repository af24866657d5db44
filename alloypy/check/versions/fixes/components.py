"""Components that another one takes the place of: the block, its settings, and the references to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from alloypy.check.modules.frames import Frame
from alloypy.check.versions.fixes.recipes import Place
from alloypy.check.versions.uses import Body
from alloypy.graph.references import chains, resolve
from alloypy.syntax.diagnostics import Edit
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Statement

Edits = dict[Source, list[Edit]]
ComponentRecipe = Callable[[Place, Iterable[Frame]], Edits]


def _renamed(place: Place, frames: Iterable[Frame], name: str) -> Edits:
    """Another name for the component, and in all references to it."""
    node = place.use.node
    edits: Edits = {place.use.source: [Edit(node.block.start, node.block.name_end + 1, name)]}
    length = node.name.count(".") + 1
    for frame in frames:
        for each in frame.scope.nodes:
            for chain in chains(each.body):
                reference = resolve(chain, frame.scope.graph)
                if reference is not None and reference.target is node:
                    edit = Edit(chain[0].start, chain[length - 1].end + 1, name)
                    edits.setdefault(each.source, []).append(edit)
    return edits


def _logging(place: Place, frames: Iterable[Frame]) -> Edits:
    return _renamed(place, frames, "otelcol.exporter.debug")


_SERVER = frozenset(
    [
        "endpoint",
        "transport",
        "tls",
        "keepalive",
        "max_recv_msg_size",
        "max_concurrent_streams",
        "read_buffer_size",
        "write_buffer_size",
        "include_metadata",
        "auth",
    ]
)


def _opencensus(place: Place, frames: Iterable[Frame]) -> Edits:
    """OTLP over gRPC on the same address; clients have to send OTLP."""
    edits = _renamed(place, frames, "otelcol.receiver.otlp")
    own, edit, block = edits[place.use.source], place.edit, place.use.node.block
    moved = [each for each in block.body if _name(each) in _SERVER]
    lines = [line for each in moved for line in edit.moved(each)]
    if not any(_name(each) == "endpoint" for each in moved):
        lines.insert(0, 'endpoint = "0.0.0.0:55678"')
    own += [edit.take(each) for each in moved]
    own += [edit.comment_out(each, place.why) for each in block.body if _name(each) == "cors_allowed_origins"]
    own += edit.append(block, edit.block("grpc", lines))
    own.append(edit.before(block, ["// was otelcol.receiver.opencensus: its clients have to send OTLP"]))
    return edits


_ENDPOINT = frozenset(
    [
        "name",
        "url",
        "basic_auth",
        "tls_config",
        "headers",
        "bearer_token",
        "proxy_url",
        "proxy_from_environment",
        "protobuf_message",
    ]
)


def _queue(place: Place, frames: Iterable[Frame]) -> Edits:
    """The same endpoints in prometheus.remote_write; what it does not have becomes a comment."""
    edits = _renamed(place, frames, "prometheus.remote_write")
    own, edit = edits[place.use.source], place.edit
    endpoints = place.body.inner("endpoint")
    for statement in place.use.node.block.body:
        if _name(statement) != "endpoint":
            own.append(edit.comment_out(statement, place.why))
    for endpoint in endpoints:
        own += _endpoint(place, endpoint, alone=len(endpoints) == 1)
    return edits


def _endpoint(place: Place, endpoint: Body, *, alone: bool) -> list[Edit]:
    edit, block = place.edit, endpoint.block
    edits: list[Edit] = []
    first: list[str] = []
    if block.label:
        edits += edit.unlabel(block)
        first.append(f'name = "{block.label}"')
    for statement in block.body:
        name = _name(statement)
        if name == "external_labels" and alone and isinstance(statement, Attribute):
            edits += [edit.before(block, edit.moved(statement)), edit.take(statement)]
        elif name == "write_timeout":
            edits.append(edit.rename(statement, "remote_timeout"))
        elif name == "enable_round_robin":
            edits.append(edit.rename(statement, "round_robin_dns"))
        elif name not in _ENDPOINT:
            edits.append(edit.comment_out(statement, place.why))
    return [*edits, *(edit.append(block, first) if first else ())]


def _name(statement: Statement) -> str:
    return statement.name.name if isinstance(statement, Attribute) else statement.full_name


COMPONENTS: Mapping[str, ComponentRecipe] = {
    "B056": _logging,
    "B206": _opencensus,
    "B299": _queue,
}
"""The recipes for whole components, by the id of the listed change."""
