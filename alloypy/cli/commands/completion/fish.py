"""The completion script for fish."""

from __future__ import annotations

from collections.abc import Iterator

from alloypy.cli.commands.completion.table import CommandRow, Value

_HEAD = """# fish completion for alloypy
function __alloypy_in
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end
function __alloypy_first
    test (count (commandline -opc)) -eq 1
end
function __alloypy_files
    set -l all (__fish_complete_suffix .alloy)
    set -l fitting (string match -r '.*(?:\\.alloy|/)(?:\\t.*)?$' -- $all)
    if test (count $fitting) -gt 0
        printf '%s\\n' $fitting
    else
        printf '%s\\n' $all
    end
end
complete -c alloypy -f
complete -c alloypy -n __alloypy_first -l help -s h -d 'help for alloypy'
complete -c alloypy -n __alloypy_first -l version -s v -d 'version for alloypy'
"""


def script(table: list[CommandRow]) -> str:
    """The script for these commands."""
    return _HEAD + "".join(f"{line}\n" for row in table for line in _lines(row))


def _lines(row: CommandRow) -> Iterator[str]:
    for name in row.names:
        yield f"complete -c alloypy -n __alloypy_first -a {name} -d {_quoted(row.summary)}"
    where = f"complete -c alloypy -n {_quoted('__alloypy_in ' + ' '.join(row.names))}"
    for flag in row.flags:
        short = f" -s {flag.short}" if flag.short else ""
        value = "" if flag.value is None else f" {_value(flag.value)}"
        yield f"{where} -l {flag.name}{short}{value} -d {_quoted(flag.doc)}"
    if row.argument.words:
        yield f"{where} -a {_quoted(' '.join(row.argument.words))}"
    elif row.argument.alloy_files:
        yield f"{where} -k -a '(__alloypy_files)'"


def _value(value: Value) -> str:
    if value.words:
        return f"-x -a {_quoted(' '.join(value.words))}"
    return "-r -F" if value.files else "-x"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
