"""Modules of a package without what the package's own module imports.

`import lark` and `import uvicorn` load much that only their commands and makers of tables need. While a
block of `parts_of` lasts, an empty module stands in for the package, so that its modules can be imported on
their own; whoever imports the package later gets the whole of it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType

WHOLE = threading.RLock()
"""To be held while a package is imported as a whole of which another thread may import parts."""


@contextmanager
def parts_of(package: str, *, unused: Collection[str] = (), **names: str) -> Iterator[None]:
    """Have imports of `package.module` not run the package's own module, unless it has run already.

    unused: other modules that its modules import and that nothing here ever uses; they are not loaded either.
    names: those that its modules import from the package itself, each with the module that defines it.
    """
    with WHOLE, _standing_in(package, unused, names):
        yield


@contextmanager
def _standing_in(package: str, unused: Collection[str], names: Mapping[str, str]) -> Iterator[None]:
    spec = None if package in sys.modules else PathFinder.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        yield
        return

    def define(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(names[name]), name)

    stand_in = _module(package, define)
    stand_in.__path__ = list(spec.submodule_search_locations)
    stand_in.__spec__ = spec
    standing_in = [stand_in, *(_module(name, _nothing) for name in unused if name not in sys.modules)]
    sys.modules.update((each.__name__, each) for each in standing_in)
    try:
        yield
    finally:
        for each in standing_in:
            if sys.modules.get(each.__name__) is each:
                del sys.modules[each.__name__]


def _module(name: str, define: Callable[[str], object]) -> ModuleType:
    made = ModuleType(name)
    made.__dict__["__getattr__"] = define
    return made


def _nothing(name: str) -> object:
    """What is imported from a module that is never used; but not what Python asks modules for."""
    if name.startswith("__"):
        raise AttributeError(name)
    return object
