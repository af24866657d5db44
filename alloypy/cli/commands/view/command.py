"""`alloypy view`: show profiles as flame graphs in the browser."""

from __future__ import annotations

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.view.serving import ANY_PORT, can_show, show
from alloypy.cli.flags import FlagSet

_SUMMARY = """\
Show profiles as flame graphs in the browser: one, several merged, or two compared.

FILE is a profile as pprof, folded stacks, speedscope, or Pyroscope's tree or trie, packed by gzip or not;
`-` is standard input. The command prints an address of this machine and serves pages there until it is
interrupted. Nothing leaves the machine: the browser decodes the files."""


def run(argv: list[str]) -> int:
    """Serve until interrupted. Raises UsageError and HelpRequested."""
    flags = FlagSet("view", "FILE...", _SUMMARY, minimum=1)
    address = flags.string("listen", ANY_PORT, doc="Address to listen on, of the loopback interface")
    wants_browser = flags.bool("open", doc="Open the address in the browser")
    paths = flags.parse(argv)
    if not can_show("view"):
        return exit_codes.FAILURE
    from alloypy.cli.commands.view.files import Files, Unreadable

    try:
        files = Files(paths)
    except Unreadable as error:
        streams.fault(str(error))
        return exit_codes.FAILURE
    return show(files, "view", address.value, wants_browser=wants_browser.value)
