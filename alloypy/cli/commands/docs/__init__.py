"""`alloypy docs`."""
