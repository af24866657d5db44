"""TLS of the server side: settings, and contexts that follow their files.

Certificates and keys that stand in files are looked at for each new connection, so that a renewed
certificate needs no reload. Source: RUNTIME spec section 5.3, PYROSCOPE spec section 3.1.
"""

from __future__ import annotations

import os
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from alloypy.lang.values import Secret

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_CLIENT_AUTH = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
_CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}


class ServerTLSError(Exception):
    """The TLS settings cannot be used; the text says which of them and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTLSSettings:
    """What a `tls` block of a server says, in its own words; "" where nothing is said."""

    cert_pem: str = ""
    cert_file: str = ""
    key_pem: Secret = Secret("")  # noqa: RUF009 -- a frozen value
    key_file: str = ""
    client_ca_pem: str = ""
    client_ca_file: str = ""
    client_auth_type: str = ""
    cipher_suites: tuple[str, ...] = ()
    curve_preferences: tuple[str, ...] = ()
    min_version: str = ""
    max_version: str = ""


class ServerTLS:
    """The contexts of one server."""

    def __init__(self, settings: ServerTLSSettings) -> None:
        self._settings = settings
        self._context: ssl.SSLContext | None = None
        self._made_from: object = None

    def context(self) -> ssl.SSLContext:
        """The context for a new connection; another one once a file has changed. Raises ServerTLSError."""
        state = self._file_state()
        if self._context is None or state != self._made_from:
            self._context = self._make()
            self._made_from = state
        return self._context

    def _file_state(self) -> tuple[tuple[int, int, int], ...]:
        s = self._settings
        files = {"cert_file": s.cert_file, "key_file": s.key_file, "client_ca_file": s.client_ca_file}
        states = []
        for name, path in files.items():
            if not path:
                continue
            try:
                status = Path(path).stat()
            except OSError as error:
                raise _unreadable(name, path, error) from None
            states.append((status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(states)

    def _make(self) -> ssl.SSLContext:
        settings = self._settings
        verify = _CLIENT_AUTH.get(settings.client_auth_type)
        if verify is None:
            raise ServerTLSError(
                f"client_auth_type {settings.client_auth_type} takes certificates without checking them, "
                "which is not supported; use VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1, where they are asked for
            if settings.min_version:
                context.minimum_version = VERSIONS[settings.min_version]
            if settings.max_version:
                context.maximum_version = VERSIONS[settings.max_version]
        ciphers = [_CIPHERS[name] for name in settings.cipher_suites if name in _CIPHERS]
        if ciphers:
            context.set_ciphers(":".join(ciphers))
        if settings.curve_preferences:  # the ssl module takes one curve: the preferred
            context.set_ecdh_curve(_CURVES[settings.curve_preferences[0]])
        context.verify_mode = verify
        self._load_client_ca(context)
        self._load_pair(context)
        return context

    def _load_client_ca(self, context: ssl.SSLContext) -> None:
        settings = self._settings
        pem = settings.client_ca_pem or _read("client_ca_file", settings.client_ca_file)
        if pem:
            try:
                context.load_verify_locations(cadata=pem)
            except (ssl.SSLError, ValueError) as error:
                raise ServerTLSError(f"unusable client CA certificate: {_reason(error)}") from None

    def _load_pair(self, context: ssl.SSLContext) -> None:
        """Check and load certificate and key; the ssl module reads them from files only."""
        settings = self._settings
        certificate = settings.cert_pem or _read("cert_file", settings.cert_file)
        key = settings.key_pem.reveal() or _read("key_file", settings.key_file)
        handle, name = tempfile.mkstemp(suffix=".pem")  # readable by this user only
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(f"{key}\n{certificate}\n")
            context.load_cert_chain(name)
        except (ssl.SSLError, ValueError) as error:
            raise ServerTLSError(f"unusable certificate and key: {_reason(error)}") from None
        finally:
            Path(name).unlink()


def _read(name: str, path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unreadable(name, path, error) from None


def _unreadable(name: str, path: str, error: OSError) -> ServerTLSError:
    reason = (error.strerror or str(error)).lower()
    return ServerTLSError(f"failed to read {name}: open {path}: {reason}")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or str(error)
    return str(reason).replace("_", " ").lower()
