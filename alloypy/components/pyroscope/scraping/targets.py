"""What is scraped of a discovered target: for each type of profile a URL, and the labels of its profiles.

Source: docs/spec/PYROSCOPE.md, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import quote_plus

from alloypy import __version__
from alloypy.components.pyroscope.scraping.arguments import DEFAULT_PROFILING, Arguments, Profile
from alloypy.lang.go.address import host_port_fault
from alloypy.lang.go.duration import SECOND
from alloypy.lang.go.text import quote
from alloypy.lang.go.url import at_path
from alloypy.lang.secrecy import hide
from alloypy.lang.targets import Target
from alloypy.profiles.labels import NAME, SERVICE_NAME
from alloypy.profiles.model import Labels

ADDRESS = "__address__"
SCHEME = "__scheme__"
PROFILE_PATH = "__profile_path__"
PATH_PREFIX = "__profile_path_prefix__"
PARAM = "__param_"
_META = "__meta_"

_DIFFERENCED = ("memory", "mutex", "block")
_BY_TARGETS = {f"godeltaprof_{name}": name for name in _DIFFERENCED}
"""Types whose differences the targets compute; their series have the name of the plain type."""

_DIFFERENCE = {"__delta__": "false"}
"""Tells the server that it need not subtract anything."""

_SCOPE_NAME = "otel.scope.name"
_SCOPE = {_SCOPE_NAME: "com.grafana.alloy/pyroscope.scrape", "otel.scope.version": f"v{__version__}"}

_PORTS = {"": "80", "http": "80", "https": "443"}

_ANNOTATION = "__meta_kubernetes_pod_annotation_pyroscope_io_service_name"
_POD = ("__meta_kubernetes_namespace", "__meta_kubernetes_pod_container_name")
_CONTAINERS = (
    "__meta_docker_container_name",
    "__meta_dockerswarm_container_label_service_name",
    "__meta_dockerswarm_service_name",
)


class BadTarget(ValueError):
    """Nothing can be scraped of a target; the text is Alloy's reason."""


class Wanted(NamedTuple):
    """One type of profile of one target.

    identity: of what is scraped, equal for targets that differ only in private labels.
    sent: the labels that profiles are sent with, in order. added: those among them that are not the target's.
    url: with its query. differenced: whether the previous profile is subtracted.
    collects: whether the URL says how many seconds the target takes to answer.
    """

    identity: bytes
    sent: Labels
    added: Sequence[str]
    url: str
    differenced: bool
    collects: bool

    @property
    def labels(self) -> Labels:
        """The target's labels, private ones included."""
        return {name: value for name, value in self.sent.items() if name not in self.added}

    @property
    def name(self) -> str:
        """The type of profile."""
        return self.sent.get(NAME, "")


def sharing_key(target: Target) -> bytes:
    """What decides whether two targets are the same, and which replica scrapes them: all but meta labels."""
    labels = target.labels
    pairs = [f"{name}\0{labels[name]}" for name in sorted(labels) if not name.startswith(_META)]
    return "\0".join(pairs).encode(errors="surrogateescape")


