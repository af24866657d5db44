"""The process from start to end: signals, descriptors, standard streams, a log nobody reads, drains."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.recorder import Recorder
from tests.support.running import ALLOYPY, Reply, Running, alloypy, free_port, of_checkout

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX processes")

ROOT = Path(__file__).parents[2]
LEVEL = "--stability.level=public-preview"
PROFILE = b"POST /ingest?name=a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


def under(shell: str) -> tuple[str, ...]:
    """The program, started by a shell that has done something first."""
    return ("sh", "-c", f'{shell} exec "$@"', "sh", *ALLOYPY)


def configuration(port: int, backend: str, level: str = "info") -> str:
    return f"""logging {{
  level = "{level}"
}}
pyroscope.receive_http "r" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.w.receiver]
}}
pyroscope.write "w" {{
  endpoint {{
    url = "http://{backend}"
  }}
}}
"""


@contextlib.contextmanager
def serving(
    folder: Path, backend: str, command: tuple[str, ...] = ALLOYPY, level: str = "info"
) -> Iterator[tuple[Running, int]]:
    """A process that is ready, and the port of its receiver."""
    port = free_port()
    (folder / "config.alloy").write_text(configuration(port, backend, level))
    with Running([LEVEL, "config.alloy"], folder, command=command) as running:
        yield running.wait_until_ready(), port


def sent(port: int) -> bytes:
    """The head of the answer to a small profile."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(PROFILE)
        return client.recv(1000)


# Descriptors


def test_the_soft_limit_of_descriptors_is_lifted_to_the_hard_one(tmp_path: Path) -> None:
    command = under("ulimit -Sn 100; ulimit -Hn 500;")
    with serving(tmp_path, "127.0.0.1:9", command) as (running, _):
        assert running.metric("process_max_fds") == 500


