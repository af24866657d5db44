"""Which values of a YAML document are configurations.

- The values of a ConfigMap or a Secret whose keys end in `.alloy`, wherever the resource is, as in a List.
- `alloy.configMap.content`, as in the values of the Helm chart grafana/alloy: also in the values of a chart
  that depends on it, and in resources that hold such values (HelmRelease, Application, Alloy).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from alloypy.embedded.yaml.documents import Node

WORD = b"alloy"
"""Every document with a configuration contains this."""

_SUFFIX = ".alloy"
_TEXTS = {"ConfigMap": "data", "Secret": "stringData"}
_BASE64 = {"ConfigMap": "binaryData", "Secret": "data"}


class Written(NamedTuple):
    """A configuration text in a document. base64: whether the scalar holds the text encoded.

    template: whether Helm renders the text before Alloy reads it.
    """

    key: str
    name: Node
    node: Node
    base64: bool = False
    template: bool = False


class Holder(NamedTuple):
    """What holds configurations, such as `ConfigMap alloy`."""

    title: str
    texts: tuple[Written, ...]


def holders(root: Node) -> Iterator[Holder]:
    """What holds configurations in a document, in its order."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or node.kind == "scalar":
            continue
        seen.add(id(node))
        holder = _resource(node) or _values(node)
        if holder is not None:
            yield holder
        waiting += reversed(node.content)


def _resource(node: Node) -> Holder | None:
    """The ConfigMap or Secret that a node is."""
    kind = node.text("kind")
    if kind not in _TEXTS:
        return None
    texts = [
        Written(key.value, key, value, base64)
        for name, base64 in ((_TEXTS[kind], False), (_BASE64[kind], True))
        for key, value in _pairs(node.get(name))
        if key.value.endswith(_SUFFIX) and value.kind == "scalar"
    ]
    metadata = node.get("metadata")
    name = metadata.text("name") if metadata is not None else ""
    return Holder(f"{kind} {name}".rstrip(), tuple(texts)) if texts else None


def _pairs(node: Node | None) -> Iterator[tuple[Node, Node]]:
    return node.pairs() if node is not None else iter(())


def _values(node: Node) -> Holder | None:
    """The configuration in the values of the chart, if `node` is what has the key `alloy`."""
    at: Node | None = node
    for name in ("alloy", "configMap"):
        at = at.get(name) if at is not None else None
    if at is None:
        return None
    for key, value in at.pairs():
        if key.value == "content" and value.kind == "scalar" and value.value.strip():
            return Holder("alloy.configMap.content", (Written("content", key, value, template=True),))
    return None
