"""Values as `eval` may show them: what its name or form marks as a secret is hidden."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from alloypy.check.masking import MASK
from alloypy.cli.commands.eval.scope import BlockContent
from alloypy.lang.go.duration import Duration
from alloypy.lang.secrecy import hide, names_secret, secret_keys
from alloypy.lang.values import OptionalSecret, Secret, Value
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Access, Expression, Identifier, Index, Literal, Paren


def concealed(value: Value, expression: Expression, sources: Iterable[Source]) -> Value:
    """The value of an expression, without secrets that it may have from the configuration in `sources`."""
    known = list(sources)

    def cleared(text: str) -> str:
        for source in known:
            text = MASK.without_secrets_of(source, text)
        return text

    names = _names(expression)
    secret = any(map(names_secret, names[-1:] if names[:1] != ["argument"] else names[1:2]))
    return _concealed(value, names[-1] if names else "", secret, cleared)


def _names(node: Expression) -> list[str]:
    """The names that an expression goes through: `pyroscope`, `write`, `b`, `endpoint`."""
    match node:
        case Identifier():
            return [node.name]
        case Access():
            return [*_names(node.value), node.name.name]
        case Index(index=Literal(kind="STRING") as key):
            return [*_names(node.value), key.text[1:-1]]
        case Index():
            return _names(node.value)
        case Paren():
            return _names(node.inner)
    return []


def _concealed(value: Value, name: str, secret: bool, cleared: Callable[[str], str]) -> Value:
    match value:
        case Duration() | Secret():
            return value
        case OptionalSecret():
            return Secret(value.reveal()) if secret else value
        case str():
            return Secret(value) if secret else hide(cleared(value), name)
        case bool() | None:
            return value
        case int() | float():
            return Secret(str(value)) if secret else value
        case bytes():
            return Secret("") if secret else value
        case list() | tuple():
            return [_concealed(item, name, secret, cleared) for item in value]
        case BlockContent():
            keys = secret_keys("", value)
            return {key: _concealed(item, key, key in keys, cleared) for key, item in value.items()}
        case Mapping():
            keys = secret_keys(name, value)
            return {key: _concealed(item, key, secret or key in keys, cleared) for key, item in value.items()}
    return value
