"""Checks a configuration without running it."""
