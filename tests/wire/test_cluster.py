"""Replicas that find each other: who takes part, who leaves, and what the API and the metrics say."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.recorder import Recorder
from tests.support.running import Running, free_port, refused

PATIENCE = 90.0


@contextlib.contextmanager
def replicas(folder: Path, *names: str, text: str = "") -> Iterator[list[Running]]:
    """Replicas that know each other's addresses."""
    ports = [free_port() for _ in names]
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
    (folder / "config.alloy").write_text(text)
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(started(folder, name, port, addresses)).wait_until_ready()
            for name, port in zip(names, ports, strict=True)
        ]


def started(folder: Path, name: str, port: int, addresses: str, *flags: str) -> Running:
    (folder / "config.alloy").touch()
    running = Running(
        [
            f"--server.http.listen-addr=127.0.0.1:{port}",
            f"--storage.path={folder / str(port)}",
            "--cluster.enabled",
            f"--cluster.join-addresses={addresses}",
            f"--cluster.node-name={name}",
            *flags,
            "config.alloy",
        ],
        folder,
    )
    running.address = f"127.0.0.1:{port}"
    return running


def peers(running: Running) -> list[str]:
    return [each["name"] for each in running.json("/api/v0/web/peers")]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_replicas_find_each_other_and_notice_who_leaves(tmp_path: Path) -> None:
    with replicas(tmp_path, "a", "b", "c") as (a, b, c):
        until(lambda: all(peers(each) == ["a", "b", "c"] for each in (a, b, c)))
        assert a.metric('cluster_node_peers{cluster_name="",state="participant"}') == 3
        assert a.metric('cluster_ready_for_traffic{cluster_name=""}') == 1
        c.process.send_signal(signal.SIGKILL)
        until(lambda: peers(a) == peers(b) == ["a", "b"])
        assert b.stop() == 0
        until(lambda: peers(a) == ["a"])
        assert len(re.findall(r'msg="peers changed".*peers_count=3', a.text)) == 1
        c.process.wait()


def test_a_name_stands_for_several_and_others_do_not_count(tmp_path: Path) -> None:
    with Recorder(content=b"{}") as stranger:
        port, other = free_port(), free_port()
        join = f"localhost:{port},no-such-host.invalid,127.0.0.1:{other},{stranger.url.partition('//')[2]}"
        with (
            started(
                tmp_path, "a", port, join, "--cluster.rejoin-interval=9s", "--cluster.wait-for-size=2"
            ) as a,
            started(tmp_path, "b", other, join, "--cluster.name=another"),
        ):
            a.wait_for_log("peers changed.* peers_count=1 peers=a")
            a.wait_for_log('cannot look up a join address.* host=no-such-host.invalid err="no such host"')
            a.wait_for_log("a replica does not answer.*the answer is not that of a replica")
            a.wait_for_log("flags without effect.*--cluster.rejoin-interval,--cluster.wait-for-size")
            assert peers(a) == ["a"]


def test_a_replica_on_its_own_is_ready(tmp_path: Path) -> None:
    with started(tmp_path, "a", free_port(), "") as alone:
        alone.wait_until_ready()
        alone.wait_for_log("level=warn msg=.no --cluster.join-addresses: this replica is alone")
        until(lambda: alone.metric('cluster_ready_for_traffic{cluster_name=""}') == 1)
        assert peers(alone) == ["a"]
        assert alone.get("/api/alloypy/v0/cluster", headers={"Host": "10.0.0.1"}).status == 200


def test_replicas_of_one_name_are_told(tmp_path: Path) -> None:
    with replicas(tmp_path, "same", "same") as (one, other):
        for each in (one, other):
            each.wait_for_log("several replicas have the same name.* names=same")
            until(lambda each=each: peers(each) == ["same", "same"])  # type: ignore[misc]


@pytest.mark.parametrize("address", ["h:x", ":1", "h:0", "h:70000", "[::1"])
def test_a_wrong_join_address_is_refused(tmp_path: Path, address: str) -> None:
    done = refused(tmp_path, "--cluster.enabled", f"--cluster.join-addresses={address}", "config.alloy")
    assert done.returncode == 1
    assert (
        f'--cluster.join-addresses takes host or host:port, separated by commas; got "{address}"'
        in done.stderr
    )


TARGETS = 40
SCRAPING = """
pyroscope.scrape "default" {{
  targets         = [{targets}]
  forward_to      = [pyroscope.write.default.receiver]
  scrape_interval = "1s"
  scrape_timeout  = "900ms"
  profiling_config {{
    profile.process_cpu {{ enabled = false }}
    profile.memory {{ enabled = false }}
    profile.mutex {{ enabled = false }}
    profile.block {{ enabled = false }}
  }}
  clustering {{ enabled = true }}
}}
pyroscope.write "default" {{
  endpoint {{ url = "http://{address}/sink" }}
}}
"""


class Target(ThreadingHTTPServer):
    """Many targets at one address, told apart by their query. scrapes: number and time of each."""

    def __init__(self) -> None:
        self.scrapes: list[tuple[str, float]] = []
        scrapes = self.scrapes

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                scrapes.append((self.path.partition("n=")[2], time.monotonic()))
                self._answer(b"\x0a\x00\x32\x00")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(b"", self.headers["Content-Type"])

            def _answer(self, body: bytes, kind: str = "application/octet-stream") -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def each_since(self, when: float) -> list[int]:
        """How often each target was scraped since then."""
        return [sum(n == str(number) and at > when for n, at in self.scrapes) for number in range(TARGETS)]


@contextlib.contextmanager
def target() -> Iterator[Target]:
    with Target() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def shares(*running: Running) -> list[list[str]]:
    """The targets that each replica scrapes."""
    found = []
    for each in running:
        info = each.json("/api/v0/web/components/pyroscope.scrape.default").get("debugInfo") or []
        text = [str(block["body"]) for block in info]
        found.append(sorted(match for one in text for match in re.findall(r"n=(\d+)", one)[:1]))
    return found


def test_each_target_is_scraped_by_one_replica_and_taken_over(tmp_path: Path) -> None:
    """One replica of three is killed: the others share its targets within two refreshes."""
    everything = sorted(str(number) for number in range(TARGETS))

    def shared(*running: Running) -> bool:
        found = shares(*running)
        return sorted(name for names in found for name in names) == everything and all(found)

    def evenly() -> bool:
        """By two replicas, a target would be scraped twice as often as the others all the time."""
        began = time.monotonic()
        until(lambda: min(server.each_since(began)) >= 3)
        counts = server.each_since(began)
        return max(counts) <= 2 * min(counts)

    with target() as server:
        address = f"127.0.0.1:{server.server_port}"
        targets = ", ".join(
            f'{{"__address__" = "{address}", "__param_n" = "{number}", "n" = "{number}"}}'
            for number in range(TARGETS)
        )
        text = SCRAPING.format(targets=targets, address=address)
        with replicas(tmp_path, "a", "b", "c", text=text) as (a, b, c):
            until(lambda: shared(a, b, c))
            until(evenly)
            before = shares(a, b)
            c.process.send_signal(signal.SIGKILL)
            c.process.wait()
            until(lambda: shared(a, b))
            until(lambda: all(set(old) <= set(new) for old, new in zip(before, shares(a, b), strict=True)))
            began = time.monotonic()
            until(lambda: min(server.each_since(began)) >= 1)
