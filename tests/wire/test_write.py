"""pyroscope.write over real sockets: attempts, counts, errors, and what a reload and a stop do."""

# ruff: noqa: SIM117 -- servers outside, the component inside reads better

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.components.http_client import BasicAuthArguments, TLSArguments, user_agent
from alloypy.components.pyroscope.sending import delivery
from alloypy.components.pyroscope.sending.endpoint import MOST_AT_ONCE, MOST_HELPERS, Endpoint
from alloypy.components.pyroscope.write import TracingArguments
from alloypy.lang.go.duration import Duration
from alloypy.lang.values import Secret
from alloypy.profiles.model import DeliveryError, DeliveryErrors, Push
from alloypy.profiles.push_wire import decode_push
from alloypy.runtime.contract.component import BuildError, UpdateError
from tests.support.scripted import Backend, Peer, answering, scripted
from tests.support.sending import (
    INGEST_OK,
    LABELS,
    PUSH_OK,
    Writing,
    answer,
    arguments,
    endpoint,
    ingest,
    push,
    writing,
)
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

JSON = "Content-Type: application/json"
GZIP = "Content-Encoding: gzip"


def at(backend: Backend, path: str = "") -> str:
    return f"http://127.0.0.1:{backend.port}{path}"


def saying(*answers: bytes):
    """A script that gives these answers in turn and repeats the last one."""
    left = list(answers)

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(left.pop(0) if len(left) > 1 else left[0])

    return script


async def refused(running: Writing, profile: Any) -> DeliveryError:
    """The error raised when passing in a profile."""
    with pytest.raises(DeliveryError) as caught:
        if isinstance(profile, Push):
            await running.receiver.append(profile)
        else:
            await running.receiver.append_ingest(profile)
    return caught.value


# What is retried, and what is reported


@pytest.mark.parametrize(
    ("status", "settings", "tries"),
    [
        (400, {}, 1),
        (408, {}, 3),
        (408, {"retry_on_http_429": False}, 3),
        (409, {}, 1),
        (413, {}, 1),
        (422, {}, 1),
        (429, {}, 3),
        (429, {"retry_on_http_429": False}, 1),
        (500, {}, 3),
        (501, {"retry_on_http_429": False}, 3),
        (599, {}, 3),
        (201, {}, 1),
        (204, {}, 1),
        (301, {}, 1),
    ],
)
async def test_tries_of_ingest(status: int, settings: dict[str, Any], tries: int) -> None:
    async with scripted(saying(answer(f"{status} Reason", b"why" if status != 204 else b""))) as backend:
        async with writing(arguments(endpoint(at(backend), **settings))) as running:
            error = await refused(running, ingest())
            counts = running.counts()
    assert len(backend.requests) == tries
    steps = tries if tries > 1 else 0
    tried = f"failed to ingest to endpoint {at(backend)} ({steps} retries): "
    refusal = f"remote error: pyroscope write error: status={status} msg={'why' if status != 204 else ''}"
    assert str(error) == tried + refusal
    assert error.status == status
    expected = {"dropped_bytes": 4, "dropped_profiles": 1} | ({"retries": tries - 1} if tries > 1 else {})
    assert counts == expected


@pytest.mark.parametrize(
    ("reply", "retry", "pause"),
    [
        (answer("503 Service Unavailable", b"", "Retry-After: 7"), True, 7.0),
        (answer("500 Internal Server Error"), True, 0.0),
        (answer("400 Bad Request"), False, 0.0),
    ],
)
async def test_an_error_says_whether_sending_it_again_may_help(
    reply: bytes, retry: bool, pause: float
) -> None:
    async with scripted(answering(reply)) as backend, scripted(answering(answer("404 Not Found"))) as other:
        both = endpoint(at(backend)), endpoint(at(other))
        for endpoints in (both[:1], both):
            async with writing(arguments(*endpoints)) as running:
                two = push(LABELS, {**LABELS, "x": "y"})
                for call in (
                    lambda: running.receiver.append(push()),
                    lambda: running.receiver.append(two),  # noqa: B023
                    lambda: running.receiver.append_ingest(ingest()),
                ):
                    with pytest.raises(DeliveryError) as failed:
                        await call()
                    assert (failed.value.retry, failed.value.pause) == (retry, pause)


@pytest.mark.parametrize(
    ("status", "tries", "code", "told"),
    [
        (400, 1, "internal", "invalid_argument"),
        (401, 1, "unauthenticated", "unauthenticated"),
        (403, 1, "permission_denied", "permission_denied"),
        (404, 1, "unimplemented", "not_found"),
        (405, 3, "unknown", "internal"),
        (408, 3, "unknown", "internal"),
        (409, 1, "unknown", "already_exists"),
        (413, 1, "unknown", "invalid_argument"),
        (415, 1, "unknown", "invalid_argument"),
        (422, 1, "unknown", "invalid_argument"),
        (429, 3, "unavailable", "resource_exhausted"),
        (500, 3, "unknown", "internal"),
        (503, 3, "unavailable", "internal"),
        (302, 3, "unknown", "internal"),
    ],
)
@pytest.mark.parametrize("retry_on_429", [True, False])
async def test_tries_of_push(status: int, tries: int, code: str, told: str, retry_on_429: bool) -> None:
    async with scripted(saying(answer(f"{status} Reason", b"why"))) as backend:
        given = arguments(endpoint(at(backend), retry_on_http_429=retry_on_429))
        async with writing(given) as running:
            error = await refused(running, push())
    assert len(backend.requests) == tries
    steps = tries if tries > 1 else 0
    text = f"failed to push to endpoint {at(backend)} ({steps} retries): {code}: {status} Reason"
    assert (str(error), error.status, error.code, error.series) == (text, status, told, 0)


