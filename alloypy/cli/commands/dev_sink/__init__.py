"""`alloypy dev-sink`: a server that shows the profiles it is sent."""
