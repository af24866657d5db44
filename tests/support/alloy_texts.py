"""Random configuration texts: all shapes of the grammar, with spaces, line breaks and comments everywhere.

A text is first made as a list of tokens, and then written out with random trivia between the tokens. The
language decides what is allowed there: after a token that can end a statement, a line break is allowed only
if the statement ends.
"""

from __future__ import annotations

from random import Random

NAMES = ["a", "bb", "ccc", "endpoint", "x1", "naïve", "日本", "_z", "longer_name_here"]
STRINGS = ['"x"', '""', '"a b"', '"é"', r'"\n"', r'"a\tb"', r'"\""']
ODD_STRINGS = [
    *(
        "`raw`",
        "``",
        "`two\nlines`",
        "`blank \nat end`",
        "`\tled\n\t\tby tabs`",
        "`a\tb`",
        "`c\r\nd`",
        "`e\fg`",
    ),
    *(
        "` \n`",
        "`h\t\ni`",
        "`\n`",
        '`"\\`',
        '"a\tb"',
        '"c\vd"',
        '"e\f"',
        '"trailing  "',
        '"\u00a0"',
        '"\u2028"',
    ),
]
NUMBERS = ["0", "42", "010", "99999999999999999999", "1.", ".5", "1e3", "2.50"]
OPERATORS = ["||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^"]
LABELS = ['"label"', '""', '"é"']

LINE_COMMENTS = ["//", "// c", "// é  ", "//\t tab", "// t \t", "// ff\f", "// cr\r", "// c\rr"]
BLOCK_COMMENTS = ["/* c */", "/**/", "/* a long comment */", "/* é */", "/*a\tb*/", "/* \r */"]
LONG_COMMENTS = [
    "/* c\n   d */",
    "/* c\n\n\td  \n*/",
    "/*\r\n c\r\n*/",
    "/* c\fd */",
    "/*\n*/",
    "/* c *\r/ d */",
]

BLANKS = ["", " ", " ", "\t", "  "]
LINE_ENDS = ["\n", "\n\n", "\n\t\t", "\r\n", "\n\n\n "]
END = "\n"  # marks the end of a statement in the token list


def alloy_text(random: Random) -> str:
    """A valid configuration. The proportions of its parts vary from text to text."""
    tokens = Tokens(random, odd=random.choice([0.0, 0.0, 0.1, 0.4]))
    tokens.body(3, random.choice([0, 1, 1, 2, 3, 4]))
    comments = random.choice([0.0, 0.0, 0.05, 0.2, 0.5])
    return Trivia(random, comments, random.choice([0.02, 0.1, 0.4])).join(tokens.made)


