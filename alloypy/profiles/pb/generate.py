"""Makes the generated modules of this package from its .proto files, in a folder of choice.

    python alloypy/profiles/pb/generate.py [FOLDER]

Needs grpcio-tools; nothing else in alloypy does.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTO_FILES = ("push.proto", "debuginfo.proto")


def generate(folder: Path) -> list[Path]:
    """Write the modules and their stubs to `folder` and return their paths. Raises RuntimeError."""
    from grpc_tools import protoc  # type: ignore[import-untyped]

    # Named by their path from the root, so that they clash with no other push.proto in a process.
    root = HERE.parents[2]
    names = [str((HERE / name).relative_to(root)) for name in PROTO_FILES]
    with tempfile.TemporaryDirectory() as made:
        well_known = str(files("grpc_tools") / "_proto")
        options = [f"-I{root}", f"-I{well_known}", f"--python_out={made}", f"--pyi_out={made}"]
        if protoc.main(["protoc", *options, *names]) != 0:
            raise RuntimeError("protoc failed")
        modules = sorted(Path(made).rglob("*_pb2.py*"))
        return [Path(shutil.copy(module, folder)) for module in modules]


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
