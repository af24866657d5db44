"""`file`: functions over paths."""

from __future__ import annotations

from alloypy.lang.evaluation.functions import Example, Manual, TypedFunction
from alloypy.lang.types import StringType


def _path_join(*parts: str) -> str:
    """The parts joined by slashes and cleaned; empty ones are skipped."""
    path = "/".join(part for part in parts if part)
    return _clean(path) if path else ""


def _clean(path: str) -> str:
    """`path` without empty and `.` parts, and with `..` resolved without looking at the file system."""
    rooted = path.startswith("/")
    kept: list[str] = []
    for part in path.split("/"):
        if part in {"", "."}:
            continue
        if part != "..":
            kept.append(part)
        elif kept and kept[-1] != "..":
            kept.pop()
        elif not rooted:
            kept.append(part)
    cleaned = "/".join(kept)
    return f"/{cleaned}" if rooted else cleaned or "."


_PATH_JOIN = Manual(
    ("parts: string...",),
    "string",
    "Joins the parts of a path with slashes, without empty and `.` parts, and resolves `..`. Inside a "
    "module, `module_path` is the directory from which it was imported.",
    (
        Example('file.path_join("/etc/alloypy", "secrets", "token")', '"/etc/alloypy/secrets/token"'),
        Example('file.path_join("/etc/alloypy", "../tls/ca.pem")', '"/etc/tls/ca.pem"'),
    ),
)
FUNCTIONS = {"path_join": TypedFunction("file.path_join", (), _path_join, _PATH_JOIN, rest=StringType())}
