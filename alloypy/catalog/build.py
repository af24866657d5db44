"""Makes the files of the package that describe Alloy: the catalog, its history, and breaking changes.

Run by hand:

- `python -m alloypy.catalog.build extend COMPONENTS VERSION DATE [FOLDER]` adds a version of Alloy, such as
  `1.20.0`, whose components and config blocks have been reflected into COMPONENTS (JSON). DATE is that of its
  release. What it has otherwise than the version before is recorded in `history.jsonl`. If it is newer than
  all releases, `catalog.jsonl` becomes its catalog. VERSION may also be `main`.
- `python -m alloypy.catalog.build catalog COMPONENTS FILE` packs a reflected list into a catalog.
- `python -m alloypy.catalog.build history HISTORY FILE` packs a history (JSON), and `breaking CHANGES FILE`
  a list of breaking changes (JSON), from scratch.

FOLDER is that of this package unless it is given. Flags of Alloy's commands and members of `constants` are
not reflected: they stay as in the version before.
The packed forms are described in `alloypy.catalog` and `alloypy.catalog.history`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from alloypy.catalog.extend import extended
from alloypy.catalog.history import SECTIONS
from alloypy.catalog.packing import pack, pack_breaking, pack_history
from alloypy.catalog.store import Lines, Store


def main(arguments: list[str]) -> int:
    """Do what the arguments say, as the module's docstring lists it."""
    match arguments:
        case ["catalog", source, target]:
            Path(target).write_bytes(pack(_read(source)))
        case ["history", source, target]:
            Path(target).write_bytes(pack_history(_read(source)))
        case ["breaking", source, target]:
            Path(target).write_bytes(pack_breaking(_read(source)))
        case ["extend", source, version, date, *folder] if len(folder) < 2:
            _extend(source, version, date, Path(*folder) if folder else Path(__file__).parent)
        case _:
            sys.stderr.write(__doc__ or "")
            return 2
    return 0


def _read(path: str) -> Any:
    return json.loads(Path(path).read_bytes())


def _extend(source: str, version: str, date: str, folder: Path) -> None:
    catalog, history = folder / "catalog.jsonl", folder / "history.jsonl"
    packed = pack(_read(source))
    lines = Lines(history.read_bytes(), SECTIONS, "history")
    listing, newest = extended(lines, Store(catalog.read_bytes()), Store(packed), version, date)
    history.write_bytes(pack_history(listing))
    if newest:
        catalog.write_bytes(packed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
