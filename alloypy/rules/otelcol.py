"""Rules of the otelcol components."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.lang.go.address import host_port_fault
from alloypy.lang.go.text import quote
from alloypy.rules.forms import (
    accepting,
    at_least,
    not_empty,
    one_of,
    parse_url,
    positive,
    regexp_fault,
    wrapped_regexp,
)
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

_SUBSCRIPTION = re.compile(r"projects/[a-z][a-z0-9\-]*/subscriptions/")
_SMALLEST_LOG = 64 * 1024
_SORTS = ("timestamp", "numeric", "lexicographic", "mtime")
_STRATEGIES = ("range", "roundrobin", "sticky", "cooperative-sticky")
_QUEUE_SIZERS = ("bytes", "items", "requests")
_BATCH_SIZERS = ("items", "bytes")
_ON_ERROR = ("drop", "drop_quiet", "send", "send_quiet")
_COMPRESSIONS = ("", "gzip", "auto")
_STATUSES = ("Ok", "Error", "Unset")
_UNITS = ("ms", "s")
_ENCODINGS = ("proto", "json")


@accepting(sizer=_QUEUE_SIZERS)
def queue(body: View) -> Iterator[Fault]:
    """An enabled sending queue has room, and its batches fit into it."""
    if not body.get("enabled"):
        return
    if body.get("queue_size") <= 0:
        yield Fault("queue_size", "queue_size must be greater than zero")
    elif body.text("sizer") not in _QUEUE_SIZERS:
        yield Fault("sizer", f"invalid sizer: {body.text('sizer')}")
    else:
        batch = body.block("batch")
        same = batch is not None and batch.text("sizer") == body.text("sizer")
        if batch is not None and same and batch.get("min_size") > body.get("queue_size"):
            yield Fault("batch", "`min_size` must be less than or equal to `queue_size`")


@accepting(sizer=_BATCH_SIZERS)
def batch(body: View) -> Iterator[Fault]:
    """Sizes of batches."""
    if body.text("sizer") not in _BATCH_SIZERS:
        yield Fault("sizer", "`batch` supports only `items` or `bytes` sizer")
    elif body.get("flush_timeout") <= 0:
        yield Fault("flush_timeout", "`flush_timeout` must be positive")
    elif body.get("min_size") < 0:
        yield Fault("min_size", "`min_size` must be non-negative")
    elif body.get("max_size") < 0:
        yield Fault("max_size", "`max_size` must be non-negative")
    elif 0 < body.get("max_size") < body.get("min_size"):
        at = "max_size" if body.given("max_size") else "min_size"
        yield Fault(at, "`max_size` must be greater or equal to `min_size`")


def retry(body: View) -> Iterator[Fault]:
    """Waits between retries grow."""
    if body.get("multiplier") <= 1:
        yield Fault("multiplier", "multiplier must be greater than 1.0")
    elif body.get("randomization_factor") < 0:
        yield Fault("randomization_factor", "randomization_factor must be greater or equal to 0")


def multiline(body: View) -> Iterator[Fault]:
    """A line begins or ends by a pattern, not both."""
    start, end = body.filled("line_start_pattern"), body.filled("line_end_pattern")
    if not (start or end):
        yield Fault("", "either line_start_pattern or line_end_pattern must be set")
    elif start and end:
        message = "only one of line_start_pattern or line_end_pattern can be set"
        yield Fault("line_end_pattern", message)


def batch_sizes(body: View) -> Iterator[Fault]:
    """A batch's maximum is not below its size."""
    if 0 < body.get("send_batch_max_size") < body.get("send_batch_size"):
        message = "send_batch_max_size must be greater or equal to send_batch_size when not 0"
        yield Fault("send_batch_max_size", message)


def memory_limits(body: View) -> Iterator[Fault]:
    """Memory is limited by bytes or by percentage."""
    limit, percentage = body.get("limit"), body.get("limit_percentage")
    if body.get("check_interval") <= 0:
        yield Fault("check_interval", "check_interval must be greater than zero")
    elif limit > 0 and percentage > 0:
        yield Fault("limit_percentage", "either limit or limit_percentage must be set, but not both")
    elif limit > 0:
        if body.get("spike_limit") >= limit:
            yield Fault("spike_limit", "spike_limit must be less than limit")
    elif percentage > 0:
        if percentage > 100 or not 0 < body.get("spike_limit_percentage") <= 100:
            message = (
                "limit_percentage and spike_limit_percentage must be greater than 0 and and less or equal "
                "than 100"
            )
            yield Fault("limit_percentage", message)
    else:
        yield Fault("", "either limit or limit_percentage must be set to greater than zero")


