"""`alloypy view`: profiles on disk as flame graphs."""
