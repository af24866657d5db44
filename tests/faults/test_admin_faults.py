"""The admin port under web pages, strange requests and clients that leave; a real process, raw sockets."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.running import Running
from tests.support.waiting import wait_until

CONFIG = """
declare "sink" {
  local.file "inner" {
    filename = "x.txt"
  }
}
sink "a" { }
livedebugging {
  enabled = true
}
"""
RELOADED = (200, "config reloaded\n")
OPEN = ("/-/ready", "/-/healthy", "/metrics")
GUARDED = (
    "/-/reload",
    "/-/support?duration=1",
    "/api/v0/web/components",
    "/api/v0/web/components/sink.a",
    "/api/v0/web/peers",
    "/api/v0/web/graph",
    "/api/v0/component/sink.a/",
    "/nothing",
)


class Raw(NamedTuple):
    """An answer: its status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: str


def parsed(received: bytes) -> Raw:
    head, _, body = received.decode("latin-1").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Raw(int(first.split()[1]), headers, body)


@contextlib.contextmanager
def connection(running: Running) -> Iterator[socket.socket]:
    host, _, port = running.address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=60) as opened:
        yield opened


def rest(opened: socket.socket) -> bytes:
    return b"".join(iter(lambda: opened.recv(65536), b""))


def ask(running: Running, target: str, *lines: str, method: str = "GET", version: str = "1.1") -> Raw:
    """The answer to a request with exactly these header lines; `Host` is added when none is given."""
    if version == "1.1" and not any(line.lower().startswith("host:") for line in lines):
        lines = (f"Host: {running.address}", *lines)
    head = "\r\n".join((f"{method} {target} HTTP/{version}", *lines, "Connection: close", "", ""))
    with connection(running) as opened:
        opened.sendall(head.encode("latin-1"))
        return parsed(rest(opened))


def start(folder: Path, *flags: str) -> Running:
    (folder / "x.txt").write_text("x")
    (folder / "config.alloy").write_text(CONFIG)
    return Running([*flags, "config.alloy"], folder, watchdog=True).wait_until_ready()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    flags = ("--server.http.allowed-host=Alloy.Example.ORG", "--server.http.allowed-host=2001:DB8::1")
    with start(tmp_path_factory.mktemp("admin"), *flags) as process:
        yield process
        assert not [line for line in process.log if "traceback" in line or "handler failed" in line]
        assert process.stop() == 0


# Hosts


@pytest.mark.parametrize("target", GUARDED)
def test_a_page_whose_name_was_rebound_to_loopback_is_refused(running: Running, target: str) -> None:
    for host in ("evil.example", "evil.example:12345", "localhost.evil.example", "127.0.0.1.evil.example"):
        answer = ask(running, target, f"Host: {host}", f"Origin: http://{host}", method="GET")
        assert answer.status == 403, host
        assert "--server.http.allowed-host" in answer.body
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("target", OPEN)
def test_probes_and_metrics_answer_to_any_name(running: Running, target: str) -> None:
    assert ask(running, target, "Host: alloy.default.svc:12345").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8080",
        "localhost.",
        "a.localhost:1",
        "127.0.0.1",
        "127.8.9.1:80",
        "[::1]",
        "[::1]:12345",
        "[::ffff:127.0.0.1]",
        "alloy.example.org",
        "alloy.example.org.:443",
        "[2001:db8:0::1]:80",
        "",
    ],
)
def test_names_of_this_machine_and_allowed_ones_are_served(running: Running, host: str) -> None:
    assert ask(running, "/api/v0/web/peers", f"Host: {host}").status == 200


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "10.0.0.1", "[::]", "[::2]:80", "::1:80:x", "localhost:x", "[::1]x", ":80", "a..b"]
)
def test_other_names_and_addresses_are_not(running: Running, host: str) -> None:
    assert ask(running, "/api/v0/web/peers", f"Host: {host}").status == 403


def test_a_client_of_http_1_0_need_not_say_a_name(running: Running) -> None:
    assert ask(running, "/api/v0/web/peers", version="1.0").status == 200
    assert ask(running, "/api/v0/web/peers", "Host: evil.example", version="1.0").status == 403


def test_an_answer_that_goes_on_needs_chunks_and_so_http_1_1(running: Running) -> None:
    answer = ask(running, "/api/v0/web/graph", version="1.0")
    assert (answer.status, answer.body) == (505, "HTTP/1.1 is required for a streaming answer\n")
    assert answer.headers["connection"] == "close"


