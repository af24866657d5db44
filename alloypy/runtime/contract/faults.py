"""Errors of one node, and calls into components that may raise anything.

Source: docs/spec/RUNTIME.md, section 2.4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from alloypy.lang.evaluation.evaluator import EvaluationError
from alloypy.lang.evaluation.scope import Scope
from alloypy.runtime.contract.component import ComponentError
from alloypy.runtime.contract.options import ServiceError
from alloypy.runtime.pace import WORK_SECONDS, computed, evaluated
from alloypy.schema.building import DecodeError
from alloypy.schema.decode import decode
from alloypy.schema.vocabulary import Vocabulary
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError
from alloypy.syntax.source import Source, Span
from alloypy.syntax.tree import Statement

T = TypeVar("T")


class NodeError(Exception):
    """A node cannot be evaluated.

    The text is used by the log, the health and a diagnostic without a place of its own.
    diagnostics: what is wrong, if it can be placed.
    """

    def __init__(self, text: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        self.diagnostics = diagnostics
        super().__init__(text)

    def within(self, prefix: str) -> NodeError:
        """The same error as reported one level further out."""
        return NodeError(f"{prefix}: {self}", self.diagnostics)


class CallError(Exception):
    """A component raised something; the text says what."""


def described(error: BaseException) -> str:
    """An exception as text: a component's own error as it is, any other with its type."""
    if isinstance(error, ComponentError | ServiceError):
        return str(error)
    if isinstance(error, ImportError):
        return not_loaded(error)
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def not_loaded(error: ImportError) -> str:
    """What it means that a module cannot be imported."""
    return (
        f"alloypy cannot load a part of itself: {error}; if it has been upgraded or removed since it "
        "started, restart it, otherwise install it again"
    )


def call(action: Callable[[], T]) -> T:
    """Call into a component. Raises CallError for whatever it raises."""
    try:
        return action()
    except BaseException as error:
        raise CallError(described(error)) from error


async def call_async(action: Callable[[], Awaitable[T]], deadline: float) -> T:
    """Call into a component and await its answer for at most `deadline` seconds.

    Raises CallError for whatever it raises, and CancelledError only when we are cancelled ourselves.
    """
    task = asyncio.current_task()
    cancelled_before = task.cancelling() if task is not None else 0
    try:
        async with asyncio.timeout(deadline) as limit:
            return await action()
    except asyncio.CancelledError as error:
        if task is not None and task.cancelling() > cancelled_before:
            raise
        raise CallError(described(error)) from error
    except TimeoutError as error:
        text = f"no answer within {deadline:g} seconds" if limit.expired() else described(error)
        raise CallError(text) from error
    except GeneratorExit:
        raise  # we are being thrown away
    except BaseException as error:
        raise CallError(described(error)) from error


class Body(NamedTuple):
    """The contents of a node's block.

    vocabulary: says which parts are secret; no error may show those.
    """

    statements: Sequence[Statement]
    source: Source
    vocabulary: Vocabulary


async def decode_arguments(cls: type[T], body: Body, scope: Scope) -> T:
    """A node's body as an instance of a declared class; the defaults for a node without a block.

    Raises NodeError.
    """
    return await evaluate_body(lambda: decode(cls, body.statements, body.source, scope), body, scope)


async def evaluate_body(work: Callable[[], T], body: Body, scope: Scope) -> T:
    """The result of `work` on a node's body, without blocking the event loop. Raises NodeError."""
    try:
        return await evaluated(work)
    except TimeoutError:
        raise NodeError(
            f"decoding configuration: evaluation takes more than {WORK_SECONDS:g} seconds"
        ) from None
    except (DiagnosticsError, DecodeError, EvaluationError) as error:
        fault = error
    raise await computed(lambda: _not_decoded(fault, body, scope), len(body.source.data))


def _not_decoded(
    error: DiagnosticsError | DecodeError | EvaluationError, body: Body, scope: Scope
) -> NodeError:
    """The error about a node's body, without the secrets in it and in what it refers to."""
    from alloypy.lang.secrecy import secret_texts
    from alloypy.redaction.masking import Mask, without_texts

    mask = Mask(body.vocabulary)
    elsewhere = secret_texts(scope.variables)
    if isinstance(error, DiagnosticsError):
        shown = [
            each._replace(
                message=without_texts(each.message, elsewhere), value="" if elsewhere else each.value
            )
            for each in mask.worded_error(error).diagnostics
        ]
        return NodeError(f"decoding configuration: {DiagnosticsError(shown)}", tuple(shown))
    text = str(error)
    if body.statements:
        text = mask.message_about(text, Span(body.source, body.statements[0].start, body.statements[-1].end))
    return NodeError(f"decoding configuration: {without_texts(text, elsewhere)}")
