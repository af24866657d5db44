"""Chunked bodies are the same however they are divided and wherever they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alloypy.net.server.http1.chunks import Chunks

CONTENTS = st.lists(
    st.tuples(st.sampled_from([1, 1, 1, 2, 9, 10, 15, 16, 17]), st.integers(1, 9), st.booleans()), max_size=12
)
FORMS = [b"%x", b"%X", b"0%x", b"%x;a=b"]


@given(CONTENTS, st.sampled_from(FORMS), st.integers(1, 300), st.integers(1, 60), st.data())
def test_chunks_are_joined_wherever_they_are_cut(
    runs: list[tuple[int, int, bool]], form: bytes, cut: int, steps: int, data: st.DataObject
) -> None:
    content, raw = b"", b""
    for size, count, plain in runs:
        for _ in range(count):
            piece = (
                data.draw(st.binary(min_size=size, max_size=size)) if size < 3 else b"\r\n1\r\n"[:size] * 4
            )
            piece = piece[:size]
            content += piece
            raw += (b"%x" if plain else form) % len(piece) + b"\r\n" + piece + b"\r\n"
    raw += b"0\r\n\r\nrest"
    chunks, found, at = Chunks(), b"", 0
    while not chunks.done:
        piece_of = raw[at : at + cut] if cut % 2 else bytearray(raw[at : at + cut])
        at += chunks.feed(piece_of, 0, len(piece_of), steps)
        found += bytes(chunks.content())
    assert found == content
    assert raw[at:] == b"rest"
    assert chunks.announced == len(content)
