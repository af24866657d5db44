"""discovery.kubernetes and an API that is down, lies, refuses, changes its certificates or sends too much."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from alloypy.components.discovery.kube import follower, json_stream
from alloypy.components.discovery.kubernetes import Arguments
from alloypy.components.http_client import HTTPClientArguments, TLSArguments
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from tests.support.counts import repeated
from tests.support.kube_api import kube_api, pod
from tests.support.kube_discovering import at, discovering, hurry
from tests.support.running import free_port
from tests.support.scripted import answering, scripted
from tests.support.tls import pem
from tests.support.waiting import until
from tests.support.watchdog import watching

pytestmark = pytest.mark.anyio

UNREADABLE = "unable to decode the answer: "
BUSY = "the server has received too many requests and has asked us to try again later"
FAILED = "Failed to watch: failed to list *v1.Pod: "


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def by_url(port: int, scheme: str = "http", **client: object) -> Arguments:
    settings = HTTPClientArguments(**client)  # type: ignore[arg-type]
    url = parse_url(f"{scheme}://127.0.0.1:{port}")
    return Arguments(role="pod", api_server=url, http_client=settings)


async def test_an_api_that_is_down_at_the_start_and_again_later() -> None:
    port = free_port()
    async with discovering(by_url(port)) as found:
        await until(lambda: found.failures > 2)
        text = (
            f'{FAILED}Get "http://127.0.0.1:{port}/api/v1/pods": '
            f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        )
        assert found.trouble == text
        assert found.messages == ["Failed to watch"]
        async with kube_api(port=port) as api:
            api.put("pods", pod("a"))
            await found.has("10.0.0.1:80")
            assert found.trouble == ""
        failures = found.failures
        await until(lambda: found.failures > failures + 2)
        assert "failed to watch *v1.Pod: " in found.trouble
        assert found.addresses == ["10.0.0.1:80"]
        given = replace(by_url(port), http_client=HTTPClientArguments(follow_redirects=False))
        await found.component.prepare_update(given)
        await found.component.update(given)
        await until(lambda: found.trouble == text)
        assert found.addresses == ["10.0.0.1:80"]
        async with kube_api(port=port) as api:
            api.put("pods", pod("b", "10.0.0.2"))
            await found.has("10.0.0.2:80")
            assert found.trouble == ""


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", f"{UNREADABLE}it ends too early"),
        (b"<html>", f"{UNREADABLE}expected '{{' in the list, found '<'"),
        (b'{"items":[{"metadata":{"name":"x"', f"{UNREADABLE}it ends too early"),
        (b'{"items":[]}', f"{UNREADABLE}it has no resourceVersion"),
        (b'{"items":["' + b"x" * 3000 + b'"]}', f"{UNREADABLE}an object is larger than 2000 characters"),
    ],
)  # fmt: skip
async def test_lists_that_are_none(body: bytes, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MOST_CHARACTERS", 2000)
    async with kube_api() as api:
        api.streams = False
        api.put("pods", pod("a"))
        api.bodies["pods"] = body
        async with discovering(at(api)) as found:
            await until(lambda: found.failures > 1)
            assert found.trouble == FAILED + text
            del api.bodies["pods"]
            await found.has("10.0.0.1:80")
            assert found.trouble == ""


async def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "MOST_OBJECTS", 100)
    async with kube_api() as api:
        api.streams = False
        items = [{"metadata": {"name": f"p{number}"}} for number in range(200)]
        api.bodies["pods"] = json.dumps({"items": items, "metadata": {"resourceVersion": "1"}}).encode()
        async with discovering(at(api)) as found:
            await until(lambda: found.failures > 1)
            assert found.trouble == f"{FAILED}unable to decode the answer: more than 100 objects"


async def test_odd_objects_do_no_harm() -> None:
    odd = {
        "metadata": {"name": "odd", "labels": ["x"], "annotations": {"a": {"b": 1}, "n": None, "t": True}},
        "spec": {"containers": [None, {"name": 5, "ports": [{"containerPort": "x"}]}], "nodeName": {}},
        "status": {"podIP": 7, "conditions": "none", "containerStatuses": {"a": 1}},
    }
    async with kube_api() as api:
        api.put("pods", odd)
        api.put("pods", pod("a"))
        async with discovering(at(api)) as found:
            await found.has("10.0.0.1:80", "7:0")


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"rubbish\n", f"{UNREADABLE}an event is not JSON"),
        (b'{"type":"ADDED"}\n', f"{UNREADABLE}an event ADDED without an object"),
        (b'{"type":"ERROR","object":{"code":500,"message":"oh"}}\n', "oh"),
        (b'{"type":"ERROR","object":{}}\n', "unknown"),
    ],
)
async def test_a_watch_that_says_something_else(sent: bytes, text: str) -> None:
    async with kube_api() as api:
        api.streams = False
        api.put("pods", pod("a"))
        async with discovering(at(api)) as found:
            await until(lambda: api.watches)
            api.send(sent)
            await until(lambda: found.failures)
            assert found.messages[0] == "Failed to watch"
            assert f"failed to watch *v1.Pod: {text}" in found.log.lines[0]
            await until(lambda: api.watches)
            api.put("pods", pod("b", "10.0.0.2"))
            await found.has("10.0.0.1:80", "10.0.0.2:80")
            assert found.trouble == ""


async def test_a_server_that_never_says_that_it_has_sent_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers before Kubernetes 1.27 ignore what asks for all objects; then a list has to do."""
    monkeypatch.setattr(follower, "_STATE_IDLE_SECONDS", 0.05)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    listed = {"metadata": {"resourceVersion": "1"}, "items": [pod("a")]}
    body = json.dumps(listed).encode()

    async def script(peer):  # type: ignore[no-untyped-def]
        while (request := await peer.request()) is not None:
            if "watch=true" in request.line:
                await peer.say(head)
                await peer.closed_by_client()
                return
            await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with scripted(script) as server, discovering(by_url(server.port)) as found:
        await found.has("10.0.0.1:80")
        assert found.failures == 0


