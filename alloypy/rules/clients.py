"""Rules of HTTP clients and of TLS: what `prometheus/common` and Alloy's copy of it refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.rules.body import Body, Broken, Rule
from alloypy.rules.forms import not_both

ONE_LOGIN = (
    "at most one of basic_auth, authorization, oauth2, bearer_token & bearer_token_file must be configured"
)


def logins(body: Body) -> Iterator[str]:
    """The settings of an HTTP client by which it logs in. Raises Undecided."""
    for name in ("basic_auth", "authorization", "oauth2"):
        if body.given(name):
            yield name
    for name in ("bearer_token", "bearer_token_file"):
        if body.filled(name):
            yield name


def one_login(body: Body) -> Iterator[Broken]:
    """An HTTP client logs in in one way."""
    used = list(logins(body))
    if len(used) > 1:
        yield Broken(used[-1], ONE_LOGIN)


def proxy(body: Body) -> Iterator[Broken]:
    """The settings of a proxy fit each other; the first that does not is told, as Alloy does."""
    url, environment = body.get("proxy_url"), body.get("proxy_from_environment")
    has_url = bool(url) and any(url)  # a URL is a tuple of its parts
    if body.filled("proxy_connect_header") and not environment and not has_url:
        message = (
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be "
            "configured"
        )
        yield Broken("proxy_connect_header", message)
    elif environment and has_url:
        yield Broken("proxy_url", "if proxy_from_environment is configured, proxy_url must not be configured")
    elif environment and body.filled("no_proxy"):
        yield Broken("no_proxy", "if proxy_from_environment is configured, no_proxy must not be configured")
    elif not url and body.filled("no_proxy"):
        yield Broken("no_proxy", "if no_proxy is configured, proxy_url must also be configured")


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


def headers(body: Body) -> Iterator[Broken]:
    """Headers that the client sets itself are not to be set."""
    for name in body.get("http_headers"):
        canonical = "-".join(part.capitalize() for part in name.split("-"))
        if canonical in _RESERVED:
            yield Broken("http_headers", f'setting header "{canonical}" is not allowed')


HTTP_CLIENT: tuple[Rule, ...] = (one_login, headers, proxy)


def authorization_type(body: Body) -> Iterator[Broken]:
    """Basic authentication has a block of its own."""
    if body.text("type").strip().lower() == "basic":
        yield Broken("type", 'authorization type cannot be set to "basic", use "basic_auth" block instead')


def oauth2(body: Body) -> Iterator[Broken]:
    """What a login by OAuth 2 needs."""
    secret, file = body.filled("client_secret"), body.filled("client_secret_file")
    if not body.filled("client_id"):
        yield Broken("client_id" if body.given("client_id") else "", "oauth2 client_id must be configured")
    elif not (secret or file):
        yield Broken("", "either oauth2 client_secret or client_secret_file must be configured")
    elif not body.filled("token_url"):
        yield Broken("token_url" if body.given("token_url") else "", "oauth2 token_url must be configured")
    elif secret and file:
        message = "at most one of oauth2 client_secret & client_secret_file must be configured"
        yield Broken("client_secret_file", message)


def tls_pair(body: Body) -> Iterator[Broken]:
    """A client certificate and its key come together."""
    certificate = body.filled("cert_pem") or body.filled("cert_file")
    key = body.filled("key_pem") or body.filled("key_file")
    if certificate and not key:
        message = (
            "exactly one of key_pem or key_file must be configured when a client certificate is configured"
        )
        yield Broken("cert_pem" if body.given("cert_pem") else "cert_file", message)
    elif key and not certificate:
        message = "exactly one of cert_pem or cert_file must be configured when a client key is configured"
        yield Broken("key_pem" if body.given("key_pem") else "key_file", message)


TLS: tuple[Rule, ...] = (
    *(
        not_both(
            f"{part}_pem", f"{part}_file", f"at most one of {part}_pem and {part}_file must be configured"
        )
        for part in ("ca", "cert", "key")
    ),
    tls_pair,
)


def kubernetes_login(body: Body) -> Iterator[Broken]:
    """The address of the API server comes from one place."""
    if body.get("api_server") and body.filled("kubeconfig_file"):
        yield Broken("kubeconfig_file", "only one of api_server and kubeconfig_file can be set")


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
