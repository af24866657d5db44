"""Rules of the local and remote components."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.lang.go.duration import SECOND
from alloypy.lang.go.text import quote
from alloypy.rules.forms import accepting, parse_url, polling, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*\Z")
_AWS_LOGINS = ("ec2", "iam")
_GCP_LOGINS = ("gce", "iam")
_SIGNATURES = ("pkcs7", "identity")


def http_request(body: View) -> Iterator[Fault]:
    """The method and the URL are those of a valid request."""
    method = body.text("method")
    if not _METHOD.match(method):
        yield Fault("method", f"net/http: invalid method {quote(method)}")
        return
    try:
        parse_url(body.text("url"))
    except ValueError as error:
        yield Fault("url", str(error))


def vault_login(body: View) -> Iterator[Fault]:
    """One way to log in to Vault."""
    count = body.grouped("auth")
    if count != 1:
        found = count or "none"
        yield Fault("", f"exactly one auth.* block must be specified; found {found}")


@accepting(type=_AWS_LOGINS, ec2_signature_type=_SIGNATURES)
def vault_aws(body: View) -> Iterator[Fault]:
    """Kinds of AWS logins."""
    kind, signature = body.text("type"), body.text("ec2_signature_type")
    if not kind:
        yield Fault("type" if body.given("type") else "", "type must not be empty")
    elif kind not in _AWS_LOGINS:
        yield Fault("type", f"unrecognized type {quote(kind)}, expected one of ec2,iam")
    elif not signature:
        yield Fault("ec2_signature_type", "ec2_signature_type must not be empty")
    elif signature not in _SIGNATURES:
        message = f": unrecognized ec2_signature_type {quote(kind)}, expected one of pkcs7,identity"
        yield Fault("ec2_signature_type", message)


@accepting(type=_GCP_LOGINS)
def vault_gcp(body: View) -> Iterator[Fault]:
    """Kinds of GCP logins."""
    kind = body.text("type")
    if kind == "iam":
        if not body.filled("iam_service_account"):
            yield Fault("", "iam_service_account must be provided when type is iam")
    elif kind != "gce":
        yield Fault("type", f"unrecognized type {quote(kind)}, expected one of gce,iam")


def s3_polling(body: View) -> Iterator[Fault]:
    """S3 is not polled too often."""
    if body.get("poll_frequency") <= 30 * SECOND:
        yield Fault("poll_frequency", "poll_frequency must be greater than 30s")


_KUBERNETES = (
    positive("poll_frequency"),
    positive("poll_timeout", "poll_timeout must not be greater than 0"),
)

BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "local.file": (positive("poll_frequency"),),
    "remote.http": (polling, http_request),
    "remote.s3": (s3_polling,),
    "remote.vault": (vault_login,),
    "remote.vault/auth.aws": (vault_aws,),
    "remote.vault/auth.gcp": (vault_gcp,),
    "remote.kubernetes.secret": _KUBERNETES,
    "remote.kubernetes.configmap": _KUBERNETES,
}
"""Rules by component and inner blocks."""
