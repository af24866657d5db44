"""The files that commands are given: found, read, checked, formatted, written."""
