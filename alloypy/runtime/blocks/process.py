"""Arguments of the blocks that configure the process: logging, tracing, livedebugging, labelstore, remotecfg.

Source: docs/spec/RUNTIME.md, sections 5.1, 5.2, 5.4, 5.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from alloypy.lang.go.duration import MINUTE, Duration
from alloypy.lang.types import TextType
from alloypy.lang.values import Capsule
from alloypy.rules import faults_of
from alloypy.schema.faults import Fault
from alloypy.schema.fields import arguments, attribute, block


class LogsReceiver(Capsule):
    """Takes log entries."""

    __slots__ = ()
    kind = "loki.LogsReceiver"
    receives = True


class TraceConsumer(Capsule):
    """Takes traces."""

    __slots__ = ()
    kind = "otelcol.Consumer"
    receives = True


def _choice(noun: str, *choices: str, default: str = "") -> Callable[[str], str]:
    """A parser that accepts one of `choices`; an empty text means `default` if there is one."""

    def parse(text: str) -> str:
        if text == "" and default:
            return default
        if text not in choices:
            raise ValueError(f'unrecognized {noun} "{text}"')
        return text

    return parse


_LEVEL = TextType(
    "Level", _choice("log level", "debug", "info", "warn", "error", default="info"), zero="info"
)
_FORMAT = TextType("Format", _choice("log format", "logfmt", "json", default="logfmt"), zero="logfmt")
_DESTINATION = TextType("LogDestination", _choice("log destination", "stderr", "windows_event_log"))


@arguments
class LoggingArguments:
    """Arguments of `logging`."""

    level: Annotated[str, _LEVEL] = attribute(
        default="info", doc="Least severe level to log: debug, info, warn or error."
    )
    format: Annotated[str, _FORMAT] = attribute(default="logfmt", doc="Form of a line: logfmt or json.")
    destination: Annotated[str, _DESTINATION] = attribute(default="stderr", doc="Where lines go: stderr.")
    write_to: tuple[LogsReceiver | None, ...] = attribute(
        default=(), doc="Log receivers to send entries to as well."
    )


@arguments
class JaegerRemoteArguments:
    """Arguments of `jaeger_remote`."""

    url: str = attribute(default="http://127.0.0.1:5778/sampling", doc="Where to get the sampling rules.")
    max_operations: int = attribute(default=256, doc="Operations to track.")
    refresh_interval: Duration = attribute(default=Duration(MINUTE), doc="How often the server is asked.")


@arguments
class SamplerArguments:
    """Arguments of `sampler`."""

    jaeger_remote: JaegerRemoteArguments | None = block(
        default=None, doc="Take sampling rules from a Jaeger service."
    )


@arguments
class TracingArguments:
    """Arguments of `tracing`."""

    sampling_fraction: float = attribute(default=0.1, doc="Share of traces to sample, from 0 to 1.")
    send_traceparent: bool = attribute(default=False, doc="Continue the traces of clients.")
    sampler: SamplerArguments = block(default=SamplerArguments(), doc="Accepted; the fraction decides.")
    write_to: tuple[TraceConsumer | None, ...] = attribute(default=(), doc="Consumers to send traces to.")


@arguments
class LiveDebuggingArguments:
    """Arguments of `livedebugging`."""

    enabled: bool = attribute(default=False, doc="Let the UI show data as it passes.")


@arguments
class LabelstoreArguments:
    """Arguments of `labelstore`: none."""


@arguments(rules="remotecfg.Arguments")
class RemoteCfgArguments:
    """Arguments of `remotecfg` without a url, which do nothing."""

    id: str = attribute(default="", doc="Name of this instance for the server.")
    name: str = attribute(default="", doc="Readable name of this instance.")
    attributes: Mapping[str, str] = attribute(default_factory=dict, doc="Attributes of this instance.")
    poll_frequency: Duration = attribute(default=Duration(MINUTE), doc="How often the server is asked.")

    def check(self) -> Iterator[Fault]:
        return faults_of(self)
