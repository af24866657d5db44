"""What alloypy rejects and Alloy does not: faults in its own settings, and values that cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alloypy.lang.go.text import quote
from alloypy.lang.targets import OddTarget
from alloypy.rules.clients import HTTP_CLIENT
from alloypy.rules.forms import at_least, polling, positive
from alloypy.rules.view import Rule, View
from alloypy.schema.faults import Fault

NO_REMOTE_CONFIGURATION = (
    "alloypy does not fetch its configuration from a server: "
    "remove the remotecfg block and pass the configuration as a file or a directory"
)
NO_WINDOWS_LOG = (
    "could not update logger: failed to open Windows Event Log: "
    "windows event log not supported on this platform"
)
_LARGEST_PORT = 65535
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_OWN_HEADERS = frozenset({
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
})  # fmt: skip


def forwarded_headers(body: View) -> Iterator[Fault]:
    """Request headers to forward: none that describe the connection or the body."""
    for name in body.get("forward_headers"):
        if not re.fullmatch(_HEADER_NAME, name) or name.lower() in _OWN_HEADERS:
            yield Fault("forward_headers", f'header "{name}" cannot be passed on')


def no_remote_configuration(body: View) -> Iterator[Fault]:
    """In addition to Alloy's rules: without a URL the block does nothing; with one it cannot work here."""
    from alloypy.rules.services import remotecfg  # most configurations have no such block

    yield from remotecfg(body)
    if body.given("url"):
        yield Fault("url", NO_REMOTE_CONFIGURATION)


def import_git(body: View) -> Iterator[Fault]:
    """In addition to Alloy's rule: no more pulls than servers bear."""
    from alloypy.rules.imports import git_frequency, git_revision  # most configurations have no such block

    yield from git_revision(body)
    yield from git_frequency(body)


def no_windows_log(body: View) -> Iterator[Fault]:
    """The log is not written to the Windows Event Log."""
    if body.text("destination") == "windows_event_log":
        yield Fault("destination", NO_WINDOWS_LOG)


def targets_of_text(name: str) -> Rule:
    """The labels of all targets in an attribute have values that can be written as text."""

    def rule(body: View) -> Iterator[Fault]:
        for target in body.get(name):
            if isinstance(target, OddTarget):
                kind = "a function" if target.sort == "function" else f"an {target.sort}"
                message = f"label {quote(target.label)} of a target is {kind}"
                yield Fault(name, f"{message}, expected a string, a number or a bool")
                return

    return rule


def kubernetes(body: View) -> Iterator[Fault]:
    """Settings of discovery.kubernetes that cannot work."""
    from alloypy.rules.kubernetes import faults  # most configurations have no such component

    yield from faults(body)


def dns_port(body: View) -> Iterator[Fault]:
    """The port of targets is one; SRV records have their own."""
    if not 0 <= body.get("port") <= _LARGEST_PORT:
        yield Fault("port", f"port must be between 1 and {_LARGEST_PORT}")


_REFRESH = positive("refresh_interval")

BY_TYPE: Mapping[str, tuple[Rule, ...]] = {
    "alloypy.receive_http": (
        positive("max_body_size"),
        at_least("max_bytes_in_flight", 0, "max_bytes_in_flight must not be negative"),
        forwarded_headers,
    ),
    "alloypy.import_http": (polling,),
    "alloypy.import_git": (import_git,),
    "alloypy.remotecfg": (no_remote_configuration,),
    "alloypy.logging": (no_windows_log,),
    "discovery.dns": (_REFRESH, dns_port),
    "discovery.file": (_REFRESH,),
    "discovery.http": (_REFRESH, *HTTP_CLIENT),
    "discovery.kubernetes": (kubernetes,),
    "discovery.process": (_REFRESH, targets_of_text("join")),
    "discovery.relabel": (targets_of_text("targets"),),
    "local.file_match": (positive("sync_period"), targets_of_text("path_targets")),
    "pyroscope.enrich": (targets_of_text("targets"),),
    "pyroscope.scrape": (targets_of_text("targets"), positive("scrape_interval")),
}
"""Rules by the key that a class, or a block of `BLOCKS`, names; those of components are added to Alloy's."""

BLOCKS: Mapping[str, str] = {
    "import.git": "alloypy.import_git",
    "import.http": "alloypy.import_http",
    "remotecfg": "alloypy.remotecfg",
    "logging": "alloypy.logging",
}
"""Alloy's blocks that alloypy rejects for further reasons, and the keys of their rules."""
