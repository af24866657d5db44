"""How large a text may be. Beyond that, one request would hold up the answers to all others for seconds.

The largest configuration of a person has a tenth of this.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

LARGEST_BYTES = 1 << 20
"""Of a text that is looked at; a larger one is only kept as the client has it."""

LARGEST_SECTION_BYTES = 1 << 18
"""Of a part that is parsed again with each key."""


class TooLargeError(Exception):
    """A text is too large to be looked at while it is edited; the text of the error is for the user."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is larger than {LARGEST_BYTES >> 20} MB: editors show nothing about it, and "
            "`alloypy validate` checks it"
        )


def check_sizes(paths: Iterable[str]) -> None:
    """Raises TooLargeError for a file that is too large; one that cannot be read is not."""
    for path in paths:
        if size_of(path) > LARGEST_BYTES:
            raise TooLargeError(path)


def size_of(path: str) -> int:
    """The size of a file in bytes; 0 if it cannot be read."""
    try:
        return os.path.getsize(path)  # noqa: PTH202 -- also of what is no path
    except (OSError, ValueError):
        return 0
