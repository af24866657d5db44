"""TLS of the client side: settings, and contexts that follow their files.

Source: PYROSCOPE spec section 4 (`tls_config`).
"""

from __future__ import annotations

import os
import re
import ssl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from alloypy.lang.values import Secret
from alloypy.net.secret_files import FileText
from alloypy.net.sending import NotSent

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}

_CERTIFICATE = r"(?s)-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----"
_KEY = r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\s.*?-----END [A-Z0-9 ]*PRIVATE KEY-----"


class TLSSettings(NamedTuple):
    """What `tls_config` says; "" where nothing is said. min_version: a key of VERSIONS."""

    ca_pem: str = ""
    ca_file: str = ""
    cert_pem: str = ""
    cert_file: str = ""
    key_pem: Secret | None = None
    key_file: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""


DEFAULT_TLS = TLSSettings()


class _Source:
    """A PEM text that stands in the configuration or in a file."""

    def __init__(self, inline: str, path: str) -> None:
        self._inline = inline
        self._file = FileText(path) if path and not inline else None
        self.given = bool(inline or path)
        self.changes = self._file is not None
        self.description = "inline" if self._file is None else f"file {path}"

    def read(self) -> str:
        return self._inline if self._file is None else self._file.read()


class TLS:
    """The TLS settings of one client. Raises NotSent where they cannot be used.

    server_name: the name to ask for and to check instead of the host's, or "".
    """

    def __init__(self, settings: TLSSettings) -> None:
        self.server_name = settings.server_name
        self._settings = settings
        self._ca = _Source(settings.ca_pem, settings.ca_file)
        self._cert = _Source(settings.cert_pem, settings.cert_file)
        self._key = _Source(settings.key_pem.reveal() if settings.key_pem else "", settings.key_file)
        self._changes = self._ca.changes or self._cert.changes or self._key.changes
        self._texts: tuple[str, str, str] | None = None
        self._context: ssl.SSLContext | None = None

    def check(self) -> None:
        """Raises NotSent for what is wrong in the settings.

        What only the first connection needs is left to it: reading the system's authorities takes long.
        """
        if self._ca.given or self._cert.given or self._key.given:
            self.context()

    def context(self) -> ssl.SSLContext:
        """The context for new connections; another one once a file has changed."""
        context = self._context
        if context is not None and not self._changes:
            return context
        texts = self._read()
        if context is None or texts != self._texts:
            context = self._build(*texts)
            self._context, self._texts = context, texts
        return context

    def _read(self) -> tuple[str, str, str]:
        return (
            _read(self._ca, "unable to read CA cert"),
            _read(self._cert, "unable to read specified client cert"),
            _read(self._key, "unable to read specified client key"),
        )

    def _build(self, ca: str, cert: str, key: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.hostname_checks_common_name = False  # as Go
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate may be the trusted one
        context.set_alpn_protocols(["http/1.1"])
        if self._settings.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self._settings.min_version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are asked for by name
                context.minimum_version = VERSIONS[self._settings.min_version]
        if self._ca.given:
            self._trust(context, ca)
        else:
            context.load_default_certs()
        if self._cert.given:
            self._identify(context, cert, key)
        return context

    def _trust(self, context: ssl.SSLContext, ca: str) -> None:
        usable = 0
        for certificate in re.findall(_CERTIFICATE, ca):
            try:
                context.load_verify_locations(cadata=certificate)
                usable += 1
            except (ssl.SSLError, ValueError):
                continue  # one of several may be broken
        if not usable:
            raise NotSent(f"unable to use specified CA cert {self._ca.description}")

    def _identify(self, context: ssl.SSLContext, cert: str, key: str) -> None:
        reason = ""
        if not re.search(_CERTIFICATE, cert):
            reason = "failed to find any PEM data in certificate input"
        elif not re.search(_KEY, key):
            reason = "failed to find any PEM data in key input"
        else:
            try:
                with as_file(f"{cert}\n{key}\n") as path:
                    context.load_cert_chain(path, password=lambda: "")
            except ssl.SSLError as error:
                mismatch = error.reason == "KEY_VALUES_MISMATCH"
                reason = (
                    "private key does not match public key" if mismatch else "failed to parse private key"
                )
        if reason:
            raise NotSent(
                f"unable to use specified client cert ({self._cert.description}) & "
                f"key ({self._key.description}): tls: {reason}"
            )


def _read(source: _Source, problem: str) -> str:
    try:
        return source.read()
    except NotSent as reason:
        raise NotSent(f"{problem}: {reason}") from None


@contextmanager
def as_file(text: str) -> Iterator[str]:
    """A path under which OpenSSL finds the text, which should not touch a disk."""
    if hasattr(os, "memfd_create"):
        descriptor, path = os.memfd_create("certificate"), ""
    else:
        import tempfile

        descriptor, path = tempfile.mkstemp()
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            file.write(text)
            file.flush()
            yield path or f"/proc/self/fd/{descriptor}"
    finally:
        if path:
            Path(path).unlink()
