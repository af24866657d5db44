"""What the grammar of Go templates cannot say: functions and variables exist, `break` is in a `range`.

Go parses in one pass, so that the order of the tokens decides which variables exist.
Source: Go 1.26, text/template/parse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from alloypy.lang.text_error import TextError
from alloypy.syntax.tokens import Token

_DECLARING = frozenset(("DECLARE", "ASSIGN", "COMMA"))
_CONTROLS = frozenset(("IF", "WITH", "RANGE"))
_NO_CONTENT = frozenset(("DEFINE", "END", "ELSE"))
_TEMPLATES = frozenset(("DEFINE", "BLOCK"))


class _Template:
    """A template that is being read: the text as a whole, or one that it defines.

    name: its own. keyword: what began it, None for the text as a whole. filled: whether it has content.
    loops: how many `range` repeat this place.
    """

    def __init__(self, name: str, keyword: Token | None = None) -> None:
        self.name = name
        self.keyword = keyword
        self.filled = False
        self.loops = 0
        self._declared = ["$"]
        self._counts = Counter(self._declared)
        self._controls: list[_Control] = []

    def declare(self, variable: str) -> None:
        """The variable exists up to the end of the control that it is in."""
        self._declared.append(variable)
        self._counts[variable] += 1

    def has(self, variable: str) -> bool:
        """Whether the variable exists here."""
        return self._counts[variable] > 0

    @property
    def open_keyword(self) -> Token | None:
        """What an `end` would end here."""
        return self._controls[-1].keyword if self._controls else self.keyword

    def enter(self, keyword: Token) -> None:
        """An `if`, `with` or `range` begins."""
        loops = keyword.type == "RANGE"
        self._controls.append(_Control(keyword, len(self._declared), loops))
        self.loops += loops

    def turn(self) -> None:
        """An `else` begins, which no `range` repeats."""
        if self._controls and self._controls[-1].loops:
            self._controls[-1].loops = False
            self.loops -= 1

    def leave(self) -> bool:
        """A control ends; False if there is none, so that the template itself ends."""
        if not self._controls:
            return False
        self.turn()
        control = self._controls.pop()
        self._counts.subtract(self._declared[control.declared :])
        del self._declared[control.declared :]
        return True


class _Control:
    """An `if`, `with` or `range`. declared: how many variables there were before it."""

    def __init__(self, keyword: Token, declared: int, loops: bool) -> None:
        self.keyword = keyword
        self.declared = declared
        self.loops = loops


class Names:
    """Checks the tokens of one text.

    name: of the template as a whole. functions: those that exist.
    """

    def __init__(self, name: str, functions: Collection[str]) -> None:
        self._functions = functions
        self._open = [_Template(name)]
        self._filled: dict[str, bool] = {}

    def checked(self, tokens: Iterator[Token]) -> Iterator[Token]:
        """The same tokens. Raises TextError at the first one that names nothing, or is in the wrong place."""
        before, token = Token("", "", 0, 0), next(tokens, None)
        defined: tuple[Token, Token] | None = None  # the keyword and the name of the template of this action
        while token is not None:
            after = next(tokens, None) if token.type in {"VARIABLE", "DEFINE", "BLOCK"} else None
            self._see(token, before, after)
            yield token
            if token.type in _TEMPLATES and before.type == "LEFT":
                defined = (token, after) if after is not None else None
            elif token.type == "RIGHT" and defined is not None:
                self._open.append(_Template(_unquoted(defined[1].text), defined[0]))
                defined = None
            before = token
            token = after if after is not None else next(tokens, None)
        unfinished = self._open[-1].open_keyword
        if unfinished is not None:
            words = f"unexpected EOF: {{{{{unfinished.text}}}}} has no {{{{end}}}}"
            raise TextError(words, unfinished.start, unfinished.end)
        self._close(before)

    def _see(self, token: Token, before: Token, after: Token | None) -> None:
        current = self._open[-1]
        if before.type == "LEFT" and token.type not in _NO_CONTENT:
            current.filled = True
        if token.type == "TEXT":
            current.filled = current.filled or bool(token.text.strip())
        elif token.type == "IDENT":
            if token.text not in self._functions:
                words, hint = f'function "{token.text}" not defined', _meant(token.text, self._functions)
                raise TextError(words, token.start, token.end, hint)
        elif token.type == "VARIABLE":
            self._variable(current, token, after)
        elif before.type == "LEFT":
            self._action(current, token)

    @staticmethod
    def _variable(current: _Template, token: Token, after: Token | None) -> None:
        if after is not None and after.type in _DECLARING:
            current.declare(token.text)
        elif not current.has(token.text):
            raise TextError(f'undefined variable "{token.text}"', token.start, token.end)

    def _action(self, current: _Template, token: Token) -> None:
        """The first token of an action."""
        if token.type == "END":
            if not current.leave() and len(self._open) > 1:
                self._close(token)
            return
        if token.type == "ELSE":
            current.turn()
            return
        if token.type in _CONTROLS:
            current.enter(token)
        elif token.type in {"BREAK", "CONTINUE"} and not current.loops:
            raise TextError(f"{{{{{token.text}}}}} outside {{{{range}}}}", token.start, token.end)

    def _close(self, token: Token) -> None:
        """The end of a template. Go keeps the one that has content if several have the same name."""
        ended = self._open.pop()
        if not self._filled.get(ended.name):
            self._filled[ended.name] = ended.filled
        elif ended.filled:
            words = f'template: multiple definition of template "{ended.name}"'
            raise TextError(words, token.start, token.end)


def _meant(name: str, functions: Collection[str]) -> str:
    """A hint that names the nearest function; "" if none is near."""
    from difflib import get_close_matches

    lower = {each.lower(): each for each in functions}
    close = get_close_matches(name, functions, 1, 0.7)
    close = close or [lower[each] for each in get_close_matches(name.lower(), lower, 1, 0.7)]
    return f"did you mean `{close[0]}`?" if close else ""


def _unquoted(text: str) -> str:
    """The value of a string, as far as names of templates need it."""
    if text.startswith("`"):
        return text[1:-1].replace("\r", "")
    return text[1:-1]
