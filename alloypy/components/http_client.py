"""The HTTP client settings that many components share, declared once.

Squash `HTTPClientArguments` into a component's arguments, and make the settings of a client from it with
`client_settings`.
Source: docs/spec/PYROSCOPE.md, section 4.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from alloypy import __version__
from alloypy.lang.go.url import NO_URL, URL
from alloypy.lang.text_types import URL_TYPE
from alloypy.lang.types import TextType
from alloypy.lang.values import Secret
from alloypy.rules import faults_of
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block, squash

if TYPE_CHECKING:
    from alloypy.net.client.auth import Authorization, BasicAuth, OAuth2
    from alloypy.net.client.client import ClientSettings
    from alloypy.net.client.proxy import ProxySettings
    from alloypy.net.client.tls import TLSSettings

_DEPLOY_MODES = ("operator", "helm", "docker", "deb", "rpm", "brew")
FOLLOW_DOC = "Follow the server's redirects."
_VERSIONS = ("TLS10", "TLS11", "TLS12", "TLS13")


def _parse_version(text: str) -> str:
    if text not in _VERSIONS:
        raise ValueError(f"unknown TLS version: {text}")
    return text


TLS_VERSION_TYPE = TextType("config.TLSVersion", _parse_version)


@arguments(rules="config.BasicAuth")
class BasicAuthArguments:
    """Arguments of `basic_auth`."""

    username: str = attribute(default="", doc="User name.")
    password: Secret | None = attribute(default=None, doc="Password.")
    password_file: str = attribute(default="", doc="File with the password, read again when it changes.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="config.Authorization")
class AuthorizationArguments:
    """Arguments of `authorization`."""

    type: str = attribute(default="Bearer", shown=True, doc="Scheme of the credentials; Bearer when empty.")
    credentials: Secret | None = attribute(default=None, doc="Credentials.")
    credentials_file: str = attribute(
        default="", doc="File with the credentials, read again when it changes."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="config.TLSConfig")
class TLSArguments:
    """Arguments of `tls_config`."""

    ca_pem: str = attribute(default="", doc="CA certificates to trust, PEM.")
    ca_file: str = attribute(default="", doc="File with the CA certificates to trust.")
    cert_pem: str = attribute(default="", doc="Client certificate, PEM.")
    cert_file: str = attribute(default="", doc="File with the client certificate.")
    key_pem: Secret | None = attribute(default=None, doc="Key of the client certificate, PEM.")
    key_file: str = attribute(default="", doc="File with the key of the client certificate.")
    server_name: str = attribute(default="", doc="Name to ask for and to verify instead of the host's.")
    insecure_skip_verify: bool = attribute(default=False, doc="Do not verify the server's certificate.")
    min_version: Annotated[str, TLS_VERSION_TYPE] = attribute(
        default="", doc="Lowest TLS version: TLS10, TLS11, TLS12 or TLS13."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments
class ProxyArguments:
    """Proxy settings, part of other blocks' arguments."""

    proxy_url: Annotated[URL, URL_TYPE] = attribute(default=NO_URL, doc="Proxy to send requests through.")
    no_proxy: str = attribute(default="", doc="Comma-separated hosts and networks to reach without a proxy.")
    proxy_from_environment: bool = attribute(
        default=False, doc="Take the proxy from HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
    )
    proxy_connect_header: Mapping[str, tuple[Secret, ...]] = attribute(
        default_factory=dict, doc="Headers to send to the proxy with CONNECT."
    )


