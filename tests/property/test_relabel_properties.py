"""Whatever expressions and labels rules are made of: bounded time, the same answer, no other error."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.lang.go.regexp import Regexp, names_label, parse_regexp
from alloypy.profiles.model import DeliveryError
from alloypy.profiles.relabel import ACTIONS, Rule, dropped_by, relabel
from tests.support.watchdog import briefly

ATOMS = st.sampled_from(["a", "b", ".", r"\w", "[ab]", "[^b]", "^", "$", r"\b", "é", "(?:)", ""])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "*?", "{0,3}", "{2,}", "{1000}"])
    return (
        st.builds("({}){}".format, inner, repeats)
        | st.builds("({}|{})".format, inner, inner)
        | st.builds("{}{}".format, inner, inner)
        | st.builds("(?i:{})".format, inner)
    )


EXPRESSIONS = st.recursive(ATOMS, larger, max_leaves=8)
TEMPLATES = st.lists(st.sampled_from(["$", "$1", "${1}", "{", "}", "a", "b_", "$$", "0"]), max_size=6).map(
    "".join
)
NAMES = st.sampled_from(["a", "b", "ab", "service_name", "__name__"])
LENGTHS = st.sampled_from([0, 1, 30, 5000])
VALUES = st.builds(
    lambda part, length, end: (part * length)[:length] + end,
    st.text("ab!", min_size=1),
    LENGTHS,
    st.text("ab!\n", max_size=2),
)


def compiled(text: str) -> Regexp:
    """The expression, or one of its letters where RE2 refuses it."""
    try:
        return parse_regexp(text)
    except ValueError as error:
        assert str(error).startswith("error parsing regexp: ")
        return parse_regexp("a")


RULES = st.builds(
    Rule,
    regex=EXPRESSIONS.map(compiled),
    action=st.sampled_from(ACTIONS),
    source_labels=st.lists(NAMES, max_size=3).map(tuple),
    separator=st.sampled_from(["", ";"]),
    modulus=st.integers(1, 9),
    target_label=TEMPLATES,
    replacement=TEMPLATES,
)


@given(EXPRESSIONS, VALUES)
@settings(max_examples=200)
def test_no_expression_takes_long_for_any_text(expression: str, text: str) -> None:
    with briefly():
        regex = compiled(expression)
        assert regex.matches(text) == (regex.groups(text) is not None)


@given(
    st.lists(st.sampled_from(["$", "${", "}", "a", "1", "_", "$a", "${a}"]), max_size=8),
    st.sampled_from([1, 500]),
)
@settings(max_examples=200)
def test_no_name_of_a_label_takes_long(parts: list[str], times: int) -> None:
    template = "".join(parts) * times
    with briefly():
        usable = names_label(template)
    assert not usable or template[0] not in "1{}"


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.lists(RULES, max_size=5))
@settings(max_examples=300)
def test_any_rules_give_labels_drop_them_or_refuse(labels: dict[str, str], rules: list[Rule]) -> None:
    given_before = dict(labels)
    try:
        with briefly():
            result = relabel(labels, rules)
    except DeliveryError as error:
        assert "more than 1048576 bytes" in str(error)
        return
    assert labels == given_before
    assert (dropped_by(labels, rules) > 0) == (result is None)
    if result is not None:
        assert list(result) == sorted(result)
        assert "" not in result.values() or "" in labels.values()
        assert relabel(labels, rules) == result
