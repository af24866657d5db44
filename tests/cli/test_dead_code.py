"""The package contains nothing that it does not use: code that only tests call is dead too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "alloypy"

CALLED_BY_OTHERS = {
    "aiokafka": "on_partitions_assigned on_partitions_revoked",
    "asyncio": "buffer_updated connection_lost data_received get_buffer pause_writing resume_writing "
    "sizehint",
    "httptools": "on_body on_header on_headers_complete on_message_begin on_message_complete "
    "on_status on_url",
    "Lark": "__path__ __spec__ expansion origin",
    "Starlette": "to_string",
    "uvicorn": "access_log default_headers disconnected should_exit",
    "RE2": "log_errors max_mem",
    "difflib": "opcodes",
    "importlib": "create_module exec_module",
    "pygls": "MESSAGE _register_builtin_features client_capabilities report_server_error",
    "lsprotocol": "disabled",
}
"""Names that other code asks for, or reads."""


def grammar_rules() -> Iterator[str]:
    """The rules and aliases of grammars, which name the functions that build their results."""
    for path in (ROOT / "grammar").glob("*.lark"):
        for rule, alias in re.findall(r"^\??([a-z_]+):|-> ([a-z_]+)$", path.read_text("utf-8"), re.MULTILINE):
            yield rule or alias


def argument_fields() -> Iterator[str]:
    """The fields of decoded blocks and of what the API shows: users set or read them."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(map(declares_arguments, node.decorator_list)):
                fields = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
                yield from (each.id for each in fields if isinstance(each, ast.Name))


def declares_arguments(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).partition("(")[0] in ("arguments", "exports")


def test_everything_is_used() -> None:
    vulture = Vulture()
    vulture.scavenge([str(PACKAGE)], exclude=[str(PACKAGE / "profiles" / "pb")])
    found = vulture.get_unused_code(min_confidence=60)
    unused = {each.name: f"{each.filename}:{each.first_lineno}" for each in found}
    called = {name for names in CALLED_BY_OTHERS.values() for name in names.split()}
    dead = unused.keys() - called - set(argument_fields()) - set(grammar_rules())
    assert not dead, [f"{unused[name]}: {name}" for name in dead]
