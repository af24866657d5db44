"""Evaluation: from the nodes of one module to the changes that make them run.

Nothing that runs is touched here. What a node becomes is written into the module's state to be, and
what has to happen for it is added to the transaction.
Source: RUNTIME spec sections 2.2, 2.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from alloypy.graph import texts
from alloypy.graph.build import Built, Surroundings, build
from alloypy.graph.codes import LOAD_RULE
from alloypy.graph.definitions import Definitions
from alloypy.graph.nodes import COMPONENT_KINDS, Kind, Node
from alloypy.graph.sections import Sections
from alloypy.lang.conversion import zero
from alloypy.lang.evaluation.scope import Scope
from alloypy.lang.go.duration import Duration
from alloypy.runtime.contract.component import Registration
from alloypy.runtime.contract.faults import Body, NodeFault, Raised, call, call_async, decode_arguments
from alloypy.runtime.contract.logs import FieldLogger
from alloypy.runtime.evaluating.config_blocks import configure
from alloypy.runtime.pace import SECONDS, computed
from alloypy.runtime.running.context import Context
from alloypy.runtime.running.instances import ComponentInstance, Instance
from alloypy.runtime.running.modules import Module, State, Templates
from alloypy.runtime.running.transaction import Assign, Start, Transaction, Update
from alloypy.runtime.running.values import Occupied, Values
from alloypy.schema.derive import spec_of
from alloypy.schema.encode import to_value, to_values
from alloypy.syntax.diagnostics import Diagnostic, DiagnosticsError, Severity
from alloypy.syntax.tree import Statement
from alloypy.tracing import SpanKind, Trace, Tracer

T = TypeVar("T")
AnInstance = TypeVar("AnInstance", bound=Instance)

_CONTROLLER = "alloy.controller_id"


class Evaluation:
    """The evaluation of nodes of one module.

    state: what the module is going to be. old: what it is, None when it is new.
    whole: whether all nodes are evaluated, as in a load, and not one of them alone.
    """

    def __init__(
        self, context: Context, transaction: Transaction, module: Module, state: State, *, whole: bool
    ) -> None:
        self.context = context
        self.transaction = transaction
        self.module = module
        self.state = state
        self.old = module.state
        self.whole = whole

    @property
    def scope(self) -> Scope:
        """What the module's expressions can refer to by now."""
        return self.state.values.scope(self.context.stdlib)

    async def node(self, node: Node) -> None:
        """Evaluate one node. Raises NodeFault.

        What most configurations have none of is imported with the first one.
        """
        match node.kind:
            case Kind.COMPONENT:
                await self._component(node)
            case Kind.CUSTOM:
                from alloypy.runtime.evaluating.nesting import evaluate_custom

                await evaluate_custom(self, node)
            case Kind.FOREACH:
                from alloypy.runtime.evaluating.nesting import evaluate_foreach

                await evaluate_foreach(self, node)
            case Kind.IMPORT:
                from alloypy.runtime.evaluating.imports import evaluate_import

                await evaluate_import(self, node)
            case Kind.LOGGING | Kind.TRACING | Kind.SERVICE:
                await configure(self, node)
            case Kind.ARGUMENT:
                await self._argument(node)
            case Kind.EXPORT:
                from alloypy.runtime.blocks.modules import ExportArguments

                arguments = await self.arguments(ExportArguments, node)
                self.state.exports[node.label] = arguments.value

    async def arguments(self, cls: type[T], node: Node, statements: Sequence[Statement] | None = None) -> T:
        """A node's body, or some statements of it, as an instance of a declared class. Raises NodeFault."""
        return await decode_arguments(cls, self.body(node, statements), self.scope)

    def body(self, node: Node, statements: Sequence[Statement] | None = None) -> Body:
        """What stands in a node's block, or some of it."""
        told = self.context.options.vocabulary
        return Body(node.body if statements is None else statements, node.source, told)

    def living(self, node: Node, cls: type[AnInstance]) -> AnInstance | None:
        """The instance that stands behind the node already, unless its run has come to an end."""
        instance = self.old.live.get(node.id) if self.old is not None else None
        if isinstance(instance, cls) and instance.name == node.name and not instance.ended:
            return instance
        return None

    def settle(self, node: Node, instance: Instance, *, new: bool) -> None:
        """Let the instance stand behind the node; a new one is started when all goes well."""
        self.state.live[node.id] = instance
        self.transaction.nodes[instance] = node
        if new:
            self.transaction.steps.append(Start(self.context, instance))
        else:
            self.transaction.kept.append(instance)

    def publish(self, node: Node, exports: Mapping[str, Any]) -> None:
        """Let references to the node see its exports. Raises NodeFault."""
        try:
            self.state.values.set_exports(node.id, exports)
        except Occupied as error:
            raise NodeFault(str(error)) from None

    async def load_inner(
        self,
        module: Module,
        sections: Sections,
        definitions: Definitions,
        arguments: Mapping[str, Any],
        templates: Templates,
    ) -> State:
        """Evaluate a module that belongs to a node of this one. Raises DiagnosticsError."""
        return await load_module(
            self.context, self.transaction, module, sections, definitions, arguments, templates
        )

    async def _argument(self, node: Node) -> None:
        """What the module was not given must be optional, which counts more than any other fault."""
        from alloypy.runtime.blocks.modules import ArgumentArguments

        fault, arguments = None, None
        try:
            arguments = await self.arguments(ArgumentArguments, node)
        except NodeFault as error:
            fault = error
        if node.label in self.state.arguments:
            if fault is not None:
                raise fault
        elif arguments is None or not arguments.optional:
            raise NodeFault(texts.argument_missing(node.label))
        else:
            self.state.values.set_argument(node.label, arguments.default)

    async def _component(self, node: Node) -> None:
        registration = self.context.options.registry[node.name]
        old = self.living(node, ComponentInstance)
        try:
            exports = await self._update(node, registration, old)
        except NodeFault:
            self.publish(node, published_exports(registration, old.exports if old is not None else None))
            raise
        self.publish(node, published_exports(registration, exports))

    async def _update(self, node: Node, registration: Registration, old: ComponentInstance | None) -> Any:
        """Evaluate a component's arguments and see what they ask for; the exports it will have."""
        arguments = await self.arguments(registration.arguments, node)
        if old is None:
            return await self._build(node, registration, arguments)
        if old.arguments == arguments:
            self.settle(node, old, new=False)
            return old.exports
        with old.sockets.claiming(self.transaction.claims):
            try:
                forecast = await call_async(
                    lambda: old.component.prepare_update(arguments),
                    self.context.options.evaluation_deadline,
                )
            except Raised as error:
                raise NodeFault(f"updating component: {error}") from None
        self.state.live[node.id] = old
        self.transaction.nodes[old] = node
        self.transaction.steps.append(Update(self.context, node, old, arguments, forecast))
        return old.exports if forecast is None else forecast

    async def _build(self, node: Node, registration: Registration, arguments: Any) -> Any:
        context = self.context

        def make() -> ComponentInstance:
            return ComponentInstance(
                node, self.module, registration, arguments, context.options, context.exports_changed
            )

        try:
            instance = call(make)
            with instance.sockets.claiming(self.transaction.claims):
                await call_async(instance.component.prepare, context.options.evaluation_deadline)
        except Raised as error:
            raise NodeFault(f"building component: {error}") from None
        self.settle(node, instance, new=True)
        return instance.exports


