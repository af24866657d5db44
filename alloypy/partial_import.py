"""Modules of a package without what the package's own module imports.

`import lark` and `import uvicorn` load much that only their commands and makers of tables need. While a
block of `parts_of` lasts, an empty module stands in for the package, so that its modules can be imported on
their own; whoever imports the package later gets the whole of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType


@contextmanager
def parts_of(package: str, **names: str) -> Iterator[None]:
    """Have imports of `package.module` not run the package's own module, unless it has run already.

    names: those that its modules import from the package itself, each with the module that defines it.
    """
    spec = None if package in sys.modules else PathFinder.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        yield
        return

    def define(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(names[name]), name)

    stand_in = ModuleType(package)
    stand_in.__path__ = list(spec.submodule_search_locations)
    stand_in.__spec__ = spec
    stand_in.__dict__["__getattr__"] = define
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(package) is stand_in:
            del sys.modules[package]
