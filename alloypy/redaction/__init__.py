"""Configurations and what is said about them, without the secrets in them."""