@pytest.mark.parametrize(
    ("code", "settings", "tries", "told"),
    [
        ("canceled", {}, 1, "canceled"),
        ("unknown", {}, 3, "internal"),
        ("invalid_argument", {}, 1, "invalid_argument"),
        ("deadline_exceeded", {}, 3, "internal"),
        ("not_found", {}, 1, "not_found"),
        ("already_exists", {}, 1, "already_exists"),
        ("permission_denied", {}, 1, "permission_denied"),
        ("resource_exhausted", {}, 3, "internal"),
        ("resource_exhausted", {"retry_on_http_429": False}, 1, "resource_exhausted"),
        ("failed_precondition", {}, 1, "failed_precondition"),
        ("aborted", {}, 3, "internal"),
        ("out_of_range", {}, 1, "out_of_range"),
        ("unimplemented", {}, 1, "unimplemented"),
        ("internal", {}, 3, "internal"),
        ("unavailable", {}, 3, "internal"),
        ("data_loss", {}, 3, "internal"),
        ("unauthenticated", {}, 1, "unauthenticated"),
    ],
)
async def test_tries_by_connect_code(code: str, settings: dict[str, Any], tries: int, told: str) -> None:
    body = json.dumps({"code": code, "message": "why"}).encode()
    async with scripted(saying(answer("418 Teapot", body, JSON))) as backend:
        async with writing(arguments(endpoint(at(backend), **settings))) as running:
            error = await refused(running, push())
    assert len(backend.requests) == tries
    assert str(error).endswith(f"retries): {code}: why")
    assert error.code == told


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (answer("503 Busy", b'{"code":"not_found"}', JSON), "not_found"),
        (answer("503 Busy", b'{"message":"m"}', JSON), "unavailable: m"),
        (answer("503 Busy", b"{broken", JSON), "unavailable: 503 Busy"),
        (answer("503 Busy", b'{"code":"zap","message":"m"}', JSON), "unavailable: 503 Busy"),
        (answer("503 Busy", b'{"code":1}', JSON), "unavailable: 503 Busy"),
        (answer("503 Busy", b"[]", JSON), "unavailable: 503 Busy"),
        (answer("503 Busy", b"[" * 60_000, JSON), "unavailable: 503 Busy"),
        (
            answer("400 No", gzip.compress(b'{"code":"data_loss","message":"z"}', mtime=0), JSON, GZIP),
            "data_loss: z",
        ),
        (answer("400 No", gzip.compress(bytes(1 << 22), mtime=0), JSON, GZIP), "internal: 400 No"),
        (
            answer("400 No", b"x", JSON, "Content-Encoding: br"),
            'internal: unknown encoding "br": accepted encodings are gzip',
        ),
        (
            answer("200 OK", b"", "Content-Type: text/html"),
            'unknown: invalid content-type: "text/html"; expecting "application/proto"',
        ),
        (
            answer("200 OK", b"", "Content-Type: application/json"),
            'internal: invalid content-type: "application/json"; expecting "application/proto"',
        ),
        (answer("200 OK"), 'unknown: invalid content-type: ""; expecting "application/proto"'),
        (
            PUSH_OK.replace(b"0\r\n\r\n", b"9\r\nConnection: close\r\n\r\nx"),
            "unknown: read message: unexpected EOF",
        ),
    ],
)  # fmt: skip
async def test_unusual_answers_to_push(reply: bytes, cause: str) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(reply)
            if b"close" in reply:
                return

    async with scripted(script) as backend, writing(arguments(endpoint(at(backend)))) as running:
        error = await refused(running, push())
    assert str(error).partition("retries): ")[2] == cause


async def test_a_success_after_failures() -> None:
    async with scripted(saying(answer("503 Busy"), answer("500 Oh"), PUSH_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)))) as running:
            await running.receiver.append(push())
            assert running.counts() == {"sent_bytes": 4, "sent_profiles": 1, "retries": 2}
            assert running.metric("latency_count", type="push_total", endpoint="-") == 1
            assert running.metric("latency_count", type="push_endpoint", endpoint=at(backend)) == 1
            assert running.metric("latency_count", type="push_downstream", endpoint=at(backend)) == 3
    assert backend.connections == 1


async def test_an_outage_is_reported_once_and_so_is_its_end() -> None:
    replies = (answer("503 Busy"), answer("503 Busy"), PUSH_OK, PUSH_OK)
    async with scripted(saying(*replies)) as backend, writing(arguments(endpoint(at(backend)))) as running:
        await running.receiver.append(push())
        await running.receiver.append(push())
        told = [line for line in running.log.lines if "endpoint" in line and not line.startswith("DEBUG")]
        first, second = told
        assert first.startswith("WARNING endpoint is failing, trying again")
        assert "unavailable: 503 Busy" in first
        assert second.startswith("INFO endpoint works again")


async def test_one_try_and_endless_tries() -> None:
    async with scripted(saying(answer("503 Busy"))) as backend:
        async with writing(arguments(endpoint(at(backend), max_backoff_retries=1))) as running:
            assert "(1 retries)" in str(await refused(running, push()))
        assert len(backend.requests) == 1
    async with scripted(saying(*[answer("503 Busy")] * 40, PUSH_OK)) as backend:
        async with writing(arguments(endpoint(at(backend), max_backoff_retries=0))) as running:
            await running.receiver.append(push())
        assert len(backend.requests) == 41


@pytest.mark.parametrize("status", [503, 429, 401, 400])
async def test_a_caller_that_tries_again_itself_gets_one_try(status: int) -> None:
    """Nothing is dropped: the caller has it, and counts and reports what it gives up."""
    async with scripted(saying(answer(f"{status} Reason", b"why", "Retry-After: 7"))) as backend:
        async with writing(arguments(endpoint(at(backend)))) as running:
            for profile in (push(tries=1), ingest(tries=1)):
                error = await refused(running, profile)
                assert (error.status, error.retry, error.pause) == (status, status in (503, 429), 7.0)
            assert len(backend.requests) == 2
            assert running.counts() == {}
            assert not [line for line in running.log.lines if re.match("(WARNING|ERROR) (Push|Append)", line)]


