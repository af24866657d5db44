"""Names of HTTP headers as Go writes them.

Source: Go's package `net/textproto`.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")


def canonical_name(name: str) -> str:
    """The name as in `X-Scope-Orgid`; a name with characters that are not allowed is unchanged."""
    if not is_header_name(name):
        return name
    return "-".join(part.capitalize() for part in name.split("-"))


def is_header_name(name: str) -> bool:
    """Whether HTTP allows the name."""
    return _NAME.fullmatch(name) is not None
