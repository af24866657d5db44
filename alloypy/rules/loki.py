"""Rules of the loki components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alloypy.lang.go.duration import SECOND
from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import hide
from alloypy.rules.clients import HTTP_CLIENT
from alloypy.rules.forms import (
    POSITIVE_SIZE,
    accepting,
    at_least,
    exactly_one,
    not_empty,
    one_of,
    parse_url,
    positive,
)
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_ASSIGNORS = ("sticky", "roundrobin", "range")
_COUNTS = ("inc", "add")
_IDLE = at_least("max_idle_duration", SECOND, "max_idle_duration must be greater or equal than 1s")


def write_url(body: View) -> Iterator[Fault]:
    """An endpoint is a URL."""
    url = body.text("url")
    try:
        parse_url(url)
    except ValueError as error:
        yield Fault("url", f"failed to parse remote url {quote(hide(url, 'url'))}: {error}")


def write_ahead_log(body: View) -> Iterator[Fault]:
    """Times of the write-ahead log."""
    if body.get("min_read_frequency") >= body.get("max_read_frequency"):
        at = "min_read_frequency" if body.given("min_read_frequency") else "max_read_frequency"
        yield Fault(at, "WAL min read frequency should be lower than max read frequency")


def docker_refresh(body: View) -> Iterator[Fault]:
    """The interval of looking for containers is positive."""
    interval = body.get("refresh_interval")
    if interval <= 0:
        yield Fault("refresh_interval", f"refresh_interval must be positive, got {quote(str(interval))}")


def docker_host(body: View) -> Iterator[Fault]:
    """A Docker host is a URL."""
    host = body.text("host")
    try:
        parse_url(host)
    except ValueError as error:
        yield Fault("host", f"failed to parse Docker host {quote(hide(host, 'url'))}: {error}")


@accepting(assignor=_ASSIGNORS)
def assignor(body: View) -> Iterator[Fault]:
    """How partitions are spread."""
    value = body.text("assignor")
    if value not in _ASSIGNORS:
        message = f"assignor value {value} is invalid, must be one of: [{' '.join(_ASSIGNORS)}]"
        yield Fault("assignor", message)


def syslog_options(body: View) -> Iterator[Fault]:
    """Settings of one syslog format are rejected with another; only the first is reported, as Alloy does."""
    form = body.get("syslog_format")
    if body.given("rfc3164_cisco_components") and form != "rfc3164":
        message = 'rfc3164_cisco_components has no effect when syslog format is not "rfc3164"'
        yield Fault("rfc3164_cisco_components", message)
        return
    names = ["rfc5424_allow_empty_msg"] if form != "rfc5424" else []
    if form == "raw":
        names += ["use_rfc5424_message", "rfc3164_default_to_current_year", "use_incoming_timestamp"]
    for name in names:
        if body.get(name):
            message = f'"{name}" has no effect when syslog format is set to {quote(form)}'
            yield Fault(name, message)
            return
    if form != "raw" and body.given("raw_format_options"):
        yield Fault("raw_format_options", 'raw_format_options has no effect when syslog format is not "raw"')


def cisco_components(body: View) -> Iterator[Fault]:
    """At least one component is on."""
    names = ("enable_all", "hostname", "message_counter", "second_fractions", "sequence_number")
    if not any(body.get(name) for name in names if body.has(name)):
        yield Fault("", "at least one option in rfc3164_cisco_components has to be enabled")


@accepting(action=_COUNTS)
def counter(body: View) -> Iterator[Fault]:
    """What a counter counts."""
    action = body.text("action")
    if action not in _COUNTS:
        yield Fault("action", "the 'action' counter field must be either 'inc' or 'add'")
    elif body.get("match_all") and body.filled("value"):
        yield Fault("value", "a 'counter' metric supports either 'match_all' or a 'value', but not both")
    elif body.get("count_entry_bytes") and (not body.get("match_all") or action != "add"):
        message = (
            "the 'count_entry_bytes' counter field must be specified along with match_all set to true "
            "or action set to 'add'"
        )
        yield Fault("count_entry_bytes", message)


_GAUGE_ACTION = one_of(
    "action",
    "set",
    "inc",
    "dec",
    "add",
    "sub",
    message="the 'action' gauge field must be one of the following values: [set, inc, dec, add, sub]",
)

BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "loki.relabel": (positive("max_cache_size", POSITIVE_SIZE),),
    "loki.write/endpoint": (write_url, *HTTP_CLIENT),
    "loki.write/wal": (write_ahead_log,),
    "loki.source.file/file_match": (positive("sync_period", "sync period must be greater than 0"),),
    "loki.source.docker": (docker_host, docker_refresh),
    "loki.source.gcplog": (
        exactly_one("pull", "push", message="exactly one of 'push' or 'pull' must be provided"),
    ),
    "loki.source.gcplog/push": (at_least("push_timeout", 0, "push_timeout must be greater than zero"),),
    "loki.source.syslog/listener": (
        one_of(
            "protocol",
            "tcp",
            "udp",
            message="syslog listener protocol should be either 'tcp' or 'udp', got {value}",
        ),
        syslog_options,
    ),
    "loki.source.syslog/listener/rfc3164_cisco_components": (cisco_components,),
    "loki.source.kubernetes_events": (
        not_empty("job_name", "job_name must not be an empty string"),
        one_of("log_format", "logfmt", "json", message="supported values of log_format are logfmt and json"),
    ),
    "loki.source.azure_event_hubs": (assignor,),
    "loki.source.cloudflare": (at_least("pull_range", 0, "pull_range must be a positive duration"),),
}
"""Rules by component and inner blocks."""

BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "metric.CounterConfig": (_IDLE, counter),
    "metric.GaugeConfig": (_IDLE, _GAUGE_ACTION),
    "metric.HistogramConfig": (_IDLE,),
}
"""Rules by the Go type of the body."""
