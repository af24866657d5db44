"""How a client authenticates: usually with an Authorization header, wherever it comes from.

Source: docs/spec/PYROSCOPE.md, sections 4, 5.1.
"""

from __future__ import annotations

import base64
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from alloypy.lang.values import Secret
from alloypy.net.client.messages import NotSent, Request, inserted
from alloypy.net.client.proxy import NO_PROXY, ProxySettings
from alloypy.net.client.secret_files import file_text
from alloypy.net.client.tls import DEFAULT_TLS, TLSSettings


class BasicAuth(NamedTuple):
    """User name and password; the password may be in a file."""

    username: str = ""
    password: Secret | None = None
    password_file: str = ""


class Authorization(NamedTuple):
    """A scheme and its credentials, which may be in a file."""

    type: str = "Bearer"
    credentials: Secret | None = None
    credentials_file: str = ""


class OAuth2(NamedTuple):
    """Client credentials, exchanged for tokens at token_url."""

    client_id: str
    token_url: str
    client_secret: Secret | None = None
    client_secret_file: str = ""
    scopes: tuple[str, ...] = ()
    endpoint_params: Mapping[str, str] = MappingProxyType({})
    tls: TLSSettings = DEFAULT_TLS
    proxy: ProxySettings = NO_PROXY


class Credentials(Protocol):
    """Proves to a server who sends a request.

    fixed: the Authorization header if there is nothing else and it never changes: then it is written with the
    other headers, and nothing is applied to each request. Otherwise None.
    problem: why an earlier content of a file is still in use, or "".
    """

    @property
    def fixed(self) -> str | None: ...

    @property
    def problem(self) -> str: ...

    async def apply(self, request: Request) -> Request:
        """The request with the current credentials and what is left of its timeout. Raises SendError."""
        ...

    async def aclose(self) -> None:
        """Close what was opened to get them."""
        ...


class HeaderCredentials(ABC):
    """Credentials in the form of an Authorization header that does not depend on the request."""

    async def apply(self, request: Request) -> Request:
        """The request with the current header, unless it has its own. Raises SendError."""
        if any(name == "Authorization" for name, _ in request.headers):
            return request
        deadline = time.monotonic() + request.timeout
        headers = inserted(request.headers, "Authorization", await self.header(request.timeout))
        return request.with_headers(headers, deadline - time.monotonic())

    @abstractmethod
    async def header(self, within: float) -> str:
        """The current value; gives up after `within` seconds. Raises SendError."""


class StaticCredentials(HeaderCredentials):
    """Credentials from the configuration or from a file.

    template: makes the header from the secret.
    unread: Alloy's error for a secret that cannot be read.
    """

    def __init__(self, secret: Secret | None, path: str, template: Callable[[str], str], unread: str) -> None:
        self._file = file_text(path) if path and not (secret and secret.reveal()) else None
        self._template = template
        self._unread = unread
        self.fixed = None if self._file is not None else template(secret.reveal() if secret else "")

    async def header(self, within: float) -> str:
        """Raises NotSent if the file has never been read and cannot be."""
        if self._file is None:
            return self.fixed or ""
        try:
            return self._template(await self._file.read(within))
        except NotSent as reason:
            raise NotSent(f"{self._unread}: {reason}") from None

    @property
    def problem(self) -> str:
        """Why an earlier secret is still in use, or ""."""
        return self._file.problem if self._file is not None else ""

    async def aclose(self) -> None:
        pass


def basic_credentials(settings: BasicAuth) -> StaticCredentials:
    """Credentials of a `basic_auth` block."""
    return StaticCredentials(
        settings.password,
        settings.password_file,
        lambda password: basic(settings.username, password),
        "unable to read basic auth password",
    )


def authorization_credentials(settings: Authorization) -> StaticCredentials:
    """Credentials of an `authorization` block, or of a bearer token."""
    return StaticCredentials(
        settings.credentials,
        settings.credentials_file,
        lambda credentials: f"{settings.type} {credentials}",
        "unable to read authorization credentials",
    )


def basic(user: str, password: str) -> str:
    """The Authorization header of basic authentication."""
    pair = f"{user}:{password}".encode(errors="surrogateescape")
    return f"Basic {base64.b64encode(pair).decode()}"