def url_path(name: str) -> Rule:
    """The path of a URL is not empty and can be parsed."""

    def rule(body: View) -> Iterator[Fault]:
        path = body.text(name)
        if not path:
            yield Fault(name, f"{name} cannot be empty")
            return
        try:
            parse_url(path)
        except ValueError as error:
            yield Fault(name, f"invalid {name}: {error}")

    return rule


def jaeger_protocol(body: View) -> Iterator[Fault]:
    """At least one protocol is on."""
    protocols = body.block("protocols")
    if protocols is None:
        return
    if not any(map(protocols.given, ("grpc", "thrift_http", "thrift_binary", "thrift_compact"))):
        yield Fault("protocols", "at least one protocol must be enabled")


@accepting(group_rebalance_strategy=_STRATEGIES, group_rebalance_strategies=_STRATEGIES)
def kafka_rebalance(body: View) -> Iterator[Fault]:
    """One setting for the rebalance strategy, and a known one."""
    single, several = body.text("group_rebalance_strategy"), body.get("group_rebalance_strategies")
    if single and several:
        message = (
            "group_rebalance_strategy and group_rebalance_strategies are mutually exclusive; "
            "group_rebalance_strategy is deprecated, prefer group_rebalance_strategies"
        )
        yield Fault("group_rebalance_strategy", message)
        return
    for strategy in (*several, single) if single else several:
        if strategy not in _STRATEGIES:
            message = (
                "group_rebalance_strategy must be one of 'range', 'roundrobin', 'sticky', or "
                "'cooperative-sticky'"
            )
            at = "group_rebalance_strategy" if single else "group_rebalance_strategies"
            yield Fault(at, message)
            return


def _multierror(faults: list[Fault]) -> Iterator[Fault]:
    """Faults in the list form Alloy uses when a component may have several; each gets a list to itself."""
    for fault in faults:
        yield fault._replace(message=f"1 error occurred:\n\t* {fault.message}\n\n")


def _listen_address(body: View, shown: str) -> list[Fault]:
    address = body.text("listen_address")
    at = "listen_address" if body.given("listen_address") else ""
    if not address:
        return [Fault(at, f"{shown} cannot be empty")]
    reason = host_port_fault(address)
    return [Fault(at, f"invalid {shown}: address {address}: {reason}")] if reason else []


@accepting(on_error=_ON_ERROR)
def syslog(body: View) -> Iterator[Fault]:
    """What the syslog receiver listens on."""
    faults = []
    if not (body.given("tcp") or body.given("udp")):
        faults.append(Fault("", "at least one of 'tcp' or 'udp' must be configured"))
    for name in ("tcp", "udp"):
        faults += [
            fault._replace(name=name)
            for inner in body.blocks(name)
            for fault in _listen_address(inner, f"{name}.listen_address")
        ]
    if body.text("on_error") not in _ON_ERROR:
        faults.append(Fault("on_error", f"invalid on_error: {body.text('on_error')}"))
    yield from _multierror(faults)


def tcplog(body: View) -> Iterator[Fault]:
    """What the TCP log receiver listens on."""
    faults = _listen_address(body, "listen_address")
    size = body.get("max_log_size")
    if size < _SMALLEST_LOG:
        message = (
            f"invalid value {size} for parameter 'max_log_size', "
            f"must be equal to or greater than {_SMALLEST_LOG} bytes"
        )
        faults.append(Fault("max_log_size", message))
    yield from _multierror(faults)


