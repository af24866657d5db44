"""`alloypy requires`."""
