"""The local.* components."""
