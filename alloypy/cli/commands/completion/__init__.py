"""`alloypy completion`."""

SHELLS = ("bash", "zsh", "fish")
"""The shells there is a script for; each has a module of that name."""
