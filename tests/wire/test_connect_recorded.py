"""Push over Connect, gRPC and gRPC-web, with Alloy's recorded answers."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from alloypy.profiles.labels import InvalidLabels, check_labels
from alloypy.profiles.model import DeliveryError, IngestProfile, Push
from tests.support.receiving import (
    PUSH,
    Client,
    Collected,
    Reply,
    arguments,
    connected,
    receiving,
    request_bytes,
)

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "golden" / "pyroscope" / "connect.jsonl")
    .read_text()
    .splitlines()
]


def check(delivery: Push | IngestProfile) -> None:
    """What pyroscope.write checks before it sends: every bad series of a Push, one by one."""
    assert isinstance(delivery, Push)
    for one in delivery.series:
        try:
            check_labels(one.labels)
        except InvalidLabels as reason:
            text = f"invalid labels in profile: {reason}"
            raise DeliveryError(text, code="invalid_argument", series=one.position) from None


async def parsed(recorded: bytes) -> Reply:
    reader = asyncio.StreamReader()
    reader.feed_data(recorded)
    reader.feed_eof()
    return await Client(reader, None).reply()  # type: ignore[arg-type]


def comparable(reply: Reply) -> dict[str, Any]:
    """A reply with what is compressed unpacked, since two packers need not agree."""
    headers = {name: value for name, value in reply.headers.items() if name not in {"connection", "date"}}
    body = reply.body
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    frames = []
    if headers.get("content-type", "").startswith("application/grpc"):
        while body:
            size = int.from_bytes(body[1:5], "big")
            content = body[5 : 5 + size]
            frames.append((body[0], gzip.decompress(content) if body[0] & 1 else content))
            body = body[5 + size :]
    return {
        "status": reply.status,
        "headers": headers,
        "body": body,
        "frames": frames,
        "trailers": reply.trailers,
    }


def as_we_answer(name: str, recorded: dict[str, Any]) -> dict[str, Any]:
    """The recorded answer with the differences that are on purpose."""
    body = recorded["body"]
    if b'"code":"internal","message":"unable to append series' in body:
        # A client's mistake is reported as one.
        recorded["status"] = 400
        body = body.replace(b'"code":"internal"', b'"code":"invalid_argument"')
        if name == "proto two series bad+bad":
            body = body[: body.index(b"\\nunable")] + b'"}'  # the fake receiver stops at the first
    if name == "gzip corrupt":
        body = body.replace(b" before offset 1", b"")  # zlib does not say
    for fields in (recorded["headers"], recorded["trailers"]):
        if fields.get("grpc-message", "").startswith("unable to append series"):
            fields["grpc-status"] = "3"
    if "content-length" in recorded["headers"] and "content-encoding" not in recorded["headers"]:
        recorded["headers"]["content-length"] = str(len(body))
    return {**recorded, "body": body}


@pytest.mark.anyio
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_answers_are_the_recorded_ones(case: dict[str, Any]) -> None:
    async with receiving(arguments(Collected(check))) as receiver, connected(receiver.port) as client:
        body = base64.b64decode(case["body"])
        headers = [("Connection", "close"), *case["headers"]]
        await client.send(request_bytes(PUSH, body, headers))
        reply = await client.reply()
        assert await client.ended()
    recorded = comparable(await parsed(base64.b64decode(case["answer"])))
    assert comparable(reply) == as_we_answer(case["name"], recorded)
