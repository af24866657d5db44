"""Components that only alloypy has. Their names begin with `alloypy.`."""
