"""Completion: the names and values that a place allows, and only those."""
