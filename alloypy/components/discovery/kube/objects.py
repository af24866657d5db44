"""What is kept of the API's objects: the labels that they give to targets, and what relates them.

Each class has a `read`, which takes the object as the API writes it in JSON. The first field of those that
are kept is the object's version, which changes with each of its changes.
Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from alloypy.components.discovery.kube.labels import (
    ADDRESS,
    NAMESPACE,
    Labels,
    Object,
    add_meta,
    clean,
    host_port,
    meta,
    part,
    parts,
    text,
    texts,
    with_meta,
)


class Port(NamedTuple):
    """A port of a container."""

    number: int
    name: str
    protocol: str


class Container(NamedTuple):
    """A container of a pod. init: "true" or "false"."""

    name: str
    id: str
    image: str
    init: str
    ports: tuple[Port, ...]


class Pod(NamedTuple):
    """A pod. labels: all that it gives, with its namespace."""

    version: str
    namespace: str
    name: str
    ip: str
    node: str
    labels: Mapping[str, str]
    containers: tuple[Container, ...]

    @classmethod
    def read(cls, given: Object) -> Pod:
        metadata, spec, status = part(given, "metadata"), part(given, "spec"), part(given, "status")
        ip, node = text(status, "podIP"), text(spec, "nodeName")
        labels = {
            meta("pod_ip"): ip,
            meta("pod_ready"): _ready(status),
            meta("pod_phase"): text(status, "phase"),
            meta("pod_node_name"): node,
            meta("pod_host_ip"): text(status, "hostIP"),
            meta("pod_uid"): text(metadata, "uid"),
            **with_meta(metadata, "pod"),
            NAMESPACE: text(metadata, "namespace"),
        }
        owner = next(
            (each for each in parts(metadata, "ownerReferences") if each.get("controller") is True), {}
        )
        for name, value in (("kind", text(owner, "kind")), ("name", text(owner, "name"))):
            if value:
                labels[meta(f"pod_controller_{name}")] = value
        containers = (
            *_containers(spec, "containers", status, "containerStatuses", "false"),
            *_containers(spec, "initContainers", status, "initContainerStatuses", "true"),
        )
        return cls(*_identity(metadata), ip, node, labels, containers)


class Node(NamedTuple):
    """A node. shared: what pods and endpoints on it get. address: "" if it has none that can be used."""

    version: str
    namespace: str
    name: str
    shared: Mapping[str, str]
    labels: Mapping[str, str]
    address: str
    addresses: Mapping[str, str]

    @classmethod
    def read(cls, given: Object) -> Node:
        metadata, status = part(given, "metadata"), part(given, "status")
        shared = with_meta(metadata, "node")
        labels = {meta("node_provider_id"): text(part(given, "spec"), "providerID")}
        for condition in parts(status, "conditions"):
            kind = clean(text(condition, "type").lower())
            labels[meta(f"node_condition_{kind}")] = text(condition, "status").lower()
        addresses: Labels = {}
        for each in parts(status, "addresses"):
            addresses.setdefault(text(each, "type"), text(each, "address"))
        best = next((addresses[kind] for kind in _ADDRESS_TYPES if kind in addresses), None)
        kubelet = part(part(status, "daemonEndpoints"), "kubeletEndpoint")
        address = "" if best is None else host_port(best, text(kubelet, "Port") or "0")
        by_label = {meta(f"node_address_{clean(kind)}"): value for kind, value in addresses.items()}
        return cls(*_identity(metadata), shared, {**labels, **shared}, address, by_label)


class Namespace(NamedTuple):
    """A namespace. labels: what everything in it gets."""

    version: str
    namespace: str
    name: str
    labels: Mapping[str, str]

    @classmethod
    def read(cls, given: Object) -> Namespace:
        metadata = part(given, "metadata")
        labels: Labels = {}
        add_meta(labels, metadata, "namespace")
        return cls(*_identity(metadata), labels)


class Service(NamedTuple):
    """A service. family: of its first address if it has two, else ""."""

    version: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    targets: tuple[Mapping[str, str], ...]
    family: str

    @classmethod
    def read(cls, given: Object) -> Service:
        metadata, spec = part(given, "metadata"), part(given, "spec")
        version, namespace, name = _identity(metadata)
        labels = {NAMESPACE: namespace, **with_meta(metadata, "service")}
        kind = text(spec, "type")
        shared = {meta("service_type"): kind}
        if kind == "ExternalName":
            shared[meta("service_external_name")] = text(spec, "externalName")
        else:
            shared[meta("service_cluster_ip")] = text(spec, "clusterIP")
        if kind == "LoadBalancer":
            shared[meta("service_loadbalancer_ip")] = text(spec, "loadBalancerIP")
        targets = tuple(
            {
                ADDRESS: host_port(f"{name}.{namespace}.svc", text(port, "port") or "0"),
                meta("service_port_name"): text(port, "name"),
                meta("service_port_number"): text(port, "port") or "0",
                meta("service_port_protocol"): text(port, "protocol"),
                **shared,
            }
            for port in parts(spec, "ports")
        )
        dual = text(spec, "ipFamilyPolicy") in {"PreferDualStack", "RequireDualStack"}
        family = next(iter(texts(spec, "ipFamilies")), "") if dual else ""
        return cls(version, namespace, name, labels, targets, family)


class Ingress(NamedTuple):
    """An ingress."""

    version: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    targets: tuple[Mapping[str, str], ...]

    @classmethod
    def read(cls, given: Object) -> Ingress:
        metadata, spec = part(given, "metadata"), part(given, "spec")
        version, namespace, name = _identity(metadata)
        labels = {NAMESPACE: namespace}
        if spec.get("ingressClassName") is not None:
            labels[meta("ingress_class_name")] = text(spec, "ingressClassName")
        labels.update(with_meta(metadata, "ingress"))
        secured = [host for tls in parts(spec, "tls") for host in texts(tls, "hosts")]
        targets = []
        for rule in parts(spec, "rules"):
            host = text(rule, "host")
            scheme = "https" if any(_covers(pattern, host) for pattern in secured) else "http"
            shared = {ADDRESS: host, meta("ingress_scheme"): scheme, meta("ingress_host"): host}
            targets += [{**shared, meta("ingress_path"): path} for path in _paths(rule)]
        return cls(version, namespace, name, labels, tuple(targets))


class Address(NamedTuple):
    """One address and port of an Endpoints object or of a slice.

    own: the labels that it gives. port: its number, None without one. protocol: of the port.
    pod: the key of the pod that it belongs to, "" if none. node: the node whose labels it gets, "" if none.
    """

    own: Mapping[str, str]
    port: int | None
    protocol: str
    pod: str
    node: str


class Endpoints(NamedTuple):
    """An Endpoints object, or a slice of a service's endpoints.

    service: the key of its service, "" if none. family: of a slice's addresses. capacity: of an Endpoints
    object: `truncated` or `warning` if it has too many addresses.
    """

    version: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    service: str
    addresses: tuple[Address, ...]
    family: str = ""
    capacity: str = ""

    @classmethod
    def read(cls, given: Object) -> Endpoints:
        metadata = part(given, "metadata")
        version, namespace, name = _identity(metadata)
        addresses = []
        for subset in parts(given, "subsets"):
            for port in parts(subset, "ports"):
                for field, ready in (("addresses", "true"), ("notReadyAddresses", "false")):
                    addresses += [_address(each, port, ready) for each in parts(subset, field)]
        capacity = text(part(metadata, "labels"), "endpoints.kubernetes.io/over-capacity")
        return cls(
            version,
            namespace,
            name,
            with_meta(metadata, "endpoints"),
            f"{namespace}/{name}",
            tuple(addresses),
            capacity=capacity,
        )

    @classmethod
    def read_slice(cls, given: Object) -> Endpoints:
        """Read an EndpointSlice."""
        metadata = part(given, "metadata")
        version, namespace, name = _identity(metadata)
        family = text(given, "addressType")
        service = text(part(metadata, "labels"), "kubernetes.io/service-name")
        labels = {meta("endpointslice_address_type"): family, **with_meta(metadata, "endpointslice")}
        addresses = []
        for endpoint in parts(given, "endpoints"):
            shared = _endpoint_labels(endpoint)
            for port in parts(given, "ports"):
                of_port = _slice_port_labels(port)
                hosts = texts(endpoint, "addresses")
                addresses += [_slice_address(host, endpoint, port, {**of_port, **shared}) for host in hosts]
        return cls(
            version,
            namespace,
            name,
            labels,
            f"{namespace}/{service}" if service else "",
            tuple(addresses),
            family=family,
        )


Kept: TypeAlias = Pod | Node | Namespace | Service | Ingress | Endpoints
"""Any object that is kept."""

_ADDRESS_TYPES = ("InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname")


def _identity(metadata: Object) -> tuple[str, str, str]:
    return str(metadata.get("resourceVersion", "")), text(metadata, "namespace"), text(metadata, "name")


def _ready(status: Object) -> str:
    for condition in parts(status, "conditions"):
        if condition.get("type") == "Ready":
            return text(condition, "status").lower()
    return "unknown"


def _containers(spec: Object, field: str, status: Object, of_status: str, init: str) -> list[Container]:
    ids: Labels = {}
    for each in parts(status, of_status):
        ids.setdefault(text(each, "name"), text(each, "containerID"))
    found = []
    for each in parts(spec, field):
        name = text(each, "name")
        ports = tuple(
            Port(_number(port, "containerPort") or 0, text(port, "name"), text(port, "protocol"))
            for port in parts(each, "ports")
        )
        found.append(Container(name, ids.get(name, ""), text(each, "image"), init, ports))
    return found


def _number(given: Object, name: str) -> int | None:
    value = given.get(name)
    return value if isinstance(value, int) else None


def _covers(pattern: str, host: str) -> bool:
    """Whether a host of an ingress's TLS settings, possibly `*.example.org`, is that of a rule."""
    if pattern == host:
        return True
    wanted, given = pattern.split("."), host.split(".")
    return wanted[0] == "*" and len(wanted) == len(given) and wanted[1:] == given[1:]


