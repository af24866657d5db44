"""`alloypy explain`."""
