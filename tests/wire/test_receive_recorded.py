"""The receiver's side of the recorded exchanges: same request in, same answer out, same profile forwarded."""

from __future__ import annotations

import base64
import json
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from alloypy.profiles.labels import InvalidLabels, check_labels
from alloypy.profiles.model import DeliveryError, IngestProfile, Push
from tests.support.own_answers import recorded_answer, wanted_answer
from tests.support.receiving import (
    Client,
    Collected,
    Reply,
    arguments,
    connected,
    receiving,
    request_bytes,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "pyroscope"
EXCHANGES = [json.loads(path.read_text()) for path in sorted((GOLDEN / "wire").glob("*.json"))]
ERRORS = [json.loads(line) for line in (GOLDEN / "http_errors.jsonl").read_text().splitlines()]
EDGES = [json.loads(line) for line in (GOLDEN / "http_edges.jsonl").read_text().splitlines()]

# What the backend or the debuginfo proxy decides is tested with these.
OTHERS = {"ingest_down"}
CASES = EXCHANGES + [
    each
    for each in ERRORS
    if each["backend"] is None and "debuginfo" not in each["name"] and each["name"] not in OTHERS
]

# A POST to a path that is not served is answered with the ones that are.
ADVICE = (
    b"profiles are taken at /ingest and /push.v1.PusherService/Push: "
    b"the server URL of a client is http://HOST:PORT, without a path\n"
)


def advised(body: bytes, method: str, target: str) -> bytes:
    """The body of a recorded answer, with our advice where profiles may have come to the wrong path."""
    astray = method == "POST" and body == b"404 page not found\n" and not target.startswith("/debuginfo.")
    return body + ADVICE if astray else body


def check(delivery: Push | IngestProfile) -> None:
    """What pyroscope.write checks before it sends."""
    for one in delivery.series if isinstance(delivery, Push) else [delivery]:
        try:
            check_labels(one.labels)
        except InvalidLabels as reason:
            raise DeliveryError(f"invalid labels in profile: {reason}", code="invalid_argument") from None


def undated(reply: Reply) -> dict[str, str]:
    """The headers except for the date, which recordings leave out."""
    headers = dict(reply.headers)
    written = headers.pop("date")
    assert abs(parsedate_to_datetime(written).timestamp() - time.time()) < 60
    return headers


def expected_answer(case: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    recorded = recorded_answer(case)
    status, body = wanted_answer(case)
    headers = {name.lower(): value for name, value in case["response"]["headers"] if name.lower() != "date"}
    if body != recorded.body:
        headers["content-length"] = str(len(body))
    return status, headers, body


@pytest.mark.anyio
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_answers_are_the_recorded_ones(case: dict[str, Any]) -> None:
    sent = case["in"]
    body = base64.b64decode(sent["body"].get("base64") or "")
    headers = [
        (name, value) for name, value in sent["headers"] if name.lower() not in {"host", "content-length"}
    ]
    framed = any(name.lower() == "content-length" for name, _ in sent["headers"])
    if case["name"].startswith("sdk_") and not framed:
        # Bodies of SDKs are kept without their chunks.
        headers = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
        framed = True
    target = sent["path"] + (f"?{sent['query']}" if sent["query"] else "")
    collected = Collected(check)
    async with receiving(arguments(collected)) as receiver, connected(receiver.port) as client:
        await client.send(request_bytes(target, body, headers, sent["method"], length=framed))
        reply = await client.reply(sent["method"])
    assert (reply.status, undated(reply), reply.body) == expected_answer(case)
    for profile in collected.ingests:
        assert profile.query == sent["query"]
        assert b"".join(map(bytes, profile.body)) == unframed(body, sent["headers"], case["name"])
        assert list(profile.content_type) == [
            value for name, value in sent["headers"] if name.lower() == "content-type"
        ]


def unframed(body: bytes, headers: list[list[str]], name: str) -> bytes:
    """A body without its chunk framing."""
    if name.startswith("sdk_") or ["Transfer-Encoding", "chunked"] not in headers:
        return body
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        content, body = content + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return content


# Where the parser is stricter than Go's, or the answer better.
REFUSED = {
    "http12": "other versions of HTTP",
    "custom method": "methods that nobody knows",
    "lower method": "methods that nobody knows",
    "CL+TE": "two lengths: requests could be smuggled",
    "two CL same": "two lengths: requests could be smuggled",
    "TE chunked x2": "two framings",
    "obs fold": "folded header lines",
    "lf only": "lines without carriage return",
    "connect": "a target that is no path",
    "pri": "HTTP/2 is not served",
    "clean 5": "bytes beyond ASCII in a target",
    "bad header name": "the reason is not told",
    "bad chunk": "the client's mistake",
    "bad chunk push": "the client's mistake",
}
MORE_LENIENT = {"leading crlf": 200}


@pytest.mark.anyio
@pytest.mark.parametrize("case", EDGES, ids=[case["name"] for case in EDGES])
async def test_unusual_requests_are_answered_as_recorded(case: dict[str, Any]) -> None:
    raw = base64.b64decode(case["request"])
    method = raw.split(b" ")[0].decode("latin-1")
    async with receiving(arguments(Collected(check))) as receiver, connected(receiver.port) as client:
        await client.send(raw)
        reply = await client.reply(method)
        if reply.headers.get("connection") == "close":
            assert await client.ended()
    name = case["name"]
    recorded = await recorded_reply(base64.b64decode(case["answer"]), method)
    if name in REFUSED:
        assert (reply.status, reply.headers["connection"]) == (400, "close")
    elif name in MORE_LENIENT:
        assert reply.status == MORE_LENIENT[name]
    elif recorded.status == 500 and recorded.body == b"Failed to process request\n":
        assert reply.status == 400
        assert reply.body.startswith(b"name: ")
    else:
        body = advised(recorded.body, method, (*raw.split(b" "), b"")[1].decode("latin-1"))
        headers = recorded.headers
        if body != recorded.body:
            headers = {**headers, "content-length": str(len(body))}
        assert (reply.status, reply.reason, undated(reply), reply.body) == (
            recorded.status,
            recorded.reason,
            headers,
            body,
        )


async def recorded_reply(raw: bytes, method: str) -> Any:
    import asyncio

    reader = asyncio.StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    return await Client(reader, None).reply(method)  # type: ignore[arg-type]
