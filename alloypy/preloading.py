"""Modules that are loaded once the process serves, before anything asks for them.

A start loads only what it needs. What comes later (the first error, the first scrape, another component
after a reload, the shutdown) must not wait for a disk, nor fail because descriptors have run out or the
package has been replaced. So the rest is loaded right after the start, in a thread.
"""

from __future__ import annotations

import gc
import logging
import pkgutil
import sys
import threading
from collections import deque
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import alloypy

_log = logging.getLogger("alloypy.preloading")


class Preloading:
    """Loads modules one after the other, in a thread that ends when nothing is left."""

    def __init__(self) -> None:
        self._wanted: deque[str] = deque()
        self._asked: set[str] = set()
        self._lock = threading.Lock()
        self._begun = False
        self._running = False

    def want(self, *names: str) -> None:
        """Ask for modules to be loaded; missing ones are skipped.

        `package.*` is a package with everything in it; `module:function` calls the function as well.
        """
        with self._lock:
            self._wanted += (name for name in names if name not in self._asked)
            self._asked.update(names)
            self._start()

    def begin(self) -> None:
        """Start loading what has been asked for; from now on, modules are loaded as soon as they are."""
        with self._lock:
            self._begun = True
            self._start()

    def _start(self) -> None:
        if not self._begun or self._running or not self._wanted:
            return
        self._running = True
        try:
            threading.Thread(target=self._load_all, name="alloypy-preloading", daemon=True).start()
        except RuntimeError:  # no thread can start: modules are loaded at first use
            self._running = False

    def _load_all(self) -> None:
        _tidy()
        while True:
            with self._lock:
                if not self._wanted:
                    self._running = False
                    break
                name = self._wanted.popleft()
            for each in _expanded(name):
                _load(each)
        _tidy()
        _log.debug("all modules that are needed later have been loaded")


def _tidy() -> None:
    """Free what imports leave behind: uncollected cycles, and directory listings.

    What is left lives as long as the process, and the collector ignores it.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    sys.path_importer_cache.clear()


def _expanded(name: str) -> Iterator[str]:
    package, star, _ = name.partition(".*")
    yield package
    if star and (spec := find_spec(package)) is not None:
        for found in pkgutil.walk_packages(spec.submodule_search_locations, package + "."):
            yield found.name


def _load(name: str) -> None:
    module, _, function = name.partition(":")
    try:
        loaded = import_module(module)
        if function:
            getattr(loaded, function)()
    except ModuleNotFoundError:
        pass  # an extra that is not installed
    except Exception as error:
        fields = {"module": name, "err": f"{type(error).__name__}: {error}"}
        _log.warning("a module cannot be loaded", extra={"fields": fields})


def _installed() -> tuple[int, int, int] | None:
    """What tells one installation of alloypy in this place from another; None if there is none."""
    try:
        found = Path(alloypy.__file__).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


_STARTED_FROM = _installed()


def check_installed(module: str) -> None:
    """Before a module of alloypy is imported that was not loaded ahead: it must not be of another version.

    Raises ImportError.
    """
    if module not in sys.modules and _installed() not in (_STARTED_FROM, None):
        raise ImportError(f"{module} is of another version")


PRELOADING = Preloading()
"""The one of this process."""
