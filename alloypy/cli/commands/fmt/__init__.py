"""`alloypy fmt`."""
