"""The two lists that discovery.docker needs from the Docker engine's API.

Source: the behaviour recorded in tests/golden/components/discovery.docker.jsonl.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from alloypy.components.discovery.target_groups import syntax_fault
from alloypy.net.client.cold import ColdClient, ColdError
from alloypy.net.client.messages import Response
from alloypy.net.http_status import status_text
from alloypy.threads import WORK

_OLDEST, _NEWEST = (1, 40), (1, 55)
_SOCKET_HOST = "api.moby.localhost"
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")
_WORK_SECONDS = 30.0
_SMALL_BYTES = 32 << 10


class DockerError(Exception):
    """The engine cannot be asked; the text is for the log."""


class Host(NamedTuple):
    """Where the engine is. shown: as configured. url: without a slash at the end. socket: its path, or ""."""

    shown: str
    url: str
    socket: str = ""


def parse_host(text: str) -> Host:
    """The host of a `host` argument. Raises ValueError."""
    scheme, mark, address = text.partition("://")
    if not mark or not address:
        raise ValueError(f"unable to parse docker host `{text}`")
    if scheme == "unix":
        return Host(text, f"http://{_SOCKET_HOST}", address)
    if scheme in {"tcp", "http", "https"}:
        return Host(text, f"{'http' if scheme == 'tcp' else scheme}://{address.rstrip('/')}")
    raise ValueError(f'unsupported protocol "{scheme}", expected unix, tcp, http or https')


class Engine:
    """Asks an engine. The version of the API is agreed on before the first question, and after a failure.

    seconds: how long one answer may take.
    """

    def __init__(self, host: Host, client: ColdClient, seconds: float) -> None:
        self._host = host
        self._client = client
        self._seconds = seconds
        self._version = ""

    async def containers(self, filters: Mapping[str, Sequence[str]]) -> list[Any]:
        """The running containers that match. Raises DockerError."""
        return await self._list(f"/containers/json{_query(filters)}")

    async def networks(self) -> list[Any]:
        """All networks. Raises DockerError."""
        return await self._list("/networks")

    async def _list(self, path: str) -> list[Any]:
        try:
            if not self._version:
                self._version = await self._negotiated()
            answer = await self._ask("GET", f"/v{self._version}{path}")
            self._check(answer, f"/v{self._version}{path}")
            return await _items(answer.body)
        except DockerError:
            self._version = ""  # another engine may be there the next time
            raise

    async def _negotiated(self) -> str:
        """The newest version that both sides know."""
        answer = await self._ask("HEAD", "/_ping")
        if answer.status != 200:
            answer = await self._ask("GET", "/_ping")
            self._check(answer, "/_ping")
        offered = answer.header("api-version")
        match = _VERSION.fullmatch(offered)
        if offered and match is None:
            raise DockerError(f"invalid API version ({offered}): must be formatted <major>.<minor>")
        version = (int(match[1]), int(match[2])) if match else _NEWEST
        if version < _OLDEST:
            raise DockerError(
                f"API version {offered} is not supported by this client: "
                f"the minimum supported API version is {_OLDEST[0]}.{_OLDEST[1]}"
            )
        return "{}.{}".format(*min(version, _NEWEST))

    async def _ask(self, method: str, path: str) -> Response:
        try:
            return await self._client.send(method, f"{self._host.url}{path}", timeout=self._seconds)
        except ColdError as error:
            raise DockerError(self._connecting(str(error))) from None

    def _connecting(self, text: str) -> str:
        """The words of Docker's client for a failed request."""
        shown, reason = self._host.shown, re.sub(r'^\w+ "[^"]*": ', "", text)
        if "permission denied" in text:
            return f"permission denied while trying to connect to the docker API at {shown}"
        if "no such file or directory" in text:
            path = "check if the path is correct and if the daemon is running"
            return f"failed to connect to the docker API at {shown}; {path}: {reason}"
        if "lookup " in reason:
            return f"failed to connect to the docker API at {shown}: {reason.removeprefix('dial tcp: ')}"
        if "connection refused" in text or "dial unix" in text or "Client.Timeout" in text:
            return f"Cannot connect to the Docker daemon at {shown}. Is the docker daemon running?"
        return f"error during connect: {text}"

    def _check(self, answer: Response, path: str) -> None:
        """Raises DockerError for an answer that reports an error."""
        if 200 <= answer.status < 400:
            return
        body = answer.body.decode("utf-8", "replace").strip()
        if not body:
            status = f"{answer.status} {answer.reason}".rstrip()
            raise DockerError(
                f"request returned {status} for API route and version {self._host.url}{path}, "
                "check if the server supports the requested API version"
            )
        if answer.header("content-type") == "application/json":
            body = _message(answer)
        raise DockerError(f"Error response from daemon: {body}")


def _message(answer: Response) -> str:
    try:
        decoded = json.loads(answer.body)
        message = decoded["message"] if isinstance(decoded, dict) else ""
    except (ValueError, KeyError, RecursionError):
        message = ""
    if isinstance(message, str) and message.strip():
        return message.strip()
    return f"API returned a {answer.status} ({status_text(answer.status)}) but provided no error-message"


def _query(filters: Mapping[str, Sequence[str]]) -> str:
    if not filters:
        return ""
    chosen = {name: dict.fromkeys(sorted(values), True) for name, values in sorted(filters.items())}
    return f"?filters={quote_plus(json.dumps(chosen, separators=(',', ':'), ensure_ascii=False))}"


async def _items(body: bytes) -> list[Any]:
    """The objects in a list. Raises DockerError."""
    try:
        if len(body) <= _SMALL_BYTES:
            decoded = json.loads(body)
        else:
            decoded = await WORK.run(lambda: json.loads(body), _WORK_SECONDS)
    except TimeoutError:
        raise DockerError(f"the answer cannot be read within {_WORK_SECONDS:g} seconds") from None
    except (ValueError, RecursionError) as error:
        raise DockerError(str(syntax_fault(body, error))) from None
    if decoded is None:
        return []
    if not isinstance(decoded, list) or not all(isinstance(each, dict) for each in decoded):
        raise DockerError("the answer is not a list of objects")
    return decoded