@accepting(compression=_COMPRESSIONS)
def filelog(body: View) -> Iterator[Fault]:
    """Limits of the file log receiver."""
    faults = []
    if body.get("max_concurrent_files") < 1:
        faults.append(Fault("max_concurrent_files", "'max_concurrent_files' must be positive"))
    if body.text("start_at") == "end" and body.get("delete_after_read"):
        message = "'delete_after_read' cannot be used with 'start_at = end'"
        faults.append(Fault("delete_after_read", message))
    if body.text("compression") not in _COMPRESSIONS:
        faults.append(Fault("compression", f"invalid 'compression' type: {body.text('compression')}"))
    names = ("max_batches", "poll_interval", "fingerprint_size", "max_log_size", "force_flush_period",
             "exclude_older_than")  # fmt: skip
    faults += [Fault(name, f"'{name}' must not be negative") for name in names if body.get(name) < 0]
    yield from _multierror(faults)


def vcenter_endpoint(body: View) -> Iterator[Fault]:
    """A vCenter endpoint is an HTTP URL."""
    endpoint = body.text("endpoint")
    try:
        url = parse_url(endpoint)
    except ValueError as error:
        yield Fault("endpoint", f"unable to parse url {endpoint}: {error}")
        return
    if url.scheme not in {"http", "https"}:
        yield Fault("endpoint", "url scheme must be http or https")


@accepting(compression=_COMPRESSIONS[:2])
def pubsub_subscription(body: View) -> Iterator[Fault]:
    """The whole name of a subscription."""
    subscription = body.text("subscription")
    if not _SUBSCRIPTION.search(subscription):
        message = (
            f"subscription '{subscription}' is not a valid format, "
            "use 'projects/<project_id>/subscriptions/<name>'"
        )
        yield Fault("subscription", message)
    compression = body.text("compression")
    if compression not in _COMPRESSIONS[:2]:
        message = f"compression {compression} is not supported.  supported compression formats include [gzip]"
        yield Fault("compression", message)


def solace_login(body: View) -> Iterator[Fault]:
    """One way to log in to Solace, a queue, and a delay that is one."""
    auth, flow = body.block("auth"), body.block("flow_control")
    if auth is None:
        return
    retry = flow.block("delayed_retry") if flow is not None else None
    if sum(map(auth.given, ("sasl_plain", "sasl_xauth2", "sasl_external"))) != 1:
        message = (
            "the auth block must contain exactly one of sasl_plain block, sasl_xauth2 block or "
            "sasl_external block"
        )
        yield Fault("auth", message)
    elif not body.text("queue").strip():
        message = "queue must not be empty, queue definition has format queue://<queuename>"
        yield Fault("queue", message)
    elif retry is not None and retry.get("delay") <= 0:
        delay = int(retry.get("delay"))
        message = f"the delay attribute in the delayed_retry block must be > 0, got {delay}"
        yield Fault("flow_control", message)


@accepting(status__code=_STATUSES)
def span_status(body: View) -> Iterator[Fault]:
    """Codes of a span's status."""
    status = body.block("status") if body.has("status") else None
    if status is None or not body.given("status"):
        return
    code = status.text("code")
    if code not in _STATUSES:
        yield Fault("status", f"status code is set to an invalid value of {quote(code)}")
    elif code != "Error" and status.filled("description"):
        yield Fault("status", "status description should be empty for non-error status codes")


@accepting(unit=_UNITS)
def histogram(body: View) -> Iterator[Fault]:
    """Units and kinds of span metrics' histograms."""
    unit = body.text("unit")
    if unit not in _UNITS:
        yield Fault("unit", f'unknown unit {quote(unit)}, allowed units are "ms" and "s"')
    elif body.given("exponential") and body.given("explicit"):
        message = "only one of exponential or explicit histogram configuration can be specified"
        yield Fault("explicit", message)
    elif not (body.given("exponential") or body.given("explicit")):
        message = "either exponential or explicit histogram configuration must be specified"
        yield Fault("", message)


def header_source(body: View) -> Iterator[Fault]:
    """A header has a name and one source."""
    sources = [n for n in ("value", "from_context", "from_attribute") if body.has(n)]
    given = [name for name in sources if body.given(name) and body.get(name) is not None]
    if not body.filled("key"):
        yield Fault("key", "key must be set to a non-empty string")
    elif not given:
        yield Fault("", "one of value, from_context, or from_attribute must be provided")
    elif len(given) > 1:
        message = "only one of value, from_context, or from_attribute may be provided"
        yield Fault(given[1], message)


