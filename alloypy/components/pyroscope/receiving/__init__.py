"""The parts of pyroscope.receive_http: its HTTP application, forwarding, and metrics."""
