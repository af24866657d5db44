"""What the user may have meant by a wrong command line, and the line to type."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise

from alloypy.cli.usage_error import UsageError
from alloypy.lang.secrecy import hide_urls
from alloypy.schema.nearest import nearest
from alloypy.syntax.render import escaped

_MEANT = {
    **dict.fromkeys(("check", "lint", "test", "verify", "vet", "ls"), "validate"),
    **dict.fromkeys(("start", "serve", "up"), "run"),
    **dict.fromkeys(("version", "-version", "-V"), "--version"),
    "evaluate": "eval",
    "tidy": "fmt",
}
"""Words from other programs, and the command or flag that does the same here."""

_USUAL = {"run": "config.alloy", "validate": "."}
"""Typical arguments of commands that require some."""

_ALIKE_FLAGS = {
    "fix": "write",
    "in-place": "write",
    "inplace": "write",
    "stability": "stability.level",
    "level": "stability.level",
    "listen-addr": "server.http.listen-addr",
    "format": "output-format",
    "output": "output-file",
    "all": "recursive",
}
_KINDS = {
    "int": "a whole number, such as 5",
    "duration": "a number with its unit, such as 15s or 1m30s",
}


def other_command(name: str, names: Sequence[str]) -> str | None:
    """The command, or the flag in its place, that `name` may stand for."""
    return _MEANT.get(name) or nearest(name, names)


def usual_arguments(command: str) -> list[str]:
    """Arguments that complete a suggested command line, so that it can be typed as it is."""
    return [_USUAL[command]] if command in _USUAL else []


def other_flag(message: str, argument: str, name: str, known: Sequence[str]) -> UsageError:
    """The error for a flag that does not exist. argument: as written; name: the flag's name in it."""
    written = name.partition("=")[0]
    meant = _ALIKE_FLAGS.get(written)
    if meant not in known:
        meant = nearest(written.replace("-", "."), known) or _by_part(written, known)
    if meant is None:
        return UsageError(message)
    _, equals, value = argument.partition("=")
    instead = (argument, f"--{meant}{equals}{value}")
    return UsageError(message, hint=f"did you mean `--{meant}`?", instead=instead)


def _by_part(written: str, known: Sequence[str]) -> str | None:
    """The flag that has this name as one of its dotted parts; None unless there is exactly one."""
    having = [name for name in known if written in name.split(".")]
    return having[0] if len(having) == 1 else None


def other_value(message: str, text: str, kind: str, choices: Sequence[str]) -> UsageError:
    """The error for a flag's value that is not allowed."""
    if not choices:
        return UsageError(message, hint=_KINDS.get(kind, ""))
    allowed = f"allowed: {', '.join(choices)}"
    meant = nearest(text, choices)
    if meant is None:
        return UsageError(message, hint=allowed)
    return UsageError(message, hint=f"did you mean `{meant}`? {allowed}", instead=(text, meant))


def error_lines(error: UsageError, words: Sequence[str]) -> str:
    """The lines for a usage error: what is wrong, what may have been meant, and finally what to type.

    words: the command line, including the command. The line to type leaves out values of variables and
    credentials; it is omitted for `eval`, whose expression may hold some.
    """
    lines = [f"Error: {error}"]
    if error.hint:
        lines.append(f"  = hint: {error.hint}")
    if error.instead and error.instead[0] in words and words[0] != "eval":
        at = words.index(error.instead[0])
        lines.append(f"  = type: {line([*words[:at], *error.instead[1:], *words[at + 1 :]])}")
    elif error.usage:
        lines.append(f"  = usage: {error.usage}")
    return escaped("\n".join(lines) + "\n")


def line(words: Sequence[str]) -> str:
    """A command line to type, without secrets."""
    shown = ["alloypy"]
    for before, word in pairwise(("", *words)):
        name, equals, _ = word.removeprefix("--env=").partition("=")
        if equals and (before == "--env" or word.startswith("--env=")):
            shown.append(f"{'--env=' if before != '--env' else ''}{name}=...")
        else:
            shown.append(shlex.quote(hide_urls(word)))
    return escaped(" ".join(shown))
