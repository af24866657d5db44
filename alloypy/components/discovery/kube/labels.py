"""The names of the labels that come from Kubernetes, and the labels and annotations that every object has.

Source: the behaviour recorded in tests/golden/components.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any

ADDRESS = "__address__"

_PREFIX = "__meta_kubernetes_"
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")
_LONGEST_SHARED = 64
_MOST_NAMES = 8192

Labels = dict[str, str]
Object = Mapping[str, Any]
"""An object as the API writes it in JSON."""


def part(given: Object, name: str) -> Object:
    """The inner object of that name, empty if it is missing or something else."""
    value = given.get(name)
    return value if isinstance(value, dict) else {}


def parts(given: Object, name: str) -> list[Object]:
    """The inner objects of that name."""
    value = given.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(given: Object, name: str) -> str:
    """A value as text, "" if it is missing. Short ones are shared between objects."""
    value = given.get(name)
    if isinstance(value, str):
        return intern(value) if len(value) <= _LONGEST_SHARED else value
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def texts(given: Object, name: str) -> list[str]:
    """The texts of a list."""
    value = given.get(name)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


@lru_cache(_MOST_NAMES)
def meta(name: str) -> str:
    """The label of that name, `pod_ip`. All names are shared, because thousands of objects repeat them."""
    return intern(f"{_PREFIX}{name}")


NAMESPACE = meta("namespace")


@lru_cache(_MOST_NAMES)
def clean(name: str) -> str:
    """A name as part of a label's name."""
    return intern(_NOT_IN_NAMES.sub("_", name))


@lru_cache(_MOST_NAMES)
def _pair(role: str, kind: str, name: str) -> tuple[str, str]:
    """The labels for the value and for the presence of one of an object's labels or annotations."""
    cleaned = clean(name)
    return meta(f"{role}_{kind}_{cleaned}"), meta(f"{role}_{kind}present_{cleaned}")


def add_meta(labels: Labels, metadata: Object, role: str) -> None:
    """Add the labels and annotations of an object; of two names that become the same, the last wins."""
    for kind, field in (("label", "labels"), ("annotation", "annotations")):
        given = part(metadata, field)
        for name in given:
            of_value, of_presence = _pair(role, kind, name)
            labels[of_value] = text(given, name)
            labels[of_presence] = "true"


def with_meta(metadata: Object, role: str) -> Labels:
    """The name, labels and annotations of an object."""
    labels = {meta(f"{role}_name"): text(metadata, "name")}
    add_meta(labels, metadata, role)
    return labels


def host_port(host: str, port: int | str) -> str:
    """Both joined, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
