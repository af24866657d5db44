"""`alloypy graph`: the picture of a configuration."""
