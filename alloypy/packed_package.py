"""Packages that a process may need one day, kept in memory, compressed, until it imports them.

To load them ahead would cost every process more than most ever use; to import them from the disk would
fail, or bring modules of another version, once the installation has been replaced.
"""

from __future__ import annotations

import marshal
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple


class _Module(NamedTuple):
    """code: compressed."""

    code: bytes
    is_package: bool


class PackedPackages:
    """The packages kept so far. It is a finder of modules, as in `sys.meta_path`."""

    def __init__(self) -> None:
        self._modules: dict[str, _Module] = {}
        self._files: dict[tuple[str, str], Mapping[str, bytes]] = {}

    def keep(self, package: str, *folders: str) -> None:
        """Keep a package, unless it has been imported, and the files in some of its folders.

        Raises OSError, and SyntaxError for a module that cannot be compiled.
        """
        spec = None if package in sys.modules else find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            return
        where = Path(spec.submodule_search_locations[0])
        self._modules |= dict(_packed(where, package))
        for folder in folders:
            files = _read(where / folder)
            self._files[package, folder] = {name: zlib.compress(data) for name, data in files.items()}
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def files(self, package: str, folder: str) -> Mapping[str, bytes]:
        """The files in a folder of an imported package, by name, as they were when it was kept."""
        kept = self._files.get((package, folder))
        if kept is not None:
            return {name: zlib.decompress(data) for name, data in kept.items()}
        return _read(Path(sys.modules[package].__path__[0], folder))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """How to import a module that is kept; None for others."""
        found = self._modules.get(fullname)
        if found is None:
            return None
        loader: Any = _Loader(found.code)  # `importlib.abc.Loader` would have to be imported
        return ModuleSpec(fullname, loader, origin="memory", is_package=found.is_package)


class _Loader:
    def __init__(self, code: bytes) -> None:
        self._code = code

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        # The code is our own: it was read from this installation, and has stayed in memory since.
        exec(marshal.loads(zlib.decompress(self._code)), module.__dict__)  # noqa: S102, S302


def _packed(where: Path, package: str) -> Iterator[tuple[str, _Module]]:
    for path in sorted(where.rglob("*.py")):
        parts = path.relative_to(where).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join((package, *(parts[:-1] if is_package else parts)))
        code = SourceFileLoader(name, str(path)).get_code(name)
        yield name, _Module(zlib.compress(marshal.dumps(code)), is_package)


def _read(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in sorted(folder.iterdir()) if each.is_file()}


PACKED = PackedPackages()
"""The one of this process."""
