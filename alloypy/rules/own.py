"""Rules of the pyroscope, local and remote components, of services and of imports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.lang.go.duration import SECOND
from alloypy.lang.go.text import quote
from alloypy.rules.body import Body, Broken, Rule
from alloypy.rules.clients import HTTP_CLIENT
from alloypy.rules.forms import not_both, one_of, parse_url, positive

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*\Z")
_GIT_NAMES = ("HEAD", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD")


def scrape_times(body: Body) -> Iterator[Broken]:
    """Times of pyroscope.scrape; a delta profile takes one interval less a second."""
    if body.get("scrape_timeout") <= 0:
        yield Broken("scrape_timeout", "scrape_timeout must be greater than 0")
        return
    if not _has_delta_profile(body):
        return
    interval, duration = body.get("scrape_interval"), body.get("delta_profiling_duration")
    if interval < 2 * SECOND:
        message = "scrape_interval must be at least 2 seconds when using delta profiling"
        yield Broken("scrape_interval", message)
        return
    at = "delta_profiling_duration" if body.given("delta_profiling_duration") else "scrape_interval"
    if duration <= SECOND:
        message = "delta_profiling_duration must be larger than 1 second when using delta profiling"
        yield Broken(at, message)
    elif duration > interval - SECOND:
        message = (
            "delta_profiling_duration must be at least 1 second smaller than scrape_interval when using "
            "delta profiling"
        )
        yield Broken(at, message)


def _has_delta_profile(body: Body) -> bool:
    profiling = body.block("profiling_config")
    if profiling is None:
        return False
    profiles = [profiling.block(b.name) for b in profiling.spec.blocks if not b.repeated]
    profiles += profiling.blocks("profile.custom")
    return any(p is not None and p.get("enabled") and p.get("delta") for p in profiles)


_COMM = one_of(
    "comm",
    "",
    "none",
    "label",
    "stackframe",
    "both",
    message='invalid comm mode {quoted}, valid values are: "none", "label", "stackframe", "both"',
)


def http_polling(body: Body) -> Iterator[Broken]:
    """Times of remote.http; the first that does not fit is told, as Alloy does."""
    frequency, timeout = body.get("poll_frequency"), body.get("poll_timeout")
    if frequency <= 0:
        yield Broken("poll_frequency", "poll_frequency must be greater than 0")
    elif timeout <= 0:
        yield Broken("poll_timeout", "poll_timeout must be greater than 0")
    elif timeout >= frequency:
        at = "poll_timeout" if body.given("poll_timeout") else "poll_frequency"
        yield Broken(at, "poll_timeout must be less than poll_frequency")


def http_request(body: Body) -> Iterator[Broken]:
    """Method and URL make a request."""
    method = body.text("method")
    if not _METHOD.match(method):
        yield Broken("method", f"net/http: invalid method {quote(method)}")
        return
    try:
        parse_url(body.text("url"))
    except ValueError as error:
        yield Broken("url", str(error))


def vault_login(body: Body) -> Iterator[Broken]:
    """One way to log in to Vault."""
    count = body.grouped("auth")
    if count != 1:
        found = count or "none"
        yield Broken("", f"exactly one auth.* block must be specified; found {found}")


def vault_aws(body: Body) -> Iterator[Broken]:
    """Kinds of AWS logins."""
    kind, signature = body.text("type"), body.text("ec2_signature_type")
    if not kind:
        yield Broken("type" if body.given("type") else "", "type must not be empty")
    elif kind not in {"ec2", "iam"}:
        yield Broken("type", f"unrecognized type {quote(kind)}, expected one of ec2,iam")
    elif not signature:
        yield Broken("ec2_signature_type", "ec2_signature_type must not be empty")
    elif signature not in {"pkcs7", "identity"}:
        message = f": unrecognized ec2_signature_type {quote(kind)}, expected one of pkcs7,identity"
        yield Broken("ec2_signature_type", message)


def vault_gcp(body: Body) -> Iterator[Broken]:
    """Kinds of GCP logins."""
    kind = body.text("type")
    if kind == "iam":
        if not body.filled("iam_service_account"):
            yield Broken("", "iam_service_account must be provided when type is iam")
    elif kind != "gce":
        yield Broken("type", f"unrecognized type {quote(kind)}, expected one of gce,iam")


def s3_polling(body: Body) -> Iterator[Broken]:
    """S3 is not polled too often."""
    if body.get("poll_frequency") <= 30 * SECOND:
        yield Broken("poll_frequency", "poll_frequency must be greater than 30s")


def service_tls(body: Body) -> Iterator[Broken]:
    """What the admin server needs for TLS."""
    if body.given("windows_certificate_filter"):
        return
    certificate = body.filled("cert_pem") or body.filled("cert_file")
    authorities = body.filled("client_ca_pem") or body.filled("client_ca_file")
    if not certificate:
        yield Broken("", "must specify either cert_pem or cert_file")
    elif not (body.filled("key_pem") or body.filled("key_file")):
        yield Broken("", "must specify either key_pem or key_file")
    elif authorities and body.get("client_auth_type") in {"", "NoClientCert"}:
        message = "cannot specify client_ca_pem or client_ca_file when client_auth_type is NoClientCert"
        yield Broken("client_ca_pem" if body.given("client_ca_pem") else "client_ca_file", message)


def remotecfg(body: Body) -> Iterator[Broken]:
    """How often remote configuration is asked for, and what may not be told about oneself."""
    frequency = body.get("poll_frequency")
    if frequency < 10 * SECOND:
        message = f'poll_frequency must be at least "10s", got {quote(str(frequency))}'
        yield Broken("poll_frequency", message)
    if any(key.startswith("collector.") for key in body.get("attributes")):
        message = '"collector" is a reserved namespace for remotecfg attribute keys'
        yield Broken("attributes", message)


def git_revision(body: Body) -> Iterator[Broken]:
    """A revision that stays the same."""
    if body.text("revision") in _GIT_NAMES:
        names = ", ".join(_GIT_NAMES[:-1])
        yield Broken(
            "revision", f"revision cannot be a special git reference such as {names}, or {_GIT_NAMES[-1]}"
        )


def receiver_port(body: Body) -> Iterator[Broken]:
    """A port is a number of 16 bits."""
    port = body.get("listen_port")
    if not 0 <= port <= 65535:
        yield Broken("listen_port", f"listen tcp: address {port}: invalid port")


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "pyroscope.write/endpoint": HTTP_CLIENT,
    "pyroscope.scrape": (scrape_times, *HTTP_CLIENT),
    "pyroscope.ebpf": (_COMM,),
    "pyroscope.relabel": (positive("max_cache_size", "must provide a positive size"),),
    "pyroscope.receive_http/http": (receiver_port,),
    "local.file": (positive("poll_frequency"),),
    "remote.http": (http_polling, http_request),
    "remote.s3": (s3_polling,),
    "remote.vault": (vault_login,),
    "remote.vault/auth.aws": (vault_aws,),
    "remote.vault/auth.gcp": (vault_gcp,),
    "remote.kubernetes.secret": (
        positive("poll_frequency"),
        positive("poll_timeout", "poll_timeout must not be greater than 0"),
    ),
    "remote.kubernetes.configmap": (
        positive("poll_frequency"),
        positive("poll_timeout", "poll_timeout must not be greater than 0"),
    ),
    "http/tls": (
        *(
            not_both(f"{part}_pem", f"{part}_file", f"cannot specify both {part}_pem and {part}_file")
            for part in ("client_ca", "cert", "key")
        ),
        service_tls,
    ),
    "remotecfg": (remotecfg, *HTTP_CLIENT),
    "import.git": (git_revision,),
}
"""Rules by component or block, and inner blocks."""
