"""A broken rule, as whatever reads rules tells it."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A broken rule over the values of one body.

    name: the attribute or block at fault, as the configuration calls it; "" for the body as a whole.
        Where the body does not hold it, the body as a whole is at fault.
    message: Alloy's words where Alloy has them.
    """

    name: str
    message: str
