"""Defaults that differ between two versions, where a configuration does not set the value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from alloypy.catalog.catalog import load_catalog
from alloypy.catalog.history import PathHistory
from alloypy.catalog.versions import Version
from alloypy.check.versions.bounds import entry_at
from alloypy.check.versions.uses import Body, NodeUse
from alloypy.schema.spec import AttributeSpec, BlockSpec, Missing, Spec


class Default(NamedTuple):
    """A default that changes.

    body: the written body around it. old, new: as text; "" if there is none.
    since: the index of the first version with the new default, in an upgrade. deprecated: whether the
    setting is, in one of the versions; it may have no effect there.
    """

    body: Body
    path: str
    old: str
    new: str
    since: int
    deprecated: bool


def changed_defaults(use: NodeUse, start: Version, end: Version) -> Iterator[Default]:
    """The defaults of a component that differ, also in blocks that have their values without being given."""
    for body in use.bodies:
        if body.present & start.bit and body.present & end.bit:
            yield from _members(body, body.path, frozenset(_given(body)), start, end)


def _given(body: Body) -> Iterator[str]:
    for member in body.members:
        yield member.path


def _members(body: Body, path: str, given: frozenset[str], start: Version, end: Version) -> Iterator[Default]:
    """The changed defaults of the members at a path, none of which is given."""
    entry = body.node.entry
    for name, known in entry.members(path).items():
        inner = f"{path}/{name}" if path else name
        if inner in given or not (known.present & start.bit and known.present & end.bit):
            continue
        if known.block & end.bit:
            if _preset(body.node, inner, end):
                yield from _members(body, inner, frozenset(), start, end)
        elif known.defaults:
            old, new = (_text_at(known, body.node, inner, version) for version in (start, end))
            if old != new:
                deprecated = known.deprecated is not None and known.deprecated <= max(start.index, end.index)
                yield Default(body, inner, old, new, _since(known, start, end), deprecated)


def _text_at(known: PathHistory, use: NodeUse, path: str, version: Version) -> str:
    """The default in a version, as it is written in a configuration."""
    if use.name == "otelcol.receiver.kafka" and path in _ENCODINGS and not known.default_at(version):
        return _encoding(use, path)
    return _text(_at(known, use, path, version), known.type_at(version) or "")


_ENCODINGS = frozenset({"logs/encoding", "metrics/encoding", "traces/encoding"})


def _encoding(use: NodeUse, path: str) -> str:
    """What a Kafka receiver up to 1.12 took for the encoding of a signal, if it sends it anywhere."""
    top = use.bodies[0]
    given = top.attribute("encoding")
    used = any(each.gives(path.partition("/")[0]) for each in top.inner("output"))
    if given is None or not used:
        return '"otlp_proto"'
    return use.source.data[given.value.start : given.value.end + 1].decode("utf-8", "surrogateescape")


def _at(known: PathHistory, use: NodeUse, path: str, version: Version) -> Any:
    """The default in a version; where the history says nothing, that of the catalog of main."""
    recorded = known.default_at(version)
    if recorded is not None or any(mask & version.bit for mask, _ in known.defaults):
        return recorded
    outer, _, name = path.rpartition("/")
    spec = _spec(use, outer, None)
    member = spec.lookup.get(name) if spec is not None else None
    if isinstance(member, AttributeSpec) and not isinstance(member.default, Missing):
        return member.default
    return None


def _since(known: PathHistory, start: Version, end: Version) -> int:
    """The index of the first of the versions after `start`, up to `end`, that have the default of `end`."""
    now = next((mask for mask, _ in known.defaults if mask & end.bit), end.bit)
    index = end.index
    while index - 1 > start.index and now >> (index - 1) & 1:
        index -= 1
    return index


def _preset(use: NodeUse, path: str, version: Version) -> bool:
    """Whether a block that is not given has its default values."""
    outer, _, name = path.rpartition("/")
    spec = _spec(use, outer, version)
    member = (spec.lookup.get(name) or spec.groups.get(name)) if spec is not None else None
    return isinstance(member, BlockSpec) and member.preset


def _spec(use: NodeUse, path: str, version: Version | None) -> Spec | None:
    if version is not None:
        spec = entry_at(use, version)
    else:
        catalog = load_catalog()
        entry = catalog.component(use.name) if use.is_component else catalog.block(use.name)
        spec = entry.arguments if entry is not None else None
    for name in path.split("/") if path else ():
        member = (spec.lookup.get(name) or spec.groups.get(name)) if spec is not None else None
        spec = member.body if isinstance(member, BlockSpec) else None
    return spec


_ZERO = {"bool": "false", "number": "0", "string": '""', "duration": '"0s"'}


def _text(value: Any, kind: str) -> str:
    """A default as it is written in a configuration. value: None is the type's zero value."""
    return _ZERO.get(kind, "") if value is None else json.dumps(value, ensure_ascii=False)
