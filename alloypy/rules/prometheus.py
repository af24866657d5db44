"""Rules of the prometheus and mimir components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.go.text import quote
from alloypy.rules.clients import HTTP_CLIENT, logins
from alloypy.rules.forms import accepting, not_empty, one_of, positive, regexp_fault
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_PROTOCOLS = (
    "OpenMetricsText0.0.1",
    "OpenMetricsText1.0.0",
    "PrometheusProto",
    "PrometheusText0.0.4",
    "PrometheusText1.0.0",
)
_DEFAULT_PROTOCOLS = [
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
]
_ESCAPING = ("allow-utf-8", "underscores", "dots", "values")
_MESSAGES = ("prometheus.WriteRequest", "io.prometheus.write.v2.Request")
_VALIDATIONS = ("utf8", "legacy")
_CLOUDS = ("AzureChina", "AzureGovernment", "AzurePublic")


def scrape_timeout(body: View) -> Iterator[Fault]:
    """A scrape ends before the next begins."""
    timeout, interval = body.get("scrape_timeout"), body.get("scrape_interval")
    if timeout > interval:
        message = (
            f"scrape_timeout ({timeout}) greater than scrape_interval ({interval}) for scrape config with "
            f"job name {quote(body.text('job_name'))}"
        )
        yield Fault("scrape_timeout" if body.given("scrape_timeout") else "scrape_interval", message)


@accepting(scrape_protocols=_PROTOCOLS)
def scrape_protocols(body: View) -> Iterator[Fault]:
    """Protocols that are known, named once, and fit the other settings."""
    protocols = body.get("scrape_protocols")
    negotiated, native = body.get("enable_protobuf_negotiation"), body.get("scrape_native_histograms")
    own = protocols != _DEFAULT_PROTOCOLS
    if negotiated and own:
        message = (
            "both enable_protobuf_negotiation and scrape_protocols are set, only one can be set at a time"
        )
        yield Fault("scrape_protocols", message)
    elif native and own and "PrometheusProto" not in protocols:
        message = "scrape_native_histograms is set to true, but PrometheusProto is not in scrape_protocols"
        yield Fault("scrape_protocols", message)
    for index, protocol in enumerate(protocols):
        if protocol in protocols[:index]:
            message = (
                f"duplicate scrape protocol {quote(protocol)}: "
                "make sure the scrape protocols provided are unique"
            )
            yield Fault("scrape_protocols", message)
            return
        if protocol not in _PROTOCOLS:
            message = f"invalid scrape protocol {quote(protocol)}: {_unknown_protocol(protocol)}"
            yield Fault("scrape_protocols", message)
            return


def _unknown_protocol(protocol: str) -> str:
    return f"unknown scrape protocol {protocol}, supported: [{' '.join(_PROTOCOLS)}]"


@accepting(scrape_fallback_protocol=_PROTOCOLS)
def scrape_fallback(body: View) -> Iterator[Fault]:
    """The fallback protocol is known."""
    protocol = body.text("scrape_fallback_protocol")
    if protocol and protocol not in _PROTOCOLS:
        message = f"invalid scrape_fallback_protocol {quote(protocol)}: {_unknown_protocol(protocol)}"
        yield Fault("scrape_fallback_protocol", message)


@accepting(metric_name_validation_scheme=_VALIDATIONS, metric_name_escaping_scheme=_ESCAPING)
def metric_names(body: View) -> Iterator[Fault]:
    """The schemes for metric names."""
    validation, escaping = (
        body.text("metric_name_validation_scheme"),
        body.text("metric_name_escaping_scheme"),
    )
    if validation not in _VALIDATIONS:
        message = (
            f'invalid metric_name_validation_scheme {quote(validation)}: must be either "utf8" or "legacy"'
        )
        yield Fault("metric_name_validation_scheme", message)
    if escaping and escaping not in _ESCAPING:
        message = (
            f"invalid metric_name_escaping_scheme: {quote(escaping)}, "
            f"supported values: [{' '.join(_ESCAPING)}]"
        )
        yield Fault("metric_name_escaping_scheme", message)
    elif escaping == "allow-utf-8" and validation == "legacy":
        message = (
            "metric_name_escaping_scheme cannot be set to 'allow-utf-8' while "
            "metric_name_validation_scheme is not set to 'utf8'"
        )
        yield Fault("metric_name_escaping_scheme", message)


def remote_write_login(body: View) -> Iterator[Fault]:
    """A remote write endpoint has one authentication method."""
    clouds = [name for name in ("sigv4", "azuread", "google_iam") if body.given(name)]
    if len(clouds) + bool(list(logins(body))) > 1:
        message = (
            "at most one of sigv4, azuread, google_iam, basic_auth, oauth2, bearer_token & "
            "bearer_token_file must be configured"
        )
        yield Fault(clouds[-1], message)


@accepting(protobuf_message=_MESSAGES)
def remote_write_message(body: View) -> Iterator[Fault]:
    """The message is one of remote write's two."""
    message_type = body.text("protobuf_message")
    if message_type not in _MESSAGES:
        message = (
            f"invalid protobuf_message {quote(message_type)} for endpoint {quote(body.text('name'))}: "
            f"unknown type for remote write protobuf message {message_type}, "
            f"supported: {', '.join(_MESSAGES)}"
        )
        yield Fault("protobuf_message", message)


