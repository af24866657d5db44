"""Services of the whole process: admin HTTP API, metrics, logging, live debugging."""
