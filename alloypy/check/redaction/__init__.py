"""Configurations and messages without the secrets in them."""
