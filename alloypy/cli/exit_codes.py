"""Every exit code of the program, in one table.

| command     | 0         | 1                                  | 2                              |
|-------------|-----------|------------------------------------|--------------------------------|
| fmt         | fine      | would change (`--test`, `--check`) | cannot parse or read, wrong use |
| every other | success   | any failure, wrong use included    | not used                       |

A second SIGINT or SIGTERM ends `run` by that signal. Source: spec section 1.
"""

from __future__ import annotations

SUCCESS = 0
FAILURE = 1

FMT_WOULD_CHANGE = 1
FMT_UNUSABLE = 2
