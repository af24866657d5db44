"""`alloypy eval`."""
