"""The head of a request: its text, the pairs it is made from, and what would break it."""

from __future__ import annotations

import pytest

from alloypy.components.pyroscope.sending.headers import HeaderPlan
from alloypy.net.client.messages import NotSent, Origin, Request, WrittenHeaders, head_of, headers_of, written

ORIGIN = Origin("http", "example.org", 80, "example.org")
PAIRS = [("User-Agent", "a"), ("Content-Type", "x: y"), ("X-Empty", ""), ("X-Raw", "caf\udce9")]


def request(headers=PAIRS, *, method="POST", target="/a?b=c", chunks=(b"12", b"345"), host=""):
    return Request(method, ORIGIN, target, headers, chunks, 1.0, host)


def test_written_headers_give_their_pairs_again():
    found = written(PAIRS)
    assert list(found) == PAIRS
    assert len(found) == len(PAIRS)
    assert found[0] == PAIRS[0]
    assert found[1:] == PAIRS[1:]
    assert written(found) is found
    assert list(WrittenHeaders("")) == []


@pytest.mark.parametrize("headers", [PAIRS, written(PAIRS)], ids=["pairs", "written"])
def test_the_head_has_the_length_after_the_user_agent(headers):
    assert head_of(request(headers)) == (
        b"POST /a?b=c HTTP/1.1\r\nHost: example.org\r\nUser-Agent: a\r\nContent-Length: 5\r\n"
        b"Content-Type: x: y\r\nX-Empty: \r\nX-Raw: caf\xe9\r\n\r\n"
    )
    assert [name for name, _ in headers_of(request(headers))] == [
        *("Host", "User-Agent", "Content-Length", "Content-Type", "X-Empty", "X-Raw")
    ]


def test_a_head_without_user_agent_or_body():
    assert head_of(request((), method="GET", chunks=(), host="other:1")) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: other:1\r\n\r\n"
    )
    assert head_of(request((), chunks=())).endswith(b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b"])
def test_what_would_break_the_request_is_not_sent(bad):
    for broken in (request([("X", bad)]), request([(bad, "x")]), request(target=bad), request(host=bad)):
        with pytest.raises(NotSent, match="net/http: invalid header field"):
            head_of(broken)


def test_a_plan_fills_its_gaps_in_wire_order():
    fixed = [("User-Agent", "100%"), ("Accept", "x"), ("X-Last", "%s")]
    plan = HeaderPlan(fixed, ("Content-Type", "Traceparent"))
    assert plan.fill(("Content-Type: a%b\r\n", "")).text == (
        "User-Agent: 100%\r\nAccept: x\r\nContent-Type: a%b\r\nX-Last: %s\r\n"
    )


def test_a_plan_with_a_broken_header_sends_nothing():
    plan = HeaderPlan([("X", "a\nb")], ("Traceparent",))
    with pytest.raises(NotSent, match='net/http: invalid header field value for "X"'):
        plan.fill(("",))
