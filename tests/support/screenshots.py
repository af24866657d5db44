"""Pictures of the pages in docs/img: `python3 dev.py screenshots` takes them. Needs Node and Chromium."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.node_packages import node_packages
from tests.support.pages_to_see import in_chromium, pages_to_see
from tests.support.running import ALLOYPY, of_checkout

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "img"
MOST_BYTES = 100_000
_SECONDS = 180
_STACKS = {
    "main;serve;checkout;price;tax": (30, 34),
    "main;serve;checkout;price;discount": (22, 6),
    "main;serve;checkout;store;encode": (18, 40),
    "main;serve;checkout;store;write": (25, 27),
    "main;serve;cart;load;decode": (40, 38),
    "main;serve;cart;load;check": (12, 0),
    "main;serve;cart;total": (8, 9),
    "main;serve;search;rank": (0, 21),
    "main;collect": (15, 16),
}
"""What is compared: samples before and after."""


def take(folder: Path) -> None:
    """Take all pictures. folder: for files of the programs that are shown."""
    shutil.copy(ROOT / "examples" / "demo" / "checkout.pprof", folder)
    files = ["checkout.pprof"]
    for side, name in enumerate(("before.folded", "after.folded")):
        lines = [f"{stack} {counts[side]}" for stack, counts in _STACKS.items() if counts[side]]
        (folder / name).write_text("\n".join([*lines, ""]))
        files.append(name)
    viewing = [*ALLOYPY, "view", *files]
    with subprocess.Popen(viewing, cwd=folder, env=of_checkout(), stdout=subprocess.PIPE, text=True) as view:
        try:
            assert view.stdout is not None
            address = view.stdout.readline().split()[1]
            PICTURES.mkdir(exist_ok=True)
            script = ROOT / "tests" / "browser" / "screenshots.mjs"
            with pages_to_see(folder) as shown:
                done = in_chromium(node_packages(), script, *shown, address, str(PICTURES), seconds=_SECONDS)
        finally:
            view.kill()
    if done.returncode:
        sys.exit(done.stderr)
    for picture in sorted(PICTURES.glob("*.png")):
        size = picture.stat().st_size
        print(f"{picture.relative_to(ROOT)} {size:,} bytes")
        if size > MOST_BYTES:
            sys.exit(f"{picture.name} has more than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        take(Path(name))
