"""`alloypy lsp`: the language server, which editors start."""

from __future__ import annotations

from importlib.util import find_spec

from alloypy.cli import exit_codes, streams
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.os_errors import system_words

_SUMMARY = """\
Serve an editor: faults, completion and documentation while typing.

Editors start this command and speak the Language Server Protocol with it on stdin and stdout. It needs the
extra alloypy[lsp]."""


def run(argv: list[str]) -> int:
    """Serve one client. Raises UsageError and HelpRequested."""
    flags = FlagSet("lsp", "", _SUMMARY, maximum=0)
    address = flags.string("tcp", kind="HOST:PORT", doc="wait for one client there instead, for tests")
    flags.bool("stdio", doc="use stdin and stdout, as without it; some editors pass this")
    flags.parse(argv)
    host, port = _address(address.value) if address.given else ("", 0)
    if find_spec("pygls") is None:
        streams.fault("the language server needs further packages: pip install 'alloypy[lsp]'")
        return exit_codes.FAILURE
    from alloypy.lsp.wire.serving import serve_socket, serve_streams

    if not address.given:
        return serve_streams()
    try:
        return serve_socket(host, port)
    except OSError as error:
        streams.fault(f"cannot listen on {address.value}: {system_words(error)}")
        return exit_codes.FAILURE


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--tcp {text}: HOST:PORT is expected, such as 127.0.0.1:9257")
    return host.removeprefix("[").removesuffix("]"), int(port)
