"""Server URLs that can be loaded, but to which nothing can be sent, or only to the wrong path."""

from __future__ import annotations

import re

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]*)?/?\Z")
"""URLs that are certainly fine."""

_HIGHEST_PORT = 65535
PUSH_PATH = "/push.v1.PusherService/Push"
DEBUG_INFO_PATH = "/debuginfo.v1alpha1.DebuginfoService/"
"""Paths appended to the URL of a Pyroscope server; a method name follows the one of debug info."""

_APPENDED = ("/ingest", PUSH_PATH)


def url_fault(text: str) -> str:
    """Why no request can be sent to a URL; "" if it can. A port without a host means this machine."""
    if _PLAIN_URL.match(text):
        return ""
    if not text:
        return "it is empty"
    from alloypy.lang.go.url import parse_url

    try:
        url = parse_url(text)
    except ValueError as error:
        return str(error)
    if url.scheme not in {"http", "https"}:
        return "it does not begin with http:// or https://"
    if not url.host:
        return "it has no host"
    if url.port.isdecimal() and not 1 <= int(url.port) <= _HIGHEST_PORT:
        return f"there is no port {url.port}"
    return ""


def appended_path(text: str) -> str:
    """The path at the end of a Pyroscope server's URL that alloypy appends anyway; "" if there is none."""
    _, slash, path = text.partition("?")[0].partition("://")[2].partition("/")
    path = slash + path.rstrip("/")
    return next((each for each in _APPENDED if path.endswith(each)), "")
