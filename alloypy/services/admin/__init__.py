"""The admin server: its API, its access rules, and what it shows."""
