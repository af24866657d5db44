"""The remote.* components."""
