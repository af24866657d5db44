"""`alloypy completion`."""

SHELLS = ("bash", "zsh", "fish")
"""The supported shells; each has a module of that name."""
