"""A Kubernetes API on loopback that tests fill and break: lists in pages, watches, bookmarks, versions."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tests.support.scripted import listening

Object = dict[str, Any]

_PATH = re.compile(r"(?P<prefix>/apis?/.+?)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<name>[a-z]+)")
_KINDS = {
    "pods": "Pod",
    "services": "Service",
    "endpoints": "Endpoints",
    "nodes": "Node",
    "namespaces": "Namespace",
    "endpointslices": "EndpointSlice",
    "ingresses": "Ingress",
}
_PREFIXES = {
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1",
}


class Asked(NamedTuple):
    """A request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]

    @property
    def watches(self) -> bool:
        return self.query.get("watch") == "true"


class Watch:
    """A watch that is open. namespace: "" for all."""

    def __init__(self, name: str, namespace: str, writer: StreamWriter) -> None:
        self.name = name
        self.namespace = namespace
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))


class KubeAPI:
    """What a test sees of the API, and does to it.

    streams: whether watches can begin with all objects. oldest: versions before it are gone.
    refusals: by resource, the status that it answers. token: what clients must send, "" for nothing.
    lines: sent in place of the answer to a list, by resource.
    """

    def __init__(self) -> None:
        self.port = 0
        self.version = 100
        self.oldest = 0
        self.streams = True
        self.token = ""
        self.page = 500
        self.refusals: dict[str, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.asked: list[Asked] = []
        self.watches: list[Watch] = []
        self.answered: asyncio.Event = asyncio.Event()
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._history: list[tuple[int, str, str, Object]] = []

    def put(self, name: str, given: Object) -> None:
        """Add or change an object."""
        key = _key(given)
        kind = "MODIFIED" if key in self._objects.get(name, {}) else "ADDED"
        self._record(kind, name, self._stamped(name, given))

    def remove(self, name: str, given: Object) -> None:
        """Delete an object."""
        self._record("DELETED", name, self._stamped(name, given))

    def compact(self) -> None:
        """Forget all versions but the newest."""
        self.version += 1
        self.oldest = self.version

    def cut(self) -> None:
        """End all watches in the middle of a line."""
        for watch in self.watches:
            watch.say(b'{"type":"MODIFIED","object":{"metadata":{"na')
            watch.writer.transport.abort()

    def close(self) -> None:
        """End all watches as after their time."""
        for watch in self.watches:
            watch.writer.write(b"0\r\n\r\n")
            watch.writer.close()

    def send(self, data: bytes) -> None:
        """Send something of the test's own to all watches."""
        for watch in self.watches:
            watch.say(data)

    def bookmark(self) -> None:
        """Tell all watches the newest version."""
        self.version += 1
        for watch in self.watches:
            watch.say(_event("BOOKMARK", {"metadata": {"resourceVersion": str(self.version)}}))

    def requests(self, name: str, *, watches: bool) -> list[Asked]:
        """The requests for a resource so far."""
        return [each for each in self.asked if each.path.endswith(f"/{name}") and each.watches == watches]

    def _stamped(self, name: str, given: Object) -> Object:
        self.version += 1
        metadata = {**given["metadata"], "resourceVersion": str(self.version)}
        version = _PREFIXES.get(name, "/apis/v1").removeprefix("/apis/")
        return {"apiVersion": version, "kind": _KINDS[name], **given, "metadata": metadata}

    def _record(self, kind: str, name: str, stamped: Object) -> None:
        known = self._objects.setdefault(name, {})
        if kind == "DELETED":
            known.pop(_key(stamped), None)
        else:
            known[_key(stamped)] = stamped
        self._history.append((self.version, kind, name, stamped))
        for watch in self.watches:
            if watch.name == name and watch.namespace in ("", _key(stamped)[0]):
                watch.say(_event(kind, stamped))

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer the requests of one connection."""
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            line, *rest = head.split("\r\n")[:-2]
            url = urlsplit(line.split(" ")[1])
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
            self.asked.append(Asked(url.path, query, headers))
            found = _PATH.fullmatch(url.path)
            if found is None:
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            name, namespace = found["name"], found["namespace"] or ""
            code = self._refusal(name, query, headers)
            if code:
                writer.write(_answer(code, _status(code, name)))
            elif query.get("watch") == "true":
                await self._watch(Watch(name, namespace, writer), query, reader)
                return
            else:
                body = self.bodies.get(name)
                writer.write(_answer(200, self._list(name, namespace, query) if body is None else body))
            await writer.drain()

    def _refusal(self, name: str, query: dict[str, str], headers: dict[str, str]) -> int:
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            return 401
        if name in self.refusals:
            return self.refusals[name]
        if query.get("sendInitialEvents") and not self.streams:
            return 422
        version = query.get("resourceVersion", "")
        if query.get("watch") == "true" and version not in ("", "0") and int(version) < self.oldest:
            return 410
        return 0

    def _within(self, name: str, namespace: str) -> Iterator[Object]:
        for (of, _), each in sorted(self._objects.get(name, {}).items()):
            if namespace in ("", of):
                yield each

    def _list(self, name: str, namespace: str, query: dict[str, str]) -> bytes:
        items = list(self._within(name, namespace))
        begin, size = int(query.get("continue", 0)), min(self.page, int(query.get("limit", 1 << 30)))
        metadata = {"resourceVersion": str(self.version)}
        if begin + size < len(items):
            metadata["continue"] = str(begin + size)
        listed = {
            "apiVersion": "v1",
            "kind": f"{_KINDS[name]}List",
            "metadata": metadata,
            "items": items[begin : begin + size],
        }
        return json.dumps(listed).encode()

    async def _watch(self, watch: Watch, query: dict[str, str], reader: StreamReader) -> None:
        watch.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        if query.get("sendInitialEvents"):
            for each in self._within(watch.name, watch.namespace):
                watch.say(_event("ADDED", each))
            ended = {
                "resourceVersion": str(self.version),
                "annotations": {"k8s.io/initial-events-end": "true"},
            }
            watch.say(_event("BOOKMARK", {"apiVersion": "v1", "kind": _KINDS[watch.name], "metadata": ended}))
        else:
            since = int(query.get("resourceVersion", 0))
            for version, kind, name, each in self._history:
                if version > since and name == watch.name and watch.namespace in ("", _key(each)[0]):
                    watch.say(_event(kind, each))
        self.watches.append(watch)
        try:
            await reader.read()
        except OSError:
            pass
        finally:
            self.watches.remove(watch)


@asynccontextmanager
async def kube_api(context: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[KubeAPI]:
    """An API while the block lasts."""
    api = KubeAPI()
    async with listening(api.serve, context, port) as api.port:
        yield api


def pod(name: str, ip: str = "10.0.0.1", namespace: str = "default", **labels: str) -> Object:
    """A pod with one container and one port."""
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": labels},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "ports": [{"containerPort": 80}]}]},
        "status": {"phase": "Running", "podIP": ip},
    }


def node(name: str, **labels: str) -> Object:
    """A node."""
    address = {"type": "InternalIP", "address": "10.1.0.1"}
    return {"metadata": {"name": name, "labels": labels}, "status": {"addresses": [address]}}


def _key(given: Object) -> tuple[str, str]:
    metadata = given["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _event(kind: str, given: Object) -> bytes:
    return json.dumps({"type": kind, "object": given}).encode() + b"\n"


def _status(code: int, name: str) -> bytes:
    reasons = {401: "Unauthorized", 403: f"{name} is forbidden", 410: "too old resource version"}
    status = {"kind": "Status", "code": code, "message": reasons.get(code, f"status {code} for {name}")}
    return json.dumps(status).encode()


def _answer(code: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {code} x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
