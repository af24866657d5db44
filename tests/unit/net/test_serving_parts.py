"""The parts that serving is made of, one by one."""

from __future__ import annotations

import asyncio
import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alloypy.net.deadline import Deadline
from alloypy.net.gzip import GzipError, TooLarge, compress, gunzip
from alloypy.net.http_status import status_line, status_text
from alloypy.net.memory import memory_limit
from alloypy.net.rpc.codes import error_json
from alloypy.net.rpc.grpc import GrpcTimeoutError, parse_grpc_timeout
from alloypy.net.server import malloc as memory
from alloypy.net.server.body import BodyTooLarge, ClientLeft, read_body
from alloypy.net.server.budget import ByteBudget, process_budget
from alloypy.net.server.http1.head import Refused, read_head, read_target

# Bodies and budgets


def messages(*events: dict[str, Any]) -> Any:
    given = iter(events)

    async def receive() -> dict[str, Any]:
        return next(given)

    return receive


def part(content: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


@pytest.mark.anyio
async def test_a_body_is_read_over_plain_asgi_too() -> None:
    assert await read_body({}, messages(part(b"a"), part(b"b", more=False)), 2) == b"ab"
    with pytest.raises(BodyTooLarge, match="larger than 1 bytes"):
        await read_body({}, messages(part(b"a"), part(b"b", more=False)), 1)
    with pytest.raises(ClientLeft):
        await read_body({}, messages(part(b"a"), {"type": "http.disconnect"}), 9)


def test_a_budget_is_not_overdrawn() -> None:
    budget = ByteBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    budget.give_back(6)
    assert (budget.held, budget.taken) == (4, 10)


class System:
    """The files and resource limits that say what a process may use."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
        self.files = files
        self.limits: dict[int, int] = {}
        monkeypatch.setattr(Path, "read_text", lambda path, **_: self.read(path))
        monkeypatch.setattr(resource, "getrlimit", lambda kind: (self.limits.get(kind, -1), -1))

    def read(self, path: Path) -> str:
        try:
            return self.files[str(path)]
        except KeyError:
            raise FileNotFoundError(str(path)) from None


V1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
UNLIMITED = str(1 << 62)


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"/sys/fs/cgroup/memory.max": "1000000\n"}, 1_000_000),
        ({"/sys/fs/cgroup/memory.max": "max\n"}, 0),
        ({V1: "2000000"}, 2_000_000),
        ({V1: UNLIMITED}, 0),
        (
            {
                "/proc/self/cgroup": "0::/a.slice/b.service\n",
                "/sys/fs/cgroup/a.slice/b.service/memory.max": "7",
            },
            7,
        ),
        (
            {
                "/proc/self/cgroup": "0::/a.slice/b.service\n",
                "/sys/fs/cgroup/a.slice/b.service/memory.max": "9",
                "/sys/fs/cgroup/a.slice/memory.max": "8",
            },
            8,
        ),
        (
            {
                "/proc/self/cgroup": "5:cpu:/x\n4:memory:/a/b\n0::/\n",
                V1: UNLIMITED,
                "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "6",
            },
            6,
        ),
        ({"/proc/self/cgroup": "0::/on/the/host\n", "/sys/fs/cgroup/memory.max": "5"}, 5),
        ({"/proc/self/cgroup": "nonsense\n\n:::"}, 0),
        ({}, 0),
    ],
)
def test_the_memory_limit_is_the_least_of_the_control_groups(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], limit: int
) -> None:
    System(monkeypatch, files)
    assert memory_limit() == limit


def test_resource_limits_are_memory_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(monkeypatch, {"/sys/fs/cgroup/memory.max": "3000000"})
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        system.limits = {kind: 2_000_000}
        assert memory_limit() == 2_000_000
        system.limits = {kind: 4_000_000}
        assert memory_limit() == 3_000_000


@pytest.mark.parametrize(
    ("files", "budget"),
    [
        ({"/sys/fs/cgroup/memory.max": "1000000"}, 64 << 20),
        ({"/sys/fs/cgroup/memory.max": str(400 << 20)}, 100 << 20),
        ({}, max(256 << 20, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)),
    ],
)
def test_the_budget_is_a_quarter_of_the_memory_limit(
    monkeypatch: pytest.MonkeyPatch, files: dict[str, str], budget: int
) -> None:
    System(monkeypatch, files)
    assert process_budget.__wrapped__().limit == budget


def test_the_process_has_one_budget() -> None:
    assert process_budget() is process_budget()


# Memory


class Library:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def mallopt(self, option: int, value: int) -> int:
        self.calls.append(("mallopt", option, value))
        return 1

    def malloc_trim(self, pad: int) -> int:
        self.calls.append(("malloc_trim", pad))
        return 1


@pytest.mark.anyio
async def test_large_blocks_are_kept_and_given_back_once_when_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library()
    monkeypatch.setattr(memory, "glibc", lambda: library)
    budget = ByteBudget(100 << 20)
    task = asyncio.create_task(memory.keep_large_blocks(budget, idle=0.001))
    await asyncio.sleep(0.02)
    assert library.calls == [
        ("mallopt", -3, (100 << 20) // 64),
        ("mallopt", -1, 50 << 20),
        ("malloc_trim", 0),
    ]
    budget.take(10)
    await asyncio.sleep(0.02)
    assert library.calls.count(("malloc_trim", 0)) == 1
    budget.give_back(10)
    await asyncio.sleep(0.02)
    assert library.calls.count(("malloc_trim", 0)) == 2
    task.cancel()


@pytest.mark.anyio
async def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "glibc", lambda: None)
    memory.share_one_pool()
    await memory.keep_large_blocks(ByteBudget(1))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tells of glibc only")
def test_threads_take_memory_from_one_pool() -> None:
    """Each in a separate process: the C library reads the limit when the first thread starts."""
    script = """
import sys, threading
from alloypy.net.server.malloc import glibc, share_one_pool
if sys.argv[1] == "shared":
    share_one_pool()
barrier = threading.Barrier(4)
def work():
    kept = [bytearray(100_000) for _ in range(100)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
glibc().malloc_stats()
"""
    pools = [
        subprocess.run(
            [sys.executable, "-c", script, way], check=True, capture_output=True, text=True
        ).stderr.count("Arena ")
        for way in ("separate", "shared")
    ]
    assert pools[0] > pools[1] == 1


# gzip


def test_streams_of_several_members_are_unpacked() -> None:
    packed = gzip.compress(b"a" * 100_000) + gzip.compress(b"") + gzip.compress(b"b")
    assert gunzip(packed, 100_001) == b"a" * 100_000 + b"b"
    assert gunzip(memoryview(packed), 100_001) == b"a" * 100_000 + b"b"
    with pytest.raises(TooLarge):
        gunzip(packed, 100_000)


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"", "get decompressor: unexpected EOF"),
        (b"notgzip", "get decompressor: unexpected EOF"),
        (b"x" * 20, "get decompressor: gzip: invalid header"),
        (gzip.compress(b"abc", mtime=0)[:-1], "decompress: unexpected EOF"),
        (gzip.compress(b"abc", mtime=0)[:-4] + b"\0\0\0\0", "decompress: gzip: invalid checksum"),
        (gzip.compress(b"abc", mtime=0) + b"x" * 5, "decompress: unexpected EOF"),
        (gzip.compress(b"abc", mtime=0) + b"x" * 50, "decompress: gzip: invalid header"),
        (gzip.compress(b"abc", mtime=0)[:10] + b"\xff" * 30, "decompress: flate: corrupt input"),
        (gzip.compress(b"", mtime=0) * 1001, "decompress: more than 1000 members"),
    ],
)
def test_what_is_wrong_with_a_stream_is_said_in_gos_words(packed: bytes, reason: str) -> None:
    with pytest.raises(GzipError) as raised:
        gunzip(packed, 1000)
    assert str(raised.value) == reason


def test_ready_made_streams_unpack() -> None:
    for content in (b"", b"{}", b"something else"):
        assert gzip.decompress(compress(content)) == content


# Heads


@pytest.mark.parametrize(
    ("headers", "head"),
    [
        ([(b"host", b"x")], (0, False)),
        ([(b"host", b"x:80"), (b"content-length", b"5")], (5, False)),
        ([(b"host", b"[::1]:80"), (b"transfer-encoding", b"Chunked")], (None, False)),
        ([(b"host", b"x"), (b"expect", b"100-Continue"), (b"content-length", b"5")], (5, True)),
        ([(b"host", b"x"), (b"content-length", b"0" * 5000 + b"5 ")], (5, False)),
    ],
)
def test_heads(headers: list[tuple[bytes, bytes]], head: tuple[int | None, bool]) -> None:
    assert read_head(headers, "1.1") == (*head, False)


@pytest.mark.parametrize(
    ("headers", "version", "status"),
    [
        ([], "1.1", 400),
        ([(b"host", b"x"), (b"host", b"x")], "1.1", 400),
        ([(b"host", b"a b")], "1.1", 400),
        ([(b"host", b"x"), (b"transfer-encoding", b"gzip, chunked")], "1.1", 501),
        ([(b"host", b"x"), (b"expect", b"more")], "1.1", 417),
        ([(b"host", b"x"), (b"content-length", b"9223372036854775808")], "1.1", 400),
        ([(b"host", b"x"), (b"content-length", b"9" * 5000)], "1.1", 400),
        (
            [(b"host", b"x"), (b"transfer-encoding", b"chunked"), (b"trailer", b"A, Content-Length")],
            "1.1",
            400,
        ),
        ([(b"host", b"x")], "2.0", 505),
    ],
)
def test_heads_that_are_refused(headers: list[tuple[bytes, bytes]], version: str, status: int) -> None:
    with pytest.raises(Refused) as raised:
        read_head(headers, version)
    assert raised.value.status == status


def test_old_clients_need_no_host_and_expect_nothing() -> None:
    assert read_head([(b"expect", b"100-continue")], "1.0") == (0, False, False)


def test_chunks_of_an_old_client_are_the_last_it_says() -> None:
    assert read_head([(b"transfer-encoding", b"chunked")], "1.0") == (None, False, True)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a?b=c?d", "/a", b"b=c?d"),
        (b"/%69ngest", "/ingest", b""),
        (b"/%ff", "/\udcff", b""),
        (b"http://host/a?b", "/a", b"b"),
        (b"http://host", "", b""),
        (b"http://x?y=/ingest?name=a", "", b"y=/ingest?name=a"),
        (b"h2c+x://u:p@[::1]:80/a", "/a", b""),
        (b"http:///a", "/a", b""),
        (b"*", "*", b""),
    ],
)
def test_targets(target: bytes, path: str, query: bytes) -> None:
    decoded, as_sent, sent_query, origin = read_target(target)
    assert (decoded, sent_query) == (path, query)
    assert target == origin + as_sent + (b"?" + query if query else b"")


@pytest.mark.parametrize(
    "target",
    [b"ingest", b"host:80", b"/%zz", b"/%4", b"://x/", b"http://x:y/", b"http://x#/ingest", b"1a://x/"],
)
def test_targets_that_are_refused(target: bytes) -> None:
    with pytest.raises(Refused):
        read_target(target)


def test_statuses_have_gos_names() -> None:
    assert [status_text(each) for each in (200, 413, 422, 418, 299, 599)] == [
        "OK",
        "Request Entity Too Large",
        "Unprocessable Entity",
        "I'm a teapot",
        "",
        "",
    ]
    assert status_line(599, "1.1") == b"HTTP/1.1 599 status code 599\r\n"
    assert status_line(400, "1.0", "no") == b"HTTP/1.0 400 Bad Request: no\r\n"


# Connect and gRPC


def test_errors_are_escaped_as_go_does() -> None:
    assert error_json("internal", "") == '{"code":"internal"}'
    written = error_json("internal", '<a>&"\\\n\u2028é\udcff\x7f')
    assert written == '{"code":"internal","message":"\\u003ca\\u003e\\u0026\\"\\\\\\n\\u2028é\\ufffd\x7f"}'


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5S", 5.0),
        ("2M", 120.0),
        ("1H", 3600.0),
        ("500m", 0.5),
        ("1u", 1e-6),
        ("1n", 1e-9),
        ("99999999H", None),
    ],
)
def test_grpc_timeouts(text: str, seconds: float | None) -> None:
    assert parse_grpc_timeout(text) == seconds


@pytest.mark.parametrize("text", ["5", "S", "-1S", "5x", "aS", "123456789S", "٣S"])
def test_grpc_timeouts_that_are_refused(text: str) -> None:
    with pytest.raises(GrpcTimeoutError):
        parse_grpc_timeout(text)


# Deadlines


@pytest.mark.anyio
async def test_a_deadline_passes_once_and_only_when_it_was_set_last() -> None:
    loop = asyncio.get_running_loop()
    passed = asyncio.Event()
    times: list[float] = []

    def note() -> None:
        times.append(loop.time())
        passed.set()

    deadline = Deadline(loop, note)
    began = loop.time()
    deadline.set(0.01)
    deadline.set(0.05)  # later: the existing timer checks again
    await passed.wait()
    assert times[0] - began >= 0.05
    passed.clear()
    deadline.set(30)
    deadline.set(0.01)  # earlier
    await passed.wait()
    passed.clear()
    deadline.set(0.01)
    deadline.set(0)  # never
    await asyncio.sleep(0.03)
    deadline.set(0.01)
    deadline.close()
    await asyncio.sleep(0.03)
    assert len(times) == 2