def test_more_clients_than_descriptors_wait_and_everybody_is_served_in_the_end(tmp_path: Path) -> None:
    with Recorder() as backend, contextlib.ExitStack() as clients:
        port = free_port()
        (tmp_path / "config.alloy").write_text(configuration(port, backend.address))
        with Running([LEVEL, "config.alloy"], tmp_path, command=under("ulimit -n 128;")) as running:
            running.wait_for_log("Alloy is running")
            # Immediately: nothing that the first request could need has been loaded yet.
            crowd = [
                clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
                for _ in range(200)
            ]
            running.wait_for_log("no connections are accepted until file descriptors are free")
            assert running.get("/-/ready").status == 200
            assert "process_open_fds" in running.get("/metrics").text
            assert running.get("/-/reload").status == 200
            for client in crowd[:20]:
                client.sendall(PROFILE)
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
            for client in crowd[:150]:
                client.close()
            for client in crowd[150:]:
                client.sendall(PROFILE)
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
            clients.close()
            assert sent(port).startswith(b"HTTP/1.1 200")
            assert running.get("/-/healthy").status == 200
            assert running.stop() == 0
        lines = [line for line in running.log if "no connections are accepted" in line]
        assert len(lines) <= 2
        assert " traceback=" not in running.text
        assert len(backend.requests) == 71


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_first_moments_ends_it_cleanly(tmp_path: Path, number: int) -> None:
    (tmp_path / "config.alloy").write_text(configuration(free_port(), "127.0.0.1:9"))
    program = (
        "import os, signal, sys\n"
        "from alloypy.cli import main\n"
        "real = main.main\n"
        f"main.main = lambda argv: (os.kill(os.getpid(), {int(number)}), real(argv))[1]\n"
        "main.entry_point()"
    )
    done = alloypy(
        "run",
        LEVEL,
        "--server.http.listen-addr=127.0.0.1:0",
        "config.alloy",
        cwd=tmp_path,
        command=(sys.executable, "-c", program),
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_reload_asked_for_during_the_start_is_done_after_it(tmp_path: Path) -> None:
    (tmp_path / "config.alloy").write_text(configuration(free_port(), "127.0.0.1:9"))
    program = (
        "import os, signal, sys\n"
        "from alloypy.cli import main\n"
        "real = main.main\n"
        "main.main = lambda argv: (os.kill(os.getpid(), signal.SIGHUP), real(argv))[1]\n"
        "main.entry_point()"
    )
    command = (sys.executable, "-c", program)
    with Running([LEVEL, "config.alloy"], tmp_path, command=command) as running:
        running.wait_for_log("config reloaded")
        assert running.stop() == 0
    running_at = next(at for at, line in enumerate(running.log) if "Alloy is running" in line)
    assert "config reloaded" in "".join(running.log[running_at:])


def test_other_commands_still_end_by_a_signal(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*ALLOYPY, "fmt"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=of_checkout(),
    )
    with process:
        time.sleep(0.5)
        process.terminate()
        assert process.wait(60) == -signal.SIGTERM


def test_a_thread_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    program = (
        "import threading\n"
        "from alloypy.cli import main\n"
        "from alloypy.cli.commands.run import command as run\n"
        "run._MOST_ENDING_SECONDS = 0.2\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "main.entry_point()"
    )
    with serving(tmp_path, "127.0.0.1:9", (sys.executable, "-c", program)) as (running, _):
        assert running.stop() == 0


def test_it_can_be_stopped_while_it_still_loads_what_comes_later(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from alloypy import preloading\n"
        "from alloypy.cli import main\n"
        "real = preloading._load\n"
        "def load(name):\n"
        "    while True:\n"
        "        real(name)\n"
        "preloading._load = load\n"
        "main.entry_point()"
    )
    with serving(tmp_path, "127.0.0.1:9", (sys.executable, "-c", program)) as (running, _):
        assert running.stop() == 0


# Standard streams


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_change_nothing(tmp_path: Path, closed: str) -> None:
    with Recorder() as backend:
        port, admin = free_port(), free_port()
        (tmp_path / "config.alloy").write_text(configuration(port, backend.address))
        line = f'exec "$@" {closed}'
        command = ["sh", "-c", line, "sh", *ALLOYPY, "run", LEVEL]
        process = subprocess.Popen(
            [*command, f"--server.http.listen-addr=127.0.0.1:{admin}", "config.alloy"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=tmp_path,
            env=of_checkout(),
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    assert sent(port).startswith(b"HTTP/1.1 200")
                    break
                except ConnectionRefusedError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()
            process.wait()


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    with Recorder() as backend:
        port, admin = free_port(), free_port()
        (tmp_path / "config.alloy").write_text(configuration(port, backend.address, level="debug"))
        reading, writing = os.pipe()
        process = subprocess.Popen(
            [*ALLOYPY, "run", LEVEL, f"--server.http.listen-addr=127.0.0.1:{admin}", "config.alloy"],
            stdout=subprocess.DEVNULL,
            stderr=writing,
            cwd=tmp_path,
            env=of_checkout(),
        )
        os.close(writing)
        try:
            start = b""
            while b"Alloy is running" not in start:
                start += os.read(reading, 65536)
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                long = b"/" + b"x" * 300
                for _ in range(4_500):  # each a line of 400 bytes
                    client.sendall(b"GET " + long + b" HTTP/1.1\r\nHost: h\r\n\r\n")
                    assert client.recv(1000).startswith(b"HTTP/1.1 404")
            assert sent(port).startswith(b"HTTP/1.1 200")
            with socket.create_connection(("127.0.0.1", admin), timeout=60) as client:
                client.sendall(b"GET /-/ready HTTP/1.1\r\nHost: h\r\n\r\n")
                assert client.recv(1000).startswith(b"HTTP/1.1 200")
            rest = b""
            while b"log records were dropped" not in rest:
                rest += os.read(reading, 1 << 20)
            dropped = int(re.findall(rb"log records were dropped.* dropped=(\d+)", rest)[0])
            assert dropped > 0
            process.terminate()
            assert process.wait(60) == 0
        finally:
            os.close(reading)
            process.kill()
            process.wait()


# The drain


def test_the_drain_refuses_new_clients_immediately_and_says_what_it_waits_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as backend:
        address = f"127.0.0.1:{backend.getsockname()[1]}"
        with serving(tmp_path, address) as (running, port):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(PROFILE)
                upstream, _ = backend.accept()
                running.process.send_signal(signal.SIGTERM)
                running.wait_for_log("terminating due to context done")
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port), timeout=60)
                assert running.get("/-/ready") == Reply(503, "Alloy is not ready.\n")
                assert "requests=1 profiles=1" in running.wait_for_log("waiting for requests in flight")
                with upstream:
                    upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    assert client.recv(1000).startswith(b"HTTP/1.1 200")
            assert running.wait() == 0


def test_a_body_that_waits_in_the_queue_is_not_left_there(tmp_path: Path) -> None:
    text = configuration(port := free_port(), "127.0.0.1:9").replace(
        "listen_address", "conn_limit     = 1\n    listen_address"
    )
    (tmp_path / "config.alloy").write_text(text)
    with Running([LEVEL, "config.alloy"], tmp_path) as running:
        running.wait_until_ready()
        with socket.create_connection(("127.0.0.1", port), timeout=60) as first:
            first.sendall(PROFILE[:-1])
            time.sleep(0.2)
            with socket.create_connection(("127.0.0.1", port), timeout=60) as queued:
                queued.sendall(PROFILE)
                running.process.send_signal(signal.SIGTERM)
                with pytest.raises(ConnectionResetError):
                    queued.recv(1000)
                assert running.process.poll() is None
        assert running.wait() == 0


def test_a_drain_does_not_wait_for_that_of_a_reload(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as backend:
        address = f"127.0.0.1:{backend.getsockname()[1]}"
        with serving(tmp_path, address) as (running, port):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(PROFILE)
                upstream, _ = backend.accept()
                other = free_port()
                moved = configuration(other, address).replace('"r"', '"other"')
                (tmp_path / "config.alloy").write_text(moved)
                running.process.send_signal(signal.SIGHUP)
                running.wait_for_log("terminating due to context done")
                socket.create_connection(("127.0.0.1", other), timeout=60).close()
                running.process.send_signal(signal.SIGTERM)
                running.wait_for_log("terminating due to context done.*other")
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", other), timeout=60)
                with upstream:
                    upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    assert client.recv(1000).startswith(b"HTTP/1.1 200")
            assert running.wait() == 0


# Nothing to run


def test_what_runs_nothing_is_warned_about_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "config.alloy").write_text('logging {\n  level = "info"\n}\n')
    for path, message in (("empty", "there are no *.alloy files"), ("config.alloy", "has no components")):
        with Running([path], tmp_path) as running:
            assert running.wait_until_ready().stop() == 0
        assert len([line for line in running.log if " level=warn " in line and message in line]) == 1


# A component that fails


def test_a_receiver_that_fails_is_reported_and_comes_back_on_its_port(tmp_path: Path) -> None:
    program = (
        "from alloypy.cli import main\n"
        "from alloypy.components.pyroscope.receive_http import ReceiveHTTP\n"
        "kept, failed = ReceiveHTTP._keep_memory, []\n"
        "async def once(self):\n"
        "    if not failed:\n"
        "        failed.append(self)\n"
        "        raise OSError(24, 'Too many open files')\n"
        "    await kept(self)\n"
        "ReceiveHTTP._keep_memory = once\n"
        "main.entry_point()"
    )
    with Recorder() as backend:
        with serving(tmp_path, backend.address, (sys.executable, "-c", program)) as (running, port):
            running.wait_for_log('level=error msg="node exited with error".*Too many open files')
            assert running.get("/-/healthy") == Reply(500, "unhealthy components: pyroscope.receive_http\n")
            assert sent(port).startswith(b"HTTP/1.1 200")  # it waited in the queue
            assert running.get("/-/healthy").status == 200
            assert running.stop() == 0
        assert "restarting component" in running.text