def _paths(rule: Object) -> list[str]:
    if not isinstance(rule.get("http"), dict):
        return ["/"]
    return [text(path, "path") or "/" for path in parts(part(rule, "http"), "paths")]


def _address(given: Object, port: Object, ready: str) -> Address:
    number = _number(port, "port") or 0
    own = {
        ADDRESS: host_port(text(given, "ip"), number),
        meta("endpoint_port_name"): text(port, "name"),
        meta("endpoint_port_protocol"): text(port, "protocol"),
        meta("endpoint_ready"): ready,
    }
    target = part(given, "targetRef")
    if given.get("targetRef") is not None:
        own[meta("endpoint_address_target_kind")] = text(target, "kind")
        own[meta("endpoint_address_target_name")] = text(target, "name")
    node = text(given, "nodeName")
    if given.get("nodeName") is not None:
        own[meta("endpoint_node_name")] = node
    elif target.get("kind") == "Node":
        node = text(target, "name")
    if text(given, "hostname"):
        own[meta("endpoint_hostname")] = text(given, "hostname")
    return Address(own, number, text(port, "protocol"), _pod_key(target), node)


def _pod_key(target: Object) -> str:
    if target.get("kind") != "Pod":
        return ""
    return f"{text(target, 'namespace')}/{text(target, 'name')}"


