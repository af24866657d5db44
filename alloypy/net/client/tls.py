"""TLS for clients: settings, and contexts that follow their files.

Source: docs/spec/PYROSCOPE.md, section 4 (`tls_config`).
"""

from __future__ import annotations

import logging
import re
import ssl
import warnings
from typing import NamedTuple

from alloypy.files import read_regular
from alloypy.lang.values import Secret
from alloypy.net.client.messages import NotSent, SendTimeout
from alloypy.net.followed import Followed, UnusableError, named, tell_of_files
from alloypy.net.pem import CERTIFICATE, BadPair, load_pair
from alloypy.os_errors import open_fault, system_words
from alloypy.threads import FILE_SECONDS

logger = logging.getLogger("alloypy.files")

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class TLSSettings(NamedTuple):
    """The settings of `tls_config`; "" where one is absent. min_version: a key of VERSIONS."""

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
    """A PEM text from the configuration or from a file."""

    def __init__(self, inline: str, path: str, problem: str) -> None:
        self._inline = inline
        self._problem = problem
        self.path = path if not inline else ""
        self.given = bool(inline or path)
        self.description = f"file {path}" if self.path else "inline"

    def read(self) -> str:
        """The text. Raises UnusableError."""
        if not self.path:
            return self._inline
        try:
            return read_regular(self.path).decode(errors="surrogateescape").strip()
        except (OSError, ValueError) as error:
            fault = f"unable to read file {self.path}: {open_fault(self.path, error)}"
            raise UnusableError(f"{self._problem}: {fault}") from None


class TLS:
    """The TLS settings of one client, and contexts that follow their files.

    server_name: the name to ask for and to verify instead of the host's, or "".
    """

    def __init__(self, settings: TLSSettings) -> None:
        self.server_name = settings.server_name
        self._settings = settings
        self._ca = _Source(settings.ca_pem, settings.ca_file, "unable to read CA cert")
        self._cert = _Source(settings.cert_pem, settings.cert_file, "unable to read specified client cert")
        key_pem = settings.key_pem.reveal() if settings.key_pem else ""
        self._key = _Source(key_pem, settings.key_file, "unable to read specified client key")
        self._paths = tuple(source.path for source in self._sources if source.path)
        self._built: tuple[list[str], ssl.SSLContext] | None = None
        self._followed = Followed(self._make, self._paths, self._fault, self._tell)

    @property
    def _sources(self) -> tuple[_Source, _Source, _Source]:
        return self._ca, self._cert, self._key

    @property
    def problem(self) -> str:
        """Why earlier contents are still in use, or ""."""
        return self._followed.problem

    async def check(self) -> None:
        """Raises NotSent for settings that cannot be used.

        What only a connection needs is left to the first one: loading the system's authorities takes long.
        """
        if any(source.given for source in self._sources):
            await self.context()

    def present(self) -> ssl.SSLContext | None:
        """The context for new connections; None if it has to be waited for."""
        return self._followed.present()

    async def context(self, within: float = FILE_SECONDS) -> ssl.SSLContext:
        """The context for new connections; a new one once a file has changed.

        Raises NotSent if there is no usable one, and SendTimeout after `within` seconds.
        """
        try:
            return await self._followed.get(within)
        except UnusableError as reason:
            raise NotSent(str(reason)) from None
        except TimeoutError:
            raise SendTimeout from None

    def _make(self) -> ssl.SSLContext:
        texts = [source.read() for source in self._sources]
        if self._built is None or texts != self._built[0]:
            self._built = texts, self._build(*texts)
        return self._built[1]

    def _fault(self, error: OSError | ValueError) -> str:
        """The error when it is not known which file it was."""
        return f"unable to read {named(self._paths)}: {system_words(error)}"

    def _tell(self, problem: str) -> None:
        tell_of_files(logger, problem, "the previous ones stay")

    def _build(self, ca: str, cert: str, key: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.hostname_checks_common_name = False  # as in Go
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
        for certificate in re.findall(CERTIFICATE, ca):
            try:
                context.load_verify_locations(cadata=certificate)
                usable += 1
            except (ssl.SSLError, ValueError):
                continue  # one of several may be broken
        if not usable:
            raise UnusableError(f"unable to use specified CA cert {self._ca.description}")

    def _identify(self, context: ssl.SSLContext, cert: str, key: str) -> None:
        try:
            load_pair(context, cert, key)
        except BadPair as error:
            raise UnusableError(
                f"unable to use specified client cert ({self._cert.description}) & "
                f"key ({self._key.description}): {error}"
            ) from None