def write_ahead_log(body: View) -> Iterator[Fault]:
    """Times of the write-ahead log."""
    if body.get("truncate_frequency") == 0:
        yield Fault("truncate_frequency", "truncate_frequency must not be 0")
    elif body.get("max_keepalive_time") <= body.get("min_keepalive_time"):
        at = "max_keepalive_time" if body.given("max_keepalive_time") else "min_keepalive_time"
        yield Fault(at, "min_keepalive_time must be smaller than max_keepalive_time")


def sigv4(body: View) -> Iterator[Fault]:
    """AWS keys come in pairs, and external IDs with a role."""
    if body.filled("access_key") != body.filled("secret_key"):
        message = (
            "must provide an AWS SigV4 access key and secret key if credentials are specified in the "
            "SigV4 config"
        )
        yield Fault("access_key" if body.given("access_key") else "secret_key", message)
    elif body.filled("external_id") and not body.filled("role_arn"):
        yield Fault("external_id", "external_id can only be used with role_arn")


@accepting(cloud=_CLOUDS)
def azuread(body: View) -> Iterator[Fault]:
    """One cloud and one way to log in to it."""
    if body.text("cloud") not in _CLOUDS:
        yield Fault("cloud" if body.given("cloud") else "", "must provide a cloud in the Azure AD config")
        return
    given = [n for n in ("managed_identity", "workload_identity", "oauth", "sdk") if body.given(n)]
    if not given:
        message = (
            "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK "
            "in the Azure AD config"
        )
        yield Fault("", message)
    elif len(given) > 1:
        yield Fault(given[1], "cannot provide multiple authentication methods in the Azure AD config")


def relabel_cache(body: View) -> Iterator[Fault]:
    """The cache is bounded by size or by time."""
    size, ttl = body.get("max_cache_size"), body.get("cache_ttl")
    at = "cache_ttl" if body.given("cache_ttl") else "max_cache_size"
    if size < 0:
        yield Fault("max_cache_size", f"max_cache_size must be >= 0; got {size}")
    elif ttl < 0:
        yield Fault("cache_ttl", f"cache_ttl must be >= 0; got {ttl}")
    elif size > 0 and ttl > 0:
        message = (
            "max_cache_size and cache_ttl are mutually exclusive: set max_cache_size = 0 to use cache_ttl, "
            "or unset cache_ttl to keep the bounded LRU cache"
        )
        yield Fault(at, message)
    elif size == 0 and ttl == 0:
        yield Fault(at, "one of max_cache_size or cache_ttl must be set")
    elif 0 < ttl < MINUTE:
        message = f"cache_ttl must be at least {Duration(MINUTE)} when set; got {ttl}"
        yield Fault("cache_ttl", message)


def match_value(body: View) -> Iterator[Fault]:
    """A matcher compares with exactly one value."""
    count = body.filled("value") + body.filled("value_from_label")
    if count != 1:
        message = f"exactly one of 'value' or 'value_from_label' must be provided, got {count}"
        yield Fault("", message)


def process_matcher(body: View) -> Iterator[Fault]:
    """What processes of a group have in common."""
    if not any(map(body.given, ("comm", "exe", "cmdline"))):
        yield Fault("", "process_names is invalid: no matchers provided")
        return
    for index, text in enumerate(body.get("cmdline")):
        lead = f"process_names is invalid: bad cmdline regex {quote(text)}: "
        yield from regexp_fault("cmdline", text, lead, index)


_MATCH_TYPE = one_of("match_type", "=", "!=", "=~", "!~", message="invalid match type: {quoted}")


def rules_sync(prefix: str) -> tuple[Rule, ...]:
    """Rules of the two components that load rules from Kubernetes."""
    return (
        positive("sync_interval"),
        *(
            not_empty(f"{prefix}_{name}", f"{prefix}_{name} must not be empty")
            for name in ("namespace_prefix", "namespace_separator")
        ),
        *HTTP_CLIENT,
    )


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "prometheus.scrape": (scrape_timeout, scrape_protocols, scrape_fallback, metric_names, *HTTP_CLIENT),
    "prometheus.remote_write/endpoint": (*HTTP_CLIENT, remote_write_login, remote_write_message),
    "prometheus.remote_write/wal": (write_ahead_log,),
    "prometheus.remote_write/endpoint/sigv4": (sigv4,),
    "prometheus.remote_write/endpoint/azuread": (azuread,),
    "prometheus.relabel": (relabel_cache,),
    "prometheus.exporter.process/matcher": (process_matcher,),
    "mimir.alerts.kubernetes": HTTP_CLIENT,
    "mimir.rules.kubernetes": rules_sync("mimir"),
    "mimir.rules.kubernetes/extra_query_matchers/matcher": (_MATCH_TYPE, match_value),
    "loki.rules.kubernetes": rules_sync("loki"),
    "loki.rules.kubernetes/extra_query_matchers/matcher": (_MATCH_TYPE,),
}
"""Rules by component and inner blocks."""