def test_who_listens_on_every_interface_answers_to_any_name(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        port = int(first.address.rpartition(":")[2])
    with Running([f"--server.http.listen-addr=0.0.0.0:{port}", "config.alloy"], tmp_path) as everywhere:
        everywhere.address = f"127.0.0.1:{port}"
        everywhere.wait_until_ready()
        assert ask(everywhere, "/api/v0/web/peers", "Host: evil.example").status == 200
        crossing = ("Host: evil.example", "Origin: http://other.example")
        assert ask(everywhere, "/api/v0/web/peers", *crossing).status == 403
        assert everywhere.stop() == 0


@pytest.mark.parametrize("value", ["http://x.example", "x.example:80", "", "x/y", "*"])
def test_an_allowed_host_is_a_name_or_an_address(tmp_path: Path, value: str) -> None:
    with Running([f"--server.http.allowed-host={value}", "config.alloy"], tmp_path) as process:
        assert process.wait() == 1
        assert "--server.http.allowed-host takes a host name or IP address" in process.text


# Origins


@pytest.mark.parametrize("target", GUARDED)
@pytest.mark.parametrize(
    "line",
    [
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
def test_pages_of_other_origins_are_refused(running: Running, target: str, line: str) -> None:
    answer = ask(running, target, line)
    assert (answer.status, answer.body) == (403, "cross-origin request refused\n")


def test_a_link_may_open_an_answer_in_a_window_but_start_nothing(running: Running) -> None:
    link = ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
    assert ask(running, "/api/v0/web/components", *link).status == 200
    for target in ("/-/reload", "/-/support"):
        assert ask(running, target, *link).status == 403


@pytest.mark.parametrize(
    "line",
    [
        "Referer: http://x.example/",
        "Sec-Fetch-Site: none",
        "Sec-Fetch-Mode: navigate",
        "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
    ],
)
def test_a_browser_cannot_reload_by_get(running: Running, line: str) -> None:
    answer = ask(running, "/-/reload", line)
    assert answer.status == 403
    assert f"use POST, as in: curl -X POST http://{running.address}/-/reload" in answer.body


def test_tools_reload_by_get_and_post_and_our_own_pages_by_post(running: Running) -> None:
    assert ask(running, "/-/reload", "Accept: */*", "User-Agent: curl/8")[::2] == RELOADED
    own = (f"Origin: http://{running.address}", "Sec-Fetch-Site: same-origin", "Accept: text/html")
    assert ask(running, "/-/reload", *own, method="POST")[::2] == RELOADED
    for method in ("HEAD", "PUT", "DELETE"):
        assert ask(running, "/-/reload", method=method).status == 404
    assert ask(running, "/-/support", method="POST").status == 404


# Targets


@pytest.mark.parametrize(
    "target",
    [
        "/api/v0/component/" + "a/" * 450_000,
        "/api/v0/component/" + "sink.a/" * 130_000,
        "/api/v0/web/components/" + "a/" * 450_000,
        "/api/v0/web/modules/" + "/components" * 80_000 + "/x",
        "/api/v0/web/debug/" + "a/" * 450_000,
        "/" + "%ff" * 300_000,
        "/api/v0/component/" + "%01" * 300_000,
        "/api/v0/web/graph?" + "a=%41&" * 9_000 + "window=0",
        "/api/v0/web/graph?window=" + "9" * 900_000,
        "/-/support?duration=" + "%01" * 300_000,
    ],
    ids=lambda target: target[:30],
)
def test_the_longest_targets_cost_no_time(running: Running, target: str) -> None:
    answer = ask(running, target)  # the watchdog of the process measures the time
    assert answer.status in (400, 404, 500)
    assert len(answer.body) < 40_000


def test_a_target_above_the_limit_of_the_head_is_refused(running: Running) -> None:
    assert ask(running, "/" + "a" * 1_100_000).status == 431


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        (
            "/api/v0/component/%ff",
            400,
            'failed to parse URL path "/api/v0/component/\\xff": invalid path\n',
        ),
        ("/api/v0/component/", 400, 'failed to parse URL path "/api/v0/component/": invalid path\n'),
        ("/api/v0/component/sink.a", 404, ""),
        ("/api/v0/component/sink.a/", 404, ""),
        ("/api/v0/component/sink.a/local.file.inner/x/y", 404, ""),
        ("/api/v0/component/sink.b/local.file.inner/x", 400, None),
        ("/api/v0/web/components/%ff", 404, "404 page not found\n"),
        ("/api/v0/web/components/", 404, "404 page not found\n"),
        ("/api/v0/web/modules/%ff/components", 500, "module not found\n"),
        ("/api/v0/web/debug/%ff", 500, "component not found\n"),
        ("/metrics/", 404, "404 page not found\n"),
        ("//", 404, "404 page not found\n"),
        ("/component/" + "a/" * 450_000, 404, "404 page not found\n"),
        ("/%5B%3F%23//[", 404, "404 page not found\n"),
    ],
    ids=lambda given: given[:30] if isinstance(given, str) else None,
)
def test_unusual_paths_are_answered_as_alloy_does(
    running: Running, target: str, status: int, body: str | None
) -> None:
    answer = ask(running, target)
    assert answer.status == status
    if body is not None:
        assert answer.body == body


@pytest.mark.parametrize(
    "window",
    ["0", "61", "-1", "x", "9" * 4400, "1_0", "%D9%A3", "5.0", "+", "%ff"],
    ids=lambda window: window[:9],
)
def test_invalid_windows(running: Running, window: str) -> None:
    answer = ask(running, f"/api/v0/web/graph?window={window}")
    assert (answer.status, answer.body) == (
        400,
        "Invalid window: must be an integer between 1 and 60\n",
    )
    assert answer.headers["x-content-type-options"] == "nosniff"


SYNTAX = (
    'duration value (in seconds) should be a positive integer: strconv.Atoi: parsing "%s": invalid syntax\n'
)


@pytest.mark.parametrize(
    ("duration", "body"),
    [
        ("", SYNTAX % ""),
        ("x", SYNTAX % "x"),
        ("1_0", SYNTAX % "1_0"),
        ("%ff", SYNTAX % "\\xff"),
        ("9" * 4400, (SYNTAX % ("9" * 4400)).replace("invalid syntax", "value out of range")),
        ("0", "duration value (in seconds) should be larger than 1\n"),
        ("-7", "duration value (in seconds) should be larger than 1\n"),
        ("31", "duration value exceeds the server's write timeout\n"),
        ("0" * 4400 + "31", "duration value exceeds the server's write timeout\n"),
    ],
    ids=lambda value: value[:12],
)
def test_invalid_durations(running: Running, duration: str, body: str) -> None:
    answer = ask(running, f"/-/support?duration={duration}")
    assert (answer.status, answer.body) == (400, body)


def test_a_prefix_of_the_ui_leads_nowhere_in_circles(tmp_path: Path) -> None:
    with start(tmp_path, "--server.http.ui-path-prefix=/alloy") as prefixed:
        answer = ask(prefixed, "/alloy")
        assert (answer.status, answer.headers["location"]) == (302, "/alloy/")
        assert ask(prefixed, "/alloy/").status == 200
        assert ask(prefixed, "/alloy/api/v0/web/peers").status == 200
        assert prefixed.stop() == 0


# Clients that leave


def open_descriptors(running: Running) -> int:
    return len(list(Path(f"/proc/{running.process.pid}/fd").iterdir()))


def test_a_half_closed_stream_returns_its_descriptor_immediately(running: Running) -> None:
    ask(running, "/-/ready")
    before = open_descriptors(running)
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connection(running)) for _ in range(5)]
        for each in opened:
            each.sendall(
                f"GET /api/v0/web/graph?window=60 HTTP/1.1\r\nHost: {running.address}\r\n\r\n".encode()
            )
        wait_until(lambda: open_descriptors(running) >= before + 5)
        for each in opened:
            each.shutdown(socket.SHUT_WR)
        wait_until(lambda: open_descriptors(running) <= before)
        answer = parsed(rest(opened[0]))
        assert (answer.status, answer.body) == (200, "0\r\n\r\n")


