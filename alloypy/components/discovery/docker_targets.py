"""From containers and networks, as the Docker engine describes them, to the labels of targets.

Source: the behaviour recorded in tests/golden/components/discovery.docker.jsonl.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from alloypy.lang.go.address import join_host_port

_PREFIX = "__meta_docker_"
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")

Labels = dict[str, str]


class MalformedError(ValueError):
    """An answer does not have the form that the API describes."""


class Choices(NamedTuple):
    """Settings. port: for containers without one. host: the address of containers in the host's network."""

    port: int
    host: str
    first_network_only: bool


def targets(
    containers: Sequence[Mapping[str, Any]], networks: Sequence[Mapping[str, Any]], choices: Choices
) -> list[Labels]:
    """The labels of each target. Raises MalformedError."""
    of_networks = {_text(network, "Id"): _network_labels(network) for network in networks}
    by_id = {_text(container, "Id"): container for container in containers}
    found: list[Labels] = []
    for container in containers:
        names = _list(container, "Names")
        if not names:
            continue
        mode = _mode(container)
        common = {
            f"{_PREFIX}container_id": _text(container, "Id"),
            f"{_PREFIX}container_name": _string(names[0], "Names"),
            f"{_PREFIX}container_network_mode": mode,
            **_own_labels(container, f"{_PREFIX}container_label_"),
        }
        for network in _chosen(_networks(container, by_id), choices):
            shared = {**common, **of_networks.get(_text(network, "NetworkID"), {})}
            address = _text(network, "IPAddress")
            shared[f"{_PREFIX}network_ip"] = address
            ports = list(_ports(container, address))
            if ports:
                found += [{**shared, **port} for port in ports]
            else:
                place = choices.host if mode == "host" else join_host_port(address, choices.port)
                found.append({**shared, "__address__": place})
    return found


def _ports(container: Mapping[str, Any], address: str) -> Iterator[Labels]:
    """The labels of each TCP port."""
    for port in _list(container, "Ports"):
        if not isinstance(port, dict):
            raise MalformedError("Ports")
        if port.get("Type") != "tcp":
            continue
        private, public = _number(port, "PrivatePort"), _number(port, "PublicPort")
        labels = {
            "__address__": join_host_port(address, private),
            f"{_PREFIX}port_private": str(private),
        }
        if public:
            labels[f"{_PREFIX}port_public"] = str(public)
            labels[f"{_PREFIX}port_public_ip"] = _text(port, "IP")
        yield labels


def _networks(
    container: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any] | None]:
    """The networks of a container, or of the one whose network it shares."""
    seen: set[str] = set()
    while True:
        networks = _object(_object(container, "NetworkSettings"), "Networks")
        shared = _mode(container).partition("container:")[2]
        if networks or not shared or shared in seen or shared not in by_id:
            return networks
        seen.add(shared)
        container = by_id[shared]


def _chosen(networks: Mapping[str, Mapping[str, Any] | None], choices: Choices) -> list[Mapping[str, Any]]:
    """The networks for which there are targets, by name."""
    usable: list[Mapping[str, Any]] = []
    for _, network in sorted(networks.items()):
        if network is not None and not isinstance(network, dict):
            raise MalformedError("Networks")
        if network is not None:
            usable.append(network)
    return usable[:1] if choices.first_network_only else usable


def _network_labels(network: Mapping[str, Any]) -> Labels:
    return {
        f"{_PREFIX}network_id": _text(network, "Id"),
        f"{_PREFIX}network_name": _text(network, "Name"),
        f"{_PREFIX}network_scope": _text(network, "Scope"),
        f"{_PREFIX}network_internal": "true" if network.get("Internal") else "false",
        f"{_PREFIX}network_ingress": "true" if network.get("Ingress") else "false",
        **_own_labels(network, f"{_PREFIX}network_label_"),
    }


def _own_labels(given: Mapping[str, Any], prefix: str) -> Labels:
    labels = _object(given, "Labels").items()
    return {prefix + _NOT_IN_NAMES.sub("_", name): _string(value, "Labels") for name, value in labels}


def _mode(container: Mapping[str, Any]) -> str:
    return _text(_object(container, "HostConfig"), "NetworkMode")


def _object(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, dict):
        raise MalformedError(name)
    return value or {}


def _list(given: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = given.get(name)
    if value is not None and not isinstance(value, list):
        raise MalformedError(name)
    return value or ()


def _text(given: Mapping[str, Any], name: str) -> str:
    return _string(given.get(name), name)


def _string(value: Any, name: str) -> str:
    if value is not None and not isinstance(value, str):
        raise MalformedError(name)
    return value or ""


def _number(given: Mapping[str, Any], name: str) -> int:
    value = given.get(name)
    if value is not None and not isinstance(value, int):
        raise MalformedError(name)
    return value or 0
