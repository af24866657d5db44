"""`alloypy upgrade`."""
