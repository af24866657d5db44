"""The files that commands work on: finding, reading, checking, formatting, writing them."""
