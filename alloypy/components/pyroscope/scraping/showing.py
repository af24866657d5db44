"""How targets are shown in logs and errors: without passwords, tokens and the like."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from alloypy.components.pyroscope.scraping.targets import ADDRESS, Wanted
from alloypy.lang.secrecy import HIDDEN_PART, hide, names_secret
from alloypy.profiles.labels import print_labels


def shown_labels(wanted: Wanted) -> str:
    """The labels of a target, private ones included."""
    return print_labels({name: _shown(name, value) for name, value in wanted.labels.items()})


def shown_url(wanted: Wanted) -> str:
    """Where a target is scraped."""
    return without_secrets(wanted.url, wanted)


def without_secrets(text: str, wanted: Wanted) -> str:
    """A text about a target that may have its URL in it."""
    url = wanted.url
    if any(_is_secret(pair.partition("=")[0]) for pair in url.partition("?")[2].split("&")):
        text = text.replace(url, hide(url))
    login, mark, _ = wanted.sent.get(ADDRESS, "").rpartition("@")
    if mark:
        password = login.partition(":")[2] or login
        for form in (password, quote(password)):
            text = text.replace(form, HIDDEN_PART)
    return text


def _shown(name: str, value: str) -> str:
    """The value of a label; `hide` takes a hundred times as long as finding out that it is not needed."""
    return hide(value, name) if "@" in value or "://" in value or _is_secret(name) else value


@lru_cache(1000)
def _is_secret(name: str) -> bool:
    return names_secret(name, query=True)
