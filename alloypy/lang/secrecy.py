"""What is secret: all rules for names, and for texts that contain credentials.

    names_secret("client_secret")                  True; "pasword" and "X-Api-Key" too
    hide("http://me:hush@host")                    "http://me:xxxxx@host"
    hide("hush", name="token")                     "(secret)"

A component's spec declares its secrets; these rules work without a spec. In case of doubt, a text counts
as secret. User names, hosts and the names of settings stay readable.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

T = TypeVar("T")

HIDDEN = "(secret)"
"""Shown in place of a text that is secret as a whole."""

HIDDEN_PART = "xxxxx"
"""Shown in place of a secret part of a text, as Go writes it in URLs."""

_MOST_LOOKED_AT = 10_000
_LONGEST_KEPT = 200
"""Characters of a name, of which the answer is kept: targets have the same few names again and again."""

Range = tuple[int, int]
"""A part of a text: the offset of its first character, and the offset just after its last."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+"
_WHOLE = (
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passcode",
    "passphrase",
    "passwd",
    "password",
)
"""Words that mark a secret anywhere in a name, even joined to others."""

_SECRET_WORDS = frozenset({*_WHOLE, "secret", "token", "bearer", "pwd", "pw", "psk", "jwt"})
_LAST = frozenset({"auth"})
"""Words that mark a secret at the end of a name."""

_ENDINGS = ("accesskey", "secret", "token", "pwd")
_NO_PASSWORDS = frozenset({"bypass", "compass", "overpass", "surpass", "trespass", "underpass"})
_KEYS = _words(
    "access account api app application auth client consumer encryption hmac license master private secret "
    "shared signing ssh ssl storage subscription tls"
)
"""Words that, with a `key` at the end of the name, mark a secret."""

_SPECIAL = frozenset({"connection_string", "data_source_name", "data_source_names", "key_pem", "mongodb_uri"})
_QUERY = frozenset({"key", "sig", "signature", "code", "session", "sid"})
"""Words that mark a secret at the end of the name of a header or query parameter."""

_ABOUT = _words(
    "audience count dir directory duration enabled endpoint env expiry field file files format header "
    "headers interval issuer kind length location method mode name names passthrough path paths period "
    "policy prefix provider ref refresh role scope scopes source timeout ttl type uri url usage version"
)
"""Last words of names whose values only describe a secret."""

_QUESTIONS = _words("allow disable enable has is use")
"""First words of names whose values only say whether there is a secret."""

_TYPOS = {"password": 2, "passphrase": 2, "credential": 2, "authorization": 2, "secret": 1, "passwd": 1}
_LONGEST_TYPO = max(len(word) + limit for word, limit in _TYPOS.items())
_TOKEN_TYPOS = frozenset({"tokn", "toekn", "tokne", "otken", "tken", "tokken", "tooken", "tokeen", "ttoken"})
_URLS = _words("addr address addresses dsn endpoint endpoints host hosts proxy server uri url urls")
_PAIRS = (
    ("var", "collection"),
    ("name", "value"),
    ("key", "value"),
    ("header", "value"),
    ("target_label", "replacement"),
)
_PUBLIC_PARAMETERS = _words("audience grant_type resource scope scopes tenant tenant_id")


def names_secret(name: str, *, query: bool = False) -> bool:
    """Whether a value with this name is secret: an attribute, argument, key, header or variable.

    query: whether it is the name of a header or of a URL's parameter, where more words mark a secret.
    """
    return (_names_secret if len(name) <= _LONGEST_KEPT else _names_secret.__wrapped__)(name, query)


@lru_cache(1024)
def _names_secret(name: str, query: bool) -> bool:
    words = [word.lower() for word in re.findall(_WORD, name)]
    if not words:
        return False
    last, joined = words[-1], "".join(words)
    if "_".join(words) in _SPECIAL:
        return True
    if last in _ABOUT or words[0] in _QUESTIONS:
        return False
    if last in _LAST or (query and last in _QUERY) or (last == "key" and not _KEYS.isdisjoint(words)):
        return True
    if last.endswith("pass") and last not in _NO_PASSWORDS:
        return True
    if any(whole in joined for whole in _WHOLE):
        return True
    return any(_marks_secret(word if word.endswith("ss") else word.removesuffix("s")) for word in words)


