"""No secret of pyroscope.write is ever seen: not in logs, errors, metrics, or what the API shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.components.http_client import (
    AuthorizationArguments,
    BasicAuthArguments,
    OAuth2Arguments,
    ProxyArguments,
    TLSArguments,
)
from alloypy.components.pyroscope.write import Arguments, EndpointArguments
from alloypy.lang.go.duration import Duration
from alloypy.lang.go.url import parse_url
from alloypy.lang.values import Secret
from alloypy.profiles.model import DeliveryError
from alloypy.runtime.contract.component import BuildError
from alloypy.schema.encode import encode_body
from tests.support.metrics import page
from tests.support.scripted import Peer, answering, scripted
from tests.support.sending import answer, arguments, endpoint, ingest, push, writing

pytestmark = pytest.mark.anyio

MARK = "s3cr3t"
IDENTITY = trustme.CA().issue_cert("x@example.org")
KEY = IDENTITY.private_key_pem.bytes().decode()


def hidden(text: str) -> Secret:
    return Secret(f"{MARK}-{text}")


def clients(tmp_path: Path, port: int, tokens: int) -> list[dict[str, Any]]:
    """Settings with a secret in every place."""
    file = tmp_path / "secret"
    file.write_text(f"{MARK}-file\n")
    missing = str(tmp_path / "missing")
    proxy = ProxyArguments(
        proxy_url=parse_url(f"http://user:{MARK}-proxy@127.0.0.1:{port}"),
        proxy_connect_header={"X-Connect": (hidden("connect"),)},
    )
    oauth2: dict[str, Any] = {"client_id": "id", "token_url": f"http://u:{MARK}-token@127.0.0.1:{tokens}/t"}
    return [
        {"basic_auth": BasicAuthArguments(username="u", password=hidden("basic"))},
        {"basic_auth": BasicAuthArguments(username="u", password_file=str(file))},
        {"basic_auth": BasicAuthArguments(username="u", password_file=missing)},
        {"authorization": AuthorizationArguments(type="Key", credentials=hidden("credentials"))},
        {"authorization": AuthorizationArguments(credentials_file=str(file))},
        {"bearer_token": hidden("bearer")},
        {"bearer_token": Secret(f"{MARK}-bearer\r\nX-Broken: 1")},
        {"bearer_token_file": str(file)},
        {"oauth2": OAuth2Arguments(**oauth2, client_secret=hidden("oauth2"))},
        {"oauth2": OAuth2Arguments(**oauth2, client_secret_file=str(file))},
        {"oauth2": OAuth2Arguments(**oauth2, client_secret=hidden("o"), proxy=proxy)},
        {"proxy": proxy},
        {"http_headers": {"X-Key": (hidden("header"),)}},
        {"headers": {"X-Key": f"{MARK}-own"}},
        {"headers": {"X-Key": f"{MARK}-own\r\nX-Broken: 1"}},
        {
            "tls_config": TLSArguments(
                cert_pem=IDENTITY.cert_chain_pems[0].bytes().decode(), key_pem=Secret(KEY)
            )
        },
    ]


def endpoints(tmp_path: Path, port: int, tokens: int) -> list[EndpointArguments]:
    plain = f"http://127.0.0.1:{port}"
    made = [endpoint(plain, **settings) for settings in clients(tmp_path, port, tokens)]
    urls = [
        f"http://user:{MARK}-url@127.0.0.1:{port}/base",
        f"http://{MARK}-user@127.0.0.1:{port}",
        f"https://user:{MARK}-url@127.0.0.1:{port}",
        f"http://127.0.0.1:{port}/?token={MARK}-query",
        f"http://user:{MARK}-url@127.0.0.1:1",
        f"user:{MARK}-url@127.0.0.1:{port}",
        f"http://user:{MARK}-url@%zz/",
        f"ftp://user:{MARK}-url@host/",
        f"http://user:{MARK} url@host/",
    ]
    patience = Duration(200 * 10**6)  # a plain server never answers a TLS handshake
    return made + [endpoint(url, remote_timeout=patience) for url in urls]


async def seen(given: Arguments) -> str:
    """Everything that is shown while profiles fail in every way."""
    shown = []
    async with writing(given) as running:
        receiver = running.receiver
        for deliver in (
            lambda: receiver.append(push()),
            lambda: receiver.append(push()),
            lambda: receiver.append_ingest(ingest()),
        ):
            try:
                await deliver()
            except DeliveryError as error:
                shown.append(str(error))
        for info in running.receiver.debug_info_clients():
            try:
                await info.call("UploadFinished", b"", 0.5)
            except DeliveryError as error:
                shown.append(str(error))
        shown += running.log.lines
        shown.append(page(running.registry.collect()))
    return "\n".join(shown)


def of_the_api(given: EndpointArguments) -> str:
    """What the API shows; the language does not treat `headers` and the URL's query as secrets."""
    if given.headers or "?" in given.url or "//" not in given.url:
        return ""
    return json.dumps(encode_body(arguments(given)))


REPLIES = [
    answer("503 Busy", b"try later"),
    answer("401 Unauthorized"),
    b"garbage\r\n\r\n",
    answer("302 Found", b"", f"Location: http://user:{MARK}-location@%zz/"),
    answer("200 OK", b"{}", "Content-Type: application/json"),
]


@pytest.mark.parametrize("reply", REPLIES, ids=["503", "401", "garbage", "302", "json"])
async def test_nothing_shows_a_secret(reply: bytes, tmp_path: Path) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(reply)

    async with scripted(script) as backend, scripted(script) as tokens:
        for given in endpoints(tmp_path, backend.port, tokens.port):
            text = f"{await seen(arguments(given))}\n{of_the_api(given)}"
            assert MARK not in text, (given.url, [line for line in text.split("\n") if MARK in line])
            assert KEY[100:140] not in text


@pytest.mark.parametrize("status", ["503 Busy", "401 Unauthorized"])
@pytest.mark.parametrize("form", ["%s", '{"code":"unavailable","message":"%s"}'], ids=["text", "json"])
async def test_a_server_that_repeats_what_it_was_sent_shows_none(status: str, form: str) -> None:
    said = form % f"wrong Authorization: Bearer {MARK}"
    kind = "Content-Type: application/json" if form != "%s" else "Content-Type: text/plain"
    reply = answer(status, said.encode(), kind)

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.say(reply)

    async with scripted(script) as backend:
        url = f"http://127.0.0.1:{backend.port}"
        text = await seen(arguments(endpoint(url, bearer_token=Secret(MARK), max_backoff_retries=1)))
    assert "wrong Authorization: xxxxx" in text
    assert MARK not in text


async def test_secrets_that_are_wrong_in_themselves() -> None:
    for settings in (
        {"tls_config": TLSArguments(cert_pem="x", key_pem=hidden("key"))},
        {"tls_config": TLSArguments(ca_pem=f"{MARK}-ca")},
    ):
        with pytest.raises(BuildError) as caught:
            async with writing(arguments(endpoint("http://127.0.0.1:1", **settings))):
                pass
        assert MARK not in str(caught.value)


async def test_everything_was_sent_that_had_to_be() -> None:
    async with scripted(answering()) as backend:
        url = f"http://user:{MARK}@127.0.0.1:{backend.port}"
        async with writing(arguments(endpoint(url, http_headers={"X-Key": (hidden("h"),)}))) as running:
            await running.receiver.append_ingest(ingest())
    (request,) = backend.requests
    assert request.values("X-Key") == [f"{MARK}-h"]
    assert request.values("Authorization") == ["Basic dXNlcjpzM2NyM3Q="]
