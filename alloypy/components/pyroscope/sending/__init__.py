"""What stands behind pyroscope.write: endpoints, what is sent to them, tries, and metrics."""