def _marks_secret(word: str) -> bool:
    if word in _SECRET_WORDS or word in _TOKEN_TYPOS or word.endswith(_ENDINGS):
        return True
    return len(word) <= _LONGEST_TYPO and _is_misspelt(word)


@lru_cache(1024)
def _is_misspelt(word: str) -> bool:
    return any(_distance(word, meant, limit) <= limit for meant, limit in _TYPOS.items())


def _distance(word: str, meant: str, limit: int) -> int:
    """How many letters are missing, added, changed or swapped; beyond `limit` the number is not exact."""
    if abs(len(word) - len(meant)) > limit or word[0] not in meant[:2]:
        return limit + 1
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for at, letter in enumerate(word, 1):
        older, before, row = before, row, [at]
        for to, other in enumerate(meant, 1):
            cost = min(before[to] + 1, row[to - 1] + 1, before[to - 1] + (letter != other))
            if at > 1 and to > 1 and letter == meant[to - 2] and word[at - 2] == other:
                cost = min(cost, older[to - 2] + 1)
            row.append(cost)
    return row[-1]


def names_url(name: str) -> bool:
    """Whether a value with this name is a URL or an address, perhaps without a scheme."""
    return (_names_url if len(name) <= _LONGEST_KEPT else _names_url.__wrapped__)(name)


@lru_cache(1024)
def _names_url(name: str) -> bool:
    words = re.findall(_WORD, name)
    return bool(words) and words[-1].lower() in _URLS


def keeps_secret(owner: str, key: str) -> bool:
    """Whether an object called `owner` has a secret under `key`, as `headers` has under `X-Api-Key`."""
    if owner == "endpoint_params":
        return key.lower() not in _PUBLIC_PARAMETERS
    return names_secret(key, query="header" in owner.lower() or "param" in owner.lower())


def secret_keys(owner: str, fields: Mapping[str, Any]) -> set[str]:
    """The keys under which an object called `owner` has secrets.

    A key is secret by its own name, or by that in a neighbour: `{ name = "TOKEN", value = ... }`.
    """
    keys = {key for key in fields if keeps_secret(owner, key)}
    for says, holds in _PAIRS:
        named = fields.get(says)
        if holds in fields and isinstance(named, str) and names_secret(named, query=True):
            keys.add(holds)
    return keys


def secret_texts(variables: Mapping[str, Any]) -> set[str]:
    """The texts in variables and objects, at any depth, below a name that marks a secret.

    Only the first ten thousand values are examined: what a configuration can refer to may be large.
    """
    found: set[str] = set()
    waiting: list[tuple[Any, bool]] = [(variables, False)]
    for value, secret in islice(_popped(waiting), _MOST_LOOKED_AT):
        if isinstance(value, str):
            if secret and value:
                found.add(value)
        elif isinstance(value, Mapping):
            waiting += ((part, secret or names_secret(str(name))) for name, part in value.items())
        elif isinstance(value, list):
            waiting += ((part, secret) for part in value)
    return found


def _popped(waiting: list[T]) -> Iterator[T]:
    while waiting:
        yield waiting.pop()


def hide(text: str, name: str = "") -> str:
    """`text` as it may be shown; `name`: the name of the value, if it has one."""
    if name and names_secret(name):
        return HIDDEN if text else text
    parts = secret_parts(text, url=names_url(name))
    if parts == [(0, len(text))]:
        return HIDDEN
    return _replaced(text, parts)


def _replaced(text: str, parts: Iterable[Range]) -> str:
    """A text with the given parts hidden; `parts` are in order."""
    shown, at = [], 0
    for start, end in parts:
        shown += [text[at:start], HIDDEN_PART]
        at = end
    return "".join([*shown, text[at:]])


