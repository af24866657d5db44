"""Loggers whose records carry fixed fields in front of their own, such as component_id.

Source: docs/spec/RUNTIME.md, section 6.
"""

from __future__ import annotations

import logging
from typing import Any

_ROOT = logging.getLogger("alloypy")


class FieldLogger(logging.Logger):
    """A logger below `alloypy` that is known to nobody but its owner, and goes with it.

    fields: put in front of those that a record brings in `extra={"fields": {...}}`.
    """

    def __init__(self, **fields: str) -> None:
        super().__init__(_ROOT.name)
        self.parent = _ROOT
        self.fields = fields

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 -- the standard library's name
        """Ask the parent: what this logger remembered would outlive a change of the level."""
        return _ROOT.isEnabledFor(level)

    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: N802
        record = super().makeRecord(*args, **kwargs)
        record.fields = {**self.fields, **record.__dict__.get("fields", {})}
        return record

    def with_fields(self, **fields: str) -> FieldLogger:
        """A logger with more fields."""
        return FieldLogger(**self.fields, **fields)
