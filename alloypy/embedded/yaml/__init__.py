"""YAML texts in strings and files: their nodes with places, and whether a component knows their keys."""
