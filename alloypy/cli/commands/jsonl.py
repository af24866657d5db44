"""The `--jsonl` form of commands: each line read is a JSON request, each line written its answer."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from alloypy.syntax.source import Source

FILE_NAME = "config.alloy"
"""The file name that answers use for a request's text."""

Request = Mapping[str, Any]
Answer = dict[str, Any]


class RequestError(ValueError):
    """A request is not valid; the text says why."""


def answer_lines(
    answer: Callable[[Request], Answer], stdin: BinaryIO | None = None, stdout: BinaryIO | None = None
) -> None:
    """Answer every line of `stdin`; the answer to a broken request has `error`, and reading goes on."""
    source, sink = stdin or sys.stdin.buffer, stdout or sys.stdout.buffer
    for line in source:
        if line.strip():
            sink.write(_answer_line(answer, line))
            sink.flush()


def _answer_line(answer: Callable[[Request], Answer], line: bytes) -> bytes:
    result: Answer = {}
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise RequestError("a request must be a JSON object")
        if "id" in request:
            result["id"] = request["id"]
        result |= answer(request)
    except ValueError as error:
        result["error"] = f"cannot read the request: {error}"
    except Exception as error:  # a failed request must not stop the following ones
        result["error"] = f"cannot answer the request: {type(error).__name__}: {error}"
    return json.dumps(result, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def source_of(request: Request) -> Source:
    """The text of a request: `input`, or `input_b64` if it is not UTF-8. Raises RequestError."""
    if "input_b64" in request:
        try:
            return Source(FILE_NAME, base64.b64decode(request["input_b64"], validate=True))
        except (TypeError, ValueError):
            raise RequestError("`input_b64` is not base64") from None
    text = request.get("input")
    if not isinstance(text, str):
        raise RequestError("a request needs a string as `input`")
    return Source(FILE_NAME, text.encode("utf-8", "surrogatepass"))
