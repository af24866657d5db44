"""Configurations, and messages about them, with their secrets hidden."""
