"""Makes the groups of targets of one role, and knows which to make again when something changes.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from logging import Logger
from typing import Any, Generic, NamedTuple, TypeVar

from alloypy.components.discovery.kube.labels import ADDRESS, NAMESPACE, Labels, host_port, meta
from alloypy.components.discovery.kube.objects import (
    Address,
    Container,
    Endpoints,
    Ingress,
    Kept,
    Namespace,
    Node,
    Pod,
    Port,
    Service,
)
from alloypy.components.discovery.kube.stores import Store
from alloypy.components.discovery.shell import Group

O = TypeVar("O", bound=Kept)  # noqa: E741 -- the kind of objects

_PODS, _SERVICES, _NODES, _NAMESPACES = "pods", "services", "nodes", "namespaces"
_Relation = tuple[str, str]
"""A kind of objects and the key of one of them."""


class Groups(Generic[O]):
    """The groups of all objects of one kind, each made from one object and those that it refers to.

    source: the beginning of the groups' sources, such as `pod/`. own: the objects.
    nodes, namespaces: what else their labels come from; None if they are not wanted.
    """

    def __init__(
        self,
        source: str,
        own: Store[O],
        nodes: Store[Node] | None = None,
        namespaces: Store[Namespace] | None = None,
    ) -> None:
        self._source = source
        self._own = own
        self._nodes = nodes
        self._namespaces = namespaces
        self._related: dict[_Relation, set[str]] = {}
        self._changed: dict[str, None] = {}
        self._stores: list[Store[Any]] = [own]
        own.tell(self._own_changed)
        if nodes is not None:
            self.watch(_NODES, nodes)
        if namespaces is not None:
            self.watch(_NAMESPACES, namespaces)

    def watch(self, kind: str, store: Store[Any]) -> None:
        """Make groups again when something changes that their objects refer to."""
        self._stores.append(store)

        def changed(key: str, before: Kept | None, after: Kept | None) -> None:
            if _differ(before, after):
                self._changed.update(dict.fromkeys(self._related.get((kind, key), ())))

        store.tell(changed)

    @property
    def complete(self) -> bool:
        """Whether everything that they are made from has been read once."""
        return all(store.synced for store in self._stores)

    def take_changed(self) -> list[str]:
        """The keys of the objects whose groups have to be made again, since the last call."""
        taken, self._changed = self._changed, {}
        return list(taken)

    def made(self, key: str) -> Group | None:
        """The group of an object, without targets if it is gone; None if its last one stays."""
        found = self._own.objects.get(key)
        source = f"{self._source}{key}"
        return Group(source, ()) if found is None else self.group(source, found)

    def group(self, source: str, found: O) -> Group | None:
        """The group of an object that exists."""
        raise NotImplementedError

    def related(self, found: O) -> Iterable[_Relation]:
        """What the group of an object is made from besides it."""
        if self._namespaces is not None:
            yield _NAMESPACES, found.namespace

    def of_namespace(self, found: O) -> Mapping[str, str]:
        """The labels of its namespace."""
        known = None if self._namespaces is None else self._namespaces.objects.get(found.namespace)
        return {} if known is None else known.labels

    def of_node(self, name: str) -> Mapping[str, str]:
        """The labels of a node."""
        known = None if self._nodes is None else self._nodes.objects.get(name)
        return {} if known is None else known.shared

    def _own_changed(self, key: str, before: O | None, after: O | None) -> None:
        if not _differ(before, after):
            return
        self._changed[key] = None
        for relation in () if before is None else self.related(before):
            keys = self._related.get(relation, set())
            keys.discard(key)
            if not keys:
                self._related.pop(relation, None)
        for relation in () if after is None else self.related(after):
            self._related.setdefault(relation, set()).add(key)


def _differ(before: Kept | None, after: Kept | None) -> bool:
    """Whether there is more to a change than the version."""
    return before is None or after is None or before[1:] != after[1:]


class PodGroups(Groups[Pod]):
    """Of pods: a target for each port of a container, and for each container without ports."""

    def related(self, found: Pod) -> Iterable[_Relation]:
        yield from super().related(found)
        if self._nodes is not None:
            yield _NODES, found.node

    def group(self, source: str, found: Pod) -> Group:
        if not found.ip or (self._nodes is not None and found.node not in self._nodes.objects):
            return Group(source, ())
        added = {**self.of_node(found.node), **self.of_namespace(found)}
        targets: list[Labels] = []
        for container in found.containers:
            common = {
                meta("pod_container_name"): container.name,
                meta("pod_container_id"): container.id,
                meta("pod_container_image"): container.image,
                meta("pod_container_init"): container.init,
            }
            if not container.ports:
                targets.append({ADDRESS: found.ip, **common})
            targets += [
                {ADDRESS: host_port(found.ip, port.number), **common, **_of_port(port)}
                for port in container.ports
            ]
        return Group(source, targets, {**found.labels, **added} if added else found.labels)


class NodeGroups(Groups[Node]):
    """Of nodes: one target each."""

    def __init__(self, own: Store[Node], logger: Logger) -> None:
        super().__init__("node/", own)
        self._logger = logger

    def group(self, source: str, found: Node) -> Group | None:
        if not found.address:
            fields = {"fields": {"node": found.name, "err": "host address unknown"}}
            self._logger.warning("No node address found", extra=fields)
            return None
        target = {ADDRESS: found.address, "instance": found.name, **found.addresses}
        return Group(source, (target,), found.labels)


class PlainGroups(Groups[Service | Ingress]):
    """Of services and ingresses, which know their targets."""

    def group(self, source: str, found: Service | Ingress) -> Group:
        return Group(source, found.targets, {**found.labels, **self.of_namespace(found)})


class _Seen(NamedTuple):
    """A pod that endpoints refer to, and the numbers of the ports that they have."""

    pod: Pod
    ports: set[int | None]


class EndpointGroups(Groups[Endpoints]):
    """Of endpoints and slices of them: a target for each address, and for each other port of a pod."""

    def __init__(
        self,
        source: str,
        own: Store[Endpoints],
        services: Store[Service],
        pods: Store[Pod],
        logger: Logger,
        nodes: Store[Node] | None = None,
        namespaces: Store[Namespace] | None = None,
    ) -> None:
        super().__init__(source, own, nodes, namespaces)
        self._services = services
        self._pods = pods
        self._logger = logger
        self.watch(_SERVICES, services)
        self.watch(_PODS, pods)

    def related(self, found: Endpoints) -> Iterable[_Relation]:
        yield from super().related(found)
        yield _SERVICES, found.service
        for address in found.addresses:
            if address.pod:
                yield _PODS, address.pod
            if address.node and self._nodes is not None:
                yield _NODES, address.node

    def group(self, source: str, found: Endpoints) -> Group:
        service = self._services.objects.get(found.service)
        labels = {
            NAMESPACE: found.namespace,
            **found.labels,
            **({} if service is None else service.labels),
            **self.of_namespace(found),
        }
        if found.family and service is not None and service.family not in ("", found.family):
            return Group(source, ())  # another slice has the same pods with their first addresses
        self._warn(found)
        seen: dict[str, _Seen] = {}
        targets = [self._target(found, address, seen) for address in found.addresses]
        for pod, covered in seen.values():
            targets += _other_ports(pod, covered, found.namespace)
        return Group(source, targets, labels)

    def _target(self, found: Endpoints, address: Address, seen: dict[str, _Seen]) -> Labels:
        target = {**address.own, **self.of_node(address.node)}
        pod = self._pods.objects.get(address.pod)
        if pod is None:
            return target
        seen.setdefault(address.pod, _Seen(pod, set())).ports.add(address.port)
        target.update(pod.labels)
        target[NAMESPACE] = found.namespace
        for container in pod.containers:
            port = next((port for port in container.ports if port.number == address.port), None)
            if port is not None:
                protocol = port.protocol if found.family else address.protocol
                target.update(_of_container(container))
                target.update(_of_port(port._replace(protocol=protocol)))
        return target

    def _warn(self, found: Endpoints) -> None:
        text = _TOO_MANY.get(found.capacity)
        if text is not None:
            self._logger.warning(text, extra={"fields": {"endpoint": found.name}})


_TOO_MANY = {
    "truncated": "Number of endpoints in one Endpoints object exceeds 1000 and has been truncated, "
    'please use "role: endpointslice" instead',
    "warning": "Number of endpoints in one Endpoints object exceeds 1000, "
    'please use "role: endpointslice" instead',
}


def _of_container(container: Container) -> Labels:
    return {
        meta("pod_container_name"): container.name,
        meta("pod_container_image"): container.image,
        meta("pod_container_init"): container.init,
    }


def _of_port(port: Port) -> Labels:
    return {
        meta("pod_container_port_name"): port.name,
        meta("pod_container_port_number"): str(port.number),
        meta("pod_container_port_protocol"): port.protocol,
    }


def _other_ports(pod: Pod, covered: set[int | None], namespace: str) -> Sequence[Labels]:
    """Targets for the ports of a pod that its endpoints do not have."""
    if not pod.ip:
        return ()
    return [
        {
            ADDRESS: host_port(pod.ip, port.number),
            **_of_container(container),
            **_of_port(port),
            **pod.labels,
            NAMESPACE: namespace,
        }
        for container in pod.containers
        for port in container.ports
        if port.number not in covered
    ]
