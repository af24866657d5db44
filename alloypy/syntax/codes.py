"""Stable codes of diagnostics: `ALY` and four digits, with a title and an explanation each.

A code names one kind of fault and never changes its meaning; the message beside it may.
ALY00xx general, ALY01xx syntax and reading files; the others are explained in `alloypy.check.explanations`.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """The meaning of a code: a title of a few words, and a paragraph for people."""

    title: str
    explanation: str


GENERAL = "ALY0001"

ILLEGAL_CHARACTER = "ALY0101"
BAD_ENCODING = "ALY0102"
UNTERMINATED_STRING = "ALY0103"
SINGLE_QUOTES = "ALY0104"
BAD_ESCAPE = "ALY0105"
UNTERMINATED_COMMENT = "ALY0106"
BAD_NUMBER = "ALY0107"
HALF_OPERATOR = "ALY0108"
UNEXPECTED_TOKEN = "ALY0110"  # noqa: S105
EXPECTED_TERMINATOR = "ALY0111"
EXPECTED_IDENTIFIER = "ALY0112"
BAD_LABEL = "ALY0113"
EXPECTED_BODY = "ALY0114"
EXPECTED_EXPRESSION = "ALY0115"
MISSING_COMMA = "ALY0116"
EXPECTED_FIELD = "ALY0117"
DOTTED_ATTRIBUTE = "ALY0118"
LABELED_ATTRIBUTE = "ALY0119"
BLOCK_AS_EXPRESSION = "ALY0120"
TOO_DEEP = "ALY0121"
UNREADABLE = "ALY0130"
UNFORMATTED = "ALY0131"
UNWRITABLE = "ALY0132"
NO_FILES = "ALY0133"
BAD_MANIFEST = "ALY0134"
NOT_RENDERED = "ALY0135"

CODES: dict[str, Code] = {
    GENERAL: Code("fault", "A fault without a code of its own; the message says what is wrong."),
    ILLEGAL_CHARACTER: Code(
        "illegal character",
        "The character has no meaning outside strings and comments; NUL, and a byte order mark after the "
        "beginning, are not allowed there either. Comments begin with `//` or `/*`, not with `#`, and "
        "statements do not end with `;`.",
    ),
    BAD_ENCODING: Code(
        "not UTF-8",
        "A configuration file is UTF-8 text; these bytes are not, or the file is not text at all. Save it "
        "as UTF-8, or leave it out.",
    ),
    UNTERMINATED_STRING: Code(
        "string not terminated",
        "A string in double quotes ends on the line it begins on. For text over several lines use "
        "backquotes.",
    ),
    SINGLE_QUOTES: Code("single-quoted string", 'Strings are written "in double quotes" or `in backquotes`.'),
    BAD_ESCAPE: Code(
        "bad escape sequence",
        r"In double quotes a backslash begins one of \a \b \f \n \r \t \v \\ \" \ooo \xhh \uhhhh "
        r"\Uhhhhhhhh. To write a backslash itself double it, or use backquotes, where it is ordinary.",
    ),
    UNTERMINATED_COMMENT: Code(
        "comment not terminated", "The comment begins with `/*`, but no `*/` follows. Comments do not nest."
    ),
    BAD_NUMBER: Code("number without exponent", "After `e` a number needs at least one digit, as in `1e3`."),
    HALF_OPERATOR: Code(
        "half an operator", "The logical operators are `||` and `&&`; there is no `|` or `&`."
    ),
    UNEXPECTED_TOKEN: Code(
        "unexpected token",
        "The grammar demands one particular token here. Often a bracket is missing, or a line ends too "
        "early: every line that ends in a value, a name or a closing bracket ends the statement.",
    ),
    EXPECTED_TERMINATOR: Code(
        "statement does not end",
        "Each statement goes on its own line. A one-line block has room for one statement.",
    ),
    EXPECTED_IDENTIFIER: Code(
        "name expected",
        "A statement begins with a name: letters, digits and `_`, not beginning with a digit, and not "
        "one of the keywords true, false and null.",
    ),
    BAD_LABEL: Code(
        "bad block label",
        "Between a block's name and its `{` there may be one label: a name in double quotes, "
        'such as "default".',
    ),
    EXPECTED_BODY: Code(
        "neither attribute nor block",
        "A name is followed by `=` and a value, or by an optional label and `{` on the same line.",
    ),
    EXPECTED_EXPRESSION: Code(
        "value expected", "A value is missing; what is written in its place cannot begin one."
    ),
    MISSING_COMMA: Code(
        "missing comma",
        "Elements of a list and fields of an object are separated by commas. When the closing bracket "
        "is on its own line, the last one needs a comma too.",
    ),
    EXPECTED_FIELD: Code(
        "field name expected", 'A field of an object is `name = value` or `"any text" = value`.'
    ),
    DOTTED_ATTRIBUTE: Code(
        "dot in an attribute's name", "Only names of blocks have dots; an attribute has one simple name."
    ),
    LABELED_ATTRIBUTE: Code("label on an attribute", "Only blocks have labels."),
    BLOCK_AS_EXPRESSION: Code(
        "block used as a value",
        "A block is a separate statement, without `=`: `name { ... }`. For a value, write an object.",
    ),
    TOO_DEEP: Code(
        "nested too deeply",
        "The file nests more deeply, or chains more operators, than anything a person writes.",
    ),
    UNREADABLE: Code(
        "file cannot be read", "The path does not exist, may not be read, or is not what it should be."
    ),
    UNWRITABLE: Code(
        "file cannot be written", "Writing is not permitted, or the path is not a regular file."
    ),
    UNFORMATTED: Code(
        "file not formatted",
        "The file is valid, but not in the standard layout; `alloypy fmt -w FILE` rewrites it.",
    ),
    NO_FILES: Code(
        "no files",
        "A directory given on the command line has no file whose name ends in .alloy, or .gitignore and "
        "--exclude leave none; with --from-yaml, no ConfigMap has a key that ends in .alloy. Most often the "
        "path is wrong; with --strict this is an error.",
    ),
    BAD_MANIFEST: Code(
        "YAML that cannot be read",
        "A file checked with --from-yaml is not valid YAML, or a value of binaryData is not base64. The "
        "templates of a Helm chart are not YAML; check what `helm template` renders with --from-yaml.",
    ),
    NOT_RENDERED: Code(
        "not checked: a Helm template",
        "Helm renders this text before Alloy reads it, so it cannot be checked as it is. Check what "
        "`helm template CHART | alloypy validate --from-yaml -` renders.",
    ),
}

SYNTAX = frozenset(code for code in CODES if ILLEGAL_CHARACTER <= code < UNREADABLE)
"""The codes of faults that keep a text from being read as a configuration."""

_LEXICAL = (
    ("illegal UTF-8", BAD_ENCODING),
    ("illegal single-quoted", SINGLE_QUOTES),
    ("string literal", UNTERMINATED_STRING),
    ("block comment", UNTERMINATED_COMMENT),
    ("exponent", BAD_NUMBER),
    ("missing second", HALF_OPERATOR),
)


def lexical(message: str) -> str:
    """The code of a scanner error with this message."""
    if "escape sequence" in message:
        return BAD_ESCAPE
    return next((code for begin, code in _LEXICAL if message.startswith(begin)), ILLEGAL_CHARACTER)
