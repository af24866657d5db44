"""The page of the configuration: what runs, what the files say now, and whether that can be loaded."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from alloypy.check.masking import MASK
from alloypy.lang.secrecy import hide_urls
from alloypy.services.admin.messages import Answer
from alloypy.services.configuration import Configuration, LoadError
from alloypy.services.web.components import ago
from alloypy.services.web.config_check import Checked, Checks
from alloypy.services.web.html import Child, Html, h, join
from alloypy.services.web.shell import Pages, View, page, place_in, table
from alloypy.services.web.values import size
from alloypy.syntax.config_files import ConfigReadError, parse_config
from alloypy.syntax.diagnostics import DiagnosticsError
from alloypy.syntax.source import Source
from alloypy.syntax.tree import File
from alloypy.threads import WORK

_SECONDS = 30.0
_MOST_DIFFERENCES = 2000
_LARGEST_SHOWN = 512 << 10
_LARGEST_COMPARED = 1 << 20


class _Text(NamedTuple):
    """A file without secrets and comments."""

    name: str
    lines: Sequence[str]
    size: int


class _Difference(NamedTuple):
    """What has changed. lines: of a unified difference, without secrets.

    hidden: names of the files that differ only in what is not shown.
    """

    lines: Sequence[str]
    hidden: Sequence[str]
    left_out: int = 0

    @property
    def any(self) -> bool:
        return bool(self.lines or self.hidden)


def pages(configuration: Configuration, reload: Callable[[], Awaitable[None]], flags: Sequence[str]) -> Pages:
    """The page, which also takes the request to reload. flags: `name=value`, of the command line."""
    checks = Checks(configuration.path, _deciding(flags))

    async def config(view: View) -> Answer:
        told: Child = None
        status = 200
        if view.asked.method == "POST":
            told, status = await _reloaded(reload)
        return page(
            view,
            "Configuration",
            await _contents(configuration, checks, told),
            active="config",
            status=status,
        )

    return Pages({"config": config}, changing=("config",))


def _deciding(flags: Sequence[str]) -> list[str]:
    """The flags of `run` that `validate` has as well."""
    names = ("stability.level", "feature.community-components.enabled")
    return [f"--{each}" for each in flags if each.partition("=")[0] in names]


async def _reloaded(reload: Callable[[], Awaitable[None]]) -> tuple[Html, int]:
    """Reload; what to say about it, and the status of the answer."""
    try:
        # A client that hangs up must not stop the reload halfway, so it runs in its own task.
        await asyncio.shield(asyncio.ensure_future(reload()))
    except LoadError as error:
        text = f"Not reloaded: {error}. What ran before still runs."
        return h("p", {"class": "note bad", "role": "alert"}, text), 400
    return h("p", {"class": "note good", "role": "status"}, "Reloaded."), 200


async def _contents(configuration: Configuration, checks: Checks, told: Child) -> Html:
    running = configuration.files
    texts = await WORK.run(lambda: [_text(file) for file in running], _SECONDS)
    problem, state, sources = "", None, []
    try:
        sources = await configuration.present()
        state = await WORK.run(lambda: _difference(running, sources), _SECONDS)
    except LoadError as error:
        problem = str(error)
    checked = await checks.of(sources) if sources else Checked(())
    return join(
        h("h1", {}, "Configuration"),
        told,
        _facts(configuration),
        h("form", {"method": "post", "action": "config"}, h("button", {"id": "reload"}, "Reload")),
        _state(problem, state),
        _refusal(configuration) if told is None else None,
        _checked(checked, running) if sources else None,
        _shown_difference(state) if state is not None and state.lines else None,
        h("h2", {}, "What runs"),
        h("p", {"class": "weak"}, "Secrets and comments are not shown."),
        [_file(each) for each in texts],
    )


def _facts(configuration: Configuration) -> Html:
    loaded = datetime.fromtimestamp(configuration.loaded_at, UTC)
    return h(
        "dl",
        {"class": "facts"},
        h("dt", {}, "Path"),
        h("dd", {}, h("code", {}, configuration.path)),
        h("dt", {}, "Loaded"),
        h("dd", {}, f"{loaded:%Y-%m-%d %H:%M:%S} UTC", h("span", {"class": "weak"}, f" ({ago(loaded)})")),
    )


def _state(problem: str, difference: _Difference | None) -> Html:
    if difference is None:
        return h(
            "p", {"class": "note bad"}, f"The files cannot be compared with what runs: {hide_urls(problem)}."
        )
    if not difference.any:
        return h("p", {"class": "note good"}, "The files are those that run.")
    only = (
        f" {', '.join(difference.hidden)}: only secrets or comments have changed."
        if difference.hidden
        else ""
    )
    return h("p", {"class": "note"}, f"The files differ from what runs.{only} Reload to run what they say.")


def _refusal(configuration: Configuration) -> Html | None:
    if configuration.refusal is None:
        return None
    at, error = configuration.refusal
    when = ago(datetime.fromtimestamp(at, UTC))
    return h("p", {"class": "note bad"}, f"The last reload was refused {when}: {error}")


def _checked(checked: Checked, files: Sequence[File]) -> Html:
    names = {file.source.name for file in files}
    rows = [
        h(
            "tr",
            {},
            h(
                "td",
                {"class": f"health {'unhealthy' if each.severity == 'error' else 'unknown'}"},
                each.severity,
            ),
            h("td", {}, place_in(each.place, names)),
            h("td", {}, each.message, h("span", {"class": "weak"}, f" {each.hint}") if each.hint else None),
            h("td", {}, each.code),
        )
        for each in checked.findings
    ]
    if checked.problem:
        content = h("p", {}, f"Not checked: {checked.problem}.")
    elif rows:
        content = table("Findings", ("Severity", "Place", "Message", "Code"), rows)
    else:
        content = h("p", {}, "Nothing is wrong with the files.")
    more = h("p", {}, f"There are {checked.more:,} more.") if checked.more else None
    return h("section", {"id": "findings"}, h("h2", {}, "Check of the files"), content, more)


def _shown_difference(difference: _Difference) -> Html:
    kinds = {"+": "added", "-": "removed", "@": "weak"}
    lines = [join(h("span", {"class": kinds.get(line[:1])}, line), "\n") for line in difference.lines]
    more = f"{difference.left_out:,} more lines are left out." if difference.left_out else ""
    return h(
        "section",
        {"id": "difference"},
        h("h2", {}, "Difference between what runs and the files"),
        h("pre", {"class": "difference", "tabindex": 0}, lines),
        h("p", {}, more) if more else None,
    )


def _file(text: _Text) -> Html:
    name = h(
        "summary",
        {},
        text.name,
        h("span", {"class": "weak"}, f" {len(text.lines):,} lines, {size(text.size)}"),
    )
    if text.size > _LARGEST_SHOWN:
        return h("details", {}, name, h("p", {}, "It is too large to be shown."))
    numbered = [
        h("span", {"class": "line", "id": f"{text.name}:{number}"}, line, "\n")
        for number, line in enumerate(text.lines, 1)
    ]
    return h("details", {"open": True}, name, h("pre", {"class": "source", "tabindex": 0}, numbered))


def _text(file: File) -> _Text:
    return _Text(file.source.name, _lines(MASK.shareable(file)), len(file.source.data))


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").rstrip("\n").split("\n")


def _masked(source: Source) -> list[str]:
    """The lines of a file without secrets; of one that cannot be parsed, only what says so."""
    try:
        (file,) = parse_config([source])
    except (ConfigReadError, DiagnosticsError):
        return ["(This file cannot be parsed, so it is not shown.)"]
    return _lines(MASK.shareable(file))


def _difference(running: Sequence[File], present: Sequence[Source]) -> _Difference:
    before = {file.source.name: file.source for file in running}
    after = {source.name: source for source in present}
    lines: list[str] = []
    hidden = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and old.data == new.data:
            continue
        found = _between(name, old, new)
        if not found:
            hidden.append(name)
        lines += found
    return _Difference(lines[:_MOST_DIFFERENCES], hidden, max(0, len(lines) - _MOST_DIFFERENCES))


def _between(name: str, old: Source | None, new: Source | None) -> list[str]:
    if max(len(each.data) for each in (old, new) if each is not None) > _LARGEST_COMPARED:
        return [f"@@ {name} has changed, and is too large to be compared @@"]
    before, after = ([] if each is None else _masked(each) for each in (old, new))
    names = (name if old is not None else "(no file)", name if new is not None else "(no file)")
    return list(difflib.unified_diff(before, after, f"running {names[0]}", f"now {names[1]}", lineterm=""))
