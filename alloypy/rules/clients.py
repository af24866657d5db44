"""Rules of HTTP clients and of TLS: what `prometheus/common` and Alloy's copy of it reject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from alloypy.lang.go.headers import canonical_name
from alloypy.rules.forms import not_both
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

if TYPE_CHECKING:
    from alloypy.lang.go.url import URL

ONE_LOGIN = (
    "at most one of basic_auth, authorization, oauth2, bearer_token & bearer_token_file must be configured"
)


def logins(body: View) -> Iterator[str]:
    """The authentication settings that an HTTP client was given. Raises Undecided."""
    for name in ("basic_auth", "authorization", "oauth2"):
        if body.given(name):
            yield name
    for name in ("bearer_token", "bearer_token_file"):
        if body.filled(name):
            yield name


def one_login(body: View) -> Iterator[Fault]:
    """An HTTP client has one authentication method."""
    used = list(logins(body))
    if len(used) > 1:
        yield Fault(used[-1], ONE_LOGIN)


def proxy(body: View) -> Iterator[Fault]:
    """Proxy settings must not contradict each other."""
    environment = body.get("proxy_from_environment")
    given, has_url = _proxy_url(body.get("proxy_url"))
    if body.filled("proxy_connect_header") and not environment and not has_url:
        message = (
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be "
            "configured"
        )
        yield Fault("proxy_connect_header", message)
    if environment and has_url:
        yield Fault("proxy_url", "if proxy_from_environment is configured, proxy_url must not be configured")
    if environment and body.filled("no_proxy"):
        yield Fault("no_proxy", "if proxy_from_environment is configured, no_proxy must not be configured")
    elif not given and body.filled("no_proxy"):
        yield Fault("no_proxy", "if no_proxy is configured, proxy_url must also be configured")


def _proxy_url(url: URL | str) -> tuple[bool, bool]:
    """Whether a proxy URL is given, and whether it names a proxy: the URL of an empty text does not."""
    if isinstance(url, str):  # the catalog's default for "no URL"
        return False, False
    from alloypy.lang.go.url import NO_URL

    return url is not NO_URL, any(url)


_RESERVED = frozenset({
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
})  # fmt: skip


def headers(body: View) -> Iterator[Fault]:
    """Headers that the client sets itself must not be configured."""
    for name in body.get("http_headers"):
        canonical = canonical_name(name)
        if canonical in _RESERVED:
            yield Fault("http_headers", f'setting header "{canonical}" is not allowed')


HTTP_CLIENT: tuple[Rule, ...] = (one_login, headers, proxy)


def authorization_type(body: View) -> Iterator[Fault]:
    """Basic authentication has a block of its own."""
    if body.text("type").strip().lower() == "basic":
        yield Fault("type", 'authorization type cannot be set to "basic", use "basic_auth" block instead')


def oauth2(body: View) -> Iterator[Fault]:
    """The settings that OAuth 2 needs."""
    secret, file = body.filled("client_secret"), body.filled("client_secret_file")
    if not body.filled("client_id"):
        yield Fault("client_id", "oauth2 client_id must be configured")
    if not (secret or file):
        yield Fault("client_secret", "either oauth2 client_secret or client_secret_file must be configured")
    if not body.filled("token_url"):
        yield Fault("token_url", "oauth2 token_url must be configured")
    if secret and file:
        message = "at most one of oauth2 client_secret & client_secret_file must be configured"
        yield Fault("client_secret_file", message)


def tls_pair(body: View) -> Iterator[Fault]:
    """A client certificate and its key come together."""
    certificate = body.filled("cert_pem") or body.filled("cert_file")
    key = body.filled("key_pem") or body.filled("key_file")
    if certificate and not key:
        message = (
            "exactly one of key_pem or key_file must be configured when a client certificate is configured"
        )
        yield Fault("cert_pem" if body.given("cert_pem") else "cert_file", message)
    elif key and not certificate:
        message = "exactly one of cert_pem or cert_file must be configured when a client key is configured"
        yield Fault("key_pem" if body.given("key_pem") else "key_file", message)


TLS: tuple[Rule, ...] = (
    *(
        not_both(
            f"{part}_pem", f"{part}_file", f"at most one of {part}_pem and {part}_file must be configured"
        )
        for part in ("ca", "cert", "key")
    ),
    tls_pair,
)


def kubernetes_login(body: View) -> Iterator[Fault]:
    """The address of the API server has one source."""
    if body.get("api_server") and body.filled("kubeconfig_file"):
        yield Fault("kubeconfig_file", "only one of api_server and kubeconfig_file can be set")


BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "config.BasicAuth": (
        not_both(
            "password",
            "password_file",
            "at most one of basic_auth password & password_file must be configured",
        ),
    ),
    "config.Authorization": (
        not_both(
            "credentials",
            "credentials_file",
            "at most one of authorization credentials & credentials_file must be configured",
        ),
        authorization_type,
    ),
    "config.OAuth2Config": (oauth2, proxy),
    "config.TLSConfig": TLS,
    "config.HTTPClientConfig": HTTP_CLIENT,
    "kubernetes.ClientArguments": (kubernetes_login, *HTTP_CLIENT),
}
"""Rules by the Go type of the body, wherever it is used."""
