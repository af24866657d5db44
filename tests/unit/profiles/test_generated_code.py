"""The generated protobuf modules are what the .proto files make."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.profiles.pb import generate


def test_generating_them_again_changes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("grpc_tools", reason="grpcio-tools is not installed")
    made = generate.generate(tmp_path)
    assert {path.name for path in made} == {path.name for path in generate.HERE.glob("*_pb2.py*")}
    for path in made:
        assert path.read_text() == (generate.HERE / path.name).read_text(), path.name