async def test_pauses_and_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(_: Endpoint, seconds: float) -> bool:
        pauses.append(seconds)
        return True

    monkeypatch.setattr(Endpoint, "_pause", pause)
    replies = [answer("429 Slow", b"", "Retry-After: 7"), answer("503 Busy", b"", "Retry-After: 600")]
    schedule = {
        "min_backoff_period": Duration(10**9),
        "max_backoff_period": Duration(60 * 10**9),
        "max_backoff_retries": 5,
    }
    async with scripted(saying(*replies, answer("503 Busy"))) as backend:
        async with writing(arguments(endpoint(at(backend), **schedule)), random=lambda: 0.5) as running:
            await refused(running, push())
            await refused(running, ingest())
    assert pauses == [7, 60, 6, 12, 1.5, 3, 6, 12]


async def test_nobody_listens() -> None:
    async with scripted(answering()) as gone:
        pass
    async with writing(arguments(endpoint(at(gone)))) as running:
        error = await refused(running, push())
        refusal = f"dial tcp 127.0.0.1:{gone.port}: connect: connection refused"
        assert str(error) == f"failed to push to endpoint {at(gone)} (3 retries): unavailable: {refusal}"
        assert (error.status, error.code) == (None, "internal")
        error = await refused(running, ingest())
        assert str(error) == (
            f'failed to ingest to endpoint {at(gone)} (3 retries): do request: Post "{at(gone)}": {refusal}'
        )
        assert running.counts() == {"dropped_bytes": 8, "dropped_profiles": 2, "retries": 4}


async def test_a_timeout_is_tried_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if peer.number < 2:
            await asyncio.sleep(60)
        await peer.say(PUSH_OK)

    async with scripted(script) as backend:
        given = endpoint(at(backend), remote_timeout=Duration(100 * 10**6), max_backoff_retries=2)
        async with writing(arguments(given)) as running:
            error = await refused(running, push())
            assert str(error).endswith("(2 retries): deadline_exceeded: context deadline exceeded")
            await running.receiver.append(push())


# Labels


async def test_wrong_labels_are_the_clients_mistake() -> None:
    async with scripted(saying(PUSH_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)))) as running:
            for labels, reason in (
                ({}, "service name is required"),
                ({"": "x"}, "duplicate label name: "),
                ({"a": "\udcff"}, "invalid label value for a: \udcff"),
                (
                    {"a-b": "1"},
                    "invalid label name: invalid label name: a-b: character is not allowed: '-'",
                ),
            ):
                for profile in (push(labels), ingest(labels=labels)):
                    error = await refused(running, profile)
                    assert str(error) == f"invalid labels in profile: {reason}"
                    assert error.code == "invalid_argument"
            assert running.counts() == {}
    assert backend.requests == []


async def test_valid_series_are_sent_although_others_are_invalid() -> None:
    async with scripted(saying(PUSH_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)))) as running:
            error = await refused(running, push(LABELS, {"a-b": "1"}, {**LABELS, "x": "y"}, {}))
    assert isinstance(error, DeliveryErrors)
    assert [(each.series, each.code) for each in error.errors] == [
        (1, "invalid_argument"),
        (3, "invalid_argument"),
    ]
    assert sent_ids(backend) == ["id-0", "id-2"]


async def test_labels_of_push() -> None:
    external = {"env": "over", "zone": "z", "gone": "", "__name__": "named", "__hidden__": "kept"}
    labels = {**LABELS, "__session_id__": "s", "__delta__": "false", "gone": "x", "a": "1"}
    async with scripted(saying(PUSH_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)), external_labels=external)) as running:
            await running.receiver.append(push(labels))
    (series,) = decode_push(backend.requests[0].body)
    assert list(series.labels.items()) == [
        ("__delta__", "false"),
        ("__hidden__", "kept"),
        ("__name__", "named"),
        ("a", "1"),
        ("env", "over"),
        ("service_name", "svc"),
        ("zone", "z"),
    ]


@pytest.mark.parametrize(
    ("labels", "external", "name"),
    [
        ({"__name__": "n", "service_name": "s", "a": "b"}, {}, "s{a=b,service_name=s}"),
        ({"__name__": "n", "a": "b"}, {}, "n{a=b}"),
        ({"__name__": "n", "__session_id__": "1"}, {"x": "y"}, "n{__session_id__=1,x=y}"),
        (
            {"__name__": "n", "service_name": "s"},
            {"__name__": "ext", "service_name": "e"},
            "ext{service_name=e}",
        ),
        ({"__name__": "n", "a": "b"}, {"a": ""}, "n{}"),
        ({"__name__": "n", "a": "x,y}z"}, {}, "n{a=x_y_z}"),
        ({"__name__": "n", "u": "ü 1"}, {"r": "\udcff"}, "n{r=\udcff,u=ü 1}"),
    ],
)
async def test_names_of_ingest(labels: dict[str, str], external: dict[str, str], name: str) -> None:
    from urllib.parse import unquote_plus

    async with scripted(saying(INGEST_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)), external_labels=external)) as running:
            for _ in range(2):
                await running.receiver.append_ingest(ingest(labels=labels))
            replaced = running.metric("replaced_characters_total")
    target = backend.requests[0].line.split(" ")[1]
    assert unquote_plus(target, errors="surrogateescape") == f"/ingest?from=1&name={name}"
    assert backend.requests[1].line == backend.requests[0].line
    assert replaced == (4 if "x_y_z" in name else 0)


async def test_external_labels_that_are_not_utf8_do_not_stop_push() -> None:
    async with scripted(saying(PUSH_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)), external_labels={"r": "a\udcff"})) as running:
            await running.receiver.append(push())
    assert decode_push(backend.requests[0].body)[0].labels["r"] == "a\ufffd"


# Requests


