"""All exit codes of the program.

| command     | 0         | 1                                  | 2                              |
|-------------|-----------|------------------------------------|--------------------------------|
| fmt         | fine      | would change (`--test`, `--check`) | cannot parse, read or write; wrong use |
| requires    | loaded    | no version loads all               | cannot read; wrong use         |
| upgrade     | accepted  | the new version refuses one        | cannot read or write; wrong use |
| every other | success   | any failure, wrong use included    | not used                       |

With `--strict`, warnings fail with 1, including that of a directory without files. A reader that closes
standard output early is not a failure; standard output that cannot be written is one.

A second SIGINT or SIGTERM ends `run` by that signal. Source: docs/spec/RUNTIME.md, section 1.
"""

from __future__ import annotations

SUCCESS = 0
FAILURE = 1

FMT_WOULD_CHANGE = 1
FMT_UNUSABLE = 2

VERSIONS_UNUSABLE = 2
