"""What the receivers of Alloy's components take, by the Go type that they are exported as."""

from __future__ import annotations

RECEIVED = {
    "storage.Appendable": "metrics",
    "loki.LogsReceiver": "logs",
    "pyroscope.Appendable": "profiles",
    "otelcol.Consumer": "otelcol",
}
