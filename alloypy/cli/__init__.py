"""The command line: commands, their flags, the files they are given, and what they report."""
