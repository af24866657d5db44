"""The admin server: its API, its rules, what it shows."""
