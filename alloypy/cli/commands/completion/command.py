"""`alloypy completion bash|zsh|fish`: completion scripts, made from the declared commands and flags."""

from __future__ import annotations

import sys
from importlib import import_module

from alloypy.cli import exit_codes
from alloypy.cli.commands.completion import SHELLS
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError

_SUMMARY = """Print a completion script for your shell.

It completes commands, flags and their values, *.alloy files, components, functions and codes. To
install it, once for each new version of alloypy:

  bash  alloypy completion bash > ~/.local/share/bash-completion/completions/alloypy
        (with the package bash-completion; without it: source <(alloypy completion bash) in ~/.bashrc)
  zsh   alloypy completion zsh > DIRECTORY/_alloypy
        (a directory of $fpath; or source <(alloypy completion zsh) after compinit in ~/.zshrc)
  fish  alloypy completion fish > ~/.config/fish/completions/alloypy.fish

Then open a new shell."""


def run(argv: list[str]) -> int:
    """Print the script for one shell. Raises UsageError and HelpRequested."""
    flags = FlagSet("completion", "|".join(SHELLS), _SUMMARY, minimum=1, maximum=1)
    shell = flags.parse(argv)[0]
    if shell not in SHELLS:
        text = f'unknown shell "{shell}": bash, zsh and fish are supported'
        raise UsageError(text, usage=flags.usage)
    from alloypy.cli.commands.completion.table import command_table

    sys.stdout.write(import_module(f"{__package__}.{shell}").script(command_table()))
    return exit_codes.SUCCESS