@arguments(rules="config.OAuth2Config")
class OAuth2Arguments:
    """Arguments of `oauth2`."""

    client_id: str = attribute(default="", doc="Client ID.")
    client_secret: Secret | None = attribute(default=None, doc="Client secret.")
    client_secret_file: str = attribute(
        default="", doc="File with the client secret, read again when it changes."
    )
    scopes: tuple[str, ...] = attribute(default=(), doc="Scopes to ask for.")
    token_url: str = attribute(default="", doc="URL from which tokens are fetched.")
    endpoint_params: Mapping[str, str] = attribute(
        default_factory=dict, doc="More parameters for the token request."
    )
    proxy: ProxyArguments = squash(default=ProxyArguments())
    tls_config: TLSArguments | None = block(default=None, doc="TLS settings for the token server.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments(rules="config.HTTPClientConfig")
class HTTPClientArguments:
    """The shared settings, to be squashed into a component's arguments."""

    basic_auth: BasicAuthArguments | None = block(default=None, doc="Basic authentication.")
    authorization: AuthorizationArguments | None = block(default=None, doc="Authorization header.")
    oauth2: OAuth2Arguments | None = block(default=None, doc="OAuth2 client credentials.")
    bearer_token: Secret | None = attribute(default=None, doc="Bearer token.")
    bearer_token_file: str = attribute(
        default="", doc="File with the bearer token, read again when it changes."
    )
    proxy: ProxyArguments = squash(default=ProxyArguments())
    tls_config: TLSArguments = block(default=TLSArguments(), doc="TLS settings.")
    follow_redirects: bool = attribute(default=True, doc=FOLLOW_DOC)
    enable_http2: bool = attribute(
        default=True,
        doc="Speak HTTP/2 to servers that speak nothing else; needs the extra alloypy[http2].",
    )
    http_headers: Mapping[str, tuple[Secret, ...]] = attribute(
        default_factory=dict, doc="Headers to add to every request."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


def with_authorization(given: HTTPClientArguments) -> HTTPClientArguments:
    """The arguments with a bearer token in the form of an `authorization` block, as Alloy's API shows it."""
    if not (_given(given.bearer_token) or given.bearer_token_file):
        return given
    authorization = AuthorizationArguments(
        credentials=given.bearer_token, credentials_file=given.bearer_token_file
    )
    return dataclasses.replace(given, authorization=authorization, bearer_token=None, bearer_token_file="")


def user_agent(environ: Mapping[str, str]) -> str:
    """The User-Agent of requests: `alloypy/1.0.0 (linux; binary)`."""
    mode = environ.get("ALLOY_DEPLOY_MODE", "")
    return f"alloypy/{__version__} ({sys.platform}; {mode if mode in _DEPLOY_MODES else 'binary'})"


def client_settings(given: HTTPClientArguments) -> ClientSettings:
    """The settings for `alloypy.net.client.client.Client`."""
    from alloypy.net.client.client import ClientSettings

    return ClientSettings(
        basic_auth=_basic_auth(given.basic_auth),
        authorization=_authorization(given),
        oauth2=_oauth2(given.oauth2),
        tls=_tls_settings(given.tls_config),
        proxy=_proxy_settings(given.proxy),
        follow_redirects=given.follow_redirects,
        http2=given.enable_http2,
        http_headers=tuple(
            (name, tuple(value.reveal() for value in values)) for name, values in given.http_headers.items()
        ),
    )


def _basic_auth(given: BasicAuthArguments | None) -> BasicAuth | None:
    from alloypy.net.client.auth import BasicAuth

    if given is None:
        return None
    return BasicAuth(username=given.username, password=given.password, password_file=given.password_file)


def _authorization(given: HTTPClientArguments) -> Authorization | None:
    from alloypy.net.client.auth import Authorization

    if _given(given.bearer_token) or given.bearer_token_file:
        return Authorization(credentials=given.bearer_token, credentials_file=given.bearer_token_file)
    authorization = given.authorization
    if authorization is None:
        return None
    return Authorization(
        type=authorization.type.strip() or "Bearer",
        credentials=authorization.credentials,
        credentials_file=authorization.credentials_file,
    )


def _oauth2(given: OAuth2Arguments | None) -> OAuth2 | None:
    from alloypy.net.client.auth import OAuth2

    if given is None:
        return None
    return OAuth2(
        client_id=given.client_id,
        token_url=given.token_url,
        client_secret=given.client_secret,
        client_secret_file=given.client_secret_file,
        scopes=given.scopes,
        endpoint_params=given.endpoint_params,
        tls=_tls_settings(given.tls_config or TLSArguments()),
        proxy=_proxy_settings(given.proxy),
    )


def _tls_settings(given: TLSArguments) -> TLSSettings:
    from alloypy.net.client.tls import TLSSettings

    return TLSSettings(
        ca_pem=given.ca_pem,
        ca_file=given.ca_file,
        cert_pem=given.cert_pem,
        cert_file=given.cert_file,
        key_pem=given.key_pem,
        key_file=given.key_file,
        server_name=given.server_name,
        insecure_skip_verify=given.insecure_skip_verify,
        min_version=given.min_version,
    )


def _proxy_settings(given: ProxyArguments) -> ProxySettings:
    from alloypy.net.client.proxy import ProxySettings

    return ProxySettings(
        url=given.proxy_url if str(given.proxy_url) else None,
        no_proxy=given.no_proxy,
        from_environment=given.proxy_from_environment,
        connect_headers=tuple(
            (name, value.reveal()) for name, values in given.proxy_connect_header.items() for value in values
        ),
    )


def _given(secret: Secret | None) -> bool:
    return secret is not None and secret.reveal() != ""


def earlier_contents(problems: Iterable[str]) -> str:
    """The health message of a client that cannot read files again."""
    return f"earlier file contents are still in use: {'; '.join(problems)}"
