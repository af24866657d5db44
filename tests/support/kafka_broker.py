"""Real Kafka brokers: Kafka 4 from Maven, run by Java 17 or newer.

The jars (43 MB) are fetched once and kept in the cache of the tests; a broker takes 3 to 10 s to start.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.support.running import free_port

if sys.platform != "win32":
    import fcntl

VERSION = "4.4.0"
_JAVA = 17
_PATIENCE = 120.0
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId><artifactId>broker</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""
_RUN = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def jars(seconds: float = 90.0) -> Path:
    """The folder of Kafka's jars. Skips the test where there is no Java to run them, or no way to get them.

    seconds: for fetching them, if that was not done before.
    """
    if sys.platform == "win32":
        pytest.skip("the brokers of these tests are not started on Windows")
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            pytest.skip(f"a Kafka broker needs Java {_JAVA} and Maven: there is no {program}")
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', version)
    if found is None or int(found[1]) < _JAVA:
        pytest.skip(f"a Kafka broker needs Java {_JAVA}, this is {version.splitlines()[:1]}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alloypy-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"kafka-{VERSION}"
    with (cache / "kafka.lock").open("w") as lock:
        deadline = time.monotonic() + seconds
        while not _locked(lock):
            if time.monotonic() > deadline:
                pytest.skip("Kafka is still being fetched for another test")
            time.sleep(0.1)
        if not folder.exists():
            _fetch(folder, seconds)
    return folder


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _fetch(folder: Path, seconds: float) -> None:
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    (part / "pom.xml").write_text(_POM, "utf-8")
    goal = ("-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=.")
    try:
        done = subprocess.run(
            ["mvn", *goal], cwd=part, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        pytest.skip("Maven has not fetched Kafka in time; what it has is kept for the next run")
    if done.returncode:
        pytest.skip(f"Maven has no Kafka: {done.stdout[-300:]}")
    part.rename(folder)


class Broker:
    """One broker, which is also a controller. It is started, killed and started again at the same address.

    settings: more lines of its server.properties. listeners: further ones, by name of their protocol, with
    their ports. peers: the ports of the controllers of all nodes, if there are several. modest: whether all
    else on the machine goes first, as if the broker had one of its own.
    """

    def __init__(
        self,
        folder: Path,
        settings: Sequence[str] = (),
        listeners: Mapping[str, int] | None = None,
        number: int = 1,
        peers: Sequence[int] = (),
        *,
        modest: bool = False,
    ) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._first = ("nice", "-n", "10") if modest else ()
        self._folder = folder
        self._jars = jars()
        self._process: subprocess.Popen[bytes] | None = None
        controllers = peers or (free_port(),)
        copies = min(3, len(controllers))
        voters = ",".join(f"{n}@127.0.0.1:{port}" for n, port in enumerate(controllers, 1))
        ports = {"PLAINTEXT": self.port, **(listeners or {}), "CONTROLLER": controllers[number - 1]}
        open_to = {name: port for name, port in ports.items() if name != "CONTROLLER"}
        kept = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
        lines = [
            "process.roles=broker,controller",
            f"node.id={number}",
            f"controller.quorum.voters={voters}",
            f"listeners={_named(ports)}",
            f"advertised.listeners={_named(open_to)}",
            "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map="
            + ",".join(f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in ports),
            f"log.dirs={folder / 'data'}",
            *(f"{name}.replication.factor={copies}" for name in kept),
            *(f"{name}.min.isr={min(2, copies)}" for name in kept[1:]),
            "offsets.topic.num.partitions=4",
            "group.initial.rebalance.delay.ms=0",
            "broker.session.timeout.ms=6000",
            "auto.create.topics.enable=false",
            *settings,
        ]
        folder.mkdir(parents=True, exist_ok=True)
        self._properties = folder / "server.properties"
        self._properties.write_text("\n".join(lines) + "\n", "utf-8")

    def format(self, *more: str) -> None:
        """Prepare the directory of the broker. more: arguments of Kafka's tool, such as users."""
        storage = self._java("kafka.tools.StorageTool")
        words = ["format", "-t", "AAAAAAAAQACAAAAAAAAAAA", "-c", str(self._properties), *more]
        done = subprocess.run([*storage, *words], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def begin(self) -> None:
        """Start it, without waiting for it."""
        if not (self._folder / "data").exists():
            self.format()
        log = (self._folder / "log").open("ab")
        command = [*self._first, *self._java("kafka.Kafka", *_RUN), str(self._properties)]
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def start(self) -> None:
        """Start it; it answers when this returns."""
        self.begin()
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        assert self._process is not None
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise TimeoutError("the broker does not answer")

    @property
    def runs(self) -> bool:
        """Whether it has been started, and not killed."""
        return self._process is not None

    def kill(self) -> None:
        """End it at once, as if its machine had failed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Broker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _java(self, main: str, *options: str) -> list[str]:
        return ["java", *options, "-cp", f"{self._jars}/*", main]


class Secured:
    """A broker that asks for users and certificates. addresses: of its listeners, by protocol.

    alice may do everything, bob nothing; their passwords are `alice-secret` and `bob-secret`. The certificate
    is for kafka.test. SSL asks for one of a client, too.
    """

    def __init__(self, folder: Path, authority: trustme.CA) -> None:
        ports = {name: free_port() for name in ("SASL_PLAINTEXT", "SASL_SSL", "SSL")}
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        folder.mkdir(parents=True, exist_ok=True)
        certificate = authority.issue_cert("kafka.test")
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(each.bytes() for each in certificate.cert_chain_pems)
        (folder / "keys.pem").write_bytes(pem + chain)
        (folder / "trusted.pem").write_bytes(authority.cert_pem.bytes())
        package = "org.apache.kafka.common.security"
        users = " ".join(f'user_{name}="{name}-secret"' for name in ("alice", "bob"))
        logins = [
            f"listener.name.{name}.{line}"
            for name in ("sasl_plaintext", "sasl_ssl")
            for line in (
                f"plain.sasl.jaas.config={package}.plain.PlainLoginModule required {users};",
                f"scram-sha-256.sasl.jaas.config={package}.scram.ScramLoginModule required;",
                f"scram-sha-512.sasl.jaas.config={package}.scram.ScramLoginModule required;",
            )
        ]
        settings = [
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:ANONYMOUS;User:alice",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={folder / 'keys.pem'}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.location={folder / 'trusted.pem'}",
            "listener.name.ssl.ssl.client.auth=required",
            "ssl.principal.mapping.rules=RULE:^.+$/alice/",
            *logins,
        ]
        self.broker = Broker(folder, settings, ports)

    def start(self) -> None:
        """Start it; it answers when this returns."""
        scram = [
            f"{mechanism}=[name={name},password={name}-secret]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for name in ("alice", "bob")
        ]
        self.broker.format(*(word for each in scram for word in ("--add-scram", each)))
        self.broker.start()


def _named(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())
