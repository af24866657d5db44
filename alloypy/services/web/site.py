"""All pages of a running alloypy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from alloypy.runtime.controller import Controller
from alloypy.services.admin.messages import ASGI
from alloypy.services.admin.streaming import Streams
from alloypy.services.configuration import Configuration
from alloypy.services.web import component, components, config, flame, graph, live, modules, process
from alloypy.services.web.live_hub import Hub
from alloypy.services.web.rates import Rates
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

    configuration: the files, as loaded last and as they are. reload: loads them; raises LoadError.
    peers: the replicas as the API lists them.
    live: what watches profiles; None while live debugging is off. streams: the answers without an end.
    unprotected: whether a path of the server is open to everyone: to more than this machine, without
        credentials. flags: the command line's `name=value` pairs. prefix: begins and ends with `/`.
    """

    controller: Controller
    configuration: Configuration
    peers: Callable[[], list[dict[str, Any]]]
    reload: Callable[[], Awaitable[None]]
    live: Callable[[], Hub | None]
    unprotected: Callable[[str], bool]
    streams: Streams
    flags: Sequence[str]
    prefix: str


def site(about: Site, default: ASGI) -> ASGI:
    """The application that serves the pages. default: answers all other paths.

    A part of the site is a function that takes `Site` and returns `Pages`; list it here.
    """
    controller = about.controller
    rates = Rates(controller.passages)
    parts: list[Pages] = [
        components.pages(controller, rates),
        component.pages(controller, rates, about.configuration),
        graph.pages(controller, rates),
        modules.pages(controller),
        config.pages(about.configuration, about.reload, about.flags),
        flame.pages(about.unprotected),
        process.pages(about.flags, about.peers, about.prefix),
        live.pages(about.live, about.unprotected, about.streams),
    ]
    return application(parts, NAVIGATION, about.prefix, default)
