"""Loading a module: its graph, and the evaluation of all of its nodes.

Source: docs/spec/RUNTIME.md, sections 2.2, 2.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alloypy.graph.build import Built, Surroundings, build
from alloypy.graph.codes import LOAD_RULE
from alloypy.graph.definitions import Definitions
from alloypy.graph.nodes import COMPONENT_KINDS, Kind, Node
from alloypy.graph.sections import Sections
from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.faults import NodeError
from alloypy.runtime.contract.logs import FieldLogger
from alloypy.runtime.evaluating.evaluation import Evaluation, Shared
from alloypy.runtime.pace import WORK_SECONDS, computed
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.modules import Module, State, Templates
from alloypy.runtime.running.transaction import Assign
from alloypy.runtime.running.values import Values
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.tracing import SpanKind, Trace, Tracer

_CONTROLLER = "alloy.controller_id"


def placed(node: Node, fault: NodeError) -> Sequence[Diagnostic]:
    """The diagnostics of a node's fault: its own, or one for the whole block, as Alloy words it."""
    if node.kind in COMPONENT_KINDS:
        prefix = "Failed to build component"
    elif node.kind is Kind.SERVICE:
        prefix = "Failed to evaluate service"
    else:
        return [Diagnostic(node.span, f"Failed to evaluate node for config block: {fault}", LOAD_RULE)]
    return fault.diagnostics or [Diagnostic(node.span, f"{prefix}: {fault}", LOAD_RULE)]


async def load_module(
    shared: Shared,
    module: Module,
    sections: Sections,
    definitions: Definitions,
    arguments: Mapping[str, Any],
    templates: Templates = (),
) -> State:
    """Build a module's graph and evaluate all of it; the module's future state.

    Raises DiagnosticsError.
    """
    context = shared.context
    started = context.options.clock()
    surroundings = Surroundings(module.parent is None, definitions, tuple(arguments))
    built, order = await _graph(sections, surroundings, context)
    for notice in built.notices:
        module.log.warning(notice.message, extra={"fields": notice.fields})
    if any(each.severity is Severity.ERROR for each in built.diagnostics):
        raise DiagnosticsError(built.diagnostics)
    values = Values(definitions.variables)
    for name, value in arguments.items():
        values.set_argument(name, value)
    state = State(built, order, arguments, values, {}, {}, {}, {}, templates)
    shared.transaction.staged[module] = state
    evaluation = Evaluation(shared, module, state, whole=True)
    tracer = context.options.tracer
    trace, span = tracer.begin(), tracer.span()
    log = module.log.with_fields(trace_id=trace.identity)
    log.info("starting complete graph evaluation")
    module.evaluating = True
    try:
        faults = await _evaluate_all(evaluation, log, tracer, trace.below(span))
    finally:
        module.evaluating = False
        seconds = context.options.clock() - started
        log.info(
            "finished complete graph evaluation", extra={"fields": {"duration": Duration(seconds * 1e9)}}
        )
    error = faults[0].message if faults else None
    trace.record("GraphEvaluate", SpanKind.INTERNAL, span, seconds, {_CONTROLLER: module.id}, error)
    if faults:
        raise DiagnosticsError(sorted(faults, key=_place))
    shared.transaction.steps.append(Assign(module, lambda: _scheduled(module), state=state))
    return state


async def _graph(
    sections: Sections, surroundings: Surroundings, context: Context
) -> tuple[Built, tuple[Node, ...]]:
    """The graph and the order of its nodes. Raises DiagnosticsError when building it takes too long."""

    def make() -> tuple[Built, tuple[Node, ...]]:
        built = build(sections, surroundings, context.gates)
        return built, tuple(built.graph.order())

    try:
        return await computed(make, sections.size())
    except TimeoutError:
        late = f"the graph takes more than {WORK_SECONDS:g} seconds"
        raise DiagnosticsError([Diagnostic(None, late, LOAD_RULE)]) from None


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int]:
    """Sort key of diagnostics: by file and place; those without a place come last."""
    span = diagnostic.span
    return (True, "", 0) if span is None else (False, span.source.name, span.start)


async def _evaluate_all(
    evaluation: Evaluation, log: FieldLogger, tracer: Tracer, trace: Trace
) -> list[Diagnostic]:
    """Evaluate every node, even after others have failed."""
    clock = evaluation.context.options.clock
    faults: list[Diagnostic] = []
    for node in evaluation.state.order:
        started = clock()
        error = None
        try:
            await evaluation.node(node)
        except NodeError as fault:
            error = str(fault)
            fields = {"node": node.id, "err": str(fault)}
            log.error("failed to evaluate config", extra={"fields": fields})
            faults += placed(node, fault)
        seconds = clock() - started
        trace.record("EvaluateNode", SpanKind.INTERNAL, tracer.span(), seconds, {"node_id": node.id}, error)
        finished = {"node_id": node.id, "duration": Duration(seconds * 1e9)}
        log.info("finished node evaluation", extra={"fields": finished})
        await evaluation.context.pace.breathe()
    return faults


def _scheduled(module: Module) -> None:
    module.task_log.info("scheduling loaded components and services")
