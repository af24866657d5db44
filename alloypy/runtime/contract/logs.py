"""Loggers whose records carry fixed fields, such as component_id, before their own.

Source: docs/spec/RUNTIME.md, section 6.
"""

from __future__ import annotations

import logging
from typing import Any

_ROOT = logging.getLogger("alloypy")


class FieldLogger(logging.Logger):
    """A child of the `alloypy` logger that only its owner knows, so that it is freed with its owner.

    fields: put before those that a record brings in `extra={"fields": {...}}`.
    """

    def __init__(self, **fields: str) -> None:
        super().__init__(_ROOT.name)
        self.parent = _ROOT
        self.fields = fields

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 -- the standard library's name
        """Ask the parent: an answer cached here would outlive a change of the level."""
        return _ROOT.isEnabledFor(level)

    def makeRecord(self, *args: Any, **kwargs: Any) -> logging.LogRecord:  # noqa: N802
        record = super().makeRecord(*args, **kwargs)
        record.fields = {**self.fields, **record.__dict__.get("fields", {})}
        return record

    def with_fields(self, **fields: str) -> FieldLogger:
        """A logger with more fields."""
        return FieldLogger(**self.fields, **fields)
