"""`alloypy run`."""
