"""All pages of a running alloypy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from alloypy.runtime.contract.events import Events
from alloypy.runtime.controller import Controller
from alloypy.services.admin.messages import ASGI
from alloypy.services.web import components
from alloypy.services.web.shell import Entry, Pages, application

NAVIGATION = (
    Entry("", "Components"),
    Entry("graph", "Graph"),
    Entry("live", "Live"),
    Entry("flame", "Flame graph"),
    Entry("modules", "Modules"),
    Entry("config", "Configuration"),
    Entry("about", "About"),
)


class Site(NamedTuple):
    """What the pages show, and what they may do.

    reload: loads the configuration again; raises LoadError.
    events: what happens to profiles. live_debugging: whether the configuration allows to watch that.
    unprotected: whether a path of the server is open to everyone: to more than this machine, without
        credentials. flags: the command line's `name=value` pairs. prefix: begins and ends with `/`.
    """

    controller: Controller
    reload: Callable[[], Awaitable[None]]
    events: Events
    live_debugging: Callable[[], bool]
    unprotected: Callable[[str], bool]
    flags: Sequence[str]
    prefix: str


def site(about: Site, default: ASGI) -> ASGI:
    """The application that serves the pages. default: answers all other paths.

    A part of the site is a function that takes `Site` and returns `Pages`; list it here.
    """
    parts: list[Pages] = [
        components.pages(about.controller),
    ]
    return application(parts, NAVIGATION, about.prefix, default)
