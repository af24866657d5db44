"""`alloypy validate`."""
