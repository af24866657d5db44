"""Rules of the blocks that configure the process's services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.duration import SECOND
from alloypy.lang.go.text import quote
from alloypy.rules.clients import HTTP_CLIENT
from alloypy.rules.forms import regexp
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_TEXTS = ("cert_pem", "cert_file", "key_pem", "key_file", "client_ca_pem", "client_ca_file")


def service_tls(body: View) -> Iterator[Fault]:
    """What the admin server needs for TLS."""
    if body.given("windows_certificate_filter"):
        given = [name for name in _TEXTS if body.filled(name)]
        if given:
            message = "cannot specify any key, certificate or CA when using windows certificate filter"
            yield Fault(given[0], message)
        return
    for part in ("client_ca", "cert", "key"):
        if body.filled(f"{part}_pem") and body.filled(f"{part}_file"):
            yield Fault(f"{part}_file", f"cannot specify both {part}_pem and {part}_file")
    for part in ("cert", "key"):
        if not (body.filled(f"{part}_pem") or body.filled(f"{part}_file")):
            yield Fault("", f"must specify either {part}_pem or {part}_file")
    authorities = body.filled("client_ca_pem") or body.filled("client_ca_file")
    if authorities and body.get("client_auth_type") in {"", "NoClientCert"}:
        message = "cannot specify client_ca_pem or client_ca_file when client_auth_type is NoClientCert"
        yield Fault("client_ca_pem" if body.given("client_ca_pem") else "client_ca_file", message)


def remotecfg(body: View) -> Iterator[Fault]:
    """How often remote configuration is polled, and the attribute names that are reserved."""
    frequency = body.get("poll_frequency")
    if frequency < 10 * SECOND:
        message = f'poll_frequency must be at least "10s", got {quote(str(frequency))}'
        yield Fault("poll_frequency", message)
    if any(key.startswith("collector.") for key in body.get("attributes")):
        message = '"collector" is a reserved namespace for remotecfg attribute keys'
        yield Fault("attributes", message)


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "http/tls": (service_tls,),
    "http/tls/windows_certificate_filter/client": (
        regexp("subject_regex", "error compiling subject common name regular expression: "),
    ),
    "remotecfg": HTTP_CLIENT,
}
"""Rules by block, and inner blocks."""

BY_TYPE: Mapping[str, tuple[Rule, ...]] = {"remotecfg.Arguments": (remotecfg,)}
"""Rules by the Go type of the body; alloypy's own has no HTTP client settings."""