_QUOTED_OR_URL = r"""(?s)"(?:[^"\\]|\\.)*+"|(?<=://)[^\s"'`<>]++"""


def hide_urls(message: str) -> str:
    """A message with the credentials of the URLs in it hidden, and nothing else changed."""
    if "@" not in message:
        return message
    return re.sub(_QUOTED_OR_URL, lambda found: _hide_in_word(found.group()), message)


def _hide_in_word(word: str) -> str:
    """Hide the credentials in a text in quotes, or in what follows the scheme of a URL."""
    if word.startswith('"'):
        parts = list(_credentials(word[:-1], url=False))
    else:
        parts = list(_userinfo(word, 0, word.rfind("@"))) if "@" in word else []
    return _replaced(word, parts)


def secret_parts(text: str, *, url: bool = False) -> list[Range]:
    """The parts of a text that are secret whatever its name, in order and without overlap.

    url: whether the name says that the text is a URL, so that `me:hush@host` is one too.
    """
    if len(text) < _SHORTEST:
        return []
    found = [*_credentials(text, url), *_settings(text), *_recognised(text)]
    merged: list[Range] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


_SHORTEST = 3
_NEXT_URL = r"(?<![\s,;])[\s,;]+[\"'(]?[A-Za-z][A-Za-z0-9+.\-]*(?=://)"
_PLACE = r"[^\s:/@\"'`(){}\[\],;=<>]*:[^\s/]*@(?=[\w\[(.-])"


def _credentials(text: str, url: bool) -> Iterator[Range]:
    """Passwords, and user names without one, before an `@`; a password may contain any character."""
    last = text.rfind("@")
    if last < 0:
        return
    ends = [*(found.start() for found in re.finditer(_NEXT_URL, text)), len(text)]
    at, end, mark = text.find("://"), -1, -1
    while 0 <= at < last:
        after = at + len("://")
        if end <= at:
            end = ends[bisect_right(ends, at)]
            mark = last if last < end else text.rfind("@", after, end)
        if mark < after:
            at = text.find("://", end)
            continue
        found = list(_userinfo(text, after, mark))
        yield from found
        at = text.find("://", mark if found else after)
    if "://" not in text and (url or re.match(_PLACE, text)):
        yield from _userinfo(text, 0, last, always=True)


_NO_SECRETS = ("", "x-oauth-basic")
"""Passwords with which the user name is the secret."""


def _userinfo(text: str, start: int, mark: int, *, always: bool = False) -> Iterator[Range]:
    """The secret between the scheme and the last `@` at `mark`, if that ends credentials at all.

    Without a colon, an `@` after the first slash is assumed to be in a path.
    """
    slash = re.compile(r"[/?#]").search(text, start, mark)
    if slash is not None and not always and not re.search("[:@]", text[start : slash.start()]):
        return
    userinfo = text[start:mark]
    user, colon, password = userinfo.partition(":")
    if colon and password not in _NO_SECRETS and not re.search(r"[/?#@\s]", user):
        yield start + len(user) + 1, mark
    elif userinfo:
        yield start, mark


_SETTING = r"(?:([?&])|(?<![\w.\-$])-{0,2})([\"']?)([A-Za-z_][\w.\-]*)\2[ \t]*([:=]>?)(?!//)[ \t]*"
_FLAG = r"(?<!\S)--?([A-Za-z][\w\-]*)[ \t]+([^\s\-]\S*)"
_IN_URL = r"(?<=[/@])[\w.\-]+:|\w*[.\-][\w.\-]*:[0-9]{2,5}(?![^/\s,])"
"""A user name, or a host with its port; not a setting."""

