"""The page about the process: its version, its settings, and where else to look."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

from alloypy import __version__
from alloypy.build_kind import BUILD_KIND
from alloypy.lang.secrecy import hide
from alloypy.services.admin.messages import Answer
from alloypy.services.process_stats import started_at
from alloypy.services.web.html import Html, h, join
from alloypy.services.web.shell import Pages, View, page, table

_LINKS = (
    ("/metrics", "Metrics for Prometheus"),
    ("/-/ready", "Whether it is ready"),
    ("/-/healthy", "Whether all components are healthy"),
)


def pages(flags: Sequence[str], peers: Callable[[], list[dict[str, Any]]], prefix: str) -> Pages:
    """The page. flags: `name=value`. peers: the replicas as the API lists them."""

    async def about(view: View) -> Answer:
        # Not below the prefix: as seen from the first page, one level up for each part of it.
        top = "../" * (prefix.count("/") - 1) or "./"
        body = join(
            h("h1", {}, "About"),
            _facts(
                ("alloypy", f"{__version__} ({BUILD_KIND})"),
                ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
                ("System", f"{platform.system()} {platform.machine()}"),
                ("Process", str(os.getpid())),
                ("Running for", _duration(_uptime())),
            ),
            h("h2", {}, "Elsewhere"),
            h(
                "ul",
                {},
                [h("li", {}, h("a", {"href": top + path[1:]}, path), f": {title}") for path, title in _LINKS],
            ),
            h("h2", {}, "Replicas"),
            _replicas(peers()),
            h("h2", {}, "Flags"),
            _facts(
                *((name, hide(value, name)) for name, _, value in (each.partition("=") for each in flags))
            ),
        )
        return page(view, "About", body, active="about")

    return Pages({"about": about})


def _facts(*pairs: tuple[str, str]) -> Html:
    return h(
        "dl",
        {"class": "facts"},
        [(h("dt", {}, name), h("dd", {}, value or "\u2013")) for name, value in pairs],
    )


def _replicas(peers: Sequence[dict[str, Any]]) -> Html:
    rows = [
        h(
            "tr",
            {},
            [h("td", {}, str(each[key])) for key in ("name", "addr", "state")],
            h("td", {}, "this one" if each["isSelf"] else "another"),
        )
        for each in peers
    ]
    return table("Replicas", ("Name", "Address", "State", "Which"), rows)


def _uptime() -> float:
    """Seconds since the process started."""
    return max(0.0, time.time() - started_at())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{value} {unit}" for value, unit in parts if value) or "0 s"
