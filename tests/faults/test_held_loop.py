"""Nothing that a configuration or a module server sends holds the event loop: profiles still pass."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.counts import repeated
from tests.support.running import Reply, Running, free_port

PIPELINE = """
pyroscope.receive_http "in" {{
  http {{
    listen_address = "127.0.0.1"
    listen_port    = {port}
  }}
  forward_to = [pyroscope.write.out.receiver]
}}

pyroscope.write "out" {{
  endpoint {{
    url = "{backend}"
  }}
}}
"""


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers every POST with 200, and every GET with what `content` gives for the path."""

    content: Callable[[str], bytes] = staticmethod(lambda path: b"")
    protocol_version = "HTTP/1.1"

    def _answer(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        with contextlib.suppress(OSError):
            self._answer(type(self).content(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Answers]]]:
    class Handler(Answers):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_address[1]}", Handler
        listening.shutdown()
        thread.join()


class GoodClient:
    """Sends a small profile every 50 ms until it is stopped; keeps the answers."""

    def __init__(self, port: int) -> None:
        self.answers: list[int] = []
        self._url = f"http://127.0.0.1:{port}/ingest?name=app&from=1&until=2&format=pprof"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> GoodClient:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        while len(self.answers) < 3 and self._thread.is_alive():
            time.sleep(0.01)
        self._ending.set()
        self._thread.join()
        assert self.answers
        assert set(self.answers) == {200}

    def _send(self) -> None:
        while not self._ending.wait(0.05):
            with urllib.request.urlopen(urllib.request.Request(self._url, b"profile"), timeout=60) as answer:
                self.answers.append(answer.status)


class Watched:
    """An `alloypy run` of the pipeline, with additional configuration, and a good client beside it."""

    def __init__(self, directory: Path, backend: str, more: str = "") -> None:
        self.port = free_port()
        self.file = directory / "config.alloy"
        self.pipeline = PIPELINE.format(port=self.port, backend=backend)
        self.file.write_text(self.pipeline + more)
        flags = ["--stability.level=experimental", f"--storage.path={directory / 'storage'}"]
        self.running = Running([*flags, str(self.file)], directory, watchdog=True)

    def reload(self, more: str) -> Reply:
        self.file.write_text(self.pipeline + more)
        return self.running.get("/-/reload", "POST")


@contextlib.contextmanager
def watched(directory: Path, backend: str, more: str = "") -> Iterator[Watched]:
    run = Watched(directory, backend, more)
    with run.running:
        run.running.wait_until_ready()
        with GoodClient(run.port):
            yield run


def many(count: int, replacement: str) -> str:
    return "".join(
        f'pyroscope.relabel "r{i}" {{\n  forward_to = [pyroscope.write.out.receiver]\n  rule {{\n'
        f'    target_label = "a"\n    replacement = "{replacement}{i}"\n  }}\n}}\n'
        for i in range(count)
    )


def test_loads_of_many_components(tmp_path: Path, server: tuple[str, type[Answers]]) -> None:
    count = repeated(3000)
    with watched(tmp_path, server[0], many(count, "x")) as run:
        assert run.reload(many(count, "y")).status == 200  # all are updated
        assert run.reload(many(count // 2, "y")).status == 200  # half of them stop
        assert run.reload(many(count, "y") + "broken").status == 400
        assert run.running.json("/api/v0/web/components")


_DOUBLED = 'string.replace("aa", "a", "aaaaaaaaaaaaaaaa")'
for _ in range(8):
    _DOUBLED = f'string.replace({_DOUBLED}, "a", "aaaaaaaaaaaaaaaa")'
_LIST = "[" + ",".join(map(str, range(300))) + "]"
_JSON = "[" + ",".join(['{\\"a\\":[1,2,3,4,5,6,7,8,9]}'] * 400) + "]"
_MAPS = "[" + ",".join(f"{{a = {i}, b = 1}}" for i in range(1500)) + "]"
BOMBS = {
    "a text that grows sixteenfold": _DOUBLED,
    "a format of wide fields": 'string.format("' + "%1000000d" * 200 + '"' + ", 1" * 200 + ")",
    "a product of paths": f'json_path("{_JSON}", "$[?(@.a[*]+$[*].a[*]+$[*].a[*] > 100)]")',
    "a product of maps": f'array.combine_maps({_MAPS}, {_MAPS}, ["b"])',
    "a join": f"string.join({_LIST}, {_DOUBLED.replace('aaaaaaaaaaaaaaaa', 'aaaa')})",
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_expression_that_asks_for_too_much(
    name: str, tmp_path: Path, server: tuple[str, type[Answers]]
) -> None:
    with watched(tmp_path, server[0]) as run:
        component = f'local.file "bomb" {{\n  filename = string.format("%v", {BOMBS[name]})\n}}\n'
        reply = run.reload(component)
        assert reply.status == 400
        assert "evaluation takes more than" in reply.text or "evaluation makes more than" in reply.text
        assert len(reply.text) < 20_000


def test_values_that_share_their_parts(tmp_path: Path, server: tuple[str, type[Answers]]) -> None:
    declares = (
        'declare "twice" {\n  argument "of" { }\n  export "pair" {\n'
        "    value = [argument.of.value, argument.of.value]\n  }\n}\n"
    )
    chain = 'twice "n0" {\n  of = 1\n}\n' + "".join(
        f'twice "n{i}" {{\n  of = twice.n{i - 1}.pair\n}}\n' for i in range(1, 40)
    )
    with watched(tmp_path, server[0]) as run:
        reply = run.reload(declares + chain)
        assert reply.status == 400
        assert "evaluation takes more than" in reply.text


MODULE = 'declare "m" {\n  argument "a" {\n    optional = true\n  }\n}\n'
IMPORT = (
    'import.http "mod" {{\n  url = "{url}/first"\n  poll_frequency = "{every}"\n  poll_timeout = "1s"\n}}\n\n'
    'mod.m "x" {{ }}\n'
)
HOSTILE = {
    "NULs": b"\0" * 200_000,
    "declares": "".join(f'declare "d{i}" {{\n}}\n' for i in range(30_000)).encode(),
    "one long line": b"a" * 4_000_000,
    "too much": b"//" * 4_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_module_server_that_turns_hostile(
    name: str, tmp_path: Path, server: tuple[str, type[Answers]]
) -> None:
    url, handler = server
    handler.content = staticmethod(lambda path: MODULE.encode())
    with watched(tmp_path, url, IMPORT.format(url=url, every="2s")) as run:
        handler.content = staticmethod(lambda path: HOSTILE[name])
        run.running.wait_for_log("failed to parse|is larger than|failed to evaluate|polling")
        time.sleep(0.5)
        handler.content = staticmethod(lambda path: MODULE.encode())


@pytest.mark.parametrize("width", [1, 3])
def test_imports_of_ever_new_modules_end(
    width: int, tmp_path: Path, server: tuple[str, type[Answers]]
) -> None:
    url, handler = server
    numbers = iter(range(1_000_000))

    def content(path: str) -> bytes:
        imports = "".join(
            f'import.http "i{i}" {{\n  url = "{url}/{next(numbers)}"\n}}\n' for i in range(width)
        )
        return (imports + MODULE).encode()

    handler.content = staticmethod(content)
    with watched(tmp_path, url, IMPORT.format(url=url, every="60s")) as run:
        assert next(numbers) < 5000
        line = "imports are nested more than 30 levels deep|the content leads to more than 1000 imports"
        run.running.wait_for_log(line)