def test_one_support_bundle_at_a_time_which_goes_with_its_client(running: Running) -> None:
    bundle = f"GET /-/support HTTP/1.1\r\nHost: {running.address}\r\nConnection: close\r\n\r\n".encode()
    with connection(running) as first:
        first.sendall(bundle)
        wait_until(lambda: ask(running, "/-/support?duration=1").status == 503)
        second = ask(running, "/-/support?duration=1")
        assert second.status == 503
        assert 1 <= int(second.headers["retry-after"]) <= 30
        assert re.search(r"try again in \d+ s", second.body)
        crossing = ask(running, "/-/support", "Sec-Fetch-Site: cross-site")
        assert crossing.status == 403
    answers = []

    def answered() -> bool:
        answers.append(ask(running, "/-/support?duration=1"))
        return answers[-1].status == 200

    wait_until(answered)
    assert answers[-1].headers["content-type"] == "application/zip"


def test_a_path_that_is_no_text_is_refused_without_a_fault_where_credentials_are_asked_for(
    tmp_path: Path,
) -> None:
    auth = 'http {\n  auth {\n    basic {\n      username = "u"\n      password = "p"\n    }\n  }\n}\n'
    (tmp_path / "config.alloy").write_text(auth)
    with Running(["config.alloy"], tmp_path) as guarded:
        guarded.wait_until_listening()
        answer = ask(guarded, "/%ff%0a")
        assert (answer.status, answer.body) == (401, "")
        line = guarded.wait_for_log("failed to authenticate request.*xff")
        assert "handler failed" not in guarded.text, line
        assert guarded.stop() == 0


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
def test_connections_that_ask_for_nothing_leave_room_for_probes(tmp_path: Path) -> None:
    """The oldest of them is closed; a connection that is being answered stays."""
    (tmp_path / "config.alloy").write_text(CONFIG)
    (tmp_path / "x.txt").touch()
    arguments = [f"--storage.path={tmp_path}", "config.alloy"]
    with Running(arguments, tmp_path, before=few_descriptors) as running, contextlib.ExitStack() as crowd:
        running.wait_until_ready()
        answered = crowd.enter_context(connection(running))
        answered.sendall(b"GET /api/v0/web/graph?window=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answered.recv(1000).startswith(b"HTTP/1.1 200")
        for _ in range(400):
            silent = crowd.enter_context(connection(running))
            silent.sendall(b"GET /-/re")
        assert running.get("/-/ready").status == 200
        assert running.get("/metrics").status == 200
        assert answered.recv(1000)
        assert len(list(Path(f"/proc/{running.process.pid}/fd").iterdir())) < 128
