"""Where the process that has a queue open takes orders: the socket `control` in the queue's directory.

Only its owner can reach it, as the directory is his alone. A line of JSON each way; one order is obeyed at a
time, and a client that sends none holds up no other.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alloypy.queueing.disk import Disk
from alloypy.queueing.errors import QueueError
from alloypy.queueing.obstacles import why
from alloypy.queueing.orders import MOST_BYTES, Changeable, Order, Outcome, read_order
from alloypy.threads import Threads

_NAME = "control"
_MOST_CLIENTS = 16
_MOST_WAITING = 64
_ORDER_SECONDS = 5.0
_OBEY_SECONDS = 60.0
_WAIT_SECONDS = 90.0
_AGAIN_SECONDS = 10.0
"""Between two tries to make the socket, while something is in its way."""

_PATH_BYTES = 100
"""What surely fits into the address of a socket; longer paths are reached through the directory itself."""

_FILES = Threads("alloypy-queue-desk", 1)


class Attended(Changeable):
    """A log that takes orders from other processes while it is open, where the file system has sockets."""

    _desk: asyncio.Task[None] | None = None
    _listener: socket.socket | None = None
    _no_desk = ""

    @property
    def hindrances(self) -> Sequence[str]:
        """What the log cannot do now, and why; also that it takes no orders."""
        return [*super().hindrances, *([self._no_desk] if self._no_desk else [])]

    async def attend(self) -> None:
        """Take orders from now on, or from when nothing is in the way any more."""
        await self._listen()
        self._desk = asyncio.get_running_loop().create_task(self._sit())

    async def close(self) -> None:
        """Take no more orders, and close the log."""
        desk, self._desk = self._desk, None
        if desk is not None:
            desk.cancel()
            await asyncio.wait([desk])
            if self._listener is not None:
                self._listener.close()
                path = f"{self._loaded.directory}/{_NAME}"
                with suppress(OSError, TimeoutError):
                    await _FILES.run(lambda: Disk().remove(path), _ORDER_SECONDS)
        await super().close()

    async def _listen(self) -> None:
        """Make the socket, or note why there cannot be one now."""
        directory = self._loaded.directory
        try:
            self._listener = await _FILES.run(lambda: _bound(directory), _ORDER_SECONDS, directory)
        except OSError as error:
            self._no_desk = f"`alloypy queue` cannot change this queue while it is open: {why(error)}"
        else:
            self._no_desk = ""

    async def _sit(self) -> None:
        while self._listener is None:
            await asyncio.sleep(_AGAIN_SECONDS)
            await self._listen()
        await self._serve(self._listener)

    async def _serve(self, listener: socket.socket) -> None:
        loop, places, turn = asyncio.get_running_loop(), asyncio.Semaphore(_MOST_CLIENTS), asyncio.Lock()
        async with asyncio.TaskGroup() as group:
            while True:
                await places.acquire()
                try:
                    connection, _ = await loop.sock_accept(listener)
                except OSError:  # too many open files
                    places.release()
                    await asyncio.sleep(1)
                    continue
                serving = group.create_task(self._attend_to(connection, turn))
                serving.add_done_callback(lambda _: places.release())

    async def _attend_to(self, connection: socket.socket, turn: asyncio.Lock) -> None:
        """Take one order of a client. turn: of those whose orders are obeyed."""
        with connection, suppress(OSError, TimeoutError):
            connection.setblocking(False)
            async with asyncio.timeout(_ORDER_SECONDS):
                line = await _line(connection)
            if not line:
                return
            answer = await self._answer(line, turn)
            async with asyncio.timeout(_ORDER_SECONDS):
                await asyncio.get_running_loop().sock_sendall(connection, json.dumps(answer).encode() + b"\n")

    async def _answer(self, line: bytes, turn: asyncio.Lock) -> Mapping[str, Any]:
        if len(line) > MOST_BYTES:
            return {"error": f"the order is longer than {MOST_BYTES} bytes: name fewer numbers at a time"}
        try:
            order = read_order(line)
            async with asyncio.timeout(_OBEY_SECONDS), turn:
                outcome = await self.obey(order)
                return {"done": outcome.changed, "staying": outcome.staying}
        except TimeoutError:
            return {
                "error": "the order takes longer than a minute and is given up: `ls` shows what it has done"
            }
        except QueueError as reason:
            return {"error": str(reason)}
        except KeyError as name:  # it went while the order was obeyed
            return {"error": f"{name} is no destination any more"}
        except Exception as error:  # the next order must find somebody
            return {"error": f"internal error: {type(error).__name__}"}


async def _line(connection: socket.socket) -> bytes:
    """What a client sends up to the end of its line, cut once it is too long; nothing if it has no end."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while not data.endswith(b"\n") and len(data) <= MOST_BYTES:
        piece = await loop.sock_recv(connection, 64 << 10)
        if not piece:
            return b""
        data += piece
    return bytes(data)


def ask(directory: str, holder: str, order: Order) -> Outcome:
    """Let the process that has a queue open obey an order. holder: its id. Raises QueueError."""
    asked = order.line()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_WAIT_SECONDS)
            at_control(directory, connection.connect)
            connection.sendall(asked)
            with connection.makefile("rb") as answers:
                line = answers.readline()
        answer = json.loads(line)
    except (TimeoutError, ValueError) as error:
        raise QueueError(f"process {holder} does not say what it did: `ls` shows it") from error
    except OSError as error:
        raise QueueError(
            f"process {holder} has {directory} open and takes no orders there: stop that process first; `ls` "
            "and `show` work meanwhile"
        ) from error
    if "error" in answer:
        raise QueueError(answer["error"])
    return Outcome(_counts(answer["done"]), _counts(answer.get("staying", {})))


def _counts(found: Mapping[str, int]) -> Mapping[str, int]:
    return {str(name): int(count) for name, count in found.items()}


def _bound(directory: str) -> socket.socket:
    """A socket that listens in a directory; what a killed process left there makes room. Raises OSError."""
    with suppress(FileNotFoundError):
        Disk().remove(f"{directory}/{_NAME}")
    listener = socket.socket(socket.AF_UNIX)
    try:
        at_control(directory, listener.bind)
        Path(directory, _NAME).chmod(0o600)
        listener.listen(_MOST_WAITING)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def at_control(directory: str, use: Callable[[str], object]) -> None:
    """Call `use` with an address of the socket that is short enough. Raises OSError."""
    path = f"{directory}/{_NAME}"
    if len(os.fsencode(path)) <= _PATH_BYTES:
        use(path)
        return
    with _opened(directory) as descriptor:
        use(f"/proc/self/fd/{descriptor}/{_NAME}")


@contextmanager
def _opened(directory: str) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)
