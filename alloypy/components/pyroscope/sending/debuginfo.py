"""The debuginfo service of an endpoint, for the proxy in pyroscope.receive_http.

Source: docs/spec/PYROSCOPE.md, section 3.6.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from time import perf_counter_ns
from urllib.parse import quote as percent_encode

from alloypy.lang.go.duration import format_duration
from alloypy.lang.secrecy import hide
from alloypy.lang.server_urls import DEBUG_INFO_PATH
from alloypy.net.client.client import Client
from alloypy.net.client.messages import (
    Request,
    Response,
    SendError,
    SendTimeout,
    origin_of,
    parsed,
    target_of,
)
from alloypy.net.rpc.call import call_headers, failure_of, message_of
from alloypy.profiles.model import DeliveryError


class DebugInfo:
    """Calls the service below an endpoint's URL.

    timeout: seconds for a call that has no deadline of its own. uploaded: called with the bytes sent.
    """

    def __init__(
        self, url: str, client: Client, user_agent: str, timeout: float, uploaded: Callable[[int], None]
    ) -> None:
        self._url = url.rstrip("/") + DEBUG_INFO_PATH
        self._client = client
        self._user_agent = user_agent
        self._timeout = timeout
        self._uploaded = uploaded

    async def call(self, method: str, message: bytes, within: float | None) -> bytes:
        """Make a Connect unary call, both messages as protobuf. Raises DeliveryError."""
        timeout = self._timeout if within is None else within
        headers = self._client.headers(call_headers(self._user_agent, timeout))
        try:
            response = await self._client.send(self._request(method, headers, message, timeout))
            failure = failure_of(response)
            if failure is None:
                return message_of(response)
        except SendError as error:
            code = "deadline_exceeded" if isinstance(error, SendTimeout) else "unavailable"
            raise DeliveryError(str(error), code=code) from None
        except ValueError as error:
            raise DeliveryError(f"unmarshal message: {error}", code="internal") from None
        raise DeliveryError(hide(failure.message), status=response.status, code=failure.code)

    async def upload(self, build_id: str, body: AsyncIterable[bytes], within: float) -> None:
        """Stream a debug-info file; `build_id` is not yet escaped. Raises DeliveryError."""
        began = perf_counter_ns()
        headers = self._client.headers([("User-Agent", self._user_agent)])
        path = "Upload/" + percent_encode(build_id, safe="$&+:=@~", errors="surrogateescape")
        try:
            request = self._request(path, headers, b"", within)
            response: Response = await self._client.stream(request, self._counted(body))
        except SendError as error:
            raise DeliveryError(f"upload: {error}") from None
        if response.status != 200:
            took = format_duration(perf_counter_ns() - began)
            raise DeliveryError(f"upload: HTTP {response.status} (duration {took})", status=response.status)

    async def _counted(self, body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        async for part in body:
            self._uploaded(len(part))
            yield part

    def _request(self, path: str, headers: list[tuple[str, str]], body: bytes, timeout: float) -> Request:
        url = parsed(self._url + path)
        chunks = (body,) if body else ()
        return Request("POST", origin_of(url), target_of(url), headers, chunks, timeout)


class UsingDebugInfo:
    """Calls the service while `using` keeps the client open; a file may take minutes."""

    def __init__(self, debug_info: DebugInfo, using: Callable[[], AbstractAsyncContextManager[None]]) -> None:
        self._debug_info = debug_info
        self._using = using

    async def call(self, method: str, message: bytes, within: float | None) -> bytes:
        """Make a Connect unary call, both messages as protobuf. Raises DeliveryError."""
        async with self._using():
            return await self._debug_info.call(method, message, within)

    async def upload(self, build_id: str, body: AsyncIterable[bytes], within: float) -> None:
        """Stream a debug-info file; `build_id` is not yet escaped. Raises DeliveryError."""
        async with self._using():
            await self._debug_info.upload(build_id, body, within)
