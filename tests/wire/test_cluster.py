"""Replicas that find each other: who takes part, who leaves, and what the API and the metrics say."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.recorder import Recorder
from tests.support.running import Running, free_port, refused

PATIENCE = 30.0


@contextlib.contextmanager
def replicas(folder: Path, *names: str, join: str = "") -> Iterator[list[Running]]:
    """Replicas that know each other's addresses."""
    ports = [free_port() for _ in names]
    addresses = join or ",".join(f"127.0.0.1:{port}" for port in ports)
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(started(folder, name, port, addresses)).wait_until_ready()
            for name, port in zip(names, ports, strict=True)
        ]


def started(folder: Path, name: str, port: int, addresses: str, *flags: str) -> Running:
    (folder / "config.alloy").write_text("")
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
            a.wait_for_log("cannot look up a join address.* host=no-such-host.invalid")
            a.wait_for_log("a replica does not answer.*the answer is not that of a replica")
            a.wait_for_log("flags without effect.*--cluster.rejoin-interval,--cluster.wait-for-size")
            assert peers(a) == ["a"]


def test_a_replica_on_its_own_is_ready(tmp_path: Path) -> None:
    with started(tmp_path, "a", free_port(), "") as alone:
        alone.wait_until_ready()
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
