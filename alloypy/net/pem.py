"""Certificates and keys as PEM text, which OpenSSL reads only from files."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CERTIFICATE = r"(?s)-----BEGIN CERTIFICATE-----\s(?:(?!-----BEGIN).)*?-----END CERTIFICATE-----"
"""A pattern that matches one certificate."""
_KEY = r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\s(?:(?!-----BEGIN).)*?-----END [A-Z0-9 ]*PRIVATE KEY-----"


class BadPair(ValueError):
    """A certificate and a key cannot be used together; the text is Go's."""


def load_pair(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have `context` present this certificate and its chain. Raises BadPair."""
    if not re.search(CERTIFICATE, certificate):
        raise BadPair("tls: failed to find any PEM data in certificate input")
    if not re.search(_KEY, key):
        raise BadPair("tls: failed to find any PEM data in key input")
    try:
        with _as_file(f"{certificate}\n{key}\n") as path:
            context.load_cert_chain(path, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadPair("tls: private key does not match public key") from None
        raise BadPair("tls: failed to parse private key") from None


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """A path at which OpenSSL can read the text; where possible, it never touches a disk."""
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
