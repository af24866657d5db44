"""Since when Alloy has the load rules that alloypy knows, by their messages.

The rules are main's. A version whose source does not have the text of a message cannot report it, whether it
lacked the rule or worded it otherwise. Messages that are not listed are as old as Alloy, or come from other
modules. Source: the first release of Alloy whose source has the text.
"""

from __future__ import annotations

from functools import cache

from alloypy.catalog.versions import Version, timeline

_SINCE: dict[str, tuple[str, ...]] = {
    "1.1.0": (
        "must specify either strict or regexp",
        "strict and regexp are mutually exclusive",
    ),
    "1.2.0": (
        ": make sure the scrape protocols provided are unique",
        "both enable_protobuf_negotiation and scrape_protocols are set, only",
        "delta_profiling_duration must be at least 1 second smaller than",
        "delta_profiling_duration must be larger than 1 second when using",
        "duplicate scrape protocol",
        "invalid scrape protocol",
        "max_stale must be a positive duration (got",
        "max_streams must be a positive number or zero (got",
        "poll_frequency must be at least",
    ),
    "1.3.0": ("is a reserved namespace for remotecfg attribute keys",),
    "1.5.0": (
        "invalid match type:",
        "must be greater or equal to",
        "revision cannot be a special git reference such as",
    ),
    "1.6.0": (
        "HTTP server endpoint cannot be empty",
        "at least one of 'tcp' or 'udp' must be configured",
        "queue must not be empty, queue definition has format",
        "the auth block must contain exactly one of sasl_plain block,",
        "the delay attribute in the delayed_retry block must be > 0, got",
    ),
    "1.7.0": (
        "' must not be negative",
        "'delete_after_read' cannot be used with 'start_at = end'",
        "'max_concurrent_files' must be positive",
        "either line_start_pattern or line_end_pattern must be set",
        "for parameter 'max_log_size', must be equal to or greater than",
        "invalid 'compression' type:",
        "only one of line_start_pattern or line_end_pattern can be set",
    ),
    "1.8.0": (
        "invalid on_error:",
        "one of value, from_context, or from_attribute must be provided",
        "only one of value, from_context, or from_attribute may be provided",
    ),
    "1.9.0": (
        "exactly one of 'value' or 'value_from_label' must be provided, got",
        "invalid sizer:",
    ),
    "1.11.0": (
        "' is not a valid format, use",
        ": must be either",
        "endpoint must not be empty",
        "invalid metric_name_escaping_scheme:",
        "invalid metric_name_validation_scheme",
        "invalid protobuf_message",
        "invalid scrape_fallback_protocol",
        "is not supported.  supported compression formats include [gzip]",
        "metric_name_escaping_scheme cannot be set to 'allow-utf-8' while",
        "must be less than or equal to",
        "must be non-negative",
        "scrape_native_histograms is set to true, but PrometheusProto is not",
        "subscription '",
    ),
    "1.12.0": ("sync period must be greater than 0",),
    "1.13.0": (
        "at least one option in rfc3164_cisco_components has to be enabled",
        "has no effect when syslog format is set to",
        "raw_format_options has no effect when syslog format is not",
        "rfc3164_cisco_components has no effect when syslog format is not",
    ),
    "1.15.0": (
        ", valid values are:",
        "group_rebalance_strategy must be one of 'range', 'roundrobin',",
    ),
    "1.17.0": (
        "cache_ttl must be >= 0; got",
        "cache_ttl must be at least",
        "max_cache_size and cache_ttl are mutually exclusive: set",
        "max_cache_size must be >= 0; got",
        "one of max_cache_size or cache_ttl must be set",
    ),
    "1.18.0": (
        "AWS SD configuration filter values cannot be empty",
        "at most one of sigv4, azuread, google_iam, basic_auth, oauth2,",
        "cannot provide multiple authentication methods in the Azure AD config",
        "external_id can only be used with role_arn",
        "failed to compile template:",
        "must provide an Azure Managed Identity, Azure Workload Identity,",
        "unsupported role",
    ),
    "1.19.0-rc.3": (
        "exactly one of oauth, managed_identity, sdk_auth, or",
        "filter blocks are only supported with the ec2 and rds roles, not",
        "group_rebalance_strategy and group_rebalance_strategies are mutually",
    ),
}
"""Parts of messages, by the first version that has them."""


def is_known_to(version: Version, message: str) -> bool:
    """Whether a version can refuse a configuration with this message of a load rule."""
    return not any(part in message for part in _later_than(version))


@cache
def _later_than(version: Version) -> tuple[str, ...]:
    """The parts of messages that only later versions have."""
    line = timeline()
    return tuple(part for name, parts in _SINCE.items() if line.index(name) > version.index for part in parts)
