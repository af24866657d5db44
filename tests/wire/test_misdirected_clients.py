"""Clients at the wrong port or path, or with the wrong scheme: answer and log say where they should go."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from alloypy.net.server.misdirected import EVERY_SECONDS, Seldom, own_url
from tests.support.running import Reply, Running, free_port

LEVEL = "--stability.level=public-preview"
PUSH = "/push.v1.PusherService/Push"
SPEAKS_TLS = "a client speaks TLS to a port without TLS: its URL must begin with http://"
SPEAKS_NONE = "a client speaks no TLS to a port with TLS: its URL must begin with https://"
WRONG_PATH = "a client sends to a path that is not served: its server URL must have no path"
WRONG_PORT = "a client sends profiles to the admin port: its server URL must have a receiver's port"


def receiver(port: int, tls: Path | None = None) -> str:
    block = f'tls {{\n cert_file = "{tls / "cert.pem"}"\n key_file = "{tls / "key.pem"}"\n }}' if tls else ""
    return f"""pyroscope.receive_http "default" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
    {block}
  }}
  forward_to = []
}}
"""


def ask(port: int, target: str, method: str = "POST") -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, target, b"abc" if method == "POST" else None)
        response = connection.getresponse()
        return Reply(response.status, response.read().decode())
    finally:
        connection.close()


def greet(port: int) -> None:
    """Try a TLS handshake, in vain."""
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", port), 60) as plain, pytest.raises(OSError):
        context.wrap_socket(plain, server_hostname="localhost").close()


def certificate(folder: Path) -> None:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 9 -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def count(running: Running, message: str) -> int:
    return sum(f'msg="{message}"' in line for line in running.log)


def test_who_sends_to_the_wrong_port_path_or_scheme_is_told_where_to_go(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "config.alloy").write_text(receiver(port))
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        admin = int(running.wait_until_ready().address.rpartition(":")[2])
        for target in ("/ingest?name=secret", PUSH, "/base/ingest"):
            status, text = ask(admin, target)
            assert status == 404
            assert text.endswith(f"this is the admin port; send profiles to a receiver: 127.0.0.1:{port}\n")
        for target in ("/ingest/ingest?name=secret", "/", f"/base{PUSH}", "/push.v1.PusherService/Pull"):
            status, text = ask(port, target)
            assert status == 404
            assert text.startswith("404 page not found\nprofiles are taken at /ingest and /push.v1.")
        for target in ("/", "/health"):
            assert ask(port, target, "GET").status == 404
        for _ in range(2):
            greet(port)
            greet(admin)
        assert running.stop() == 0
    lines = [line for line in running.log if "level=warn" in line and "forward_to is empty" not in line]
    assert len(lines) == 4
    url = f"expected_url=http://127.0.0.1:{port}"
    assert f'msg="{WRONG_PORT}" service=http path=/ingest receivers=127.0.0.1:{port} times=1' in lines[0]
    assert f'msg="{WRONG_PATH}"' in lines[1]
    assert f"path=/ingest/ingest {url} times=1" in lines[1]
    assert f'msg="{SPEAKS_TLS}"' in lines[2]
    assert f"component_id=pyroscope.receive_http.default {url} times=1" in lines[2]
    assert f'msg="{SPEAKS_TLS}" expected_url=http://127.0.0.1:{admin} times=1' in lines[3]
    assert "secret" not in running.text


def test_who_speaks_no_tls_where_it_is_spoken_is_told_so(tmp_path: Path) -> None:
    port = free_port()
    certificate(tmp_path)
    (tmp_path / "config.alloy").write_text(receiver(port, tmp_path))
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        for _ in range(3):
            answer = ask(port, "/ingest?name=app")
            assert answer == Reply(400, "Client sent an HTTP request to an HTTPS server.\n")
        assert running.stop() == 0
    assert count(running, SPEAKS_NONE) == 1
    assert f"expected_url=https://127.0.0.1:{port} times=1" in running.text


def test_a_line_says_how_often_it_happened_since_the_last() -> None:
    now = [100.0]
    seldom = Seldom(lambda: now[0])
    assert [seldom.due(), seldom.due(), seldom.due()] == [1, 0, 0]
    now[0] += EVERY_SECONDS
    assert [seldom.due(), seldom.due()] == [3, 0]


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 1), "http://127.0.0.1:1"),
        (("::ffff:10.0.0.1", 2), "http://10.0.0.1:2"),
        (("::1", 3), "http://[::1]:3"),
    ],
)
def test_the_url_of_a_server_can_be_typed(address: tuple[str, int], url: str) -> None:
    assert own_url("http", address) == url
