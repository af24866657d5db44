"""Arguments of the `http` block: credentials and TLS of the process's own HTTP server.

Source: docs/spec/RUNTIME.md, section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.go.tls_names import CLIENT_AUTH, SUITES
from alloypy.lang.types import TextType
from alloypy.lang.values import Secret
from alloypy.rules import faults_of
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block


def _one_of(noun: str, *choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f'unknown {noun} "{text}"')
        return text

    return parse


_VERSION = TextType("TLSVersion", _one_of("TLS version", "TLS13", "TLS12", "TLS11", "TLS10"))
_CURVE = TextType("TLSCurve", _one_of("curve", "CurveP256", "CurveP384", "CurveP521", "X25519"))
_CIPHER = TextType("TLSCipher", _one_of("cipher", *SUITES))
_CLIENT_AUTH = TextType("ClientAuth", _one_of("client auth type", *CLIENT_AUTH), zero=CLIENT_AUTH[0])


@arguments
class BasicAuthArguments:
    """Arguments of `basic`."""

    username: str = attribute(doc="User name that clients must give.")
    password: Secret = attribute(doc="Password that clients must give.")


@arguments
class FilterArguments:
    """Arguments of `filter`."""

    paths: tuple[str, ...] = attribute(default=(), doc="Prefixes of request paths.")
    authenticate_matching_paths: bool = attribute(
        default=True, doc="Require credentials on these paths only; false: on all others."
    )


@arguments
class AuthArguments:
    """Arguments of `auth`."""

    basic: BasicAuthArguments | None = block(default=None, doc="Credentials that clients must give.")
    filter: FilterArguments | None = block(default=None, doc="Which requests need credentials.")


@arguments
class WindowsServerFilterArguments:
    """Arguments of `server` in the Windows certificate filter."""

    store: str = attribute(default="", doc="Name of the store.")
    system_store: str = attribute(default="", doc="Name of the system store.")
    issuer_common_names: tuple[str, ...] = attribute(default=(), doc="Issuers to accept.")
    template_id: str = attribute(default="", doc="Template to accept.")
    refresh_interval: Duration = attribute(
        default=Duration(5 * MINUTE), doc="Time between two reads of the store."
    )


@arguments
class WindowsClientFilterArguments:
    """Arguments of `client` in the Windows certificate filter."""

    issuer_common_names: tuple[str, ...] = attribute(default=(), doc="Issuers to accept.")
    subject_regex: str = attribute(default="", doc="Subjects to accept.")
    template_id: str = attribute(default="", doc="Template to accept.")


@arguments
class WindowsFilterArguments:
    """Arguments of `windows_certificate_filter`."""

    server: WindowsServerFilterArguments = block(doc="Which certificate to serve with.")
    client: WindowsClientFilterArguments = block(doc="Which client certificates to accept.")


@arguments(rules="http/tls")
class TLSArguments:
    """Arguments of `tls`."""

    cert_pem: str = attribute(default="", doc="Certificate of the server.")
    cert_file: str = attribute(default="", doc="File with the certificate of the server.")
    key_pem: Secret = attribute(default=Secret(""), doc="Key of the server.")
    key_file: str = attribute(default="", doc="File with the key of the server.")
    client_ca_pem: str = attribute(default="", doc="Authorities to check client certificates against.")
    client_ca_file: str = attribute(default="", doc="File with the authorities for client certificates.")
    client_auth_type: Annotated[str, _CLIENT_AUTH] = attribute(
        default="NoClientCert", doc="Whether clients need a certificate."
    )
    cipher_suites: tuple[Annotated[str, _CIPHER], ...] = attribute(default=(), doc="Ciphers to accept.")
    curve_preferences: tuple[Annotated[str, _CURVE], ...] = attribute(
        default=(), doc="Elliptic curves to accept."
    )
    min_version: Annotated[str, _VERSION] = attribute(default="", doc="Oldest TLS version to accept.")
    max_version: Annotated[str, _VERSION] = attribute(default="", doc="Newest TLS version to accept.")
    windows_certificate_filter: WindowsFilterArguments | None = block(
        default=None, doc="Take the certificate from the Windows store."
    )

    def check(self) -> Iterator[Fault]:
        return faults_of(self)


@arguments
class HTTPArguments:
    """Arguments of `http`."""

    auth: AuthArguments | None = block(default=None, doc="Who may use the server.")
    tls: TLSArguments | None = block(default=None, doc="Serve over TLS.")
