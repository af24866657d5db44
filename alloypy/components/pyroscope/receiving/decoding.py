"""Decodes Push messages: small ones immediately, others outside the event loop and within the byte budget.

Source: docs/spec/PYROSCOPE.md, section 3.5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from alloypy.net.rpc.codes import ConnectError, no_json, undecodable
from alloypy.net.rpc.unary import RETRY_LATER, TOO_BUSY, WORK_SECONDS, UnaryRequest
from alloypy.net.server.body import OverBudget
from alloypy.profiles.allowance import Allowance, Overrun
from alloypy.profiles.model import Buffer, Series
from alloypy.profiles.push_wire import LabelRule, PushWireError, decode_push
from alloypy.threads import WORK

# Fields and bytes of text: what is decoded immediately, and the steps for larger messages. If a step is not
# enough, the next starts over, so that a normal request need not hold as much as a hostile one may take.
_QUICK_FIELDS: Final = 2_000
_QUICK_TEXT_BYTES: Final = 256 << 10
_SLOW_ALLOWANCES: Final = ((20_000, 1 << 20), ())

_KIND: Final = "pushv1.PushRequest"
_QUICK_JSON_BYTES: Final = 256 << 10
_MARKS: Final = (b"{", b"[", b",")


def decode_at_once(request: UnaryRequest, rule: LabelRule | None) -> list[Series] | None:
    """The series of a Push message, or None if decoding would take too long. Raises ConnectError."""
    if request.codec == "json":
        return None
    try:
        return _decode(request, rule, Allowance(_QUICK_FIELDS, _QUICK_TEXT_BYTES, shared=True))
    except Overrun:
        return None


async def decode(request: UnaryRequest, rule: LabelRule | None, hold: Callable[[int], None]) -> list[Series]:
    """The series of a Push message. Raises ConnectError; hold: see `decode_later`."""
    series = decode_at_once(request, rule)
    return await decode_later(request, rule, hold) if series is None else series


async def decode_later(
    request: UnaryRequest, rule: LabelRule | None, hold: Callable[[int], None]
) -> list[Series]:
    """The series of a Push message that `decode_at_once` does not decode. Raises ConnectError.

    hold: counts the bytes they take, except profiles, which stay in the message; see `Extension.hold_bytes`.
    """
    message = request.message
    try:
        if request.codec == "json":
            hold(len(message))  # its profiles take at most three quarters of that
            if _quick(message):
                return _decode(request, rule, Allowance(_QUICK_FIELDS, _QUICK_TEXT_BYTES, shared=True))
    except Overrun:
        pass  # it contains more than it seemed to
    except OverBudget as reason:
        raise ConnectError("unavailable", str(reason), headers=(RETRY_LATER,)) from None
    return await _decode_aside(request, rule, hold)


def _quick(message: Buffer) -> bool:
    """Whether a JSON text can be read without holding up the event loop."""
    if len(message) > _QUICK_JSON_BYTES:
        return False
    text = bytes(message) if isinstance(message, memoryview) else message
    return sum(map(text.count, _MARKS)) <= _QUICK_FIELDS


async def _decode_aside(
    request: UnaryRequest, rule: LabelRule | None, hold: Callable[[int], None]
) -> list[Series]:
    """Decode in a thread. Raises ConnectError."""
    overrun = ""
    for step in _SLOW_ALLOWANCES:
        allowance = Allowance(*step)
        held = allowance.most(len(request.message))
        try:
            hold(held)
            series = await WORK.run(partial(_decode, request, rule, allowance), WORK_SECONDS)
            hold(allowance.taken() - held)
        except OverBudget as full:
            raise ConnectError("unavailable", str(full), headers=(RETRY_LATER,)) from None
        except TimeoutError:
            raise ConnectError("unavailable", TOO_BUSY, headers=(RETRY_LATER,)) from None
        except Overrun as reason:
            overrun = str(reason)  # not the error: its traceback refers to this frame, and so to the message
            hold(-held)
        else:
            return series
    raise undecodable(_KIND, overrun)


def _decode(request: UnaryRequest, rule: LabelRule | None, allowance: Allowance) -> list[Series]:
    """The series of a Push message. Raises ConnectError, and Overrun beyond the allowance."""
    if request.codec == "json":
        return _decode_json(request.message, rule, allowance)
    try:
        return decode_push(request.message, rule, allowance)
    except PushWireError as reason:
        raise undecodable(_KIND, str(reason)) from None


def _decode_json(message: Buffer, rule: LabelRule | None, allowance: Allowance) -> list[Series]:
    from alloypy.profiles.json_tokens import JSONError
    from alloypy.profiles.push_json import decode_push_json

    if not message:
        raise no_json()
    try:
        return decode_push_json(message, rule, allowance)
    except JSONError as reason:
        raise undecodable(_KIND, str(reason)) from None
