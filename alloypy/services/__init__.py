"""PROCESS-WIDE: admin HTTP API, metrics, logging, live debugging."""
