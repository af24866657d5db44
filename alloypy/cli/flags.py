"""A small flag parser that behaves like Go's pflag (`argparse` has other rules and starts slowly).

A command declares its flags and parses its arguments:

    flags = FlagSet("fmt", "[FILE]", "Format a configuration file.", minimum=0, maximum=1)
    write = flags.bool("write", short="w", doc="Write the result to the file.")
    paths = flags.parse(argv)
    if write.value: ...

Flags and positional arguments may be mixed; `--name=value`, `--name value`, `-x`, `-xvalue` and `--`
are understood. Every command has `--help`, which raises `HelpRequested`.
Source: docs/spec/RUNTIME.md, section 1.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from alloypy.cli.flag_values import choice, parse_bool
from alloypy.cli.usage_error import UsageError
from alloypy.lang.go.duration import Duration, format_duration
from alloypy.lang.go.text import parse_int, quote

T = TypeVar("T")


class HelpRequested(Exception):
    """`--help` was given. `flags` is the set that can print itself."""

    def __init__(self, flags: FlagSet) -> None:
        self.flags = flags
        super().__init__(flags.command)


class Flag(Generic[T]):
    """One declared flag.

    value: the default until `FlagSet.parse` reads another one.
    given: whether the command line named the flag.
    """

    def __init__(
        self, name: str, default: T, parse: Callable[[str], T], *, short: str, kind: str, doc: str
    ) -> None:
        self.name = name
        self.short = short
        self.default = default
        self.value = default
        self.given = False
        self.kind = kind
        self.doc = doc
        self.hidden = False
        self.deprecated = ""
        self.choices: Sequence[str] = ("true", "false") if kind == "bool" else ()
        self._parse = parse

    @property
    def takes_value(self) -> bool:
        """False for booleans: `--flag` alone means true."""
        return self.kind != "bool"

    def read(self, text: str) -> None:
        """Take the value from the command line. Raises UsageError."""
        try:
            self.value = self._parse(text)
        except ValueError as error:
            shown = f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"
            from alloypy.cli.suggestions import other_value

            message = f"invalid argument {quote(text)} for {quote(shown)} flag: {error}"
            raise other_value(message, text, self.kind, self.choices) from None
        self.given = True
        if self.deprecated:
            print(f"Flag --{self.name} has been deprecated, {self.deprecated}", file=sys.stderr)


class FlagSet:
    """The flags and arguments of one command.

    command: its name (`run`); arguments: how they are written in the usage line (`PATH`).
    summary: what the command does, first sentence first.
    minimum, maximum: how many positional arguments it takes; maximum None means any number.
    """

    def __init__(
        self, command: str, arguments: str, summary: str, *, minimum: int = 0, maximum: int | None = None
    ) -> None:
        self.command = command
        self.arguments = arguments
        self.summary = summary
        self._minimum = minimum
        self._maximum = maximum
        self._flags: dict[str, Flag[Any]] = {}
        self._shorts: dict[str, Flag[Any]] = {}

    def __iter__(self) -> Iterator[Flag[Any]]:
        """The declared flags, in the order of their declaration."""
        return iter(self._flags.values())

    def __getitem__(self, name: str) -> Flag[Any]:
        """The declared flag of that name. Raises KeyError."""
        return self._flags[name]

    def bool(self, name: str, default: bool = False, *, short: str = "", doc: str) -> Flag[bool]:
        """`--name` or `--name=false`."""
        return self._declare(Flag(name, default, parse_bool, short=short, kind="bool", doc=doc))

    def string(
        self, name: str, default: str = "", *, short: str = "", kind: str = "string", doc: str
    ) -> Flag[str]:
        """A text; `kind` is the word that the help shows for it."""
        return self._declare(Flag(name, default, str, short=short, kind=kind, doc=doc))

    def int(self, name: str, default: int = 0, *, short: str = "", doc: str) -> Flag[int]:
        """A 64-bit integer."""
        return self._declare(Flag(name, default, parse_int, short=short, kind="int", doc=doc))

    def duration(self, name: str, default: Duration, *, short: str = "", doc: str) -> Flag[Duration]:
        """A Go duration."""
        return self._declare(Flag(name, default, Duration.parse, short=short, kind="duration", doc=doc))

    def strings(self, name: str, *, short: str = "", kind: str = "string", doc: str) -> Flag[list[str]]:
        """A text that may be given several times; the value is the list of all of them."""
        given: list[str] = []

        def collect(text: str) -> list[str]:
            given.append(text)
            return given

        return self._declare(Flag(name, given, collect, short=short, kind=kind, doc=doc))

    def choice(
        self,
        name: str,
        default: str,
        choices: Sequence[str],
        *,
        noun: str,
        short: str = "",
        doc: str,
    ) -> Flag[str]:
        """One of `choices`; anything else is an `invalid {noun} "text"`."""
        flag = Flag(name, default, choice(choices, noun), short=short, kind="|".join(choices), doc=doc)
        flag.choices = choices
        return self._declare(flag)

    def deprecate(self, flag: Flag[Any], message: str) -> None:
        """Accept `flag` with a notice on stderr and leave it out of the help."""
        flag.deprecated = message
        flag.hidden = True

    def _declare(self, flag: Flag[T]) -> Flag[T]:
        self._flags[flag.name] = flag
        if flag.short:
            self._shorts[flag.short] = flag
        return flag

    def parse(self, argv: Sequence[str]) -> list[str]:
        """Read the flags and return the positional arguments. Raises UsageError and HelpRequested."""
        try:
            return self._parsed(argv)
        except UsageError as error:
            error.usage = error.usage or self.usage
            raise

    def _parsed(self, argv: Sequence[str]) -> list[str]:
        wanted_help = self.bool("help", short="h", doc=f"help for {self.command}")
        positionals: list[str] = []
        rest = list(argv)
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                positionals += rest
                break
            if argument.startswith("--"):
                self._read_long(argument, rest)
            elif argument.startswith("-") and argument != "-":
                self._read_shorts(argument, rest)
            else:
                positionals.append(argument)
        if wanted_help.value:
            raise HelpRequested(self)
        _check_count(len(positionals), self._minimum, self._maximum)
        return positionals

    def _read_long(self, argument: str, rest: list[str]) -> None:
        name, equals, text = argument[2:].partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: {argument}")
        flag = self._flags.get(name)
        if flag is None:
            raise self._unknown(f"unknown flag: --{name}", argument, name)
        if equals:
            _read(flag, text, argument)
        elif not flag.takes_value:
            flag.read("true")
        elif rest:
            flag.read(rest.pop(0))
        else:
            raise UsageError(f"flag needs an argument: --{name}")

    def _read_shorts(self, argument: str, rest: list[str]) -> None:
        letters = argument[1:]
        while letters:
            letter, tail = letters[0], letters[1:]
            flag = self._shorts.get(letter)
            if flag is None:
                raise self._unknown(
                    f"unknown shorthand flag: '{letter}' in -{letters}", argument, argument[1:]
                )
            if tail.startswith("=") and len(tail) > 1:
                return _read(flag, tail[1:], argument)
            if not flag.takes_value:
                flag.read("true")
                letters = tail
                continue
            if tail:
                return _read(flag, tail, argument)
            if not rest:
                raise UsageError(f"flag needs an argument: '{letter}' in -{letters}")
            return flag.read(rest.pop(0))
        return None

    def _unknown(self, message: str, argument: str, name: str) -> UsageError:
        from alloypy.cli.suggestions import other_flag

        if argument.endswith(".alloy") or os.path.lexists(argument):
            hint = "to name a file, put -- before it"
            return UsageError(message, hint=hint, instead=(argument, "--", argument))
        return other_flag(message, argument, name, [flag.name for flag in self if not flag.hidden])

    def help_text(self) -> str:
        """The help of this command, made from the declarations."""
        lines = [self.summary, "", "Usage:", f"  {self.usage}", "", "Flags:"]
        rows = [(_flag_column(flag), _help_column(flag)) for flag in self if not flag.hidden]
        width = max(len(left) for left, _ in rows)
        lines += [f"{left.ljust(width)}   {right}" for left, right in rows]
        return "\n".join(lines) + "\n"

    @property
    def usage(self) -> str:
        """The usage line."""
        return " ".join(["alloypy", *self.command.split(), "[flags]", *self.arguments.split()])


def _read(flag: Flag[Any], text: str, argument: str) -> None:
    """Read a value that is part of the flag's own argument. Raises UsageError."""
    try:
        flag.read(text)
    except UsageError as error:
        if error.instead:
            error.instead = (argument, argument.removesuffix(text) + error.instead[1])
        raise


def _check_count(received: int, low: int, high: int | None) -> None:
    if received >= low and (high is None or received <= high):
        return
    if high is None:
        raise UsageError(f"requires at least {low} arg(s), only received {received}")
    wanted = f"{low}" if low == high else f"between {low} and {high}"
    raise UsageError(f"accepts {wanted} arg(s), received {received}")


def _flag_column(flag: Flag[Any]) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"  {short}--{flag.name}" + (f" {flag.kind}" if flag.takes_value else "")


def _help_column(flag: Flag[Any]) -> str:
    default = flag.default
    if not default:
        return flag.doc
    if isinstance(default, Duration):
        return f"{flag.doc} (default {format_duration(default)})"
    if isinstance(default, bool):
        return f"{flag.doc} (default true)"
    return f"{flag.doc} (default {quote(default) if isinstance(default, str) else default})"
