"""A broken rule, as rules report it."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """A broken rule over the values of one body.

    name: the attribute or block at fault, as the configuration calls it; "" for the body as a whole.
        If the body does not contain it, the body as a whole is at fault.
    message: Alloy's words if Alloy has this rule.
    """

    name: str
    message: str
