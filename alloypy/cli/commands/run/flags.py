"""The flags of `alloypy run`: all of Alloy's, so that its command lines work unchanged.

Flags that alloypy does not use are accepted if that does no harm, and refused with an explanation if
somebody would rely on them. Source: docs/spec/RUNTIME.md, section 1.1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alloypy.cli.common_flags import community_components, converting, unknown_format
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.go.text import quote
from alloypy.schema.stability import LEVELS, Stability
from alloypy.services.settings import ClusterSettings, RunSettings

_CONVERTED = ("otelcol", "prometheus", "promtail", "static")
_EXPERIMENTAL_ONLY = (
    "feature.prometheus.direct-fanout.enabled",
    "server.http.enable-graphql",
    "server.http.enable-graphql-playground",
)
_JOIN_ADDRESS = re.compile(
    r"(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::([0-9]+))?|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*", re.ASCII
)
_SUMMARY = """Run a configuration until an interrupt is received.

PATH is a configuration file, or a directory whose *.alloy files are taken together;
subdirectories are not searched. If the first load fails, run ends with exit code 1.

An HTTP server answers /-/ready, /-/healthy, /metrics and /-/reload. /-/reload loads PATH again,
as SIGHUP does; if the new configuration cannot be loaded, nothing changes."""


def read_run_flags(argv: Sequence[str]) -> RunSettings:
    """The settings in `argv`. Raises UsageError and HelpRequested."""
    flags = FlagSet("run", "PATH", _SUMMARY, minimum=1, maximum=1)
    listen = flags.string("server.http.listen-addr", "127.0.0.1:12345", doc="Address of the admin server")
    prefix = flags.string("server.http.ui-path-prefix", "/", doc="Prefix of the UI and its API")
    hosts = flags.strings(
        "server.http.allowed-host",
        kind="host",
        doc="Additional Host to accept while the server listens on loopback; repeatable",
    )
    no_support = flags.bool("server.http.disable-support-bundle", doc="Switch off /-/support")
    storage = flags.string("storage.path", "data-alloy/", doc="Directory where data is stored")
    stability = flags.choice(
        "stability.level",
        Stability.GENERALLY_AVAILABLE.text,
        tuple(LEVELS),
        noun="stability level",
        doc="Lowest stability level to allow",
    )
    community = community_components(flags, "Allow community components")
    deadline = flags.duration(
        "feature.component-shutdown-deadline",
        Duration(10 * MINUTE),
        doc="Longest time to wait for a component to stop; 0 means no limit",
    )
    watch = flags.bool("config.watch", doc="Reload when the configuration's files change")
    config_format = flags.string("config.format", "alloy", doc="Format of the configuration: alloy")
    clustering = _Clustering(flags)
    _declare_accepted(flags)
    path = flags.parse(argv)[0]
    if not path:
        raise UsageError("path argument not provided")
    level = LEVELS[stability.value]
    _check_experimental(flags, level)
    _check_format(path, config_format.value)
    return RunSettings(
        path=path,
        listen=listen.value,
        ui_prefix=f"/{prefix.value.strip('/')}/" if prefix.value.strip("/") else "/",
        storage=Path(storage.value),
        stability=level,
        community=community.value,
        shutdown_deadline=deadline.value.seconds,
        support_bundle=not no_support.value,
        allowed_hosts=tuple(map(_host, hosts.value)),
        watch=watch.value,
        flags=tuple(f"{flag.name}={_shown(flag.value)}" for flag in flags if flag.name != "help"),
        cluster=clustering.settings(listen.value),
    )


class _Clustering:
    """The flags of clustering that have an effect."""

    def __init__(self, flags: FlagSet) -> None:
        self._flags = flags
        self._enabled = flags.bool("cluster.enabled", doc="Share targets with other replicas")
        self._node = flags.string("cluster.node-name", doc="Name of this replica; default: the host name")
        self._join = flags.string(
            "cluster.join-addresses",
            doc="Names or addresses where replicas are found, such as a headless service; comma-separated",
        )
        self._name = flags.string("cluster.name", doc="Only replicas with the same name share targets")

    def settings(self, listen: str) -> ClusterSettings | None:
        """The settings, if clustering is enabled. Raises UsageError for an address that is none."""
        if not self._enabled.value:
            return None
        import socket

        port = listen.rpartition(":")[2]
        join = tuple(
            _join_address(each.strip(), port) for each in self._join.value.split(",") if each.strip()
        )
        used = (self._enabled, self._node, self._join, self._name)
        unused = [
            each.name
            for each in self._flags
            if each.name.startswith("cluster.") and each not in used and each.given
        ]
        return ClusterSettings(
            self._name.value, self._node.value or socket.gethostname(), join, tuple(unused)
        )


def _join_address(given: str, port: str) -> tuple[str, int]:
    """Host and port of a join address; the port is that of the own admin server unless it is given."""
    parts = _JOIN_ADDRESS.fullmatch(given)
    own = parts[3] or port if parts is not None else ""
    if parts is None or not own.isdigit() or not 0 < int(own) < 1 << 16:
        raise UsageError(
            f"--cluster.join-addresses takes host or host:port, separated by commas; got {quote(given)}"
        )
    return parts[1] or parts[2] or given, int(own)


def _host(given: str) -> str:
    """A value of `--server.http.allowed-host`, normalized. Raises UsageError."""
    from alloypy.services.admin.web_guard import host_name

    name = host_name(given)
    if name is None:
        raise UsageError(
            f"--server.http.allowed-host takes a host name or IP address without scheme and port, such as "
            f"alloy.example.org; got {quote(given)}"
        )
    return name


def _declare_accepted(flags: FlagSet) -> None:
    """Declare the flags that have no effect in alloypy."""
    unused = "Accepted, without effect"
    flags.string("server.http.memory-addr", "alloy.internal:12345", doc=unused)
    flags.bool("server.http.enable-pprof", True, doc=unused)
    flags.bool("server.http.enable-graphql", doc="Not part of alloypy")
    flags.bool("server.http.enable-graphql-playground", doc="Not part of alloypy")
    flags.bool("disable-reporting", doc="Accepted; alloypy never reports its use to anybody")
    converting(flags, unused)
    flags.bool("feature.prometheus.direct-fanout.enabled", doc=unused)
    for name in (
        "advertise-address",
        "discover-peers",
        "tls-ca-path",
        "tls-cert-path",
        "tls-key-path",
        "tls-server-name",
        "advertise-interfaces",
    ):
        flags.string(f"cluster.{name}", doc=unused)
    flags.duration("cluster.rejoin-interval", Duration(MINUTE), doc=unused)
    flags.int("cluster.max-join-peers", 5, doc=unused)
    flags.bool("cluster.enable-tls", doc=unused)
    flags.int("cluster.wait-for-size", doc=unused)
    flags.duration("cluster.wait-timeout", Duration(0), doc=unused)
    if sys.platform == "win32":
        flags.string("windows.priority", "normal", doc=unused)
    for name in ("cluster.use-discovery-v1", "feature.prometheus.metric-validation-scheme"):
        flags.deprecate(flags.bool(name, doc=unused), "This flag is deprecated and has no effect.")


def _check_experimental(flags: FlagSet, level: Stability) -> None:
    for name in _EXPERIMENTAL_ONLY:
        if not flags[name].value:
            continue
        if level > Stability.EXPERIMENTAL:
            raise UsageError(
                f"'--{name}' can only be used at experimental stability level. "
                "Use --stability.level=experimental to enable."
            )
        if "graphql" in name:
            raise UsageError(f"the GraphQL API is not part of alloypy; run without --{name}")


def _check_format(path: str, wanted: str) -> None:
    if wanted == "alloy" or Path(path).is_dir():
        return
    reading = f"reading config path {quote(path)}"
    if wanted in _CONVERTED:
        raise UsageError(f"{reading}: converting from {quote(wanted)} is not part of alloypy")
    raise UsageError(f"{reading}: {unknown_format(wanted)}")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