async def test_requests_of_push() -> None:
    overridden = {"user-agent": "mine", "content-type": "x"}
    given = {"X-Scope-OrgID": "t", "Host": "virtual", "accept": "z", **overridden}
    async with scripted(saying(PUSH_OK)) as backend:
        settings = endpoint(at(backend, "/base/"), headers=given, remote_timeout=Duration(2500 * 10**6))
        async with writing(arguments(settings)) as running:
            await running.receiver.append(push(headers=(("x-tenant", "7"), ("x-scope-orgid", "theirs"))))
    (request,) = backend.requests
    assert request.line == "POST /base/push.v1.PusherService/Push HTTP/1.1"
    headers = dict(request.headers)
    assert [name for name, _ in request.headers] == [
        "Host",
        "User-Agent",
        "Content-Length",
        "Accept",
        "Accept-Encoding",
        "Connect-Protocol-Version",
        "Connect-Timeout-Ms",
        "Content-Type",
        "Traceparent",
        "Uber-Trace-Id",
        "X-Alloy-Id",
        "X-Scope-Orgid",
        "X-Tenant",
    ]
    assert headers["Host"] == "virtual"
    assert headers["Connect-Timeout-Ms"] == "2500"
    assert headers["Content-Type"] == "application/proto"
    assert headers["X-Alloy-Id"] == "id"
    assert (headers["X-Scope-Orgid"], headers["X-Tenant"]) == ("theirs", "7")
    assert re.fullmatch(r"alloypy/\S+ \(\w+; binary\)", headers["User-Agent"])


async def test_requests_of_ingest() -> None:
    given = {"User-Agent": "mine", "content-type": "kept", "Host": "ignored", "X-Alloy-Id": "spoof"}
    async with scripted(saying(INGEST_OK)) as backend:
        async with writing(arguments(endpoint(at(backend, "/b%2Fc/?tenant=x"), headers=given))) as running:
            await running.receiver.append_ingest(ingest(body=(b"one", memoryview(b"two"))))
            await running.receiver.append_ingest(ingest(content_type=(), content_encoding="gzip"))
            await running.receiver.append_ingest(ingest(content_type=("a", "b"), headers=(("x-t", "1"),)))
            assert running.counts() == {"sent_bytes": 14, "sent_profiles": 3}
    first, second, third = backend.requests
    name = "svc%7Benv%3Dprod%2Cservice_name%3Dsvc%7D"
    assert first.line == f"POST /b/c/ingest?from=1&name={name} HTTP/1.1"
    assert first.body == b"onetwo"
    assert first.values("Content-Type") == ["a/b"]
    assert first.values("Host") == [f"127.0.0.1:{backend.port}"]
    assert first.values("X-Alloy-Id") == ["id"]
    assert first.values("User-Agent") == ["mine"]
    assert not first.values("Accept-Encoding")
    assert (second.values("Content-Type"), second.values("Content-Encoding")) == (["kept"], ["gzip"])
    assert (third.values("Content-Type"), third.values("X-T")) == (["a", "b"], ["1"])


async def test_an_own_user_agent_only_where_none_is_given() -> None:
    async with scripted(saying(INGEST_OK)) as backend:
        given = arguments(endpoint(at(backend), headers={"User-Agent": "", "Authorization": ""}))
        async with writing(given, environ={"ALLOY_DEPLOY_MODE": "helm"}) as running:
            await running.receiver.append_ingest(ingest())
    (request,) = backend.requests
    assert request.values("User-Agent") == [user_agent({"ALLOY_DEPLOY_MODE": "helm"})]
    assert "; helm)" in request.values("User-Agent")[0]
    assert "; binary)" in user_agent({"ALLOY_DEPLOY_MODE": "other"})
    assert not request.values("Authorization")


@pytest.mark.parametrize(
    ("headers", "userinfo", "expected"),
    [
        ({"authorization": "Custom z"}, "bob:pw@", "Custom z"),
        ({}, "bob:p%40w@", "Basic Ym9iOnBAdw=="),
        ({}, "", "Basic dTpw"),
    ],
)
async def test_who_decides_on_authorization(headers: dict[str, str], userinfo: str, expected: str) -> None:
    async with scripted(saying(PUSH_OK)) as backend:
        basic = BasicAuthArguments(username="u", password=Secret("p"))
        url = at(backend).replace("//", f"//{userinfo}")
        async with writing(arguments(endpoint(url, headers=headers, basic_auth=basic))) as running:
            await running.receiver.append(push())
            await running.receiver.append_ingest(ingest(content_type=()))
    assert [each.values("Authorization") for each in backend.requests] == [[expected], [expected]]


@pytest.mark.parametrize(
    ("tracing", "expected"),
    [
        (TracingArguments(), ["Traceparent", "Uber-Trace-Id"]),
        (TracingArguments(jaeger_propagator=False), ["Traceparent"]),
        (TracingArguments(trace_context_propagator=False), ["Uber-Trace-Id"]),
        (TracingArguments(jaeger_propagator=False, trace_context_propagator=False), []),
    ],
)
async def test_trace_headers(tracing: TracingArguments, expected: list[str]) -> None:
    async with scripted(saying(answer("503 Busy"), PUSH_OK)) as backend:
        given = endpoint(at(backend), headers={} if expected else {"Other": "1"})
        async with writing(arguments(given, tracing=tracing)) as running:
            await running.receiver.append(push())
    names = [name for name, _ in backend.requests[0].headers if "race" in name]
    assert names == expected
    if len(expected) == 2:
        first, second = (dict(each.headers) for each in backend.requests)
        version, trace, span, flags = first["Traceparent"].split("-")
        assert (version, flags in ("00", "01")) == ("00", True)
        assert first["Uber-Trace-Id"] == f"{trace}:{span}:0:{int(flags)}"
        assert second["Traceparent"].split("-")[1] == trace
        assert second["Traceparent"].split("-")[2] != span


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("::::", 'parse "::::/push.v1.PusherService/Push": missing protocol scheme'),
        ("", 'unsupported protocol scheme ""'),
        ("localhost:4040", 'unsupported protocol scheme "localhost"'),
        ("http://", "http: no Host in request URL"),
        ("http://u:hidden@h:99999", "dial tcp: address 99999: invalid port"),
    ],
)
async def test_urls_that_lead_nowhere_load_and_fail(url: str, text: str) -> None:
    async with writing(arguments(endpoint(url))) as running:
        error = await refused(running, push())
        other = await refused(running, ingest())
    assert str(error).endswith(f"(3 retries): unavailable: {text}")
    assert "(3 retries): do request: Post" in str(other)
    assert "hidden" not in f"{error}{other}"


