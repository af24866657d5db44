"""The pyroscope.* components."""
