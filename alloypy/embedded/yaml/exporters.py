"""The YAML texts of exporters: their keys, and what they refuse when they load them.

Source: the Go modules that Alloy requires, blackbox_exporter v0.24.1-0.20230623125439-bd22efa1c900,
snmp_exporter v0.29.0, sql_exporter 9bf25f71582f and prometheus/common v0.70.1.
"""

from __future__ import annotations

from alloypy.embedded.yaml.documents import Node
from alloypy.embedded.yaml.keys import MERGE, Each, Items, is_null, keys
from alloypy.lang.text_error import TextError


def _text(node: Node, name: str, default: str = "") -> str | None:
    """The text of a setting, or its default; None where that cannot be said for certain."""
    found = node.get(name)
    if node.get(MERGE) is not None or (found is not None and (found.tagged or found.kind != "scalar")):
        return None
    return default if found is None or is_null(found) else found.value


def _refuse(message: str, node: Node) -> None:
    """Refuse a mapping; the place is its beginning."""
    raise TextError(message, node.start, node.start + 1)


_TLS = keys(
    "ca ca_file ca_ref cert cert_file cert_ref insecure_skip_verify key key_file key_ref max_version "
    "min_version server_name"
)
_ANSWERS = keys(
    "fail_if_all_match_regexp fail_if_matches_regexp fail_if_none_matches_regexp fail_if_not_matches_regexp"
)
_HEADERS = Items(keys("allow_missing header regexp"))
_OAUTH2 = keys(
    "audience claims client_certificate_key client_certificate_key_file client_certificate_key_id "
    "client_certificate_key_ref client_id client_secret client_secret_file client_secret_ref endpoint_params "
    "grant_type iss no_proxy proxy_connect_header proxy_from_environment proxy_url scopes "
    "signature_algorithm token_url",
    tls_config=_TLS,
)
_HTTP = keys(
    "bearer_token bearer_token_file body body_file body_size_limit compression enable_http2 "
    "fail_if_body_matches_regexp fail_if_body_not_matches_regexp fail_if_not_ssl fail_if_ssl "
    "follow_redirects headers ip_protocol_fallback method no_follow_redirects no_proxy "
    "preferred_ip_protocol proxy_connect_header proxy_from_environment proxy_url "
    "skip_resolve_phase_with_proxy valid_http_versions valid_status_codes",
    authorization=keys("credentials credentials_file credentials_ref type"),
    basic_auth=keys("password password_file password_ref username username_file username_ref"),
    fail_if_header_matches=_HEADERS,
    fail_if_header_not_matches=_HEADERS,
    http_headers=Each(keys("files secrets values")),
    oauth2=_OAUTH2,
    tls_config=_TLS,
)
_DNS = keys(
    "dns_over_tls ip_protocol_fallback preferred_ip_protocol query_class query_name query_type "
    "recursion_desired source_ip_address transport_protocol valid_rcodes",
    tls_config=_TLS,
    validate_additional_rrs=_ANSWERS,
    validate_answer_rrs=_ANSWERS,
    validate_authority_rrs=_ANSWERS,
)
_ICMP = keys("dont_fragment ip_protocol_fallback payload_size preferred_ip_protocol source_ip_address ttl")
_TCP = keys(
    "ip_protocol_fallback preferred_ip_protocol source_ip_address tls",
    query_response=Items(keys("expect send starttls")),
    tls_config=_TLS,
)
_GRPC = keys("ip_protocol_fallback preferred_ip_protocol service tls", tls_config=_TLS)


def _http(node: Node) -> None:
    if _text(node, "body") and _text(node, "body_file"):
        _refuse("setting body and body_file both are not allowed", node)


def _dns(node: Node) -> None:
    if _text(node, "query_name") == "":
        _refuse("query name must be set for DNS module", node)


_PROBE = keys(
    "prober timeout",
    dns=_DNS._replace(check=_dns),
    grpc=_GRPC,
    http=_HTTP._replace(check=_http),
    icmp=_ICMP,
    tcp=_TCP,
)
_BLACKBOX = keys("", modules=Each(_PROBE))
"""The config of prometheus.exporter.blackbox."""

_LEVELS = {
    "noAuthNoPriv": ("username",),
    "authNoPriv": ("password", "username"),
    "authPriv": ("priv_password", "password", "username"),
}
_MISSING = {
    "priv_password": "priv password is missing, required for SNMPv3 with priv",
    "password": "auth password is missing, required for SNMPv3 with auth",
    "username": "auth username is missing, required for SNMPv3",
}


def _auth(node: Node) -> None:
    """The login at an SNMP agent."""
    version, level = _text(node, "version", "2"), _text(node, "security_level", "noAuthNoPriv")
    if version is None or level is None or not (version.isascii() and version.isdecimal()):
        return
    if version.lstrip("0") not in {"1", "2", "3"}:
        _refuse(f"SNMP version must be 1, 2 or 3. Got: {version}", node)
    if version != "3":
        return
    if level not in _LEVELS:
        _refuse("security level must be one of authPriv, authNoPriv or noAuthNoPriv", node)
    for name in _LEVELS[level]:
        if _text(node, name) == "":
            _refuse(_MISSING[name], node)


_AUTH = keys(
    "auth_protocol community context_name password priv_password priv_protocol security_level username "
    "version"
)
_METRIC = keys(
    "datetime_pattern enum_values help name offset oid scale type",
    indexes=Items(keys("enum_values fixed_size implied labelname type")),
    lookups=Items(keys("labelname labels oid type")),
    regex_extracts=Each(Items(keys("regex value"))),
)
_WALK = keys(
    "allow_nonincreasing_oids get max_repetitions retries timeout use_unconnected_udp_socket walk",
    filters=Items(keys("oid targets values")),
    metrics=Items(_METRIC),
)
_SNMP = keys("version", auths=Each(_AUTH._replace(check=_auth)), modules=Each(_WALK))
"""The config of prometheus.exporter.snmp."""

_SQL_METRIC = keys(
    "metric_name type help key_labels static_labels value_label values query query_ref "
    "no_prepared_statement static_value timestamp_value"
)
_SQL_QUERY = keys("query_name query no_prepared_statement")


def _collector(node: Node) -> None:
    metrics = node.get("metrics")
    if node.get(MERGE) is None and (metrics is None or (is_null(metrics) and not metrics.tagged)):
        _refuse(f'no metrics defined for collector "{_text(node, "collector_name") or ""}"', node)


_MSSQL = keys("collector_name min_interval", metrics=Items(_SQL_METRIC), queries=Items(_SQL_QUERY))._replace(
    check=_collector
)
"""The query_config of prometheus.exporter.mssql."""

DOCUMENTS = {"blackbox": _BLACKBOX, "snmp": _SNMP, "mssql": _MSSQL}
"""What each exporter's text may contain."""
