"""The parts of pyroscope.receive_http: its HTTP application, what is said of failures, and metrics."""
