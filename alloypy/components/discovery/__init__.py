"""The discovery.* components."""
