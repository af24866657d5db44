"""A small Kubernetes API that lists and watches, in JSON."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tests.support.component_cases.case import Case
from tests.support.component_cases.servers import Handler, Scripted


class Resource(NamedTuple):
    """Where a resource is, and its kind."""

    group: str
    kind: str

    @property
    def version(self) -> str:
        return self.group.split("/", 2)[2] if self.group.startswith("/apis") else "v1"


RESOURCES = {
    "pods": Resource("/api/v1", "Pod"),
    "services": Resource("/api/v1", "Service"),
    "endpoints": Resource("/api/v1", "Endpoints"),
    "nodes": Resource("/api/v1", "Node"),
    "namespaces": Resource("/api/v1", "Namespace"),
    "endpointslices": Resource("/apis/discovery.k8s.io/v1", "EndpointSlice"),
    "ingresses": Resource("/apis/networking.k8s.io/v1", "Ingress"),
}


class _Watch(NamedTuple):
    resource: str
    namespace: str
    events: list[dict[str, Any]]


class KubernetesAPI(Scripted):
    """Objects by resource, namespace and name; `fail` refuses resources with a status."""

    def __init__(self, case: Case, name: str, given: Mapping[str, Any]) -> None:
        self._version = 100
        self._objects: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
        self._watches: list[_Watch] = []
        super().__init__(case, name, given)
        for resource, objects in (given.get("objects") or {}).items():
            for each in objects:
                self._put("ADDED", resource, each)

    def change(self, update: Mapping[str, Any]) -> None:
        super().change(update)
        for event in update.get("events", []):
            self._put(*event)

    def _put(self, event: str, resource: str, given: Mapping[str, Any]) -> None:
        with self.lock:
            self._version += 1
            made = json.loads(json.dumps(given))
            made.setdefault("apiVersion", RESOURCES[resource].version)
            made.setdefault("kind", RESOURCES[resource].kind)
            metadata = made.setdefault("metadata", {})
            metadata["resourceVersion"] = str(self._version)
            key = metadata.get("namespace", ""), metadata["name"]
            objects = self._objects.setdefault(resource, {})
            objects[key] = made
            if event == "DELETED":
                del objects[key]
            for watch in self._watches:
                if watch.resource == resource and watch.namespace in {"", key[0]}:
                    watch.events.append({"type": event, "object": made})

    def answer(self, request: Handler, path: str, query: str) -> None:
        asked = dict(parse_qsl(query, keep_blank_values=True))
        fail = self.given.get("fail", {})
        if fail.get("auth") and request.headers.get("Authorization") != fail["auth"]:
            self._refuse(request, 401, "Unauthorized", "Unauthorized")
            return
        found = _place(re.sub(r"^/proxy(?=/)", "", path))
        if found is None:
            self.reply(request, {"status": 404, "body": "404 page not found\n"})
        elif found[0] in fail:
            status = fail[found[0]]
            reason = {403: "Forbidden", 500: "InternalError"}.get(status, "Unknown")
            self._refuse(request, status, reason, f"{found[0]} is forbidden")
        elif "sendInitialEvents" in asked:
            self._refuse(request, 422, "Invalid", "sendInitialEvents is forbidden")
        elif asked.get("watch") in {"1", "true"}:
            self._watch(request, *found)
        else:
            self._list(request, *found, asked.get("labelSelector", ""))

    def _refuse(self, request: Handler, status: int, reason: str, message: str) -> None:
        answer = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason}
        self._send(request, {**answer, "code": status, "message": message}, status)

    def _send(self, request: Handler, answer: Mapping[str, Any], status: int = 200) -> None:
        headers = {"Content-Type": "application/json"}
        self.reply(request, {"status": status, "headers": headers, "json": answer})

    def _watch(self, request: Handler, resource: str, namespace: str) -> None:
        watch = _Watch(resource, namespace, [])
        with self.lock:
            self._watches.append(watch)
        request.send_response_only(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.close_connection = True
        try:
            while not self.stopping:
                while watch.events:
                    line = json.dumps(watch.events.pop(0)).encode() + b"\n"
                    request.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                    request.wfile.flush()
                time.sleep(0.05)
            request.wfile.write(b"0\r\n\r\n")
        finally:
            with self.lock:
                self._watches.remove(watch)

    def _list(self, request: Handler, resource: str, namespace: str, selector: str) -> None:
        with self.lock:
            objects = sorted(self._objects.get(resource, {}).items())
            version = self._version
        items = [each for key, each in objects if namespace in {"", key[0]}]
        if self.given.get("select", True):
            items = [each for each in items if _selected(each, selector)]
        kept = [
            {key: value for key, value in each.items() if key not in {"kind", "apiVersion"}} for each in items
        ]
        found = RESOURCES[resource]
        answer = {"kind": f"{found.kind}List", "apiVersion": found.version, "items": kept}
        self._send(request, {**answer, "metadata": {"resourceVersion": str(version)}})


def _place(path: str) -> tuple[str, str] | None:
    """The resource and the namespace that a path names."""
    for name, resource in RESOURCES.items():
        found = re.fullmatch(rf"{re.escape(resource.group)}(?:/namespaces/([^/]+))?/{name}", path)
        if found:
            return name, found[1] or ""
    return None


def _selected(item: Mapping[str, Any], selector: str) -> bool:
    labels = item["metadata"].get("labels", {})
    parts = (part for part in selector.split(",") if "=" in part and "!=" not in part)
    return all(labels.get(key) == value for key, value in (p.replace("==", "=").split("=", 1) for p in parts))