def _slice_port_labels(port: Object) -> Labels:
    labels = {}
    for field, label in (
        ("name", "_name"),
        ("protocol", "_protocol"),
        ("port", ""),
        ("appProtocol", "_app_protocol"),
    ):
        if port.get(field) is not None:
            labels[meta(f"endpointslice_port{label}")] = text(port, field)
    return labels


def _endpoint_labels(endpoint: Object) -> Labels:
    labels = {}
    conditions = part(endpoint, "conditions")
    for name in ("ready", "serving", "terminating"):
        if conditions.get(name) is not None:
            labels[meta(f"endpointslice_endpoint_conditions_{name}")] = text(conditions, name)
    for field, label in (("hostname", "hostname"), ("nodeName", "node_name"), ("zone", "zone")):
        if endpoint.get(field) is not None:
            labels[meta(f"endpointslice_endpoint_{label}")] = text(endpoint, field)
    if endpoint.get("targetRef") is not None:
        target = part(endpoint, "targetRef")
        labels[meta("endpointslice_address_target_kind")] = text(target, "kind")
        labels[meta("endpointslice_address_target_name")] = text(target, "name")
    topology = part(endpoint, "deprecatedTopology")
    for name in topology:
        labels[meta(f"endpointslice_endpoint_topology_{clean(name)}")] = text(topology, name)
        labels[meta(f"endpointslice_endpoint_topology_present_{clean(name)}")] = "true"
    return labels


def _slice_address(host: str, endpoint: Object, port: Object, labels: Labels) -> Address:
    number = _number(port, "port")
    target = part(endpoint, "targetRef")
    node = text(target, "name") if target.get("kind") == "Node" else text(endpoint, "nodeName")
    own = {ADDRESS: host if number is None else host_port(host, number), **labels}
    return Address(own, number, "", _pod_key(target), node)
