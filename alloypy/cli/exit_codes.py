"""Every exit code of the program, in one table.

| command     | 0         | 1                                  | 2                              |
|-------------|-----------|------------------------------------|--------------------------------|
| fmt         | fine      | would change (`--test`, `--check`) | cannot parse, read or write; wrong use |
| every other | success   | any failure, wrong use included    | not used                       |

Warnings, a directory without files among them, fail with `--strict`: 1. A reader of standard output that has
seen enough is no failure; standard output that cannot take what was asked for is one.

A second SIGINT or SIGTERM ends `run` by that signal. Source: docs/spec/RUNTIME.md, section 1.
"""

from __future__ import annotations

SUCCESS = 0
FAILURE = 1

FMT_WOULD_CHANGE = 1
FMT_UNUSABLE = 2
