"""What stands behind pyroscope.receive_http: its HTTP application, forwarding, and metrics."""
