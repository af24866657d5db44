"""A Kubernetes API in a thread, for tests of processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.support.kube_api import Object, kube_api

_PATIENCE = 30.0


@contextmanager
def pods_aside(pods: Iterable[Object]) -> Iterator[str]:
    """The URL of an API with these pods, while the block lasts."""
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()
    ports = []

    async def serve() -> None:
        async with kube_api() as api:
            for each in pods:
                api.put("pods", each)
            ports.append(api.port)
            started.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(_PATIENCE)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()