async def test_header_names_that_cannot_be_sent() -> None:
    async with writing(arguments(endpoint("http://127.0.0.1:1", headers={"a b": "1"}))) as running:
        assert 'invalid header field name "a b"' in str(await refused(running, push()))
    async with writing(arguments(endpoint("http://127.0.0.1:1", headers={"a": "1\r\nb: 2"}))) as running:
        assert 'invalid header field value for "A"' in str(await refused(running, push()))


async def test_an_empty_host_means_localhost() -> None:
    async with scripted(saying(PUSH_OK)) as backend:
        async with writing(arguments(endpoint(f"http://:{backend.port}"))) as running:
            await running.receiver.append(push())
    assert backend.requests[0].values("Host") == [f"localhost:{backend.port}"]


async def test_tls(tmp_path: Path) -> None:
    import ssl

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    async with scripted(saying(PUSH_OK), context) as backend:
        url = f"https://:{backend.port}"
        async with writing(arguments(endpoint(url))) as running:
            assert "certificate signed by unknown authority" in str(await refused(running, push()))
        tls = TLSArguments(ca_file=str(ca_file))
        async with writing(arguments(endpoint(url, tls_config=tls))) as running:
            await running.receiver.append(push())


# Several series


def judged(verdicts: dict[str, list[bytes]]):
    """Answers series by their sample's ID: the listed answers in turn, then success."""

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            (series,) = decode_push(request.body)
            left = verdicts.get(series.samples[0].id)
            await peer.say(left.pop(0) if left else PUSH_OK)

    return script


def sent_ids(backend: Backend) -> list[str]:
    """The IDs of the samples that came, sorted."""
    return sorted(decode_push(request.body)[0].samples[0].id for request in backend.requests)


SERIES = [{**LABELS, "n": str(number)} for number in range(3)]


async def test_each_series_is_sent_separately() -> None:
    async with scripted(judged({})) as backend, writing(arguments(endpoint(at(backend)))) as running:
        await running.receiver.append(push(*SERIES))
        assert running.counts() == {"sent_bytes": 12, "sent_profiles": 3}
        assert running.metric("latency_count", type="push_total", endpoint="-") == 3
    found = [decode_push(request.body) for request in backend.requests]
    assert sorted(bytes(one.samples[0].profile) for (one,) in found) == [b"raw0", b"raw1", b"raw2"]
    assert sorted(one.labels["n"] for (one,) in found) == ["0", "1", "2"]


async def test_a_refused_series_is_dropped_and_nothing_is_sent_twice() -> None:
    body = b'{"code":"invalid_argument","message":"too old"}'
    verdicts = {"id-1": [answer("400 Bad", body, JSON)]}
    async with scripted(judged(verdicts)) as backend, writing(arguments(endpoint(at(backend)))) as running:
        error = await refused(running, push(*SERIES))
        counts = running.counts()
        told = [line for line in running.log.lines if line.startswith("WARNING Push")]
    assert sent_ids(backend) == ["id-0", "id-1", "id-2"]
    assert (error.series, error.status, error.code) == (1, 400, "invalid_argument")
    assert str(error).endswith("(0 retries): invalid_argument: too old")
    assert counts == {"sent_bytes": 8, "sent_profiles": 2, "dropped_bytes": 4, "dropped_profiles": 1}
    assert len(told) == 1


async def test_only_the_series_that_fail_are_tried_again() -> None:
    verdicts = {"id-0": [answer("429 Slow")] * 2, "id-2": [answer("503 Busy")]}
    async with scripted(judged(verdicts)) as backend, writing(arguments(endpoint(at(backend)))) as running:
        await running.receiver.append(push(*SERIES))
        assert running.counts() == {"sent_bytes": 12, "sent_profiles": 3, "retries": 3}
    assert sent_ids(backend) == ["id-0"] * 3 + ["id-1"] + ["id-2"] * 2


async def test_each_series_that_fails_is_reported_in_order() -> None:
    async with scripted(saying(answer("503 Busy"))) as backend:
        async with writing(arguments(endpoint(at(backend)))) as running:
            error = await refused(running, push(*SERIES, {"a-b": "1"}))
    assert len(backend.requests) == 9
    assert isinstance(error, DeliveryErrors)
    assert [each.series for each in error.errors] == [0, 1, 2, 3]


async def test_series_are_sent_concurrently_up_to_a_limit() -> None:
    gate = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while await peer.request():
            await gate.wait()
            await peer.say(PUSH_OK)

    many = [{**LABELS, "n": str(number)} for number in range(MOST_AT_ONCE + 20)]
    async with scripted(slow) as backend, writing(arguments(endpoint(at(backend)))) as running:
        tasks = [asyncio.create_task(running.receiver.append(push(*many)))]
        await until(lambda: len(backend.requests) == MOST_AT_ONCE)
        tasks += [asyncio.create_task(running.receiver.append(push(*many))) for _ in range(9)]
        await until(lambda: len(backend.requests) == MOST_HELPERS + 10)
        await asyncio.sleep(0.05)
        assert backend.connections == MOST_HELPERS + 10
        gate.set()
        await asyncio.gather(*tasks)
        assert running.metric("sent_profiles_total") == 10 * len(many)


