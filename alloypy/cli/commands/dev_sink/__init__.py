"""`alloypy dev-sink`: a server that shows the profiles sent to it."""
