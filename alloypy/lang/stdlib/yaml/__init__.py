"""YAML as Alloy reads it."""
