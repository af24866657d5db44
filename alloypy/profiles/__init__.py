"""The data: label sets, series, /ingest and Push requests, relabel rules. Without the network."""
