"""alloypy reads Grafana Alloy configuration and runs it, in Python."""

__version__ = "0.2.0"
