"""HTTP/2, which is spoken with httpx and only where an upstream speaks nothing else.

Profiles are sent over HTTP/1.1 wherever possible: our own transport offers nothing else. An upstream that
does not speak it refuses the handshake, closes the connection or answers with frames; it is then asked,
once, whether it speaks HTTP/2. Source: docs/spec/PYROSCOPE.md, section 5.1.
"""

from __future__ import annotations

import asyncio
import importlib.util
import ssl
from collections.abc import Callable

from alloypy.net.client.messages import HANDSHAKE_SECONDS, Headers, Origin
from alloypy.net.client.tls import TLS

MISSING = "the server speaks only HTTP/2, which needs the extra alloypy[http2]"

_OF_CONNECTION = frozenset(
    ("connection", "proxy-connection", "keep-alive", "upgrade", "te", "http2-settings")
)
_ERRORS = (
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
)


def installed() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("h2") is not None


class OnlyHTTP2:
    """Which upstreams speak only HTTP/2, learnt one by one and never forgotten.

    tls: returns the settings for asking; called once for each upstream.
    """

    def __init__(self, tls: Callable[[], TLS]) -> None:
        self._tls = tls
        self._known: dict[Origin, bool] = {}
        self._asking = asyncio.Lock()

    async def learn(self, origin: Origin, seconds: float) -> bool:
        """Whether `origin`, which did not answer over HTTP/1.1, speaks HTTP/2 instead.

        seconds: how long asking may take. Raises TimeoutError, NotSent.
        """
        async with asyncio.timeout(seconds), self._asking:
            if origin not in self._known:
                found = await _agrees(origin, self._tls())
                if found is None:
                    return False
                self._known[origin] = found
            return self._known[origin]


async def _agrees(origin: Origin, tls: TLS) -> bool | None:
    """Whether a handshake agrees on HTTP/2; None if the handshake fails."""
    context = await tls.context()
    context.set_alpn_protocols(["h2"])
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol,
            origin.host,
            origin.port,
            ssl=context,
            server_hostname=tls.server_name or origin.host,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
    except (OSError, ssl.CertificateError, UnicodeError):
        return None
    agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
    await asyncio.sleep(0)  # lets uvloop send the end of the handshake; without it, servers log an error
    transport.abort()
    await asyncio.sleep(0)  # lets the event loop close the socket
    return bool(agreed == "h2")


def without_hop_by_hop(headers: Headers) -> list[tuple[str, str]]:
    """The headers that HTTP/2 allows, their values without surrounding blanks, which it forbids."""
    return [(name, value.strip(" \t")) for name, value in headers if name.lower() not in _OF_CONNECTION]


def faults_of_replies() -> tuple[type[Exception], ...]:
    """The exceptions of h2 that httpcore lets through in the middle of a reply's body."""
    from h2.exceptions import H2Error

    return (H2Error,)


def broken_http2_text(error: BaseException) -> str:
    """Why an exchange over HTTP/2 broke off, from httpcore's or h2's exception, in Go's words."""
    event = error.args[0] if error.args else None  # h2's event, or its exception
    code = getattr(event, "error_code", None)
    if code is None or isinstance(event, Exception):
        text = str(error)
        return "http2: client connection lost" if "disconnected" in text else f"http2: protocol error: {text}"
    name = _ERRORS[code] if code < len(_ERRORS) else f"unknown error code 0x{int(code):x}"
    stream = getattr(event, "stream_id", None)
    if stream is not None:
        return f"stream error: stream ID {stream}; {name}; received from peer"
    last = getattr(event, "last_stream_id", None) or 0
    return f"http2: server sent GOAWAY and closed the connection; LastStreamID={last}, ErrCode={name}"
