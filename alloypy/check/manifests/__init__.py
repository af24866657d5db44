"""Checks configurations that are texts in YAML: in ConfigMaps, and in the values of Helm charts."""
