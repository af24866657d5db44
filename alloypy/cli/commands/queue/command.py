"""`alloypy queue`: look into the queue of an alloypy.queue on disk, and change it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from alloypy.cli import exit_codes, streams
from alloypy.cli.commands.view.serving import ANY_PORT
from alloypy.cli.flags import FlagSet
from alloypy.cli.usage_error import UsageError
from alloypy.queueing.directory import DEFAULT_PLACE
from alloypy.schema.nearest import did_you_mean

if TYPE_CHECKING:
    from alloypy.queueing.looking import Look

_ACTIONS = ("ls", "show", "replay", "drop", "drain")
_MOST_DIGITS = 19
_USED_BY = {
    "json": ("ls", "show"),
    "records": ("ls",),
    "destination": ("ls", "replay", "drop"),
    "output": ("show",),
    "flame": ("show",),
    "listen": ("show",),
    "open": ("show",),
    "dead-letters": ("drop",),
    "yes": ("drop",),
    "url": ("drain",),
}
"""The actions that a flag is for."""

_SUMMARY = f"""\
Look into a queue of alloypy.queue on disk: what waits, dead letters and their reasons, single profiles.

DIR is the queue's path: {DEFAULT_PLACE}. The actions are
  ls       list destinations with what waits for them; with --records also each record
  show     show the record NUMBER; --output writes its profile to a file, --flame shows it in the browser
  replay   let dead letters wait again: all, or those with NUMBERs
  drop     delete what waits and the dead letters: all, or those with NUMBERs; needs --yes
  drain    print a configuration that delivers what waits, and takes nothing new

All work while alloypy runs, too: replay and drop ask the process that has the queue open."""


def run(argv: list[str]) -> int:
    """Do what `argv` says. Raises UsageError and HelpRequested."""
    flags = FlagSet("queue", "ls|show|replay|drop|drain DIR [NUMBER...]", _SUMMARY, minimum=1)
    as_json = flags.bool("json", doc="print JSON (ls, show)")
    records = flags.int("records", 0, doc="also list so many records for each destination (ls)")
    name = flags.string("destination", doc="only this one, such as pyroscope.write.eu (ls, replay, drop)")
    output = flags.string(
        "output", kind="file", doc="write the profile to this new file, - for stdout (show)"
    )
    flame = flags.bool("flame", doc="serve a page with its flame graph until interrupted (show)")
    address = flags.string(
        "listen", ANY_PORT, doc="address to listen on, of the loopback interface (show --flame)"
    )
    browser = flags.bool("open", doc="open the page in the browser (show --flame)")
    dead = flags.bool("dead-letters", doc="only dead letters (drop)")
    yes = flags.bool("yes", doc="really delete (drop)")
    url = flags.string("url", doc="URL of the server to deliver to (drain)")
    action, *named = flags.parse(argv)
    numbers = _checked(flags, action, named[1:])
    if not named:
        raise UsageError(f"{action} needs DIR, the path of a queue", hint=DEFAULT_PLACE, usage=flags.usage)
    path = named[0]
    if records.value < 0:
        raise UsageError("--records is a number from 0 on", usage=flags.usage)

    def act(queue: Look) -> int:
        if action == "ls":
            from alloypy.cli.commands.queue.listing import listed

            return listed(queue, name.value, records.value, as_json=as_json.value)
        if flame.value:
            from alloypy.cli.commands.queue.flame import flame_shown

            return flame_shown(queue, numbers[0], address.value, wants_browser=browser.value)
        if action == "show":
            from alloypy.cli.commands.queue.showing import shown

            return shown(queue, numbers[0], output.value, as_json=as_json.value)
        if action == "drain":
            from alloypy.cli.commands.queue.draining import configuration
            from alloypy.cli.commands.queue.words import put

            put(configuration(queue, url.value).rstrip("\n"))
            return exit_codes.SUCCESS
        from alloypy.cli.commands.queue import changing

        wanted = changing.Wanted(name.value, frozenset(numbers))
        if action == "replay":
            return changing.replay(queue, wanted)
        return changing.drop(queue, wanted, only_dead=dead.value, is_sure=yes.value)

    return _on(path, act)


def _on(path: str, act: Callable[[Look], int]) -> int:
    """Do something to the queue at `path`; returns the exit code."""
    if sys.platform == "win32":
        streams.fault("queues on disk need file locks, which Windows does not have")
        return exit_codes.FAILURE
    from alloypy.cli.commands.queue.words import warn
    from alloypy.queueing.errors import QueueError
    from alloypy.queueing.looking import look
    from alloypy.queueing.obstacles import why

    try:
        queue = look(path)
        for each in queue.warnings:
            warn(each)
        return act(queue)
    except QueueError as reason:
        streams.fault(str(reason))
    except OSError as error:
        streams.fault(f"cannot read the queue {path}: {why(error, path)}")
    return exit_codes.FAILURE


def _checked(flags: FlagSet, action: str, rest: list[str]) -> list[int]:
    """The numbers, if all that was given goes together. Raises UsageError."""
    if action not in _ACTIONS:
        hint = did_you_mean(action, _ACTIONS) or f"the actions are {', '.join(_ACTIONS)}"
        raise UsageError(f"unknown action {action}", hint=hint, usage=flags.usage)
    for flag in flags:
        if flag.given and action not in _USED_BY.get(flag.name, _ACTIONS):
            raise UsageError(f"--{flag.name} is not a flag of {action}", usage=flags.usage)
    given = {flag.name for flag in flags if flag.given}
    for name in given & {"listen", "open"} if "flame" not in given else ():
        raise UsageError(f"--{name} is for show --flame", usage=flags.usage)
    if "flame" in given and given & {"json", "output"}:
        raise UsageError("--flame shows a page, and neither prints nor writes the record", usage=flags.usage)
    numbers = []
    for text in rest:
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text)):
            shown = text if len(text) <= 2 * _MOST_DIGITS else f"{text[:_MOST_DIGITS]}..."
            raise UsageError(f"{shown} is not the number of a record", usage=flags.usage)
        numbers.append(int(text))
    if action == "show" and len(numbers) != 1:
        raise UsageError(
            "show needs DIR and one NUMBER", hint="`ls --records=20` lists some", usage=flags.usage
        )
    if action in ("ls", "drain") and numbers:
        raise UsageError(f"{action} takes no NUMBER", usage=flags.usage)
    return numbers