@accepting(encoding=_ENCODINGS)
def otlphttp_endpoint(body: View) -> Iterator[Fault]:
    """At least one endpoint is given, and the encoding is a known one."""
    client = body.block("client")
    names = ("traces_endpoint", "metrics_endpoint", "logs_endpoint")
    own = client is not None and client.filled("endpoint")
    if not own and not any(body.filled(name) for name in names):
        yield Fault("client", "at least one endpoint must be specified")
    elif body.text("encoding") not in _ENCODINGS:
        yield Fault("encoding", f"invalid encoding type {body.text('encoding')}")


def file_filter(body: View) -> Iterator[Fault]:
    """A filter is strict or an expression."""
    strict, regex = body.filled("strict"), body.filled("regexp")
    if not (strict or regex):
        yield Fault("", "must specify either strict or regexp")
    elif strict and regex:
        yield Fault("regexp", "strict and regexp are mutually exclusive")
    else:
        yield from regexp_fault("regexp", body.text("regexp"), "parsing regexp: ")


def extracted_field(body: View) -> Iterator[Fault]:
    """A field is found by its key or by an expression."""
    key, regex = body.text("key"), body.text("key_regex")
    if key and regex:
        message = (
            "Out of Key or KeyRegex only one option is expected to be configured at a time, "
            f"currently Key:{key} and KeyRegex:{regex}"
        )
        yield Fault("key_regex", message)


BY_PATH: Mapping[str, tuple[Rule, ...]] = {
    "otelcol.auth.headers/header": (header_source,),
    "otelcol.connector.spanmetrics": (positive("metrics_flush_interval"),),
    "otelcol.connector.spanmetrics/histogram": (histogram,),
    "otelcol.connector.spanmetrics/histogram/exponential": (positive("max_size"),),
    "otelcol.connector.servicegraph": (positive("cache_loop"), positive("store_expiration_loop")),
    "otelcol.exporter.loadbalancing": (
        one_of(
            "routing_key",
            "service",
            "traceID",
            "resource",
            "metric",
            "streamID",
            message="invalid routing key {quoted}",
        ),
    ),
    "otelcol.exporter.otlphttp": (otlphttp_endpoint,),
    "otelcol.processor.batch": (batch_sizes,),
    "otelcol.processor.deltatocumulative": (
        positive("max_stale", "max_stale must be a positive duration (got {value})"),
        at_least("max_streams", 0, "max_streams must be a positive number or zero (got {value})"),
    ),
    "otelcol.processor.interval": (positive("interval"),),
    "otelcol.processor.memory_limiter": (memory_limits,),
    "otelcol.processor.span": (span_status,),
    "otelcol.processor.tail_sampling": (
        positive("decision_wait", "decision_wait must be greater than zero"),
        positive("num_traces", "num_traces must be greater than zero"),
    ),
    "otelcol.receiver.filelog": (filelog,),
    "otelcol.receiver.fluentforward": (not_empty("endpoint", "endpoint must not be empty"),),
    "otelcol.receiver.googlecloudpubsub": (pubsub_subscription,),
    "otelcol.receiver.influxdb": (not_empty("endpoint", "HTTP server endpoint cannot be empty"),),
    "otelcol.receiver.jaeger": (jaeger_protocol,),
    "otelcol.receiver.kafka": (kafka_rebalance,),
    "otelcol.receiver.otlp/http": tuple(
        url_path(f"{signal}_url_path") for signal in ("traces", "logs", "metrics")
    ),
    "otelcol.receiver.solace": (solace_login,),
    "otelcol.receiver.syslog": (syslog,),
    "otelcol.receiver.tcplog": (tcplog,),
    "otelcol.receiver.vcenter": (vcenter_endpoint,),
}
"""Rules by component and inner blocks."""

BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "otelcol.QueueArguments": (queue,),
    "otelcol.BatchConfig": (batch,),
    "otelcol.RetryArguments": (retry,),
    "otelcol.MultilineConfig": (multiline,),
    "file_stats.FilterArguments": (file_filter,),
    "k8sattributes.FieldExtractConfig": (
        extracted_field,
        wrapped_regexp("key_regex", "^(?:", ")$"),
    ),
}
"""Rules by the Go type of the body."""
