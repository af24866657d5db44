"""Writes the pages of docs/components."""

from __future__ import annotations

from tests.support.component_pages.pages import pages, superfluous

for path, text in pages().items():
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
for path in superfluous():
    path.unlink()
