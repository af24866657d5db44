"""OAuth2 client credentials: tokens are fetched when needed and kept until shortly before they expire.

Source: docs/spec/PYROSCOPE.md, section 4 (`oauth2`), RFC 6749.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote_plus, urlencode

from alloypy.lang.go.text import quote
from alloypy.net.client.auth import HeaderCredentials, OAuth2, basic
from alloypy.net.client.messages import (
    NotSent,
    Request,
    Response,
    Sender,
    SendError,
    SendTimeout,
    origin_of,
    parsed,
    target_of,
)
from alloypy.net.client.secret_files import file_text
from alloypy.net.gzip import GzipError, TooLarge, gunzip

_EARLY_SECONDS = 10.0
_MOST_ANSWER_BYTES = 1 << 20
_FORM_TYPES = ("application/x-www-form-urlencoded", "text/plain")
_LONGEST_LIFE_SECONDS = 2**31 - 1


class _Token(NamedTuple):
    """The header's value, and how long it is valid (clock time, None = for ever)."""

    header: str
    expires: float | None


class TokenSource(HeaderCredentials):
    """Credentials in the form of tokens. The first request that needs a new one fetches it, others wait.

    sender: reaches the token server. clock: seconds, monotonic.
    """

    fixed: str | None = None

    def __init__(self, settings: OAuth2, sender: Sender, user_agent: str, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._sender = sender
        self._user_agent = user_agent
        self._clock = clock
        self._file = file_text(settings.client_secret_file) if settings.client_secret_file else None
        self._secret = ""
        self._token: _Token | None = None
        self._in_header: bool | None = None
        self._lock = asyncio.Lock()

    async def header(self, within: float) -> str:
        """The current token's header; gives up after `within` seconds. Raises SendError."""
        deadline = self._clock() + within
        secret = await self._client_secret(within)
        if not self._valid(secret):
            try:
                async with asyncio.timeout(deadline - self._clock()), self._lock:
                    if not self._valid(secret):
                        self._token = await self._fetch(secret, deadline)
                        self._secret = secret
            except TimeoutError:
                raise SendTimeout from None
        return self._token.header if self._token else ""

    async def aclose(self) -> None:
        """Close the connections to the token server."""
        await self._sender.aclose()

    @property
    def problem(self) -> str:
        """Why an earlier client secret is still in use, or ""."""
        return self._file.problem if self._file is not None else ""

    async def _client_secret(self, within: float) -> str:
        if self._file is None:
            given = self._settings.client_secret
            return given.reveal() if given else ""
        try:
            return await self._file.read(within)
        except NotSent as reason:
            raise NotSent(f"unable to read oauth2 client secret: {reason}") from None

    def _valid(self, secret: str) -> bool:
        token = self._token
        if token is None or secret != self._secret:
            return False
        return token.expires is None or self._clock() < token.expires - _EARLY_SECONDS

    async def _fetch(self, secret: str, deadline: float) -> _Token:
        """Try the secret in the header, then in the body; then stay with what the server accepted."""
        ways = (True, False) if self._in_header is None else (self._in_header,)
        for in_header in ways:
            try:
                token = await self._ask(secret, in_header, deadline)
            except SendTimeout:
                raise
            except SendError:
                if in_header is ways[-1]:
                    raise
            else:
                self._in_header = in_header
                return token
        raise SendError("oauth2: cannot fetch token")

    async def _ask(self, secret: str, in_header: bool, deadline: float) -> _Token:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.scopes:
            form["scope"] = " ".join(settings.scopes)
        for name, value in settings.endpoint_params.items():
            if name in form and name != "grant_type":
                raise NotSent(f"oauth2: cannot overwrite parameter {quote(name)}")
            form[name] = value
        headers = [("User-Agent", self._user_agent), ("Content-Type", "application/x-www-form-urlencoded")]
        headers.append(("Accept-Encoding", "gzip"))
        if in_header:
            pair = basic(quote_plus(settings.client_id, safe="~"), quote_plus(secret, safe="~"))
            headers.insert(1, ("Authorization", pair))
        else:
            form |= {"client_id": settings.client_id, "client_secret": secret}
        body = urlencode(sorted(form.items()), safe="~").encode()
        url = parsed(settings.token_url)
        request = Request("POST", origin_of(url), target_of(url), headers, (body,), deadline - self._clock())
        response = await self._sender.send(request, _MOST_ANSWER_BYTES)
        return self._read(response)

    def _read(self, response: Response) -> _Token:
        """The token in an answer. The answer itself is never shown: it may repeat the secret."""
        if response.broken:
            raise SendError(f"oauth2: cannot fetch token: {response.broken}")
        failed = not 200 <= response.status <= 299
        cannot = SendError(f"oauth2: cannot fetch token: {response.status} {response.reason}")
        try:
            fields = _fields(response)
        except ValueError as reason:
            raise (cannot if failed else SendError(f"oauth2: cannot parse {reason}")) from None
        code = fields.get("error")
        if isinstance(code, str) and code:
            raise SendError(f"oauth2: {quote(code)}")
        if failed:
            raise cannot
        token = fields.get("access_token")
        if not isinstance(token, str) or not token:
            raise SendError("oauth2: server response missing access_token")
        life = _life(fields.get("expires_in"))
        return _Token(f"{_scheme(fields.get('token_type'))} {token}", self._clock() + life if life else None)


def _fields(response: Response) -> Mapping[str, Any]:
    content = Message()
    content["Content-Type"] = response.header("content-type")
    text = _unpacked(response).decode(errors="replace")
    if content.get_content_type() in _FORM_TYPES and response.header("content-type"):
        return {name: values[0] for name, values in parse_qs(text).items()}
    try:
        fields = json.loads(text)
    except ValueError:
        raise ValueError("json: the answer is not JSON") from None
    if not isinstance(fields, dict):
        raise ValueError("json: the answer is not an object")
    return fields


def _unpacked(response: Response) -> bytes:
    if response.header("content-encoding") != "gzip":
        return response.body
    try:
        return gunzip(response.body, _MOST_ANSWER_BYTES)
    except (GzipError, TooLarge):
        raise ValueError("json: the answer cannot be unpacked") from None


def _life(value: object) -> float:
    """Seconds a token lives; some servers write a string. 0 = for ever."""
    try:
        return float(min(int(str(value)), _LONGEST_LIFE_SECONDS))
    except ValueError:
        return 0.0


def _scheme(token_type: object) -> str:
    """The header's first word, as Go writes it."""
    name = token_type if isinstance(token_type, str) else ""
    known = {"bearer": "Bearer", "mac": "MAC", "basic": "Basic"}
    return known.get(name.lower(), name or "Bearer")
