"""What can be completed, taken from the declarations of the commands."""

from __future__ import annotations

from typing import Any, NamedTuple

from alloypy.cli.commands.completion import SHELLS
from alloypy.cli.common_flags import VERSION_KIND
from alloypy.cli.flags import Flag, HelpRequested
from alloypy.cli.main import COMMANDS, Command, run_of

_FILE_KINDS = frozenset({"file"})


class Value(NamedTuple):
    """What a flag or an argument takes: one of some words, a file, a `*.alloy` file, or anything."""

    words: tuple[str, ...] = ()
    files: bool = False
    alloy_files: bool = False


class FlagRow(NamedTuple):
    """One flag. short: its letter, or "". value: None for a boolean."""

    name: str
    short: str
    doc: str
    value: Value | None


class CommandRow(NamedTuple):
    """One command. names: with its alias. many: whether its argument may be repeated."""

    names: tuple[str, ...]
    summary: str
    flags: tuple[FlagRow, ...]
    argument: Value
    many: bool


def command_table() -> list[CommandRow]:
    """All commands that the help shows."""
    return [_row(command) for command in COMMANDS if not command.hidden]


def _row(command: Command) -> CommandRow:
    names = (command.name, command.alias) if command.alias else (command.name,)
    return CommandRow(
        names,
        command.summary,
        tuple(map(_flag_row, _flags(command))),
        _argument(command),
        _takes_many(command),
    )


def _flags(command: Command) -> list[Flag[Any]]:
    """The flags that the command declares; its request for help carries them."""
    try:
        run_of(command)(["--help"])
    except HelpRequested as request:
        return [flag for flag in request.flags if not flag.hidden]
    return []


def _flag_row(flag: Flag[Any]) -> FlagRow:
    value = None
    if flag.takes_value:
        words = tuple(flag.kind.split("|")) if "|" in flag.kind else ()
        if flag.kind == "CODE":
            words = _codes()
        elif flag.kind == "RULE":
            words = _rules()
        elif flag.kind == VERSION_KIND:
            words = _versions()
        value = Value(words, files=flag.kind in _FILE_KINDS)
    return FlagRow(flag.name, flag.short, flag.doc, value)


def _takes_many(command: Command) -> bool:
    return command.name in {"fmt", "validate", "requires", "upgrade", "explain"}


def _argument(command: Command) -> Value:
    match command.name:
        case "run" | "fmt" | "validate" | "requires" | "upgrade":
            return Value(alloy_files=True)
        case "docs":
            from alloypy.catalog.functions import function_names
            from alloypy.cli.commands.docs.flags import COMMANDS as ALLOY_COMMANDS

            return Value((*_components(), *function_names(), *ALLOY_COMMANDS))
        case "schema":
            return Value(_components())
        case "explain":
            return Value(_codes())
        case "completion":
            return Value(SHELLS)
        case "help":
            return Value(tuple(each.name for each in COMMANDS if not each.hidden))
    return Value()


def _codes() -> tuple[str, ...]:
    from alloypy.check.explanations import all_codes

    return tuple(sorted(all_codes()))


def _rules() -> tuple[str, ...]:
    from alloypy.check.lint import all_rules
    from alloypy.check.lint.selecting import ALL

    return (*sorted(all_rules()), ALL)


def _versions() -> tuple[str, ...]:
    from alloypy.catalog.versions import timeline

    return tuple(timeline().names())


def _components() -> tuple[str, ...]:
    from alloypy.catalog.catalog import load_catalog

    catalog = load_catalog()
    return tuple(sorted([*catalog.component_names, *catalog.block_names]))
