"""The catalog's file, read from disk or kept packed."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.catalog import store


def test_a_catalog_that_is_kept_needs_its_file_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_packed", [])
    read = store.read_store()
    store.keep()
    monkeypatch.setattr(store, "_file", lambda: Path("/nothing/here"))
    kept = store.read_store()
    for section in store.SECTIONS:
        assert list(kept.names(section)) == list(read.names(section))
    assert kept.entry("components", "pyroscope.write") == read.entry("components", "pyroscope.write")
