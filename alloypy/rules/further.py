"""What alloypy refuses and Alloy does not: settings of its own, and values that cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.rules.forms import at_least, polling, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_OWN_HEADERS = frozenset({
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
})  # fmt: skip


def forwarded_headers(body: View) -> Iterator[Fault]:
    """Headers of requests that can be passed on: no header of the connection or of the body."""
    for name in body.get("forward_headers"):
        if not re.fullmatch(_HEADER_NAME, name) or name.lower() in _OWN_HEADERS:
            yield Fault("forward_headers", f'header "{name}" cannot be passed on')


BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "alloypy.receive_http": (
        positive("max_body_size"),
        at_least("max_bytes_in_flight", 0, "max_bytes_in_flight must not be negative"),
        forwarded_headers,
    ),
    "alloypy.import_http": (polling,),
}
"""Rules by what a class says of its rules."""
