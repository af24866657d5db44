"""Names written are read back; any text is read or refused."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from alloypy.profiles.ingest_name import format_name, ingest_labels, parse_name
from alloypy.profiles.labels import InvalidLabels, check_label_name, check_service_name
from tests.support.watchdog import briefly

NAMES = st.from_regex(r"[A-Za-z0-9_.]{1,6}", fullmatch=True).filter(lambda name: name != "__name__")
APPLICATIONS = st.from_regex(r"[A-Za-z0-9_.\-/]{1,8}", fullmatch=True)
VALUES = st.text(max_size=8)
SETS = st.tuples(APPLICATIONS, st.dictionaries(NAMES, VALUES, max_size=5))


@settings(max_examples=300)
@given(SETS)
@briefly()
def test_what_is_written_is_read_back_as_the_same_labels(given_set: tuple[str, dict[str, str]]) -> None:
    application, labels = given_set
    written = format_name({"__name__": application, **labels})
    read = parse_name(written.text)
    assert read.pop("__name__") == application
    assert set(read) == set(labels)
    replaced = sum(value.count(",") + value.count("}") for value in labels.values())
    assert written.replaced == replaced
    if not replaced and all(value == value.strip() for value in labels.values()):
        assert read == labels


@settings(max_examples=500)
@given(st.text(alphabet=st.sampled_from("ab{}=,. -\u00a0\udcff"), max_size=20) | st.text(max_size=30))
@briefly()
def test_any_text_is_read_or_refused(name: str) -> None:
    with contextlib.suppress(InvalidLabels):
        labels = parse_name(name)
        shown = name.encode(errors="surrogateescape").decode(errors="replace")
        check_service_name(labels.pop("__name__"))
        for key, value in labels.items():
            check_label_name(key)
            assert key in shown
            assert value in shown


@settings(max_examples=300)
@given(st.binary(max_size=40))
@briefly()
def test_any_encoded_name_is_read_or_refused(encoded: bytes) -> None:
    with contextlib.suppress(InvalidLabels):
        assert "" not in ingest_labels(encoded).values()