def published_exports(registration: Registration, exports: Any) -> dict[str, Any]:
    """Exports as references see them; those of a component that has not exported yet are zero."""
    if exports is not None:
        return to_values(exports)
    if registration.exports is None:
        return {}
    spec = spec_of(registration.exports)
    return {each.name: to_value(zero(each.type), each.type) for each in spec.attributes}


def placed(node: Node, fault: NodeFault) -> Sequence[Diagnostic]:
    """The diagnostics of a node's fault: its own, or one for the whole block, as Alloy words it."""
    if node.kind in COMPONENT_KINDS:
        prefix = "Failed to build component"
    elif node.kind is Kind.SERVICE:
        prefix = "Failed to evaluate service"
    else:
        return [Diagnostic(node.span, f"Failed to evaluate node for config block: {fault}", LOAD_RULE)]
    return fault.diagnostics or [Diagnostic(node.span, f"{prefix}: {fault}", LOAD_RULE)]


async def load_module(
    context: Context,
    transaction: Transaction,
    module: Module,
    sections: Sections,
    definitions: Definitions,
    arguments: Mapping[str, Any],
    templates: Templates = (),
) -> State:
    """Build a module's graph and evaluate all of it; the state it is going to have.

    Raises DiagnosticsError.
    """
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
    transaction.staged[module] = state
    evaluation = Evaluation(context, transaction, module, state, whole=True)
    tracer = context.options.tracer
    trace, span = tracer.begin(), tracer.span()
    log = module.log.with_fields(trace_id=trace.identity)
    log.info("starting complete graph evaluation")
    module.evaluating = True
    try:
        faults = await _evaluate_all(evaluation, log, tracer, trace._replace(parent=span))
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
    transaction.steps.append(Assign(module, lambda: _scheduled(module), state=state))
    return state


async def _graph(
    sections: Sections, surroundings: Surroundings, context: Context
) -> tuple[Built, tuple[Node, ...]]:
    """The graph and the order of its nodes. Raises DiagnosticsError when it takes too long."""

    def make() -> tuple[Built, tuple[Node, ...]]:
        built = build(sections, surroundings, context.gates)
        return built, tuple(built.graph.order())

    try:
        return await computed(make, sections.size())
    except TimeoutError:
        late = f"the graph takes more than {SECONDS:g} seconds"
        raise DiagnosticsError([Diagnostic(None, late, LOAD_RULE)]) from None


def _place(diagnostic: Diagnostic) -> tuple[bool, str, int]:
    """Sorts diagnostics by file and place; those without one come last."""
    span = diagnostic.span
    return (True, "", 0) if span is None else (False, span.source.name, span.start)


async def _evaluate_all(
    evaluation: Evaluation, log: FieldLogger, tracer: Tracer, trace: Trace
) -> list[Diagnostic]:
    """Evaluate every node, whatever becomes of the others."""
    clock = evaluation.context.options.clock
    faults: list[Diagnostic] = []
    for node in evaluation.state.order:
        started = clock()
        error = None
        try:
            await evaluation.node(node)
        except NodeFault as fault:
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