class Tokens:
    """Makes the tokens. odd: the share of strings that formatters stumble over."""

    def __init__(self, random: Random, odd: float) -> None:
        self.made: list[str] = []
        self._random = random
        self._odd = odd

    def body(self, depth: int, count: int) -> None:
        """Add `count` statements."""
        for left in range(count - 1, -1, -1):
            if depth == 0 or self._random.random() < 0.6:
                self._add(self._name(), "=")
                self._expression(self._random.choice([0, 1, 2, 2, 3]))
            else:
                self._block(depth)
            if left or self._random.random() < 0.6:
                self._add(END)

    def _block(self, depth: int) -> None:
        self._add(self._name())
        while self._random.random() < 0.3:
            self._add(".", self._name())
        if self._random.random() < 0.4:
            self._add(self._random.choice(LABELS))
        self._add("{")
        self.body(depth - 1, self._random.choice([0, 0, 1, 1, 2, 3]))
        self._add("}")

    def _expression(self, depth: int) -> None:
        self._operand(depth)
        while self._random.random() < 0.12:
            self._add(self._random.choice(OPERATORS))
            self._operand(depth)

    def _operand(self, depth: int) -> None:
        while self._random.random() < 0.08:
            self._add(self._random.choice("!-"))
        self._primary(depth)
        while self._random.random() < 0.25:
            kind = self._random.choice(["access", "index", "call"])
            if kind == "access":
                self._add(".", self._name())
            elif kind == "index":
                self._add("[")
                self._expression(depth - 1)
                self._add("]")
            else:
                self._list("(", ")", depth - 1)

    def _primary(self, depth: int) -> None:
        kind = self._random.random()
        if depth <= 0 or kind < 0.45:
            self._add(
                self._random.choice(
                    [self._name(), self._string(), self._random.choice(NUMBERS), "true", "null"]
                )
            )
        elif kind < 0.55:
            self._add("(")
            self._expression(depth - 1)
            self._add(")")
        elif kind < 0.78:
            self._list("[", "]", depth - 1)
        else:
            self._list("{", "}", depth - 1, fields=True)

    def _list(self, opening: str, closing: str, depth: int, *, fields: bool = False) -> None:
        self._add(opening)
        for left in range(self._random.choice([0, 0, 1, 1, 2, 3]) - 1, -1, -1):
            if fields:
                self._add(self._random.choice([self._name(), self._string()]), "=")
            self._expression(depth)
            if left or self._random.random() < 0.5:
                self._add(",")
        self._add(closing)

    def _name(self) -> str:
        return self._random.choice(NAMES)

    def _string(self) -> str:
        return self._random.choice(ODD_STRINGS if self._random.random() < self._odd else STRINGS)

    def _add(self, *tokens: str) -> None:
        self.made += tokens


class Trivia:
    """Writes tokens with trivia between them. comments, line_ends: their probabilities."""

    def __init__(self, random: Random, comments: float, line_ends: float) -> None:
        self._random = random
        self._comments = comments
        self._line_ends = line_ends

    def join(self, tokens: list[str]) -> str:
        """The text."""
        parts = [self._anything()]
        for token, following in zip(tokens, [*tokens[1:], END], strict=False):
            if token == END:
                continue
            between = self._between(token, following)
            if not between and _would_merge(token, following):
                between = " "
            parts += [token, " " if token[-1] == between[:1] == "/" else "", between]
        text = "".join(parts)
        return text.rstrip("\n") if self._random.random() < 0.1 else text

    def _between(self, token: str, following: str) -> str:
        if following == END:
            return self._end_of_statement()
        return self._no_line_end() if _ends_statements(token) else self._anything()

    def _anything(self) -> str:
        parts = [self._random.choice(BLANKS)]
        if self._random.random() < self._line_ends:
            parts.append(self._random.choice(LINE_ENDS))
        while self._random.random() < self._comments:
            comment = self._random.choice(LINE_COMMENTS + BLOCK_COMMENTS * 2 + LONG_COMMENTS)
            parts += [
                comment,
                "\n" if comment.startswith("//") else "",
                self._random.choice(["", " ", "\n", "\n\n"]),
            ]
        return "".join(parts)

    def _no_line_end(self) -> str:
        parts = [self._random.choice(BLANKS)]
        while self._random.random() < self._comments / 2:
            parts += [self._random.choice(BLOCK_COMMENTS), self._random.choice(["", " "])]
        return "".join(parts)

    def _end_of_statement(self) -> str:
        parts: list[str] = []
        while self._random.random() < self._comments:
            parts += [self._random.choice(BLANKS), self._random.choice(BLOCK_COMMENTS + LONG_COMMENTS)]
        if self._random.random() < self._comments:
            parts += [self._random.choice(BLANKS), self._random.choice(LINE_COMMENTS)]
        parts.append("\n")
        return "".join(parts) + self._anything()


def _ends_statements(token: str) -> bool:
    return (
        token[-1] in '"`)]}_' or token[-1].isalnum() or (token[0] == "." and len(token) > 1) or token == "1."
    )


def _would_merge(token: str, following: str) -> bool:
    """Whether two tokens, without anything between them, would be read as another token or a comment."""
    if token[-1].isalnum() or token[-1] in "_.":
        return following[0].isalnum() or following[0] in "_."
    return token[-1] in "!=<>&|/" and following[0] in "=&|/*"