async def test_a_token_that_expires_and_is_renewed_in_its_file(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    async with kube_api() as api:
        api.token = "old"
        api.put("pods", pod("a"))
        async with discovering(by_url(api.port, bearer_token_file=str(token))) as found:
            await found.has("10.0.0.1:80")
            api.token = "new-one"
            api.close()
            await until(lambda: found.failures > 1)
            assert found.trouble.endswith("*v1.Pod: Unauthorized")
            token.write_text("new-one")
            api.put("pods", pod("b", "10.0.0.2"))
            await found.has("10.0.0.1:80", "10.0.0.2:80")
            assert found.trouble == ""
            assert not any("old" in line or "new-one" in line for line in found.log.lines)


async def test_certificates_that_change_on_disk(tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    port = free_port()

    def renewed() -> ssl.SSLContext:
        issuer = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert("127.0.0.1").configure_cert(context)
        waiting.append(pem(issuer))
        return context

    waiting: list[str] = []
    first = renewed()
    authority.write_text(waiting[0])
    given = by_url(port, "https", tls_config=TLSArguments(ca_file=str(authority)))
    async with discovering(given) as found:
        async with kube_api(first, port) as api:
            api.put("pods", pod("a"))
            await found.has("10.0.0.1:80")
        async with kube_api(renewed(), port) as api:
            api.version = 1000
            api.put("pods", pod("b", "10.0.0.2"))
            await until(lambda: "certificate signed by unknown authority" in found.trouble)
            assert found.addresses == ["10.0.0.1:80"]
            authority.write_text(waiting[1] + "\n")
            await until(lambda: found.trouble == "")
            api.put("pods", pod("c", "10.0.0.3"))
            await until(lambda: "10.0.0.3:80" in found.addresses)


async def test_a_redirect_takes_no_credentials_to_another_server() -> None:
    async with kube_api() as other:
        other.put("pods", pod("a"))
        moved = f"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:{other.port}/api/v1/pods?watch=true&sendInitialEvents=true"
        reply = f"{moved}\r\nContent-Length: 0\r\n\r\n".encode()
        async with scripted(answering(reply)) as server:
            given = by_url(
                server.port, bearer_token=Secret("hush"), http_headers={"X-Key": (Secret("hush"),)}
            )
            async with discovering(given) as found:
                await found.has("10.0.0.1:80")
        assert server.requests[0].values("Authorization") == ["Bearer hush"]
        assert all("hush" not in str(each.headers) for each in other.asked)


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def take(self: follower.Pause, at_least: float = 0.0) -> None:
        waited.append(at_least)
        await asyncio.sleep(0.01)

    monkeypatch.setattr(follower.Pause, "take", take)
    reply = b"HTTP/1.1 429 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    async with scripted(answering(reply)) as server, discovering(by_url(server.port)) as found:
        await until(lambda: len(waited) > 1)
        assert found.trouble == f"{FAILED}{BUSY} (get pods)"
    assert waited[0] == 7.0


async def test_many_pods_do_not_hold_the_event_loop() -> None:
    """A first state and a storm of changes, with other things of a pod that nobody needs."""
    count = repeated(5000)
    ballast: dict[str, object] = {
        "managedFields": [{"fieldsV1": {f"f:{number}": {} for number in range(200)}}]
    }

    def one(number: int, turn: str) -> dict[str, object]:
        given = pod(f"p{number}", f"10.{number // 62500}.{number // 250 % 250}.{number % 250}", turn=turn)
        return {**given, "metadata": {**given["metadata"], **ballast}}

    async with kube_api() as api:
        for number in range(count):
            api.put("pods", one(number, "first"))
        async with discovering(at(api)) as found:
            with watching():
                await until(lambda: found.exports and len(found.exports[-1].targets) == count)
                for number in range(count):
                    api.put("pods", one(number, "second"))
                    if number % 50 == 0:
                        await asyncio.sleep(0)
                await until(lambda: set(found.labels("pod_label_turn")) == {"second"})
            assert found.events("update") == count
