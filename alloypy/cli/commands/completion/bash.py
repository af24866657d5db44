"""The completion script for bash 3.2 and newer."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.cli.commands.completion.table import CommandRow, FlagRow, Value

_HEAD = r"""# bash completion for alloypy

# Offer words; no blank is added after those that end in =.
_alloypy_words() {
  local IFS=$' \t\n'
  COMPREPLY=($(compgen -W "$1" -- "$current"))
  if [[ "${COMPREPLY[0]}" == *= ]]; then compopt -o nospace 2> /dev/null; fi
}

# Offer directories and matching files, or all files if none match.
_alloypy_files() {
  local IFS=$'\n'
  compopt -o filenames 2> /dev/null
  COMPREPLY=($(compgen -d -- "$current") $(compgen -f -X "!$1" -- "$current"))
  if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}

_alloypy() {
  local current="${COMP_WORDS[COMP_CWORD]}" flag="${COMP_WORDS[COMP_CWORD-1]}" kept="" at
  COMPREPLY=()
  # --name=value is split into three words, unless = was removed from COMP_WORDBREAKS
  if [ "$current" = "=" ]; then
    current=""
  elif [ "$flag" = "=" ]; then
    flag="${COMP_WORDS[COMP_CWORD-2]}"
  elif [[ "$current" == --*=* ]]; then
    flag="${current%%=*}"
    kept="$flag="
    current="${current#*=}"
  fi
"""

_TAIL = r"""  if [ -n "$kept" ] && [ ${#COMPREPLY[@]} -gt 0 ]; then COMPREPLY=("${COMPREPLY[@]/#/$kept}"); fi
}
complete -F _alloypy alloypy
"""


def script(table: list[CommandRow]) -> str:
    """The script for these commands."""
    names = " ".join(name for row in table for name in row.names)
    lines = [
        '  if [ "$COMP_CWORD" -eq 1 ]; then',
        f'    _alloypy_words "{names} --help --version"',
        "    return",
        "  fi",
        "  local after=0",
        '  for at in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
        '    if [ "$at" = "--" ]; then after=1; fi',
        "  done",
        '  case "$after ${COMP_WORDS[1]} $flag" in',
        *(line for row in table for line in _values(row)),
        "    *)",
        '      case "$after ${COMP_WORDS[1]} $current" in',
        *(line for row in table for line in _words(row)),
        "      esac ;;",
        "  esac",
    ]
    return _HEAD + "".join(f"{line}\n" for line in lines) + _TAIL


def _values(row: CommandRow) -> Iterator[str]:
    """The cases that complete the value of a flag."""
    for flag in row.flags:
        if flag.value is not None:
            patterns = "|".join(f'"0 {name} {spelled}"' for name in row.names for spelled in _spelled(flag))
            yield f"    {patterns}) {_offer(flag.value)} ;;"


def _spelled(flag: FlagRow) -> list[str]:
    return [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else [])]


def _words(row: CommandRow) -> Iterator[str]:
    flags = " ".join(f"--{flag.name}" + ("=" if flag.value is not None else "") for flag in row.flags)
    flagged = "|".join(f'"0 {name} -"*' for name in row.names)
    named = "|".join(f'?" {name} "*' for name in row.names)
    yield f'        {flagged}) _alloypy_words "{flags}" ;;'
    yield f"        {named}) {_offer(row.argument)} ;;"


def _offer(value: Value) -> str:
    if value.words:
        return f'_alloypy_words "{" ".join(value.words)}"'
    if value.alloy_files:
        return "_alloypy_files '*.alloy'"
    return "_alloypy_files '*'" if value.files else ":"
