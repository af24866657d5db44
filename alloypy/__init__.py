"""alloypy: reads Grafana Alloy configuration and runs it, in Python."""

__version__ = "0.1.0"
