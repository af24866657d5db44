"""URLs as Go reads and writes them, and their texts without credentials.

`parse_url` gives Go's error texts, which the configuration's diagnostics show.
Source: docs/spec/SYNTAX.md, section 6 (text types); docs/spec/PYROSCOPE.md, sections 4, 5.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote as percent_encode
from urllib.parse import unquote_to_bytes

from alloypy.lang.go.text import quote
from alloypy.lang.secrecy import HIDDEN_PART

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)?:")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_ASCII_ESCAPE = re.compile(r"%(?!25)[0-7][0-9A-Fa-f]")
_NOT_IN_HOST = re.compile(r"[\x00-\x20#/?@\\^`{|}\x7f]")
_NOT_IN_USERINFO = re.compile(r"[^A-Za-z0-9\-._:~!$&'()*+,;=%@]")
_VALID_PATH = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:@\[\]/]|%[0-9A-Fa-f]{2})*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PORT = re.compile(r"(?::[0-9]*)?")
_PATH_SAFE = "$&+,/:;=@~"


class URL(NamedTuple):
    """A parsed URL.

    scheme: lower case. opaque: what follows the scheme if no slash does.
    user: None without user information; password: None without a colon in it. Both decoded.
    host: with the port, as written. path: decoded; raw_path: as written if that differs from the
        ordinary encoding, else "". query, fragment: as written.
    omit_host: whether the path follows the scheme without `//`.
    """

    scheme: str = ""
    opaque: str = ""
    user: str | None = None
    password: str | None = None
    host: str = ""
    path: str = ""
    raw_path: str = ""
    query: str = ""
    fragment: str = ""
    omit_host: bool = False

    @property
    def hostname(self) -> str:
        """The host without port and brackets."""
        if self.host.startswith("["):
            return self.host[1:].partition("]")[0]
        name, colon, port = self.host.rpartition(":")
        return name if colon and (not port or port.isdecimal()) else self.host

    @property
    def port(self) -> str:
        """The port as written, or ""."""
        rest = self.host.rpartition("]")[2] if self.host.startswith("[") else self.host
        colon, port = rest.rpartition(":")[1:]
        return port if colon else ""

    @property
    def escaped_path(self) -> str:
        """The path as it is sent in requests."""
        return self.raw_path or ("*" if self.path == "*" else escape_path(self.path))

    def __str__(self) -> str:
        text = f"{self.scheme}:" if self.scheme else ""
        if self.opaque:
            text += self.opaque
        else:
            if self.host or self.user is not None or (self.scheme and self.path and not self.omit_host):
                text += f"//{self._userinfo()}{_escape_host(self.host)}"
                if self.path and not self.path.startswith("/"):
                    text += "/"
            text += self.escaped_path
        if self.query:
            text += f"?{self.query}"
        if self.fragment:
            text += f"#{self.fragment}"
        return text

    def _userinfo(self) -> str:
        if self.user is None:
            return ""
        userinfo = percent_encode(self.user, safe="$&+,;=~", errors="surrogateescape")
        if self.password is not None:
            userinfo += ":" + percent_encode(self.password, safe="$&+,;=~", errors="surrogateescape")
        return f"{userinfo}@"

    def redacted(self) -> str:
        """The URL without its secrets: the password, a user name alone (often a token), query values."""
        shown = self
        if self.password is not None:
            shown = shown._replace(password=HIDDEN_PART)
        elif self.user:
            shown = shown._replace(user=HIDDEN_PART)
        if "@" in self.opaque:  # user:password@host, without a scheme
            shown = shown._replace(opaque=f"{HIDDEN_PART}@{self.opaque.rpartition('@')[2]}")
        return str(shown._replace(query=_redact_query(self.query), fragment=""))


def parse_url(text: str) -> URL:
    """`text` parsed as by Go's url.Parse.

    Raises ValueError, such as `parse "::": missing protocol scheme`, which shows no credentials.
    """
    rest, _, fragment = text.partition("#")
    try:
        url = _parse(rest)
    except ValueError as reason:
        raise _fault(rest, text, reason) from None
    try:
        _unescape(fragment)
    except ValueError as reason:
        raise _fault(text, text, reason) from None
    return url._replace(fragment=fragment)


def at_path(scheme: str, host: str, elements: Sequence[str], query: str) -> str:
    """The URL of path elements at a host, joined, cleaned and encoded as by Go's JoinPath.

    A `/` at the end stays. A path with a wrong escape such as `%zz` is left out.
    """
    path = posixpath.normpath("/".join(("", *(each for each in elements if each)))).lstrip("/")
    if path == ".":
        path = ""
    if elements and elements[-1].endswith("/") and path and not path.endswith("/"):
        path += "/"
    try:
        decoded = _unescape(path)
    except ValueError:
        decoded = path = ""
    raw = path if path != escape_path(decoded) and _VALID_PATH.fullmatch(path) else ""
    return str(URL(scheme=scheme, host=host, path=decoded, raw_path=raw, query=query))


def _fault(parsed: str, text: str, reason: ValueError) -> ValueError:
    """The error for `parsed`, the part of `text` that was examined."""
    if "@" not in text:
        return ValueError(f"parse {quote(parsed)}: {reason}")
    credentials = quote(text[: text.rindex("@")])
    shown = _QUOTED.sub(
        lambda found: f'"{HIDDEN_PART}"' if found[1] in credentials else found.group(), str(reason)
    )
    return ValueError(f"parse {quote(_without_credentials(text))}: {shown}")


def redact_url(text: str) -> str:
    """`text` without the credentials of a URL, for logs, errors and metrics; never raises."""
    try:
        url = parse_url(text)
    except ValueError:
        return _without_credentials(text)
    if "@" in f"{url.path}{url.query}{url.fragment}" and (url.user is not None or ":" in url.host):
        return _without_credentials(text)  # the password continues after what was taken for the host
    return url.redacted()


def _without_credentials(text: str) -> str:
    """A text that is hardly a URL, with everything hidden that could be credentials."""
    before, mark, rest = text.rpartition("@")
    scheme, slashes, _ = before.partition("//")
    return f"{scheme + slashes if slashes else ''}{HIDDEN_PART}@{rest}" if mark else text


def escape_path(path: str) -> str:
    """A decoded path in the ordinary encoding."""
    return percent_encode(path, safe=_PATH_SAFE, errors="surrogateescape")


NO_URL = URL()
"""The URL that is not given; the URL of an empty text is equal, but another object."""


def _parse(text: str) -> URL:
    if _CONTROL.search(text):
        raise ValueError("net/url: invalid control character in URL")
    if text == "*":
        return URL(path="*")
    scheme, rest = _split_scheme(text)
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:
            return URL(scheme=scheme, opaque=rest, query=query)
        if ":" in rest.partition("/")[0]:
            raise ValueError("first path segment in URL cannot contain colon")
    url = URL(scheme=scheme, query=query)
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, tail = rest[2:].partition("/")
        rest = slash + tail
        user, password, host = _parse_authority(scheme, authority)
        url = url._replace(user=user, password=password, host=host)
    elif scheme and rest:
        url = url._replace(omit_host=True)
    path = _unescape(rest)
    raw_path = rest if rest != escape_path(path) and _VALID_PATH.fullmatch(rest) else ""
    return url._replace(path=path, raw_path=raw_path)


def _split_scheme(text: str) -> tuple[str, str]:
    match = _SCHEME.match(text)
    if match is None:
        return "", text
    if match[1] is None:
        raise ValueError("missing protocol scheme")
    return match[1].lower(), text[match.end() :]


def _parse_authority(scheme: str, authority: str) -> tuple[str | None, str | None, str]:
    userinfo, mark, rest = authority.rpartition("@")
    host = _parse_host(scheme, rest)
    if not mark:
        return None, None, host
    if _NOT_IN_USERINFO.search(userinfo):
        raise ValueError("net/url: invalid userinfo")
    user, colon, password = userinfo.partition(":")
    return _unescape(user), _unescape(password) if colon else None, host


def _parse_host(scheme: str, host: str) -> str:
    bracket = host.rfind("[")
    if bracket > 0:
        raise ValueError("invalid IP-literal")
    if bracket == 0:
        return _parse_literal(host)
    strict = scheme in ("http", "https")
    colon = host.find(":") if strict else host.rfind(":")
    if colon >= 0 and not _PORT.fullmatch(host[colon:]):
        raise ValueError(f"invalid port {quote(host[colon:])} after host")
    return _unescape_host(host)


def _parse_literal(host: str) -> str:
    name, close, port = host[1:].rpartition("]")
    if not close:
        raise ValueError("missing ']' in host")
    if not _PORT.fullmatch(port):
        raise ValueError(f"invalid port {quote(port)} after host")
    address, percent, zone = name.partition("%25")
    plain = _unescape_host(address) + (_unescape(percent + zone) if percent else "")
    try:
        ipaddress.IPv6Address(plain)
    except ValueError:
        if _is_ipv4(plain):
            raise ValueError("invalid IP-literal") from None
        raise ValueError(f"invalid host: ParseAddr({quote(plain)}): unable to parse IP") from None
    return f"[{plain}]{port}"


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _unescape_host(host: str) -> str:
    for match in re.finditer(r"%.{0,2}|[^%]", host, re.DOTALL):
        part = match.group()
        if part.startswith("%"):
            if _ESCAPE.fullmatch(part) or _ASCII_ESCAPE.fullmatch(part):
                raise ValueError(f"invalid URL escape {quote(part)}")
        elif _NOT_IN_HOST.match(part):
            raise ValueError(f"invalid character {quote(part)} in host name")
    return _unescape(host)


def _escape_host(host: str) -> str:
    if host.startswith("[") and "%" in host:
        return host.replace("%", "%25")
    return percent_encode(host, safe="!$&'()*+,;=:[]<>\"", errors="surrogateescape")


def _unescape(text: str) -> str:
    wrong = _ESCAPE.search(text)
    if wrong:
        raise ValueError(f"invalid URL escape {quote(wrong.group())}")
    if "%" not in text:
        return text
    raw = unquote_to_bytes(text.encode(errors="surrogateescape"))
    return raw.decode(errors="surrogateescape")


def _redact_query(query: str) -> str:
    return "&".join(
        f"{name}={HIDDEN_PART}" if value else name + mark
        for name, mark, value in (piece.partition("=") for piece in query.split("&"))
    )
