"""alloypy.queue in a Kafka that asks for users and certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from alloypy.syntax.diagnostics import DiagnosticsError
from tests.support.kafka_broker import Secured
from tests.support.pipeline import pipeline
from tests.support.scripted import scripted
from tests.support.waiting import until
from tests.wire.test_queue import PATIENT, RECEIVER, Server, ingest, write

pytestmark = pytest.mark.anyio

SASL = 'authentication {{\nsasl {{\nmechanism = "{}"\nusername = "{}"\npassword = "{}"\n}}\n}}\n'


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Secured]:
    """A broker for all tests of this module."""
    made = Secured(tmp_path_factory.mktemp("kafka"), authority)
    try:
        made.start()
        yield made
    finally:
        made.broker.kill()


def queue(name: str, address: str, access: str) -> str:
    """The configuration of a queue in Kafka, with a topic of its own."""
    return (
        f'alloypy.queue "{name}" {{\nforward_to = [pyroscope.write.a.receiver]\n{PATIENT}'
        f'kafka {{\nbrokers = ["{address}"]\ntopic = "{name}"\npartitions = 1\n{access}}}\n}}\n'
    )


def tls(authority: trustme.CA, folder: Path, *, certificate: bool = False, name: str = "kafka.test") -> str:
    """A block `tls`, with files for it."""
    ca = folder / "ca.pem"
    ca.write_bytes(authority.cert_pem.bytes())
    lines = [f'ca_file = "{ca}"', f'server_name = "{name}"', 'min_version = "1.2"']
    if certificate:
        client = authority.issue_cert("client.test")
        client.private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))
        lines += [f'{each}_file = "{folder / "client.pem"}"' for each in ("cert", "key")]
    return "tls {\n" + "\n".join(lines) + "\n}\n"


def ways(authority: trustme.CA, folder: Path) -> Iterator[tuple[str, str]]:
    """The ways to authenticate as alice: the protocol of the listener, and the settings."""
    alice = ("alice", "alice-secret")
    yield (
        "SASL_PLAINTEXT",
        SASL.format("PLAIN", *alice).replace("mechanism", "//").replace("sasl", "plaintext"),
    )
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        yield "SASL_PLAINTEXT", SASL.format(mechanism, *alice)
    yield "SASL_SSL", SASL.format("SCRAM-SHA-512", *alice) + tls(authority, folder)
    yield "SSL", tls(authority, folder, certificate=True)


async def test_profiles_pass_in_every_way_to_authenticate(
    secured: Secured, authority: trustme.CA, tmp_path: Path
) -> None:
    queues = [
        queue(f"way{number}", secured.addresses[protocol], access)
        for number, (protocol, access) in enumerate(ways(authority, tmp_path))
    ]
    receivers = ", ".join(f"alloypy.queue.way{number}.receiver" for number in range(len(queues)))
    server = Server()
    async with scripted(server) as backend:
        text = RECEIVER.replace("alloypy.queue.default.receiver", receivers) + "".join(queues)
        async with pipeline(text + write("a", backend), tmp_path) as running:
            assert (await ingest(running, "one")).status == 200
            await until(lambda: server.taken["one"] == len(queues))
            assert "alice-secret" not in "\n".join(running.log.lines)


@pytest.mark.parametrize(
    ("protocol", "access", "words"),
    [
        ("SASL_PLAINTEXT", SASL.format("PLAIN", "alice", "wrong-pass"), "refuse the user or password"),
        (
            "SASL_PLAINTEXT",
            SASL.format("SCRAM-SHA-256", "alice", "wrong-pass"),
            "refuse the user or password",
        ),
        (
            "SASL_PLAINTEXT",
            SASL.format("PLAIN", "bob", "bob-secret"),
            "cannot be created: Authorization failed",
        ),
        ("SASL_SSL", SASL.format("PLAIN", "alice", "wrong-pass") + "TLS", "refuse the user or password"),
        ("SSL", "tls {\n}\n", "certificate verify failed"),
        ("SSL", "OTHER", "kafka.other"),
    ],
)
async def test_a_load_is_refused_if_brokers_say_no_and_names_no_password(
    protocol: str, access: str, words: str, secured: Secured, authority: trustme.CA, tmp_path: Path
) -> None:
    access = access.replace("TLS", tls(authority, tmp_path))
    access = access.replace("OTHER", tls(authority, tmp_path, name="kafka.other"))
    text = queue("refused", secured.addresses[protocol], access)
    text += 'pyroscope.write "a" {\nendpoint {\nurl = "http://127.0.0.1:9"\n}\n}\n'
    with pytest.raises(DiagnosticsError, match=words) as refused:
        async with pipeline(text, tmp_path):
            pass
    assert "wrong-pass" not in str(refused.value)
    assert "bob-secret" not in str(refused.value)
