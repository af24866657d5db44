"""Credentials from a program that a kubeconfig names, as of cloud providers.

Source: the Kubernetes documentation of client-go credential plugins; error texts are those of its Go client.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from alloypy.components.discovery.kube.api import ApiError
from alloypy.components.discovery.kube.kubeconfig import ExecSettings
from alloypy.components.discovery.kube.labels import part, text
from alloypy.lang.values import Secret
from alloypy.os_errors import system_words

_SECONDS = 60.0
_MOST_BYTES = 1 << 20
_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


class Credential(NamedTuple):
    """What the program printed. expires: a time in UTC, or None."""

    token: Secret | None
    certificate: str
    key: Secret | None
    expires: datetime | None


class ExecPlugin:
    """Runs the program when credentials are needed, and keeps them until they expire."""

    def __init__(
        self,
        settings: ExecSettings,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._now = now
        self._known: Credential | None = None
        self._running = asyncio.Lock()

    async def credential(self) -> Credential:
        """The current credentials. Raises ApiError."""
        async with self._running:
            known = self._known
            if known is None or (known.expires is not None and known.expires <= self._now()):
                try:
                    known = self._known = _credential(await self._output())
                except (OSError, ValueError) as error:
                    raise ApiError(f"getting credentials: exec: {error}") from None
            return known

    def refuse(self, refused: Credential) -> None:
        """Take it that the server no longer accepts these credentials."""
        if self._known is refused:
            self._known = None

    async def _output(self) -> bytes:
        """What the program prints. Raises OSError, ValueError."""
        settings = self._settings
        if settings.version not in _VERSIONS:
            raise ValueError(f'invalid apiVersion "{settings.version}"')
        spec: dict[str, Any] = {"interactive": False}
        if settings.cluster is not None:
            spec["cluster"] = settings.cluster
        info = {"apiVersion": settings.version, "kind": "ExecCredential", "spec": spec}
        environ = {**self._environ, **dict(settings.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}
        try:
            process = await asyncio.create_subprocess_exec(
                settings.command, *settings.args, env=environ, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
            )
        except OSError as error:
            hint = f": {settings.hint}" if settings.hint else ""
            raise ValueError(f"fork/exec {settings.command}: {system_words(error)}{hint}") from None
        try:
            async with asyncio.timeout(_SECONDS):
                assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
                output = await _read(process.stdout)
                code = await process.wait()
        except TimeoutError:
            raise ValueError(f"{settings.command} has not ended within {_SECONDS:.0f} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if code:
            raise ValueError(f"executable {Path(settings.command).name} failed with exit code {code}")
        return output


async def _read(stream: asyncio.StreamReader) -> bytes:
    """All that a program prints. Raises ValueError if that is too much."""
    output = b""
    while more := await stream.read(_MOST_BYTES):
        output += more
        if len(output) > _MOST_BYTES:
            raise ValueError(f"the output is larger than {_MOST_BYTES} bytes")
    return output


def _credential(output: bytes) -> Credential:
    """Raises ValueError; what the program printed is never shown, because it is secret."""
    try:
        printed = json.loads(output)
    except (ValueError, RecursionError):
        raise ValueError("decoding stdout: it is not JSON") from None
    status = part(printed, "status") if isinstance(printed, dict) else {}
    if not status:
        raise ValueError("plugin didn't return a status field")
    token = text(status, "token")
    certificate, key = text(status, "clientCertificateData"), text(status, "clientKeyData")
    if bool(certificate) != bool(key):
        raise ValueError("plugin returned only certificate or key, not both")
    if not (token or key):
        raise ValueError("plugin didn't return a token or cert/key pair")
    expires = text(status, "expirationTimestamp")
    try:
        until = datetime.fromisoformat(expires).astimezone(UTC) if expires else None
    except ValueError:
        raise ValueError("decoding stdout: expirationTimestamp is not a time") from None
    return Credential(Secret(token) if token else None, certificate, Secret(key) if key else None, until)
