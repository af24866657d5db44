"""How brokers are reached: what every client of aiokafka is given, its log, and its errors in plain words."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasAfterAppendError,
    NotEnoughReplicasError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from alloypy.net.client.messages import NotSent, SendTimeout
from alloypy.net.client.tls import TLS
from alloypy.os_errors import system_words
from alloypy.streaming.settings import Place

REQUEST_SECONDS = 10.0
"""How long a request to a broker may take."""

_END_SECONDS = 2.0
METADATA_SECONDS = 30.0
"""How often clients look for partitions and topics that were added."""

_CODECS = {"snappy": "cramjam", "lz4": "cramjam", "zstd": "cramjam"}
_AGAIN_SECONDS = 10.0
_log = logging.getLogger("alloypy.kafka")
_refusals: ContextVar[list[BaseException] | None] = ContextVar("refusals", default=None)


class Unreachable(Exception):
    """No broker answers, or none lets us in. refused: a broker has answered, and said no."""

    def __init__(self, words: str, *, refused: bool = False) -> None:
        super().__init__(words)
        self.refused = refused


class _Handler(logging.Handler):
    """Passes on what aiokafka logs, as debug messages, each at most once in a while.

    Its debug messages have whole profiles in them, and are never asked for; its warnings come several times a
    second while brokers are down, of which the queue reports on its own.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        given = record.args if isinstance(record.args, tuple) else ()
        errors = [each for each in given if isinstance(each, Exception)]
        refusals = _refusals.get()
        if refusals is not None:
            refusals += errors
        now, words = time.monotonic(), str(record.msg)
        if now - self._last.get(words, now - _AGAIN_SECONDS) >= _AGAIN_SECONDS:
            self._last[words] = now
            _log.debug(record.getMessage())


def quiet() -> None:
    """Let aiokafka log through alloypy, once."""
    logger = logging.getLogger("aiokafka")
    if not any(isinstance(each, _Handler) for each in logger.handlers):
        logger.addHandler(_Handler())
    logger.setLevel(logging.WARNING)
    logger.propagate = False


def codec_missing(compression: str) -> str:
    """The package that a compression needs and that is not installed, or ""."""
    module = _CODECS.get(compression)
    return module if module is not None and find_spec(module) is None else ""


