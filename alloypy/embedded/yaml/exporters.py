"""The YAML texts of exporters: their keys, and what they refuse when they load them.

Source: the Go modules that Alloy requires, snmp_exporter v0.29.0 and sql_exporter 9bf25f71582f; that of
blackbox is in `blackbox`.
"""

from __future__ import annotations

from alloypy.embedded.yaml.blackbox import BLACKBOX
from alloypy.embedded.yaml.documents import Node
from alloypy.embedded.yaml.keys import Each, Items, keys
from alloypy.embedded.yaml.settings import filled, present, refuse, size, text

_LEVELS = ("noAuthNoPriv", "authNoPriv", "authPriv")
_PRIV_PROTOCOLS = ("DES", "AES", "AES192", "AES192C", "AES256", "AES256C")
_AUTH_PROTOCOLS = ("MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512")


def _auth(node: Node) -> None:
    """The login at an SNMP agent."""
    version = text(node, "version", "2") or "0"
    if not (version.isascii() and version.isdecimal()):
        return  # another way to write a number
    if version.lstrip("0") not in {"1", "2", "3"}:
        refuse(f"SNMP version must be 1, 2 or 3. Got: {version}", node)
    if version.lstrip("0") != "3":
        return
    level = text(node, "security_level", "noAuthNoPriv")
    if level not in _LEVELS:
        refuse("security level must be one of authPriv, authNoPriv or noAuthNoPriv", node)
    if level == "authPriv":
        if not text(node, "priv_password"):
            refuse("priv password is missing, required for SNMPv3 with priv", node)
        if text(node, "priv_protocol", "DES") not in _PRIV_PROTOCOLS:
            refuse("priv protocol must be DES or AES", node)
    if level != "noAuthNoPriv":
        if not text(node, "password"):
            refuse("auth password is missing, required for SNMPv3 with auth", node)
        if text(node, "auth_protocol", "MD5") not in _AUTH_PROTOCOLS:
            refuse("auth protocol must be SHA or MD5", node)
    if not text(node, "username"):
        refuse("auth username is missing, required for SNMPv3", node)


_AUTH = keys(
    "auth_protocol community context_name password priv_password priv_protocol security_level username "
    "version:int"
)
_METRIC = keys(
    "datetime_pattern enum_values:{}text help name offset:float oid scale:float type",
    indexes=Items(keys("enum_values:{}text fixed_size:int implied:bool labelname type")),
    lookups=Items(keys("labelname labels:[]text oid type")),
    regex_extracts=Each(Items(keys("regex:whole-regex value"))),
)
_WALK = keys(
    "allow_nonincreasing_oids:bool get:[]text max_repetitions:unsigned retries:int timeout:duration "
    "use_unconnected_udp_socket:bool walk:[]text",
    filters=Items(keys("oid targets:[]text values:[]text")),
    metrics=Items(_METRIC),
)
_SNMP = keys("version:int", auths=Each(_AUTH._replace(check=_auth)), modules=Each(_WALK))
"""The config of prometheus.exporter.snmp."""


def _sql_metric(node: Node) -> None:
    name = text(node, "metric_name")
    if not name:
        refuse("missing name for metric", node)
    for setting in ("type", "help"):
        if not text(node, setting):
            refuse(f'missing {setting} for metric "{name}"', node)
    if filled(node, "query", "query_ref") != 1:
        refuse(f'exactly one of query and query_ref must be specified for metric "{name}"', node)
    if text(node, "type").lower() not in {"counter", "gauge"}:
        refuse(f"unsupported metric type: {text(node, 'type')}", node)
    _labels(node, name)
    count, static = size(node, "values"), present(node, "static_value")
    if not count and not static:
        refuse(f'no values defined for metric "{name}"', node)
    if count and static:
        refuse(f'metric "{name}" cannot have both static_value and values defined', node)
    if count > 1:
        if not text(node, "value_label"):
            refuse(f'value_label must be defined for metric with multiple values "{name}"', node)
        _label(node, text(node, "value_label"), f"value_label for metric {name}")


def _labels(node: Node, name: str) -> None:
    given = node.get("key_labels")
    labels = [] if given is None else [each.value for each in given.content if not each.tagged]
    for at, label in enumerate(labels):
        _label(node, label, f"metric {name}")
        if label in labels[at + 1 :]:
            refuse(f'duplicate key label "{label}" for metric "{name}"', node)
        if label == text(node, "value_label"):
            message = (
                f'duplicate label "{label}" (defined in both key_labels and value_label) for metric "{name}"'
            )
            refuse(message, node)


def _label(node: Node, label: str, where: str) -> None:
    if not label:
        refuse(f"empty label defined in {where}", node)
    if label == "job":
        refuse(f'reserved label "{label}" redefined in {where}', node)


def _sql_query(node: Node) -> None:
    name = text(node, "query_name")
    if not name:
        refuse("missing name for query", node)
    if not text(node, "query"):
        refuse(f'missing query literal for query "{name}"', node)


def _collector(node: Node) -> None:
    collector = text(node, "collector_name")
    if not size(node, "metrics"):
        refuse(f'no metrics defined for collector "{collector}"', node)
    queries, metrics = node.get("queries"), node.get("metrics")
    names = {text(each, "query_name") for each in (queries.content if queries is not None else ())}
    for metric in metrics.content if metrics is not None else ():
        query = text(metric, "query_ref")
        if query and query not in names:
            name = text(metric, "metric_name")
            message = f'unresolved query_ref "{query}" in metric "{name}" of collector "{collector}"'
            refuse(message, metric)


_SQL_METRIC = keys(
    "metric_name type help key_labels:[]text static_labels:{}text value_label values:[]text query query_ref "
    "no_prepared_statement:bool static_value:float timestamp_value"
)._replace(check=_sql_metric)
_SQL_QUERY = keys("query_name query no_prepared_statement:bool")._replace(check=_sql_query)
_MSSQL = keys(
    "collector_name min_interval:prometheus-duration", metrics=Items(_SQL_METRIC), queries=Items(_SQL_QUERY)
)._replace(check=_collector)
"""The query_config of prometheus.exporter.mssql."""

DOCUMENTS = {"blackbox": BLACKBOX, "snmp": _SNMP, "mssql": _MSSQL}
"""What each exporter's text may contain."""
