"""Errors of the operating system and the TLS library, in Go's words.

Source: docs/spec/PYROSCOPE.md, section 5 (error texts).
"""

from __future__ import annotations

import re
import socket
import ssl

from alloypy.net.client.messages import NoHTTP1, Origin, SendError
from alloypy.os_errors import errno_words

_ALERT = r" alert ([a-z ]+) \("
_MISMATCH = re.compile(r"not valid for '([^']+)'")
_ERRNO = re.compile(r"\[Errno (\d+)\]")
_UNKNOWN_AUTHORITY = (
    "self-signed certificate",
    "self signed certificate",
    "unable to get local issuer certificate",
    "unable to get issuer certificate",
    "unable to verify the first certificate",
)


def dial_error(origin: Origin, error: BaseException) -> SendError:
    """Why no connection to `origin` could be made."""
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        text = tls_text(error, origin.host)
        return NoHTTP1(text) if text.endswith("tls: no application protocol") else SendError(text)
    if isinstance(error, socket.gaierror):
        return SendError(f"dial tcp: lookup {origin.host}: no such host")
    if isinstance(error, UnicodeError):  # a name that no resolver accepts
        return SendError(f"dial tcp: lookup {origin.host}: no such host")
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    if isinstance(error, OSError) and _number(error) is not None:
        return SendError(f"dial tcp {host}:{origin.port}: connect: {system_text(error)}")
    if isinstance(error, ConnectionAbortedError):  # asyncio's handshake timeout
        return SendError("net/http: TLS handshake timeout")
    if isinstance(error, ConnectionError):  # the peer left in the middle of the handshake
        return SendError("EOF")
    return SendError(f"dial tcp {host}:{origin.port}: {error}")


def causing_error(error: BaseException) -> BaseException | None:
    """The error of the system or the TLS library that caused one of httpx's."""
    found: BaseException | None = None
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError | ssl.CertificateError | socket.gaierror):
            return seen
        if isinstance(seen, OSError) and (found is None or seen.errno is not None):
            found = seen
        if isinstance(seen, BaseExceptionGroup):
            seen = seen.exceptions[0]
        else:
            seen = seen.__cause__ or seen.__context__
    return found


def system_text(error: OSError) -> str:
    """The error of a system call, such as `connection refused`."""
    number = _number(error)
    return errno_words(number) if number is not None else str(error)


def broken_text(error: BaseException | None) -> str:
    """Why an open connection ended; None means that the peer closed it."""
    if error is None:
        return "EOF"
    if isinstance(error, ssl.SSLError):
        return tls_text(error, "")
    if isinstance(error, BrokenPipeError):
        return "write: broken pipe"
    if isinstance(error, OSError):
        return f"read: {system_text(error)}"
    return f"{type(error).__name__}: {error}"


def tls_text(error: ssl.SSLError | ssl.CertificateError, host: str) -> str:
    """Why a handshake failed."""
    message = getattr(error, "verify_message", "")
    if message:
        if message.startswith(_UNKNOWN_AUTHORITY):
            message = "certificate signed by unknown authority"
        elif message in ("certificate has expired", "certificate is not yet valid"):
            message = "certificate has expired or is not yet valid"
        elif "mismatch" in message:
            named = _MISMATCH.search(message)  # the name asked for may be another than the host's
            message = f"certificate is not valid for {named[1] if named else host}"
        return f"tls: failed to verify certificate: x509: {message}"
    reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return "tls: first record does not look like a TLS handshake"
    alert = reason.partition("_ALERT_")[2].lower().replace("_", " ")
    if not reason:  # Python has no names for some
        alert = "".join(re.findall(_ALERT, str(error))[:1])
    if alert:
        return f"remote error: tls: {alert}"
    return f"tls: {reason.lower().replace('_', ' ') or error}"


def _number(error: OSError) -> int | None:
    if error.errno is not None:
        return error.errno
    numbers = _ERRNO.findall(str(error))  # one exception for several addresses
    return int(numbers[0]) if numbers else None
