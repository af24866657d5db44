"""The completion script for zsh, either sourced or found as `_alloypy` in a directory of `fpath`."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.cli.commands.completion.table import CommandRow, FlagRow, Value


def script(table: list[CommandRow]) -> str:
    """The script for these commands."""
    names = "\n".join(
        f"    {_quoted(f'{name}:{_plain(row.summary)}')}" for row in table for name in row.names
    )
    cases = "\n".join(_case(row) for row in table)
    return f"""#compdef alloypy
# zsh completion for alloypy
_alloypy() {{
  local -a commands
  commands=(
{names}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$command" in
{cases}
  esac
}}
if [ "$funcstack[1]" = _alloypy ]; then
  _alloypy "$@"
else
  compdef _alloypy alloypy
fi
"""


def _case(row: CommandRow) -> str:
    options = [spec for flag in row.flags for spec in _specs(flag)]
    if row.argument != Value():  # for an argument without completions, zsh would offer no flags
        options.append(_quoted(f"{'*' if row.many else '1'}:argument:{_action(row.argument)}"))
    joined = " \\\n      ".join(options)
    return f"    {'|'.join(row.names)}) _arguments \\\n      {joined} ;;"


def _specs(flag: FlagRow) -> Iterator[str]:
    ends = "" if flag.value is None else f":value:{_action(flag.value)}"
    described = f"[{_plain(flag.doc)}]{ends}"
    equals = "" if flag.value is None else "="
    yield _quoted(f"*--{flag.name}{equals}{described}")
    if flag.short:
        yield _quoted(f"*-{flag.short}{described}")


def _action(value: Value) -> str:
    if value.words:
        return f"({' '.join(value.words)})"
    if value.alloy_files:
        return '_files -g "*.alloy(-.)"'
    return "_files" if value.files else " "


def _plain(text: str) -> str:
    """A text inside a specification, with the special characters escaped."""
    for char in ("\\", "[", "]", ":"):
        text = text.replace(char, "\\" + char)
    return text


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
