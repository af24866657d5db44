"""Which texts form a configuration, and what is declared in it."""