class Access:
    """The way to the brokers of one stream."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._tls = TLS(place.tls) if place.tls is not None else None

    async def options(self) -> dict[str, Any]:
        """What every client is made with. Raises Unreachable if files of certificates cannot be used."""
        place = self.place
        options: dict[str, Any] = {
            "bootstrap_servers": list(place.brokers),
            "security_protocol": f"{'SASL_' if place.login else ''}{'SSL' if self._tls else 'PLAINTEXT'}",
            "client_id": "alloypy",
            "retry_backoff_ms": 100,
            "metadata_max_age_ms": int(METADATA_SECONDS * 1000),
        }
        if self._tls is not None:
            try:
                options["ssl_context"] = _Following(self._tls, await self._tls.context())
            except NotSent as reason:
                raise Unreachable(str(reason), refused=True) from None
            except SendTimeout:
                raise Unreachable("the files of the certificates cannot be read in time") from None
        if place.login is not None:
            options |= {
                "sasl_mechanism": place.login.mechanism,
                "sasl_plain_username": place.login.username,
                "sasl_plain_password": place.login.password.reveal(),
            }
        return options

    async def started(self, client: Any) -> None:
        """Start a client; if that fails it is closed. Raises Unreachable."""
        refusals: list[BaseException] = []
        token = _refusals.set(refusals)
        try:
            await client.start()
        except BaseException as error:
            await closed(client)
            if isinstance(error, KafkaError):
                raise self._unreachable(error, refusals) from None
            raise
        finally:
            _refusals.reset(token)

    def _unreachable(self, error: KafkaError, refusals: list[BaseException]) -> Unreachable:
        said = next((each for each in [error, *refusals] if _is_refusal(each)), None)
        if said is not None:
            return Unreachable(self.words(said), refused=True)
        last = next((each for each in reversed(refusals) if isinstance(each, OSError | KafkaError)), error)
        return Unreachable(f"no broker answers at {', '.join(self.place.brokers)}: {_reason(last)}")

    def words(self, error: BaseException) -> str:
        """What an error means."""
        place = self.place
        if isinstance(error, TopicAuthorizationFailedError):
            return f"the brokers do not allow this user to use the topic {place.topic}"
        if isinstance(error, GroupAuthorizationFailedError):
            return f"the brokers do not allow this user to use consumer groups named {place.group}.*"
        if isinstance(error, ClusterAuthorizationFailedError):
            return "the brokers do not allow this user to do that"
        if isinstance(error, UnknownTopicOrPartitionError):
            return f"the topic {place.topic} is gone, or the brokers hide it from this user"
        if isinstance(error, UnsupportedSaslMechanismError) and place.login is not None:
            return f"the brokers do not offer the mechanism {place.login.mechanism}"
        if isinstance(error, SaslAuthenticationFailed):
            return f"the brokers refuse the user or password: {_reason(error)}"
        if isinstance(error, ssl.SSLError):
            return f"no TLS connection to the brokers: {_reason(error)}"
        if isinstance(error, MessageSizeTooLargeError):
            return f"the topic {place.topic} does not take messages of max_message_bytes"
        if isinstance(error, NotEnoughReplicasError | NotEnoughReplicasAfterAppendError):
            return f"too few replicas of the topic {place.topic} are in sync"
        if isinstance(error, KafkaConnectionError | KafkaTimeoutError | RequestTimedOutError | TimeoutError):
            return "the brokers do not answer"
        return f"the brokers fail: {_reason(error)}"


def _is_refusal(error: BaseException) -> bool:
    refusals = (
        SaslAuthenticationFailed,
        UnsupportedSaslMechanismError,
        TopicAuthorizationFailedError,
        GroupAuthorizationFailedError,
        ClusterAuthorizationFailedError,
        ssl.SSLCertVerificationError,
    )
    return isinstance(error, refusals)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return system_words(error)
    words = str(error).strip() or type(error).__name__
    return words.removeprefix(f"{type(error).__name__}: ")


class _Following(ssl.SSLContext):
    """Stands for the context of certificates that may be replaced: clients keep the one they are given."""

    def __new__(cls, tls: TLS, latest: ssl.SSLContext) -> _Following:
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, tls: TLS, latest: ssl.SSLContext) -> None:
        self._tls = tls
        self._latest = latest
        self._looking: asyncio.Task[None] | None = None

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        present = self._tls.present()
        if present is not None:
            self._latest = present
        elif self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        name = self._tls.server_name or server_hostname
        return self._latest.wrap_bio(incoming, outgoing, server_side, name, session)

    async def _look(self) -> None:
        """Use files that have changed for the next connection."""
        with contextlib.suppress(NotSent, SendTimeout):
            self._latest = await self._tls.context()


async def closed(client: Any, give_up: Callable[[], None] = lambda: None) -> None:
    """Close a client, whatever state it is in, in bounded time.

    give_up: called when brokers do not let it end by itself; then its connections are cut.
    """
    work = client.close() if hasattr(client, "close") else client.stop()
    task = asyncio.get_running_loop().create_task(work)
    try:
        await asyncio.wait((task,), timeout=_END_SECONDS)
        if not task.done():
            give_up()
            inner = client.client if hasattr(client, "client") else client._client  # noqa: SLF001
            await asyncio.wait((task, asyncio.ensure_future(inner.close())), timeout=_END_SECONDS)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


async def in_time(work: Awaitable[Any], seconds: float) -> Any:
    """What `work` returns. Raises KafkaTimeoutError if it takes longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise KafkaTimeoutError from None


def in_background(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Do work in a task that `tasks` holds until it ends."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task
