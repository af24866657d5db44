"""Patterns of file names, as Go's packages read them."""