async def test_series_with_wrong_labels_keep_none_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_ACCEPTING_SECONDS", 0.0)  # yields after each
    wrong = {"a-b": "1"}
    async with scripted(judged({})) as backend, writing(arguments(endpoint(at(backend)))) as running:
        error = await refused(running, push(*SERIES, wrong, *SERIES, wrong))
        assert running.counts() == {"sent_bytes": 24, "sent_profiles": 6}
    assert isinstance(error, DeliveryErrors)
    assert [each.series for each in error.errors] == [3, 7]


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_series_that_wait_for_their_turn_are_counted_when_the_caller_is_cancelled(
    endpoints: int,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.closed_by_client()

    many = [{**LABELS, "n": str(number)} for number in range(MOST_AT_ONCE + 10)]
    async with scripted(script) as backend:
        async with writing(arguments(*[endpoint(at(backend))] * endpoints)) as running:
            task = asyncio.create_task(running.receiver.append(push(*many)))
            await until(lambda: len(backend.requests) == MOST_AT_ONCE * endpoints)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert running.metric("dropped_profiles_total") == len(many) * endpoints
            await until(lambda: backend.open == 0)


@pytest.mark.parametrize("endpoints", [1, 2])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
async def test_series_are_counted_however_early_the_caller_is_cancelled(
    endpoints: int, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_ACCEPTING_SECONDS", 0.0)
    async with scripted(judged({})) as backend:
        async with writing(arguments(*[endpoint(at(backend))] * endpoints)) as running:
            task = asyncio.create_task(running.receiver.append(push(*SERIES)))
            await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert running.metric("dropped_profiles_total") == len(SERIES) * endpoints


async def test_a_series_that_is_tried_again_keeps_no_other_of_a_large_push(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = [{**LABELS, "n": str(number)} for number in range(600)]
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if decode_push(request.body)[0].labels["n"] == "3":
                await gate.wait()
            await peer.say(PUSH_OK)

    monkeypatch.setattr("alloypy.components.pyroscope.sending.items._MOST_KEPT", 50)
    async with scripted(script) as slow, scripted(judged({})) as good:
        given = arguments(endpoint(at(slow), remote_timeout=Duration(60 * 10**9)), endpoint(at(good)))
        async with writing(given) as running:
            task = asyncio.create_task(running.receiver.append(push(*many)))
            await until(lambda: len(good.requests) == len(many))
            await until(lambda: len(slow.requests) == len(many))
            gate.set()
            await task
            assert running.metric("sent_profiles_total") == 2 * len(many)


async def test_a_stop_waits_for_series_whose_turn_has_not_come() -> None:
    gate = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while await peer.request():
            await gate.wait()
            await peer.say(PUSH_OK)

    many = [{**LABELS, "n": str(number)} for number in range(MOST_AT_ONCE + 10)]
    async with scripted(slow) as backend, writing(arguments(endpoint(at(backend)))) as running:
        task = asyncio.create_task(running.receiver.append(push(*many)))
        await until(lambda: len(backend.requests) == MOST_AT_ONCE)
        stopping = asyncio.create_task(running.stop())
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(task, stopping)
        assert running.metric("sent_profiles_total") == len(many)


async def test_an_endpoint_that_hangs_keeps_no_series_from_the_others() -> None:
    async def hang(peer: Peer) -> None:
        await peer.request()
        await peer.closed_by_client()

    many = [{**LABELS, "n": str(number)} for number in range(MOST_AT_ONCE + 10)]
    async with scripted(hang) as bad, scripted(judged({})) as good:
        given = arguments(endpoint(at(bad)), endpoint(at(good)))
        async with writing(given, shutdown_deadline=0.05) as running:
            task = asyncio.create_task(running.receiver.append(push(*many)))
            await until(lambda: len(good.requests) == len(many))
            assert not task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_deadline_reports_only_the_unfinished_series() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if decode_push(request.body)[0].samples[0].id == "id-1":
                await gate.wait()
            await peer.say(PUSH_OK)

    async with scripted(script) as backend, writing(arguments(endpoint(at(backend)))) as running:
        deadline = asyncio.get_running_loop().time() + 0.2
        error = await refused(running, push(*SERIES, deadline=deadline))
        late = "in time: deadline_exceeded: context deadline exceeded (delivery goes on; "
        assert f"{late}{at(backend)}: no answer yet)" in str(error)
        assert (error.series, error.code) == (1, "deadline_exceeded")
        gate.set()
        await until(lambda: running.counts() == {"sent_bytes": 12, "sent_profiles": 3})


# Several endpoints


async def test_every_endpoint_gets_every_profile_whatever_becomes_of_the_others() -> None:
    async with scripted(saying(answer("400 No"))) as bad, scripted(saying(PUSH_OK)) as good:
        async with scripted(answering()) as gone:
            pass
        async with writing(arguments(endpoint(at(bad)), endpoint(at(good)), endpoint(at(gone)))) as running:
            for _ in range(5):
                error = await refused(running, push())
            assert running.metric("sent_profiles_total", endpoint=at(good)) == 5
            assert running.metric("dropped_profiles_total", endpoint=at(bad)) == 5
            assert running.metric("dropped_profiles_total", endpoint=at(gone)) == 5
    first, second = str(error).split("\n")
    assert first.startswith(f"failed to push to endpoint {at(bad)} (0 retries)")
    assert second.startswith(f"failed to push to endpoint {at(gone)} (3 retries)")
    assert (error.status, error.code) == (400, "invalid_argument")
    assert len(good.requests) == 5


async def test_a_slow_endpoint_does_not_hold_up_the_other() -> None:
    gate = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while await peer.request():
            await gate.wait()
            await peer.say(INGEST_OK)

    async with scripted(slow) as waiting, scripted(saying(INGEST_OK)) as quick:
        async with writing(arguments(endpoint(at(waiting)), endpoint(at(quick)))) as running:
            tasks = [asyncio.create_task(running.receiver.append_ingest(ingest())) for _ in range(4)]
            await until(lambda: len(quick.requests) == 4)
            assert not any(task.done() for task in tasks)
            gate.set()
            await asyncio.gather(*tasks)


async def test_no_endpoint_is_warned_about_and_counted() -> None:
    async with writing(arguments()) as running:
        assert any("no endpoint is configured" in line for line in running.log.lines)
        await running.receiver.append(push(*SERIES))
        await running.receiver.append_ingest(ingest())
        assert running.counts() == {"dropped_bytes": 16, "dropped_profiles": 4}


# Deadlines and cancellation


async def test_a_passed_deadline_is_reported_and_the_profile_is_still_delivered() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        while await peer.request():
            await gate.wait()
            await peer.say(PUSH_OK)

    async with scripted(script) as backend, writing(arguments(endpoint(at(backend)))) as running:
        deadline = asyncio.get_running_loop().time() + 0.05
        error = await refused(running, push(deadline=deadline))
        assert "deadline_exceeded: context deadline exceeded" in str(error)
        assert error.code == "deadline_exceeded"
        assert running.counts() == {}
        gate.set()
        await until(lambda: running.counts() == {"sent_bytes": 4, "sent_profiles": 1})
        await running.receiver.append(push(deadline=deadline + 3600))


async def test_what_goes_on_alone_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MOST_HELD_BYTES", 10)

    async def script(peer: Peer) -> None:
        await peer.request()
        await asyncio.sleep(60)

    given = arguments(endpoint("http://127.0.0.1:1"))
    async with scripted(script) as backend, writing(given, shutdown_deadline=0.05) as running:
        await running.update(arguments(endpoint(at(backend))))
        loop = asyncio.get_running_loop()
        for _ in range(4):
            await refused(running, push(deadline=loop.time() + 0.05))
        await until(lambda: running.counts() == {"dropped_bytes": 8, "dropped_profiles": 2})
        assert any("its client is no longer waiting" in line for line in running.log.lines)


async def test_what_goes_on_alone_is_logged_when_it_fails() -> None:
    gate = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await gate.wait()
        await peer.say(answer("400 No"))

    async with scripted(script) as backend, writing(arguments(endpoint(at(backend)))) as running:
        await refused(running, push(deadline=asyncio.get_running_loop().time() + 0.05))
        gate.set()
        await until(lambda: any(line.startswith("WARNING Push") for line in running.log.lines))


@pytest.mark.parametrize("endpoints", [1, 2])
@pytest.mark.parametrize("deadline", [None, 1e12])
async def test_a_cancelled_caller_drops_the_profile_and_counts_it(
    endpoints: int, deadline: float | None
) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.closed_by_client()

    async with scripted(script) as backend:
        async with writing(arguments(*[endpoint(at(backend))] * endpoints)) as running:
            task = asyncio.create_task(running.receiver.append(push(deadline=deadline)))
            await until(lambda: len(backend.requests) == endpoints)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: backend.open == 0)
            assert running.counts() == {"dropped_bytes": 4 * endpoints, "dropped_profiles": endpoints}


# Reload and stop


async def test_an_update_takes_effect_immediately_and_lets_the_old_finish() -> None:
    gate = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while await peer.request():
            await gate.wait()
            await peer.say(INGEST_OK)

    async with scripted(slow) as old, scripted(saying(INGEST_OK)) as new:
        async with writing(arguments(endpoint(at(old)))) as running:
            receiver = running.receiver
            task = asyncio.create_task(receiver.append_ingest(ingest()))
            await until(lambda: len(old.requests) == 1)
            await running.update(arguments(endpoint(at(new)), external_labels={"x": "y"}))
            await receiver.append_ingest(ingest())
            assert running.receiver is receiver
            assert len(running.exports) == 1
            assert old.open == 1
            gate.set()
            await task
            await until(lambda: old.open == 0)
            assert running.counts() == {"sent_bytes": 8, "sent_profiles": 2}
    assert "x%3Dy" in new.requests[0].line


@pytest.mark.parametrize("moment", range(8))
async def test_an_update_at_any_moment_of_a_push_costs_nothing(
    moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.components.pyroscope.sending.delivery._ACCEPTING_SECONDS", 0)
    async with scripted(saying(PUSH_OK)) as one, scripted(saying(PUSH_OK)) as other:
        before, after = (
            arguments(*(endpoint(at(each), headers={"X-Time": time}) for each in (one, other)))
            for time in ("before", "after")
        )
        async with writing(before) as running:
            await running.receiver.append(push())
            soon = asyncio.get_running_loop().time() + 60
            given = push(LABELS, LABELS, deadline=soon)
            task = asyncio.create_task(running.receiver.append(given))
            for _ in range(moment):
                await asyncio.sleep(0)
            await running.update(after)
            await task
            assert running.counts() == {"sent_bytes": 24, "sent_profiles": 6}
            times = {request.values("X-Time")[0] for request in (one.requests + other.requests)[-4:]}
            assert len(times) == 1
            if times == {"before"}:
                await until(lambda: not one.open and not other.open)


@pytest.mark.parametrize("stopped", [False, True])
async def test_what_comes_late_to_an_endpoint_of_before_counts_as_in_flight(stopped: bool) -> None:
    gate = asyncio.Event()

    async def slow(peer: Peer) -> None:
        while await peer.request():
            await gate.wait()
            await peer.say(PUSH_OK)

    async with scripted(slow) as backend, writing(arguments(endpoint(at(backend)))) as running:
        gate.set()
        await running.receiver.append(push())
        gate.clear()
        late = running.receiver.append(push())
        await running.update(arguments())
        await asyncio.sleep(0.01)
        task = asyncio.create_task(late)
        await until(lambda: len(backend.requests) == 2)
        assert running.component.in_flight().profiles == 1
        stopping = asyncio.create_task(running.stop() if stopped else asyncio.sleep(0))
        await asyncio.sleep(0.01)
        assert stopping.done() is not stopped
        gate.set()
        await asyncio.gather(task, stopping)
        assert running.counts() == {"sent_bytes": 8, "sent_profiles": 2}
        await until(lambda: not backend.open)
        assert not running.component.in_flight().profiles


async def test_endpoints_that_stay_keep_their_connections() -> None:
    async with scripted(saying(INGEST_OK)) as stays, scripted(saying(INGEST_OK)) as goes:
        async with writing(arguments(endpoint(at(goes)), endpoint(at(stays)))) as running:
            await running.receiver.append_ingest(ingest())
            await running.update(arguments(endpoint(at(stays)), external_labels={"x": "y"}))
            await running.receiver.append_ingest(ingest())
            assert stays.connections == 1
            await until(lambda: goes.open == 0)
            tracing = TracingArguments(jaeger_propagator=False)
            await running.update(arguments(endpoint(at(stays)), tracing=tracing))
            await running.receiver.append_ingest(ingest())
            assert stays.connections == 2
            assert not stays.requests[-1].values("Uber-Trace-Id")
            await until(lambda: stays.open == 1)
        await until(lambda: stays.open == 0)


async def test_an_update_that_cannot_be_changes_nothing() -> None:
    async with scripted(saying(INGEST_OK)) as backend:
        async with writing(arguments(endpoint(at(backend)))) as running:
            wrong = endpoint(at(backend), tls_config=TLSArguments(ca_pem="zzz"))
            with pytest.raises(UpdateError, match="unable to use specified CA cert inline"):
                await running.component.prepare_update(arguments(wrong))
            await running.receiver.append_ingest(ingest())
    assert len(backend.requests) == 1
    with pytest.raises(BuildError, match="unable to use specified CA cert inline"):
        async with writing(arguments(wrong)):
            pass


async def test_a_stop_lets_deliveries_finish() -> None:
    gate = asyncio.Event()

    async def slow(peer: Peer) -> None:
        await peer.request()
        await gate.wait()
        await peer.say(INGEST_OK)

    async with scripted(slow) as backend, writing(arguments(endpoint(at(backend)))) as running:
        receiver = running.receiver
        task = asyncio.create_task(receiver.append_ingest(ingest()))
        await until(lambda: len(backend.requests) == 1)
        stopping = asyncio.create_task(running.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        gate.set()
        await asyncio.gather(task, stopping)
        assert running.counts() == {"sent_bytes": 4, "sent_profiles": 1}
        await until(lambda: backend.open == 0)
        with pytest.raises(DeliveryError, match=r"pyroscope\.write\.test has exited"):
            await receiver.append_ingest(ingest())


@pytest.mark.parametrize("updated", [False, True])
async def test_what_the_deadline_leaves_is_dropped_counted_and_logged(updated: bool) -> None:
    async def hang(peer: Peer) -> None:
        await peer.request()
        await peer.closed_by_client()

    async with scripted(hang) as backend:
        async with writing(arguments(endpoint(at(backend))), shutdown_deadline=0.05) as running:
            tasks = [asyncio.create_task(running.receiver.append_ingest(ingest())) for _ in range(3)]
            await until(lambda: len(backend.requests) == 3)
            if updated:
                await running.update(arguments())
            await running.stop()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(each) for each in outcomes} == {DeliveryError}
            assert running.counts() == {"dropped_bytes": 12, "dropped_profiles": 3}
            assert any("profiles dropped at shutdown {'deliveries': 3}" in line for line in running.log.lines)
            await until(lambda: backend.open == 0)


async def test_a_stop_ends_pauses() -> None:
    pause = {"min_backoff_period": Duration(3600 * 10**9), "max_backoff_period": Duration(3600 * 10**9)}
    async with scripted(saying(answer("503 Busy"))) as backend:
        async with writing(arguments(endpoint(at(backend), **pause)), shutdown_deadline=0.05) as running:
            task = asyncio.create_task(running.receiver.append(push()))
            await until(lambda: any("endpoint is failing" in line for line in running.log.lines))
            await running.stop()
            with pytest.raises(DeliveryError, match="unavailable: 503 Busy"):
                await task


# Debug info


async def test_debug_info() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"elf"

    async def script(peer: Peer) -> None:
        head = (await peer.head()).decode()
        seen.append(head)
        if "Upload/" in head:
            await peer.reader.readuntil(b"0\r\n\r\n")
            await peer.say(answer("200 OK") if "good" in head else answer("404 Not Found"))
        else:
            await peer.reader.readexactly(2)
            body = b'{"code":"failed_precondition","message":"why"}'
            failed = answer("400 Bad", body, JSON)
            packed = answer("200 OK", gzip.compress(b"answer"), "Content-Type: application/proto", GZIP)
            await peer.say(packed if "ShouldInitiateUpload" in head else failed)

    seen: list[str] = []
    basic = BasicAuthArguments(username="u", password=Secret("p"))
    async with scripted(script) as backend:
        async with writing(arguments(endpoint(at(backend, "/b/"), basic_auth=basic))) as running:
            (info,) = running.receiver.debug_info_clients()
            assert await info.call("ShouldInitiateUpload", b"ab", None) == b"answer"
            with pytest.raises(DeliveryError, match=r"^why$") as caught:
                await info.call("UploadFinished", b"ab", 3.0)
            assert caught.value.code == "failed_precondition"
            await info.upload("good/id", parts(), 5.0)
            with pytest.raises(DeliveryError, match=r"^upload: HTTP 404 \(duration [\d.]+[mµn]?s\)$"):
                await info.upload("bad", parts(), 5.0)
            samples = [each for family in running.registry.collect() for each in family.samples]
            assert [each.value for each in samples if "debug_info_upload_bytes_total" in each.name] == [6]
        with pytest.raises(DeliveryError) as caught:
            await info.call("UploadFinished", b"ab", 0.0)
        assert caught.value.code == "deadline_exceeded"
    assert seen[0].startswith("POST /b/debuginfo.v1alpha1.DebuginfoService/ShouldInitiateUpload HTTP/1.1")
    assert "Connect-Timeout-Ms: 3000" in seen[1]
    assert "/b/debuginfo.v1alpha1.DebuginfoService/Upload/good%2Fid " in seen[2]
    assert all("Authorization: Basic dTpw" in head for head in seen)


async def test_an_update_lets_a_debug_info_file_finish() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        await gate.wait()
        yield b"half"

    async def script(peer: Peer) -> None:
        await peer.head()
        begun.set()
        await peer.reader.readuntil(b"0\r\n\r\n")
        await peer.say(answer("200 OK"))
        await peer.closed_by_client()

    gate, begun = asyncio.Event(), asyncio.Event()
    async with scripted(script) as backend, writing(arguments(endpoint(at(backend)))) as running:
        (info,) = running.receiver.debug_info_clients()
        upload = asyncio.create_task(info.upload("id", parts(), 60.0))
        await begun.wait()
        await running.update(arguments())
        await asyncio.sleep(0.01)
        gate.set()
        await upload
        await until(lambda: not backend.open)
