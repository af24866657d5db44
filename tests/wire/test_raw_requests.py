"""Requests as bytes: what each is answered, and whether the connection stays. Source: RFC 9110, RFC 9112."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime

import pytest

from alloypy.net.server.date import http_date
from alloypy.net.server.http1.chunks import Chunks, Malformed
from tests.support.receiving import Collected, arguments, connected, receiving

pytestmark = pytest.mark.anyio

POST = b"POST /ingest?name=a HTTP/1.1\r\nHost: x\r\n"
OLD = b"POST /ingest?name=a HTTP/1.0\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
GOOD = POST + b"Content-Length: 3\r\n\r\nabc"

STAYS, CLOSES = True, False

# The statuses of the answers in turn, and whether the connection stays.
CASES: dict[str, tuple[bytes, list[int], bool]] = {
    "one request": (GOOD, [200], STAYS),
    "pipelined": (GOOD * 3, [200, 200, 200], STAYS),
    "pipelined up to a malformed one": (GOOD + GOOD + b"nonsense\r\n\r\n", [200, 200, 400], CLOSES),
    "nothing after a malformed one": (GOOD + b"nonsense\r\n\r\n" + GOOD, [200, 400], CLOSES),
    "nothing after a refused one": (GOOD + POST.replace(b"x", b"a b") + EMPTY + GOOD, [200, 400], CLOSES),
    "pipelined over chunks": (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + GOOD, [200, 200], STAYS),
    "empty lines before a request": (b"\r\n\r\n" + GOOD, [200], STAYS),
    "empty lines between requests": (GOOD + b"\r\n" + GOOD, [200, 200], STAYS),
    # Whether the connection stays
    "close": (POST + b"Connection: close\r\n" + EMPTY + GOOD, [200], CLOSES),
    "close in capitals": (POST + b"Connection: Close\r\n" + EMPTY, [200], CLOSES),
    "close among others": (POST + b"Connection: foo, close\r\n" + EMPTY, [200], CLOSES),
    "close beside an upgrade": (
        POST + b"Connection: close, Upgrade\r\nUpgrade: x\r\n" + EMPTY + GOOD,
        [200],
        CLOSES,
    ),
    "close after an upgrade": (POST + b"Upgrade: x\r\nConnection: Upgrade, close\r\n" + EMPTY, [200], CLOSES),
    "close in a line of its own": (
        POST + b"Connection: Upgrade\r\nConnection: close\r\nUpgrade: x\r\n" + EMPTY,
        [200],
        CLOSES,
    ),
    "an upgrade": (POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n" + EMPTY + GOOD, [200, 200], STAYS),
    "an upgrade with a body": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc" + GOOD,
        [200, 200],
        STAYS,
    ),
    "an upgrade with chunks": (
        POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GOOD,
        [200, 200],
        STAYS,
    ),
    "an old client": (OLD + EMPTY + GOOD, [200], CLOSES),
    "an old client that stays": (OLD + b"Connection: keep-alive\r\n" + EMPTY + GOOD, [200, 200], STAYS),
    "an old client with chunks": (
        OLD + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + GOOD,
        [200],
        CLOSES,
    ),
    # Targets
    "absolute": (GOOD.replace(b"/ingest", b"http://x/ingest"), [200], STAYS),
    "absolute with a path in the query": (
        GOOD.replace(b"/ingest?name=a", b"http://x?y=/ingest?name=a"),
        [301],
        STAYS,
    ),
    "absolute without a path": (GOOD.replace(b"/ingest?name=a", b"http://x"), [301], STAYS),
    "absolute with a bad port": (GOOD.replace(b"/ingest", b"http://x:y/ingest"), [400], CLOSES),
    "a host alone": (GOOD.replace(b"/ingest?name=a", b"x:80"), [400], CLOSES),
    "no slash": (GOOD.replace(b"/ingest", b"ingest"), [400], CLOSES),
    "a bad escape": (GOOD.replace(b"/ingest", b"/%zz"), [400], CLOSES),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD, [200, 200], STAYS),
    "OPTIONS of something": (b"OPTIONS /ingest HTTP/1.1\r\nHost: x\r\n\r\n", [405], STAYS),
    "GET *": (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", [301], STAYS),
    "a megabyte of path": (POST.replace(b"/ingest", b"/" + b"a" * 1_000_000) + EMPTY, [404], STAYS),
    "a megabyte of dots": (POST.replace(b"/ingest", b"/." * 500_000) + EMPTY, [301], STAYS),
    "a megabyte of escapes": (POST.replace(b"/ingest", b"/" + b"%41" * 300_000) + EMPTY, [404], STAYS),
    "a megabyte of a build's id": (
        POST.replace(b"/ingest", b"/debuginfo.v1alpha1.DebuginfoService/Upload/" + b"a" * 1_000_000) + EMPTY,
        [503],
        STAYS,
    ),
    # Lines of the head
    "no host": (POST.replace(b"Host: x\r\n", b"") + EMPTY, [400], CLOSES),
    "two hosts": (POST + b"Host: x\r\n" + EMPTY, [400], CLOSES),
    "a folded line": (POST + b"A: 1\r\n b\r\n" + EMPTY, [400], CLOSES),
    "a folded first line": (b"POST /ingest?name=a HTTP/1.1\r\n Host: x\r\n" + EMPTY, [400], CLOSES),
    "bare line feeds": (GOOD.replace(b"\r\n", b"\n"), [400], CLOSES),
    "a bare line feed at the end": (POST + b"Content-Length: 0\r\n\n", [400], CLOSES),
    "a bare carriage return": (POST + b"A: a\rb\r\n" + EMPTY, [400], CLOSES),
    "a NUL": (POST + b"A: a\0b\r\n" + EMPTY, [400], CLOSES),
    "a space before the colon": (POST + b"A : b\r\n" + EMPTY, [400], CLOSES),
    "no colon": (POST + b"Abc\r\n" + EMPTY, [400], CLOSES),
    "no name": (POST + b": b\r\n" + EMPTY, [400], CLOSES),
    "beyond ASCII": (POST + b"A: caf\xe9\r\n" + EMPTY, [200], STAYS),
    "nearly too many lines": (POST + b"a:\r\n" * 9_900 + EMPTY, [200], STAYS),
    "too many lines": (POST + b"a:\r\n" * 10_200 + EMPTY, [431], CLOSES),
    "far too many lines": (POST + b"a:\r\n" * 250_000, [431], CLOSES),
    "too long a line": (POST + b"A: " + b"b" * 1_060_000 + b"\r\n" + EMPTY, [431], CLOSES),
    "an unknown expectation": (POST + b"Expect: more\r\n" + EMPTY, [417], CLOSES),
    # Lengths
    "a length with zeros": (
        POST + b"Content-Length: " + b"0" * 5_000 + b"3\r\n\r\nabc" + GOOD,
        [200, 200],
        STAYS,
    ),
    "a length of five thousand digits": (
        POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n",
        [400],
        CLOSES,
    ),
    "a length beyond all": (POST + b"Content-Length: 9223372036854775808\r\n\r\n", [400], CLOSES),
    "a length below none": (POST + b"Content-Length: -1\r\n\r\n", [400], CLOSES),
    "a length with a sign": (POST + b"Content-Length: +3\r\n\r\nabc", [400], CLOSES),
    "two lengths": (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", [400], CLOSES),
    "a length and chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", [400], CLOSES),
    "too large": (POST + b"Content-Length: 1001\r\n\r\n", [413], CLOSES),
    # Codings
    "identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", [501], CLOSES),
    "gzip, chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [501], CLOSES),
    "chunked, identity": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", [400], CLOSES),
    "a Trailer of lengths": (
        POST + b"Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        [400],
        CLOSES,
    ),
    # Chunks
    "chunks": (CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", [200], STAYS),
    "leading zeros": (CHUNKED + b"0000000003\r\nabc\r\n000\r\n\r\n", [200], STAYS),
    "capitals": (CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", [200], STAYS),
    "extensions": (CHUNKED + b'3;a;b=c;d="e;\\"f"\r\nabc\r\n0;g\r\n\r\n', [200], STAYS),
    "trailers": (CHUNKED + b"0\r\nA: b\r\nC:\r\n\r\n" + GOOD, [200, 200], STAYS),
    "no size": (CHUNKED + b"\r\nabc\r\n0\r\n\r\n", [400], CLOSES),
    "no digit": (CHUNKED + b"zz\r\n", [400], CLOSES),
    "no digit, no end": (CHUNKED + b"zz", [400], CLOSES),
    "a negative size": (CHUNKED + b"-3\r\nabc\r\n", [400], CLOSES),
    "a size with a prefix": (CHUNKED + b"0x3\r\nabc\r\n", [400], CLOSES),
    "a size with an underscore": (CHUNKED + b"1_0\r\n", [400], CLOSES),
    "a space after the size": (CHUNKED + b"3 \r\nabc\r\n", [400], CLOSES),
    "a size of 17 digits": (CHUNKED + b"00000000000000003\r\n", [400], CLOSES),
    "too large a size": (CHUNKED + b"3e9\r\n", [413], CLOSES),
    "a huge size": (CHUNKED + b"ffffffffffffffff\r\n", [413], CLOSES),
    "too large together": (CHUNKED + b"3\r\nabc\r\n3e6\r\n", [413], CLOSES),
    "a bare line feed after the size": (CHUNKED + b"3\nabc\r\n0\r\n\r\n", [400], CLOSES),
    "a bare line feed in an extension": (CHUNKED + b"3;a\nabc\r\n0\r\n\r\n", [400], CLOSES),
    "a carriage return in an extension": (CHUNKED + b"3;a\rb\r\nabc\r\n", [400], CLOSES),
    "an extension without a name": (CHUNKED + b"3;\r\nabc\r\n", [400], CLOSES),
    "endless extensions": (CHUNKED + b"3;" + b"a" * 5_000, [400], CLOSES),
    "more than the size says": (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", [400], CLOSES),
    "less than the size says": (CHUNKED + b"3\r\nab\r\n0\r\n\r\n", [400], CLOSES),
    "no end of a chunk": (CHUNKED + b"3\r\nabc\n0\r\n\r\n", [400], CLOSES),
    "a length among the trailers": (CHUNKED + b"0\r\nContent-Length: 3\r\n\r\n", [400], CLOSES),
    "a coding among the trailers": (CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n", [400], CLOSES),
    "a host among the trailers": (CHUNKED + b"0\r\nHost: y\r\n\r\n", [400], CLOSES),
    "a trailer without a colon": (CHUNKED + b"0\r\nabc\r\n\r\n", [400], CLOSES),
    "a folded trailer": (CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n", [400], CLOSES),
    "endless trailers": (CHUNKED + b"0\r\n" + b"A: b\r\n" * 1_000, [400], CLOSES),
    # Calls
    "a deadline of thousands of digits": (
        b"POST /push.v1.PusherService/Push HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\n"
        b"Grpc-Timeout: " + b"1" * 4_301 + b"S\r\nContent-Length: 5\r\n\r\n\0\0\0\0\0" + GOOD,
        [200, 200],
        STAYS,
    ),
    # Protocols
    "a newer version": (POST.replace(b"1.1", b"2.0") + EMPTY, [505], CLOSES),
    "no version": (b"POST /ingest?name=a\r\n\r\n", [505], CLOSES),
    "a version nobody knows": (POST.replace(b"1.1", b"1.9") + EMPTY, [400], CLOSES),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400], CLOSES),
    "CONNECT": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + GOOD, [400], CLOSES),
}


@pytest.mark.parametrize("pieces", [False, True], ids=["at once", "in pieces"])
@pytest.mark.parametrize("case", CASES)
async def test_raw_requests(case: str, pieces: bool) -> None:
    raw, statuses, stays = CASES[case]
    if pieces and (len(raw) > 2_000 or (not stays and raw.endswith(GOOD) and statuses == [200])):
        pytest.skip("too long, or sent to a connection that is closed by then")
    async with (
        receiving(arguments(Collected(), max_body_size=1000)) as receiver,
        connected(receiver.port) as client,
    ):
        if pieces:
            for at in range(len(raw)):
                client.writer.write(raw[at : at + 1])
                await asyncio.sleep(0)
        else:
            client.writer.write(raw)
        async with asyncio.timeout(20):
            replies = [await client.reply(raw.split(b" ")[0].decode()) for _ in statuses]
            assert [each.status for each in replies] == statuses
            for each in replies:
                assert parsedate_to_datetime(each.headers["date"]).year > 2000
            if stays:
                assert (
                    "connection" not in {name for each in replies for name in each.headers} or b"1.0" in raw
                )
                client.writer.write(GOOD)
                assert (await client.reply()).status == 200
            else:
                assert replies[-1].headers.get("connection") == "close" or b"HTTP/1.0" in raw
                assert await client.ended()
        assert not [line for line in receiver.log.lines if "handler failed" in line]
        budget = receiver.server._config.budget
        while budget.held:
            await asyncio.sleep(0.001)


async def test_a_redirect_keeps_the_whole_target() -> None:
    async with receiving(arguments(Collected())) as receiver, connected(receiver.port) as client:
        await client.send(b"GET http://x?y=/ingest HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.reply()).headers["location"] == "http://x/?y=/ingest"
        await client.send(b"GET * HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.reply()).headers["location"] == "/%2A"


def test_dates_are_those_of_http() -> None:
    assert http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert http_date(1709164800) == "Thu, 29 Feb 2024 00:00:00 GMT"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_chunks_come_apart_wherever_they_are_cut(size: int) -> None:
    raw = b'3\r\nabc\r\n10;a="\\"b"\r\n0123456789abcdef\r\n0\r\nA: b\r\nC:\r\n\r\nrest'
    chunks, content, at = Chunks(), b"", 0
    while not chunks.done:
        end = min(at + size, len(raw))
        at = chunks.feed(raw, at, end, 1000)
        content += bytes(chunks.content())
    assert content == b"abc0123456789abcdef"
    assert raw[at:] == b"rest"
    assert chunks.announced == len(content)


def test_no_more_steps_are_taken_than_is_said() -> None:
    raw = b"1\r\nx\r\n2\r\nyz\r\n" * 10
    chunks = Chunks()
    assert chunks.feed(raw, 0, len(raw), 4) == 26
    assert chunks.content() == b"xyzxyz"
    assert chunks.steps == 4
    assert chunks.feed(raw, 26, len(raw), 1000) == len(raw)
    assert chunks.content() == b"xyz" * 8
    assert chunks.feed(raw, 0, len(raw), 0) == 0


@pytest.mark.parametrize("break_at", [b"1\r\nx\r\n1\r\nxx\r\n", b"2\r\nxx\r\n2\r\nxx\n\n", b"1\n\nx\r\n"])
def test_a_mistake_among_many_chunks_is_found(break_at: bytes) -> None:
    for before in range(5):
        raw = b"1\r\nx\r\n" * before + break_at + b"1\r\nx\r\n" * 10
        with pytest.raises(Malformed):
            Chunks().feed(raw, 0, len(raw), 1000)


def test_chunks_with_too_much_around_them_are_refused() -> None:
    with pytest.raises(Malformed, match="too much non-data"):
        Chunks().feed((b"1;" + b"a" * 3_000 + b"\r\nx\r\n") * 9, 0, 30_000, 1000)
