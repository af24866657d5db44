"""JSON messages, read according to their generated classes."""

from __future__ import annotations

from typing import Any

import pytest

from alloypy.profiles.json_tokens import JSONError
from alloypy.profiles.message_json import read_json
from alloypy.profiles.pb.debuginfo_pb2 import FileMetadata, ShouldInitiateUploadRequest


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (b"{}", {}),
        (b'{"file":null}', {}),
        (b'{"file":{}}', {"file": {}}),
        (
            b'{"file":{"gnuBuildId":"a","go_build_id":"b"}}',
            {"file": {"gnu_build_id": "a", "go_build_id": "b"}},
        ),
        (b'{"more":[{"x":1}],"file":{"name":"n"}}', {"file": {"name": "n"}}),
    ],
)
def test_fields_are_named_as_in_the_proto_file(text: bytes, fields: dict[str, Any]) -> None:
    assert read_json(text, ShouldInitiateUploadRequest) == fields
    assert ShouldInitiateUploadRequest(**fields).HasField("file") == ("file" in fields)


@pytest.mark.parametrize(
    ("value", "number"),
    [(b'"TYPE_EXECUTABLE_FULL"', 1), (b"2", 2), (b"1.0", 1), (b"7", 7), (b"-1", -1), (b'"TYPE_NEWER"', None)],
)
def test_values_of_an_enum_are_words_or_numbers(value: bytes, number: int | None) -> None:
    fields = read_json(b'{"type":' + value + b"}", FileMetadata)
    assert fields == ({} if number is None else {"type": number})
    assert FileMetadata(**fields).type == (number or 0)


@pytest.mark.parametrize("value", ["1.5", "2147483648", "1e400", "true", "[1]"])
def test_what_is_no_value_of_an_enum_is_refused(value: str) -> None:
    with pytest.raises(JSONError, match=r"\(line 1:9\): (invalid value for enum|unexpected)"):
        read_json(f'{{"type":{value}}}'.encode(), FileMetadata)
