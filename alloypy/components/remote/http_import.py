"""import.http: reads the content of a module from an HTTP server.

The controller decides when to read; this module reads. Nothing is kept open between two reads.
Source: docs/spec/RUNTIME.md, section 5.6.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping

from alloypy import __version__
from alloypy.components.http_client import HTTPClientArguments, client_settings
from alloypy.lang.go.duration import SECOND, Duration
from alloypy.lang.go.text import quote
from alloypy.rules import faults_of
from alloypy.runtime.contract.options import FetchError, HTTPImport
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block

logger = logging.getLogger("alloypy.import_http")

FREQUENCY_DOC = "Time between two requests."
TIMEOUT_DOC = "Longest time for one request."
UNEXPECTED_STATUS = "unexpected status code from response"

_MOST_CONTENT_BYTES = 4 << 20


@arguments(rules="alloypy.import_http")
class Arguments:
    """Arguments of import.http."""

    url: str = attribute(doc="URL of the content.")
    poll_frequency: Duration = attribute(default=Duration(60 * SECOND), doc=FREQUENCY_DOC)
    poll_timeout: Duration = attribute(default=Duration(10 * SECOND), doc=TIMEOUT_DOC)
    method: str = attribute(default="GET", doc="Method of the request.")
    headers: Mapping[str, str] = attribute(default_factory=dict, doc="Headers of the request.")
    body: str = attribute(default="", doc="Body of the request.")
    client: HTTPClientArguments = block(default=HTTPClientArguments(), doc="How the request is made.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


async def fetch(given: Arguments) -> str:
    """The content, without surrounding white space. Raises FetchError."""
    from alloypy.lang.go.headers import canonical_name
    from alloypy.lang.go.url import parse_url, redact_url
    from alloypy.net.client.client import Client
    from alloypy.net.client.messages import NotSent, Request, SendError, origin_of, target_of

    shown = f"{given.method.capitalize()} {quote(redact_url(given.url))}"
    try:
        url = parse_url(given.url)
        origin, target = origin_of(url), target_of(url)
    except (ValueError, NotSent) as error:
        raise FetchError(f"building request: {error}") from None
    agent = f"alloypy/{__version__}"
    own = {"User-Agent": agent, **{canonical_name(name): value for name, value in given.headers.items()}}
    client = Client(client_settings(given.client), environ=os.environ, user_agent=agent)
    try:
        await client.check()
    except SendError as error:
        raise FetchError(str(error)) from None
    try:
        request = Request(
            given.method,
            origin,
            target,
            client.headers(list(own.items())),
            [given.body.encode()] if given.body else [],
            given.poll_timeout.seconds,
        )
        response = await client.send(request, _MOST_CONTENT_BYTES + 1)
    except SendError as error:
        logger.error("failed to perform request", extra={"fields": {"err": f"{shown}: {error}"}})
        raise FetchError(f"performing request: {shown}: {error}") from None
    finally:
        await client.aclose()
    if response.broken:
        raise FetchError(f"reading response: {response.broken}")
    if len(response.body) > _MOST_CONTENT_BYTES:
        raise FetchError(f"reading response: the content is larger than {_MOST_CONTENT_BYTES} bytes")
    if response.status != 200:
        status = f"{response.status} {response.reason}".rstrip()
        logger.error(UNEXPECTED_STATUS, extra={"fields": {"status": status}})
        raise FetchError(f"unexpected status code {status}")
    return response.body.decode("utf-8", "surrogateescape").strip()


http_import = HTTPImport(Arguments, fetch)
