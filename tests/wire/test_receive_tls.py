"""pyroscope.receive_http over TLS."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest
import trustme

from alloypy.components.pyroscope.receiving.blocks import TLS
from alloypy.lang.values import Secret
from alloypy.runtime.contract.component import BuildError, UpdateError
from tests.support.loops import both_event_loops
from tests.support.receiving import Collected, arguments, connected, receiving, request_bytes

pytestmark = pytest.mark.anyio
anyio_backend = both_event_loops


CA = trustme.CA()
CERTIFICATE = CA.issue_cert("localhost")
PREFIX = "error generating http tls config: "
INGEST = request_bytes("/ingest?name=a", b"abc")


def pem(certificate: trustme.LeafCert = CERTIFICATE) -> dict[str, Any]:
    return {
        "cert_pem": "".join(blob.bytes().decode() for blob in certificate.cert_chain_pems),
        "key_pem": Secret(certificate.private_key_pem.bytes().decode()),
    }


def tls_arguments(collected: Collected, **settings: Any) -> Any:
    return arguments(collected, http={"tls": TLS(**settings)})


def client_context(*, certificate: trustme.LeafCert | None = None, ca: trustme.CA = CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    if certificate is not None:
        certificate.configure_cert(context)
    return context


async def ingest(port: int, context: ssl.SSLContext) -> int:
    async with connected(port, ssl=context, server_hostname="localhost") as client:
        await client.send(INGEST)
        return (await client.reply()).status


@pytest.mark.parametrize("size", [3, 1_000_000])
async def test_profiles_are_received_over_tls(size: int) -> None:
    collected = Collected()
    async with (
        receiving(tls_arguments(collected, **pem())) as receiver,
        connected(receiver.port, ssl=client_context(), server_hostname="localhost") as client,
    ):
        for _ in range(2):
            await client.send(request_bytes("/ingest?name=a", b"x" * size))
            assert (await client.reply()).status == 200
        assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
    assert [b"".join(each.body) for each in collected.ingests] == [b"x" * size] * 2


async def test_plain_http_to_a_tls_port_is_told_so() -> None:
    async with receiving(tls_arguments(Collected(), **pem())) as receiver, connected(receiver.port) as client:
        await client.send(INGEST)
        told = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
        assert await client.reader.read() == told


async def test_a_client_that_says_nothing_does_not_keep_others_out() -> None:
    async with receiving(tls_arguments(Collected(), **pem())) as receiver, connected(receiver.port):
        assert await ingest(receiver.port, client_context()) == 200


async def test_without_certificate_or_key_plain_http_is_served() -> None:
    for settings in ({"cert_file": "/nonexistent.pem"}, {"client_auth_type": "Bogus"}, {}):
        async with (
            receiving(tls_arguments(Collected(), **settings)) as receiver,
            connected(receiver.port) as client,
        ):
            await client.send(INGEST)
            assert (await client.reply()).status == 200


@pytest.mark.parametrize("policy", ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"])
async def test_client_certificates_are_verified(policy: str) -> None:
    other = trustme.CA()
    authorities = CA.cert_pem.bytes().decode()
    given = tls_arguments(Collected(), **pem(), client_auth_type=policy, client_ca=authorities)
    async with receiving(given) as receiver:
        assert await ingest(receiver.port, client_context(certificate=CA.issue_cert("client"))) == 200
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await ingest(receiver.port, client_context(certificate=other.issue_cert("client")))
        if policy == "VerifyClientCertIfGiven":
            assert await ingest(receiver.port, client_context()) == 200
        else:
            with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
                await ingest(receiver.port, client_context())


async def test_old_versions_are_refused() -> None:
    async with receiving(tls_arguments(Collected(), **pem(), min_version="VersionTLS13")) as receiver:
        assert await ingest(receiver.port, client_context()) == 200
        context = client_context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await ingest(receiver.port, context)


async def test_only_the_named_cipher_suites_are_served() -> None:
    suites = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    async with receiving(tls_arguments(Collected(), **pem(), cipher_suites=suites)) as receiver:
        context = client_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with connected(receiver.port, ssl=context, server_hostname="localhost") as client:
            assert "AES256-GCM-SHA384" in client.writer.get_extra_info("cipher")[0]
        context.set_ciphers("ECDHE+CHACHA20")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await ingest(receiver.port, context)


@pytest.mark.usefixtures("watchful")
async def test_a_renewed_certificate_is_served_to_new_connections(tmp_path: Path) -> None:
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"

    def install(certificate: trustme.LeafCert) -> None:
        cert_file.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        key_file.write_bytes(certificate.private_key_pem.bytes())

    install(CERTIFICATE)
    given = tls_arguments(Collected(), cert_file=str(cert_file), key_file=str(key_file))
    async with (
        receiving(given) as receiver,
        connected(receiver.port, ssl=client_context(), server_hostname="localhost") as early,
    ):
        successor = trustme.CA()
        install(successor.issue_cert("localhost"))
        assert await ingest(receiver.port, client_context(ca=successor)) == 200
        await early.send(INGEST)
        assert (await early.reply()).status == 200

        cert_file.write_text("broken")
        for _ in range(2):
            assert await ingest(receiver.port, client_context(ca=successor)) == 200
        problems = [line for line in receiver.log.lines if line.startswith("ERROR changed TLS files")]
        assert len(problems) == 1
        assert "failed to find any PEM data in certificate input" in problems[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cert_file": "/nonexistent.pem", "key_file": "/nonexistent.key"},
            (
                PREFIX + "failed to read cert_file (/nonexistent.pem): "
                "open /nonexistent.pem: no such file or directory"
            ),
        ),
        (
            {"cert_pem": pem()["cert_pem"], "key_file": "/nonexistent.key"},
            (
                PREFIX + "failed to read key_file (/nonexistent.key): "
                "open /nonexistent.key: no such file or directory"
            ),
        ),
        (
            {"cert_pem": "x", "key_pem": Secret("y")},
            (PREFIX + "failed to load X509KeyPair: tls: failed to find any PEM data in certificate input"),
        ),
        (
            {"cert_pem": pem()["cert_pem"], "key_pem": Secret("y")},
            (PREFIX + "failed to load X509KeyPair: tls: failed to find any PEM data in key input"),
        ),
        (
            {"cert_pem": pem()["cert_pem"], "key_pem": pem(CA.issue_cert("x"))["key_pem"]},
            (PREFIX + "failed to load X509KeyPair: tls: private key does not match public key"),
        ),
        (
            {**pem(), "client_auth_type": "Bogus"},
            PREFIX + "invalid ClientAuth: Bogus",
        ),
        (
            {**pem(), "client_auth_type": "RequireAnyClientCert"},
            (
                PREFIX + "client_auth_type RequireAnyClientCert is not supported: "
                "an unverified certificate proves nothing"
            ),
        ),
        (
            {**pem(), "client_ca": "x"},
            PREFIX + "client CA's have been configured without a Client Auth Policy",
        ),
        (
            {**pem(), "client_ca": "x", "client_auth_type": "RequireAndVerifyClientCert"},
            PREFIX + "the client CA holds no usable certificate",
        ),
        (
            {**pem(), "client_ca_file": "/nonexistent.ca", "client_auth_type": "RequireAndVerifyClientCert"},
            PREFIX + "open /nonexistent.ca: no such file or directory",
        ),
        ({"cipher_suites": "TLS_X"}, 'cipher suite "TLS_X" not recognized'),
        ({"min_version": "TLS12"}, 'TLS version "TLS12" not recognized'),
    ],
)
async def test_settings_that_cannot_work_are_refused_at_load(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildError) as raised:
        async with receiving(tls_arguments(Collected(), **settings)):
            pass
    assert str(raised.value) == message
    async with receiving(arguments(Collected())) as receiver:
        with pytest.raises(UpdateError) as refused:
            await receiver.update(tls_arguments(Collected(), **settings))
        assert str(refused.value) == message
