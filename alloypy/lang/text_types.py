"""Attribute types that are parsed from a text, as with Go's TextUnmarshaler."""

from __future__ import annotations

from alloypy.lang.go.regexp import parse_regexp
from alloypy.lang.go.url import NO_URL, URL, parse_url
from alloypy.lang.types import TextType

URL_TYPE = TextType("url.URL", parse_url, zero=NO_URL, format=URL.redacted)
"""URLs such as `proxy_url`."""

REGEXP_TYPE = TextType(
    "relabel.Regexp", parse_regexp, zero=None, format=lambda value: value.text if value else ""
)
"""Regular expressions such as `regex` in a relabel rule."""
