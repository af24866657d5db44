"""An exchange knows no protocol: any connection and writer can carry it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from alloypy.net.server.body import (
    App,
    Header,
    OverBudget,
    Receive,
    Scope,
    Send,
    arrived_body,
    extension,
    holder,
    read_body,
)
from alloypy.net.server.budget import ByteBudget
from alloypy.net.server.exchange import Exchange
from alloypy.net.server.request import Request

pytestmark = pytest.mark.anyio

LENGTH = (b"content-length", b"2")


class Carrier:
    """A connection and a writer in one, which only record the calls."""

    def __init__(self, *, takes_more: bool = True, at_once: bool = True) -> None:
        self.notes: list[Any] = []
        self.started = False
        self.on_want: Callable[[Request], None] = lambda _: None
        self._takes_more = takes_more
        self._at_once = at_once

    def want_body(self, request: Request) -> None:
        self.notes.append("want")
        self.on_want(request)

    def give_up(self, request: Request) -> None:
        self.notes.append("give up")

    def extend(self, request: Request, seconds: float) -> None:
        self.notes.append(("extend", seconds))

    def takes_more(self, exchange: Exchange) -> bool:
        return self._takes_more

    async def writable(self, exchange: Exchange) -> bool:
        return self._takes_more

    def response_done(self, exchange: Exchange) -> None:
        self.notes.append("done")

    def drop(self, exchange: Exchange) -> None:
        self.notes.append("drop")

    def go_on(self) -> None:
        self.notes.append("go on")

    def start(self, status: int, headers: Iterable[Header], *, trailers: bool, whole_request: bool) -> None:
        self.notes.append((status, trailers, whole_request))

    def body(self, part: bytes, *, more: bool) -> bool:
        self.started = True
        self.notes.append(part)
        return not more

    def trailers(self, headers: Iterable[Header]) -> None:
        self.notes.append(list(headers))

    def whole(self, status: int, headers: Sequence[Header], body: bytes, whole_request: bool) -> bool:
        if self._at_once:
            self.notes.append((status, body, whole_request))
        return self._at_once


async def answered(
    app: App, carrier: Carrier, body: bytes | None = b"", *, length: int | None = 0, expects: bool = False
) -> ByteBudget:
    """Let the application answer one exchange; the budget it drew on."""
    budget = ByteBudget(1000)
    exchange = Exchange(carrier, carrier, budget, {"path": "/"}, length, expects)
    if body is not None:
        exchange.arrive(body)
    tasks: set[asyncio.Task[None]] = set()
    exchange.begin(asyncio.get_running_loop(), app, logging.getLogger("alloypy.test"), tasks)
    assert len(tasks) == 1
    await asyncio.gather(*tasks)
    assert not tasks
    assert budget.held == 0
    return budget


async def messages(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
    await send({"type": "http.response.body", "body": b"o", "more_body": True})
    await send({"type": "http.response.body", "body": b"k"})


async def test_messages_go_to_the_writer() -> None:
    carrier = Carrier()
    await answered(messages, carrier)
    assert carrier.notes == [(200, False, True), b"o", b"k", "done"]


async def test_a_whole_answer_is_written_in_one_piece() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        offered = extension(scope)
        assert offered is not None
        assert offered.answer(200, [LENGTH], b"ok")
        assert not offered.answer(200, [LENGTH], b"ok")  # it is answered by now

    carrier = Carrier()
    await answered(app, carrier)
    assert carrier.notes == [(200, b"ok", True), "done"]


@pytest.mark.parametrize(
    "carrier", [Carrier(takes_more=False), Carrier(at_once=False)], ids=["full", "cannot"]
)
async def test_what_cannot_be_written_immediately_is_left_to_messages(carrier: Carrier) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        offered = extension(scope)
        assert offered is not None
        assert not offered.answer(200, [LENGTH], b"ok")
        offered.abort()

    await answered(app, carrier)
    assert carrier.notes == ["drop"]


async def test_a_body_is_asked_for_and_read() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert arrived_body(scope, 10) is None
        assert await read_body(scope, receive, 10) == b"abc"
        await messages(scope, receive, send)

    def bring(request: Request) -> None:
        assert request.hold(3)
        request.add(b"abc")
        request.finish_body()

    carrier = Carrier()
    carrier.on_want = bring
    await answered(app, carrier, None, length=3, expects=True)
    assert carrier.notes[:3] == ["go on", "want", (200, False, True)]


async def test_what_a_request_holds_is_bounded_and_given_back() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        hold = holder(scope)
        hold(900)
        with pytest.raises(OverBudget):
            hold(200)
        hold(-500)
        hold(200)
        await messages(scope, receive, send)

    assert (await answered(app, Carrier())).taken == 1100


async def test_a_fault_is_a_500_or_the_end_of_the_exchange(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("broken")

    async def fails_late(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [LENGTH]})
        await send({"type": "http.response.body", "body": b"o", "more_body": True})
        raise ValueError("broken")

    early, late = Carrier(), Carrier()
    await answered(fails, early)
    assert early.notes == [(500, False, True), b"", "done"]
    await answered(fails_late, late)
    assert late.notes == [(200, False, True), b"o", "drop"]
    assert caplog.text.count("request handler failed") == 2