class Recipe:
    """How targets are scraped, from the arguments that say so."""

    def __init__(self, arguments: Arguments) -> None:
        profiling = arguments.profiling_config
        self._profiles: Sequence[Profile] = profiling.enabled()
        self._deltas = {name for name, each in profiling.types().items() if each.delta}
        self._prefix = profiling.path_prefix
        self._job = arguments.job_name
        self._scheme = arguments.scheme
        self._params = {name: tuple(values) for name, values in arguments.params.items()}
        duration = arguments.delta_profiling_duration
        self._seconds = duration // SECOND
        if duration == DEFAULT_PROFILING:
            self._seconds = arguments.scrape_interval // SECOND - 1

    def wanted(self, target: Target) -> tuple[Wanted, ...]:
        """What is scraped of a target. Raises BadTarget."""
        given = {name: value for name, value in target.labels.items() if value}
        labels = self._common(given) if self._profiles else {}
        return tuple(self._one(labels, given, profile) for profile in self._profiles)

    def _common(self, given: Mapping[str, str]) -> dict[str, str]:
        """The labels that all profiles of a target have. Raises BadTarget."""
        labels = dict(given)
        for name, value in (("job", self._job), (SCHEME, self._scheme)):
            if value:
                labels.setdefault(name, value)
        for name, values in self._params.items():
            if values and values[0]:
                labels[PARAM + name] = values[0]
            elif values:
                labels.pop(PARAM + name, None)
        address = self._address(labels)
        labels[ADDRESS] = address
        labels.setdefault("instance", address)
        labels.setdefault(SERVICE_NAME, _service_name(given))
        for name in sorted(labels):
            value = labels[name]
            if not value.isascii() and _is_broken(value):
                raise BadTarget(f"invalid label value for {quote(name)}: {quote(hide(value, name))}")
        return labels

    def _address(self, labels: Mapping[str, str]) -> str:
        address = labels.get(ADDRESS, "")
        if not address:
            raise BadTarget("no address")
        if _lacks_port(address):
            port = _PORTS.get(labels.get(SCHEME, ""))
            if port is None:
                raise BadTarget(f"invalid scheme: {quote(self._scheme)}")
            address = f"{address}:{port}"
        if "/" in address:
            raise BadTarget(f"{quote(hide(address, ADDRESS))} is not a valid hostname")
        return address

    def _one(self, common: Mapping[str, str], given: Mapping[str, str], profile: Profile) -> Wanted:
        labels = dict(common)
        for name, value in ((PROFILE_PATH, profile.path), (NAME, profile.name), (PATH_PREFIX, self._prefix)):
            if value:
                labels.setdefault(name, value)
        name = labels.get(NAME, "")
        params = {key: list(values) for key, values in self._params.items() if values}
        collects = name in self._deltas
        if collects:
            params.setdefault("seconds", []).append(str(self._seconds))
        collects = "seconds" in params
        for label, value in labels.items():
            if label.startswith(PARAM):
                params.setdefault(label.removeprefix(PARAM), [""])[0] = value
        url = at_path(
            labels.get(SCHEME, ""),
            labels[ADDRESS],
            (labels.get(PATH_PREFIX, ""), labels.get(PROFILE_PATH, "")),
            _encoded(params),
        )
        if name in _BY_TARGETS:
            labels[NAME] = _BY_TARGETS[name]
        identity = _identity(labels, url)
        added = {**_scope(labels), **(_DIFFERENCE if name in _DIFFERENCED else {})}
        sent = labels | added
        ordered = {name: sent[name] for name in sorted(sent)}
        return Wanted(identity, ordered, tuple(added), url, name in _DIFFERENCED, collects)


def _identity(labels: Labels, url: str) -> bytes:
    digest = blake2b(url.encode(errors="surrogateescape"), digest_size=16)
    for name in sorted(labels):
        if not name.startswith("__"):
            digest.update(f"\0{name}\0{labels[name]}".encode(errors="surrogateescape"))
    return digest.digest()


def _scope(labels: Labels) -> Mapping[str, str]:
    """Labels that say who has collected a profile, unless something else has said so."""
    if labels.get(_SCOPE_NAME, _SCOPE[_SCOPE_NAME]) != _SCOPE[_SCOPE_NAME]:
        return {}
    return {name: value for name, value in _SCOPE.items() if name not in labels}


def _encoded(params: Mapping[str, Sequence[str]]) -> str:
    return "&".join(
        f"{_escaped(name)}={_escaped(value)}" for name in sorted(params) for value in params[name]
    )


def _escaped(text: str) -> str:
    return quote_plus(text, errors="surrogateescape")


def _service_name(given: Mapping[str, str]) -> str:
    """The name of the service, from what discovery found out about the target."""
    annotated = given.get(_ANNOTATION)
    if annotated:
        return annotated
    namespace, container = (given.get(name) for name in _POD)
    if namespace and container:
        return f"{namespace}/{container}"
    return next((given[name] for name in _CONTAINERS if name in given), "unspecified")


def _lacks_port(address: str) -> bool:
    """Whether the address would be valid with a port, but has none."""
    return bool(host_port_fault(address)) and not host_port_fault(f"{address}:1234")


def _is_broken(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