_NEXT = r"(?<![&;,\s])[&;,\s]+[\"']?[A-Za-z_][\w.\-]*[\"']?[ \t]*=|$"
_QUOTED = {'"': r'"(?:[^"\\]|\\.)*"', "'": r"'(?:[^'\\]|''|\\.)*'", "`": r"`[^`]*`"}
_CLOSED = (
    r"[ \t]*[}\])]*[ \t]*(?:[,;]?[ \t]*(?:#.*)?$|[,;&][ \t]*[{\[]*[\"']?[A-Za-z_][\w.\-]*[\"']?[ \t]*[:=])"
)
"""What follows the end of a quoted value: the end of the line, or the next setting."""


def _settings(text: str) -> Iterator[Range]:
    """The values in `password=hush`, `password: hush`, `"token": "hush"`, `?token=hush`, `--token hush`."""
    if "-" in text:
        for flag in re.finditer(_FLAG, text):
            if names_secret(flag[1]):
                yield flag.span(2)
    if "=" not in text and ":" not in text:
        return
    at = 0
    pattern, in_url = re.compile(_SETTING), re.compile(_IN_URL)
    while found := pattern.search(text, at):
        at = found.end()
        if names_secret(found[3], query=bool(found[1])) and not in_url.match(text, found.start()):
            end = _value_end(text, found)
            inner = 1 if end - at > 1 and text[at] in _QUOTED and text[end - 1] == text[at] else 0
            yield at + inner, end - inner
            at = max(at, end)


def _value_end(text: str, found: re.Match[str]) -> int:
    """Where the value of a setting ends; without any other sign, at the end of its line."""
    at = found.end()
    quoted = _QUOTED.get(text[at : at + 1])
    if quoted is not None:
        value = re.compile(quoted, re.DOTALL).match(text, at)
        if value is None:
            return len(text)
        if re.compile(_CLOSED, re.MULTILINE).match(text, value.end()):
            return value.end()
    if found[4].startswith("="):
        following = re.compile(_NEXT, re.MULTILINE).search(text, at)
        return following.start() if following else len(text)
    return _yaml_end(text, found.start(), at)


def _yaml_end(text: str, start: int, at: int) -> int:
    """The end of a YAML value, which includes all lines indented more deeply than its key."""
    line = text.rfind("\n", 0, start) + 1
    indent = re.compile(r"[ \t\-]*").match(text, line)
    depth = indent.end() - line if indent else 0
    end = text.find("\n", at)
    while end >= 0:
        blanks = re.compile(r"[ \t]*").match(text, end + 1)
        begins = blanks.end() if blanks else end + 1
        if begins < len(text) and text[begins] != "\n" and begins - end - 1 <= depth:
            break
        end = text.find("\n", begins)
    return len(text) if end < 0 else end


_SCHEMES = (
    r"(?i)\s*(?:bearer|negotiate|splunk|aws4-hmac-sha256)\s+(.+)",
    r"(?i)\s*(?:basic|digest|token|apikey|api-key|key)\s+([^\s]{6,})\s*\Z",
)
"""Credentials after the name of an HTTP scheme, at the beginning of a text."""

_FORMS = (
    (("-----BEGIN ",), r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)(?:-----END|\Z)"),
    (("glsa_", "glc_"), r"(?<![\w+/=\-])(gl(?:sa|c)_[\w+/=\-]{8,})"),
    (
        ("ghp", "gho", "ghu", "ghs", "ghr", "github_pat", "glpat", "xox", "sk_", "sk-", "pk_", "pk-", "hvs"),
        r"(?<![\w\-.])((?:gh[pousr]|github_pat|glpat|xox[abprs]|sk|pk|hvs)[_\-][\w\-.]{16,})",
    ),
    (("eyJ",), r"(?<![\w\-])(eyJ[\w\-]{8,}\.[\w\-]{8,}(?:\.[\w\-]*)?)"),
)
"""Private keys and tokens of services, each with texts of which one is in it: looking for these is quick."""


def _recognised(text: str) -> Iterator[Range]:
    """Credentials recognisable by their form."""
    for scheme in _SCHEMES:
        if begun := re.match(scheme, text):
            yield begun.span(1)
    for marks, form in _FORMS:
        if any(mark in text for mark in marks):
            for found in re.finditer(form, text):
                yield found.span(1)
