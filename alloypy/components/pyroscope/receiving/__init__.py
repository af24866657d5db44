"""The parts of pyroscope.receive_http: its HTTP application, how it reports failures, and metrics."""
