"""The settings of HTTP clients in YAML texts.

Source: prometheus/common v0.70.1, `config`.
"""

from __future__ import annotations

from alloypy.embedded.yaml.documents import Node
from alloypy.embedded.yaml.keys import Each, keys
from alloypy.embedded.yaml.settings import filled, present, refuse, size, text
from alloypy.lang.go.headers import canonical_name

_PROXY = "no_proxy proxy_connect_header:{}[]text proxy_from_environment:bool proxy_url:url"
_TRUE = frozenset(("y", "yes", "true", "on"))
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ALGORITHMS = ("RS256", "RS384", "RS512")
_RESERVED = frozenset(
    (
        *("Authorization", "Host", "Content-Encoding", "Content-Length", "Content-Type", "User-Agent"),
        *("Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Www-Authenticate"),
        *("Accept-Encoding", "X-Prometheus-Remote-Write-Version", "X-Prometheus-Remote-Read-Version"),
        *("X-Prometheus-Scrape-Timeout-Seconds", "X-Amz-Date", "X-Amz-Security-Token"),
        "X-Amz-Content-Sha256",
    )
)


def _one_of(node: Node, message: str, *names: str) -> None:
    if filled(node, *names) > 1:
        refuse(message, node)


def _tls(node: Node) -> None:
    _one_of(node, "at most one of ca, ca_file & ca_ref must be configured", "ca", "ca_file", "ca_ref")
    cert, key = ("cert", "cert_file", "cert_ref"), ("key", "key_file", "key_ref")
    _one_of(node, "at most one of cert, cert_file & cert_ref must be configured", *cert)
    _one_of(node, "at most one of key and key_file must be configured", *key)
    certs, secrets = filled(node, *cert), filled(node, *key)
    if certs and not secrets:
        refuse(
            "exactly one of key or key_file must be configured when a client certificate is configured", node
        )
    if secrets and not certs:
        refuse("exactly one of cert or cert_file must be configured when a client key is configured", node)


def _proxy(node: Node) -> None:
    proxy, from_environment = text(node, "proxy_url"), text(node, "proxy_from_environment").lower() in _TRUE
    if size(node, "proxy_connect_header") and not from_environment and not proxy:
        needed = "proxy_url or proxy_from_environment must also be configured"
        refuse(f"if proxy_connect_header is configured, {needed}", node)
    if from_environment and proxy:
        refuse("proxy_url cannot be set beside proxy_from_environment", node)
    if from_environment and text(node, "no_proxy"):
        refuse("no_proxy cannot be set beside proxy_from_environment", node)
    if not present(node, "proxy_url") and text(node, "no_proxy"):
        refuse("no_proxy needs proxy_url", node)


TLS = keys(
    "ca ca_file ca_ref cert cert_file cert_ref insecure_skip_verify:bool key key_file key_ref "
    "max_version:tls-version min_version:tls-version server_name"
)._replace(check=_tls)
"""The settings of TLS."""
_OAUTH2 = keys(
    "audience claims:{}any client_certificate_key client_certificate_key_file client_certificate_key_id "
    "client_certificate_key_ref client_id client_secret client_secret_file client_secret_ref "
    "endpoint_params:{}text grant_type iss scopes:[]text signature_algorithm token_url " + _PROXY,
    tls_config=TLS,
)._replace(check=_proxy)
CLIENT = keys(
    "bearer_token bearer_token_file enable_http2:bool follow_redirects:bool " + _PROXY,
    authorization=keys("credentials credentials_file credentials_ref type"),
    basic_auth=keys("password password_file password_ref username username_file username_ref"),
    http_headers=Each(keys("files:[]text secrets:[]text values:[]text")),
    oauth2=_OAUTH2,
    tls_config=TLS,
)
"""The settings of a client; `check_client` has the rules about them."""


def check_client(node: Node) -> None:
    """Raises TextError for settings that do not go together, or UncertainError."""
    bearer = filled(node, "bearer_token", "bearer_token_file")
    if bearer > 1:
        refuse("at most one of bearer_token & bearer_token_file must be configured", node)
    basic, oauth2, authorization = (
        node.get(name) if present(node, name) else None for name in ("basic_auth", "oauth2", "authorization")
    )
    if bearer and (basic or oauth2):
        message = "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"
        refuse(message, node)
    if basic is not None:
        _basic_auth(basic)
    if authorization is not None:
        _authorization(authorization, node, bearer)
    if (basic, oauth2, authorization).count(None) < 2:
        refuse("at most one of basic_auth, oauth2 & authorization must be configured", node)
    if oauth2 is not None:
        _oauth2(oauth2)
    _proxy(node)
    headers = node.get("http_headers")
    for key, _ in headers.pairs() if headers is not None else ():
        if canonical_name(key.value) in _RESERVED:
            refuse(f'setting header "{canonical_name(key.value)}" is not allowed', key)


def _basic_auth(node: Node) -> None:
    for name in ("username", "password"):
        message = f"at most one of basic_auth {name}, {name}_file & {name}_ref must be configured"
        _one_of(node, message, name, f"{name}_file", f"{name}_ref")


def _authorization(node: Node, client: Node, bearer: int) -> None:
    if bearer:
        refuse("authorization is not compatible with bearer_token & bearer_token_file", client)
    message = "at most one of credentials, credentials_file & credentials_ref must be configured"
    _one_of(node, message, "credentials", "credentials_file", "credentials_ref")
    if text(node, "type").strip().lower() == "basic":
        refuse('authorization type cannot be set to "basic", use "basic_auth" instead', node)


def _oauth2(node: Node) -> None:
    for name in ("client_id", "token_url"):
        if not text(node, name):
            refuse(f"oauth2 {name} must be configured", node)
    secret, suffix = "client_secret", "client_credentials"
    if text(node, "grant_type") == _JWT:
        secret, suffix = "client_certificate_key", _JWT
    names = (secret, f"{secret}_file", f"{secret}_ref")
    listed = f"{names[0]}, {names[1]} & {names[2]}"
    _one_of(node, f"at most one of oauth2 {listed} must be configured using grant-type={suffix}", *names)
    if suffix == _JWT and text(node, "signature_algorithm") not in {"", *_ALGORITHMS}:
        refuse("valid signature algorithms are RS256, RS384 and RS512", node)
