"""Which proxy a request goes through, by the rules of Go's httpproxy.

Source: docs/spec/PYROSCOPE.md, sections 4, 5.1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from alloypy.lang.go.url import URL, parse_url
from alloypy.net.client.messages import Headers, NotSent, Origin

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Rule: TypeAlias = Callable[[str, str, "_Address | None"], bool]


class ProxySettings(NamedTuple):
    """Proxy settings of one client. connect_headers: sent only with CONNECT."""

    url: URL | None = None
    no_proxy: str = ""
    from_environment: bool = False
    connect_headers: tuple[tuple[str, str], ...] = ()


NO_PROXY = ProxySettings()


class ProxyRoute(NamedTuple):
    """A proxy and the headers that only its CONNECT requests carry."""

    url: URL
    connect_headers: Headers = ()


class Proxies:
    """Chooses the proxy for an origin.

    environ: read once, and only if the settings ask for the environment.
    """

    def __init__(self, settings: ProxySettings, environ: Mapping[str, str]) -> None:
        self._always: URL | None = None
        self._by_scheme: dict[str, URL | None] = {}
        self._rules: list[_Rule] = []
        self._cgi = False
        self._connect_headers = settings.connect_headers
        self._known: dict[Origin, ProxyRoute | None] = {}
        if settings.from_environment:
            self._by_scheme = {
                "http": _parse(_first(environ, "http_proxy", "HTTP_PROXY")),
                "https": _parse(_first(environ, "https_proxy", "HTTPS_PROXY")),
            }
            self._rules = list(_rules(_first(environ, "no_proxy", "NO_PROXY")))
            self._cgi = bool(environ.get("REQUEST_METHOD"))
        elif settings.url is not None and settings.no_proxy:
            self._by_scheme = {"http": settings.url, "https": settings.url}
            self._rules = list(_rules(settings.no_proxy))
        else:
            self._always = settings.url
        self.any = self._always is not None or any(self._by_scheme.values())

    def route(self, origin: Origin) -> ProxyRoute | None:
        """The proxy for `origin`; None for a direct connection. Raises NotSent."""
        if not self.any:
            return None
        if origin not in self._known:
            url = self._always or self._choose(origin)
            self._known[origin] = None if url is None else ProxyRoute(url, self._connect_headers)
        return self._known[origin]

    def _choose(self, origin: Origin) -> URL | None:
        url = self._by_scheme.get(origin.scheme)
        if url is None:
            return None
        if self._cgi and origin.scheme == "http":
            raise NotSent(
                "refusing to use HTTP_PROXY value in CGI environment; see golang.org/s/cgihttpproxy"
            )
        host = origin.host.lower()
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return None
        return None if any(rule(host, str(origin.port), address) for rule in self._rules) else url


def _first(environ: Mapping[str, str], *names: str) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _parse(text: str) -> URL | None:
    """A proxy from the environment, whose scheme may be left out; an invalid one is ignored."""
    if not text:
        return None
    for candidate in (text, f"http://{text}"):
        try:
            url = parse_url(candidate)
        except ValueError:
            continue
        if url.scheme and url.host:
            return url
    return None


def _rules(no_proxy: str) -> list[_Rule]:
    rules = []
    for part in no_proxy.split(","):
        entry = part.strip().lower()
        if entry == "*":
            return [lambda _host, _port, _address: True]
        rule = _rule(entry)
        if rule is not None:
            rules.append(rule)
    return rules


def _rule(entry: str) -> _Rule | None:
    if "/" in entry:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            pass
        else:
            return lambda _host, _port, address: address is not None and address in network
    name, port = _split_port(entry)
    if not name:
        return None
    wanted = _address(name)
    if wanted is not None:
        return lambda _host, its_port, address: address == wanted and port in ("", its_port)
    name = name.removeprefix("*")
    exact = "" if name.startswith(".") else name
    suffix = name if name.startswith(".") else f".{name}"

    def matches(host: str, its_port: str, address: _Address | None) -> bool:
        if address is not None or port not in ("", its_port):
            return False
        return host.endswith(suffix) or host == exact

    return matches


def _split_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        return name, rest.removeprefix(":")
    if entry.count(":") == 1:
        name, _, port = entry.partition(":")
        return name, port
    return entry, ""


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
