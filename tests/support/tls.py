"""Certificates of an authority that only the tests trust; the fixture `authority` makes it."""

from __future__ import annotations

import ssl

import trustme


def pem(authority: trustme.CA) -> str:
    """The authority's certificate, for peers that should trust it."""
    return authority.cert_pem.bytes().decode()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's context that trusts the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
