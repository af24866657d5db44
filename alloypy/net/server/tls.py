"""TLS for servers: settings in Go's terms, and a context that follows its files.

Source: docs/spec/PYROSCOPE.md, section 3.1 (`http > tls`).
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

from alloypy.files import read_regular
from alloypy.lang.go.text import quote
from alloypy.lang.go.tls_names import REQUIRE_AND_VERIFY, SUITES, VERIFY_IF_GIVEN, WEAK_SUITES
from alloypy.lang.values import Secret
from alloypy.net.followed import Followed, UnusableError, named
from alloypy.net.pem import BadPair, load_pair
from alloypy.os_errors import system_words

VERSIONS = {
    "VersionTLS10": ssl.TLSVersion.TLSv1,
    "VersionTLS11": ssl.TLSVersion.TLSv1_1,
    "VersionTLS12": ssl.TLSVersion.TLSv1_2,
    "VersionTLS13": ssl.TLSVersion.TLSv1_3,
}

CIPHER_SUITES = {**SUITES, **WEAK_SUITES}
"""Go's names of cipher suites, with OpenSSL's."""

_NO_POLICY = ("", "NoClientCert", "RequestClientCert")
_CLIENT_CERTIFICATES = {
    VERIFY_IF_GIVEN: ssl.CERT_OPTIONAL,
    REQUIRE_AND_VERIFY: ssl.CERT_REQUIRED,
}
_UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")


class TLSError(Exception):
    """The settings cannot be used; the text is Go's where Go has one."""


class ServerTLSSettings(NamedTuple):
    """The settings of a `tls` block; "" where one is absent. min_version, max_version: keys of VERSIONS.

    curve: OpenSSL's name of the elliptic curve to use.
    """

    cert_pem: str = ""
    key_pem: Secret | None = None
    cert_file: str = ""
    key_file: str = ""
    client_auth_type: str = ""
    client_ca_file: str = ""
    client_ca: str = ""
    cipher_suites: str = ""
    min_version: str = ""
    max_version: str = ""
    curve: str = ""

    @property
    def enabled(self) -> bool:
        """TLS is served only with a certificate and a key."""
        return bool(self.cert_pem or self.cert_file) and bool(self._inline_key or self.key_file)

    @property
    def _inline_key(self) -> str:
        return self.key_pem.reveal() if self.key_pem is not None else ""

    def check(self) -> None:
        """Raise TLSError for unknown ciphers and versions, even if TLS is not enabled."""
        self._ciphers()
        if self.min_version and self.min_version not in VERSIONS:
            raise TLSError(f"TLS version {quote(self.min_version)} not recognized")

    def read(self) -> ServerTLSSettings:
        """The same settings with the files replaced by their contents. Raises TLSError."""
        return self._replace(
            cert_pem=_read(self.cert_file, "cert_file") if self.cert_file else self.cert_pem,
            key_pem=Secret(_read(self.key_file, "key_file")) if self.key_file else self.key_pem,
            client_ca=_read(self.client_ca_file, "") if self.client_ca_file else self.client_ca,
            cert_file="",
            key_file="",
            client_ca_file="",
        )

    def build(self, alpn: Sequence[str]) -> ssl.SSLContext:
        """A context for settings without files. Raises TLSError.

        alpn: the protocols to offer, the preferred one first.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(alpn)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for by name
            if self.min_version:
                context.minimum_version = VERSIONS[self.min_version]
            if self.max_version:
                context.maximum_version = VERSIONS[self.max_version]
        if self.curve:
            context.set_ecdh_curve(self.curve)
        ciphers = self._ciphers()
        if ciphers:
            try:
                context.set_ciphers(":".join(ciphers))
            except ssl.SSLError:
                raise TLSError("none of the cipher suites is supported by this system") from None
        self._identify(context)
        self._verify_clients(context)
        return context

    def _ciphers(self) -> list[str]:
        names = self.cipher_suites.split(",") if self.cipher_suites else []
        for name in names:
            if name not in CIPHER_SUITES:
                raise TLSError(f"cipher suite {quote(name)} not recognized")
        return [CIPHER_SUITES[name] for name in names if CIPHER_SUITES[name]]

    def _identify(self, context: ssl.SSLContext) -> None:
        try:
            load_pair(context, self.cert_pem, self._inline_key)
        except BadPair as error:
            raise TLSError(f"failed to load X509KeyPair: {error}") from None

    def _verify_clients(self, context: ssl.SSLContext) -> None:
        policy = self.client_auth_type
        if policy in _UNVERIFIED:
            raise TLSError(
                f"client_auth_type {policy} is not supported: an unverified certificate proves nothing"
            )
        if policy not in _NO_POLICY and policy not in _CLIENT_CERTIFICATES:
            raise TLSError(f"invalid ClientAuth: {policy}")
        authorities = self.client_ca
        if authorities and policy in ("", "NoClientCert"):
            raise TLSError("client CA's have been configured without a Client Auth Policy")
        if policy not in _CLIENT_CERTIFICATES:
            return
        context.verify_mode = _CLIENT_CERTIFICATES[policy]
        if authorities:
            try:
                context.load_verify_locations(cadata=authorities)
            except (ssl.SSLError, ValueError):
                raise TLSError("the client CA holds no usable certificate") from None
        else:
            context.load_default_certs(ssl.Purpose.CLIENT_AUTH)


class ServerTLS:
    """Provides the context for each new connection; a new one once a file has changed.

    If changed files cannot be used, the old context stays in use. tell: called then with the reason, and
    with "" when the files can be used again. problem: that reason. alpn: see `ServerTLSSettings.build`.
    """

    def __init__(self, settings: ServerTLSSettings, tell: Callable[[str], None], alpn: Sequence[str]) -> None:
        self.settings = settings
        self._alpn = alpn
        files = (settings.cert_file, settings.key_file, settings.client_ca_file)
        self._paths = [path for path in files if path]
        self._built: tuple[ServerTLSSettings, ssl.SSLContext] | None = None
        self._tell = tell
        self._followed = Followed(self._make, self._paths, self._words, self._problem_changed)

    @property
    def problem(self) -> str:
        """Why the context of earlier files is still in use, or ""."""
        return self._followed.problem and _prefixed(self._followed.problem)

    async def context(self) -> ssl.SSLContext:
        """The context for the next connection. Raises TLSError if there has never been a usable one."""
        try:
            return await self._followed.get()
        except UnusableError as reason:
            raise TLSError(_prefixed(str(reason))) from None
        except TimeoutError as error:
            raise TLSError(_prefixed(self._words(error))) from None

    def _problem_changed(self, problem: str) -> None:
        self._tell(problem and _prefixed(problem))

    def _make(self) -> ssl.SSLContext:
        try:
            settings = self.settings.read()
            if self._built is None or self._built[0] != settings:
                self._built = settings, settings.build(self._alpn)
        except TLSError as reason:
            raise UnusableError(str(reason)) from None
        return self._built[1]

    def _words(self, error: OSError | ValueError) -> str:
        return f"failed to read {named(self._paths)}: {system_words(error)}"


def _prefixed(reason: str) -> str:
    return f"error generating http tls config: {reason}"


def _read(path: str, argument: str) -> str:
    try:
        return read_regular(path).decode(errors="surrogateescape")
    except (OSError, ValueError) as fault:
        opened = f"open {path}: {system_words(fault)}"
        raise TLSError(f"failed to read {argument} ({path}): {opened}" if argument else opened) from None
