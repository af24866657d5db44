"""`alloypy completion bash|zsh|fish`: completion scripts, made of the declared commands and flags."""

from __future__ import annotations

import sys
from typing import Any

from alloypy.cli import exit_codes
from alloypy.cli.flags import Flag, FlagSet, HelpRequested, UsageError
from alloypy.cli.main import COMMANDS, Command, run_of

_SHELLS = ("bash", "zsh", "fish")


def run(argv: list[str]) -> int:
    """Print the script for one shell. Raises UsageError and HelpRequested."""
    flags = FlagSet(
        "completion", "|".join(_SHELLS), "Print a completion script for your shell.", minimum=1, maximum=1
    )
    shell = flags.parse(argv)[0]
    if shell not in _SHELLS:
        raise UsageError(f'unknown shell "{shell}": bash, zsh and fish are supported')
    table = [(command, _flags_of(command)) for command in COMMANDS if not command.hidden]
    script = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](table)
    sys.stdout.write(script)
    return exit_codes.SUCCESS


def _flags_of(command: Command) -> list[Flag[Any]]:
    """What the command declares; asking for its help makes it tell."""
    if command.name in ("completion", "help"):
        return []
    try:
        run_of(command)(["--help"])
    except HelpRequested as request:
        return [flag for flag in request.flags if not flag.hidden]
    return []


Table = list[tuple[Command, list[Flag[Any]]]]


def _words(flags: list[Flag[Any]]) -> str:
    return " ".join(f"--{flag.name}" + ("=" if flag.takes_value else "") for flag in flags)


def _bash(table: Table) -> str:
    cases = "\n".join(f'    {command.name}) words="{_words(flags)}" ;;' for command, flags in table)
    names = " ".join(command.name for command, _ in table)
    return f"""# bash completion for alloypy
_alloypy() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{names} --help --version" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words" -- "$current"))
        [[ "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _alloypy alloypy
"""


def _zsh_text(text: str) -> str:
    for char in ("\\", "'", "[", "]", ":"):
        text = text.replace(char, "'\\''" if char == "'" else "\\" + char)
    return text


def _zsh(table: Table) -> str:
    names = "\n".join(f"    '{command.name}:{_zsh_text(command.summary)}'" for command, _ in table)
    cases = []
    for command, flags in table:
        options = " ".join(
            f"'--{flag.name}{'=' if flag.takes_value else ''}[{_zsh_text(flag.doc)}]"
            f"{':' + 'value' + ':' if flag.takes_value else ''}'"
            for flag in flags
        )
        cases.append(f"    {command.name}) _arguments {options} '*:file:_files' ;;")
    body = "\n".join(cases)
    return f"""#compdef alloypy
# zsh completion for alloypy
_alloypy() {{
  local -a commands
  commands=(
{names}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
{body}
  esac
}}
compdef _alloypy alloypy
"""


def _fish_text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish(table: Table) -> str:
    lines = ["# fish completion for alloypy"]
    for command, flags in table:
        lines.append(
            f"complete -c alloypy -n __fish_use_subcommand -f -a {command.name} "
            f"-d {_fish_text(command.summary)}"
        )
        for flag in flags:
            value = " -r" if flag.takes_value else ""
            lines.append(
                f"complete -c alloypy -n '__fish_seen_subcommand_from {command.name}' "
                f"-l {flag.name}{value} -d {_fish_text(flag.doc)}"
            )
    return "\n".join(lines) + "\n"
