"""`array`: functions over arrays."""

from __future__ import annotations

from collections.abc import Sequence

from alloypy.lang import texts
from alloypy.lang.evaluation import traced
from alloypy.lang.evaluation.effort import spend
from alloypy.lang.evaluation.faults import EvaluationError, Link
from alloypy.lang.evaluation.functions import Example, Manual, TracedFunction, argument_fault
from alloypy.lang.evaluation.traced import LITERAL, Traced
from alloypy.lang.values import Kind, Value, kind_of, text_of


def _demand(kind: str, arg: Traced) -> None:
    if kind_of(arg.value) != kind:
        raise argument_fault(arg, [Link(arg, texts.should_be(kind, kind_of(arg.value)))])


def _concat(args: Sequence[Traced]) -> Traced:
    for arg in args:
        _demand(Kind.ARRAY, arg)
    spend(sum(len(arg.value) for arg in args))
    if len(args) == 1:
        return args[0]
    return traced.array([element for arg in args for element in arg.elements()])


def _objects(arg: Traced) -> list[dict[str, Traced]]:
    _demand(Kind.ARRAY, arg)
    spend(sum(1 + len(each) for each in arg.value if isinstance(each, dict)))
    objects = []
    for element in arg.elements():
        fields = element.fields()
        if fields is None:
            _demand(Kind.OBJECT, element)
            fields = {}
        objects.append(fields)
    return objects


def _combine_maps(args: Sequence[Traced]) -> Traced:
    if len(args) not in {3, 4}:
        raise EvaluationError(f"combine_maps: expected 3 or 4 arguments, got {len(args)}")
    lefts, rights = _objects(args[0]), _objects(args[1])
    keys = _merge_conditions(args[2])
    keep = False
    if len(args) == 4:
        _demand(Kind.BOOL, args[3])
        keep = args[3].value
    result = []
    for index, left in enumerate(lefts):
        spend(2 * len(rights))
        for right in rights:
            if _joins(left, right, keys):
                result.append(traced.object_of({**left, **right}))
            elif keep:
                result.append(args[0].child(index))
    return traced.array(result)


def _merge_conditions(arg: Traced) -> list[Traced]:
    _demand(Kind.ARRAY, arg)
    if not arg.value:
        message = "combine_maps: merge conditions must not be empty"
        raise argument_fault(arg, [Link(arg, message)])
    return arg.elements()


def _joins(left: dict[str, Traced], right: dict[str, Traced], keys: list[Traced]) -> bool:
    for key in keys:
        _demand(Kind.STRING, key)
        name = text_of(key.value)
        if name not in left or name not in right or not _same(left[name], right[name]):
            return False
    return True


def _same(left: Traced, right: Traced) -> bool:
    """Whether kind and value are equal: 1 and 1.0 differ. Arrays or objects of one origin raise an error."""
    identity = _identity(left)
    if identity[:2] != _identity(right)[:2]:
        return False
    kind = kind_of(left.value)
    if kind in {Kind.ARRAY, Kind.OBJECT, Kind.FUNCTION}:
        message = f"combine_maps: cannot compare values of type {kind}"
        raise argument_fault(left, [Link(left, message)])
    return bool(identity == _identity(right))


def _identity(side: Traced) -> tuple[type, str, Value]:
    """Type, origin and value; the origin counts only for whole numbers, arrays and objects."""
    matters = type(side.value) in {int, list, dict}
    return (type(side.value), side.origin if matters else "", side.value)


def _group_by(args: Sequence[Traced]) -> Traced:
    if len(args) != 3:
        raise EvaluationError(f"group_by: expected 3 arguments, got {len(args)}")
    items, key, drop = args
    _demand(Kind.ARRAY, items)
    _demand(Kind.STRING, key)
    _demand(Kind.BOOL, drop)
    name = text_of(key.value)
    groups: dict[str, list[Traced]] = {}
    for item in items.elements():
        fields = item.fields()
        if fields is None:
            _demand(Kind.OBJECT, item)
            continue
        if name not in fields:
            if not drop.value:
                groups.setdefault("", []).append(item)
            continue
        _demand(Kind.STRING, fields[name])
        groups.setdefault(text_of(fields[name].value), []).append(item)
    return traced.array(
        [
            traced.object_of({name: Traced(group, LITERAL), "items": traced.array(members)})
            for group, members in groups.items()
        ]
    )


CONCAT = TracedFunction(
    "array.concat",
    _concat,
    Manual(
        ("lists: list(any)...",),
        "list(any)",
        "Joins lists into one. Useful for `forward_to` and for targets that come from several components.",
        (Example('array.concat([1, 2], [], ["three"])', '[1, 2, "three"]'),),
    ),
)
_COMBINE_MAPS = Manual(
    ("left: list(map(any))", "right: list(map(any))", "keys: list(string)", "keep: bool"),
    "list(map(any))",
    "Merges each object of the first list with each of the second that has the same values under all keys. "
    "If both have a field, the second one's wins. The fourth argument is optional; with true, "
    "an object of the first list is also kept for each object of the second that does not match.",
    (
        Example(
            'array.combine_maps([{"pod" = "a", "team" = "x"}], [{"pod" = "a", "node" = "n1"}], ["pod"])',
            '[{\n\tnode = "n1",\n\tpod  = "a",\n\tteam = "x",\n}]',
        ),
        Example(
            'array.combine_maps([{"pod" = "a"}, {"pod" = "b"}], [{"pod" = "a", "az" = "1"}], ["pod"], true)',
            '[{\n\taz  = "1",\n\tpod = "a",\n}, {\n\tpod = "b",\n}]',
        ),
    ),
)
_GROUP_BY = Manual(
    ("objects: list(map(any))", "key: string", "drop: bool"),
    "list(map(any))",
    "Groups objects by the text that they have under a key. Each group is an object with that key and the "
    "list `items`. Objects without the key are dropped, or with false form the group of the empty text.",
    (
        Example(
            'array.group_by([{"team" = "x", "pod" = "a"}, {"pod" = "b"}], "team", false)',
            '[{\n\titems = [{\n\t\tpod  = "a",\n\t\tteam = "x",\n\t}],\n\tteam = "x",\n}, '
            '{\n\titems = [{\n\t\tpod = "b",\n\t}],\n\tteam = "",\n}]',
        ),
        Example(
            'array.group_by([{"team" = "x", "pod" = "a"}, {"pod" = "b"}], "team", true)',
            '[{\n\titems = [{\n\t\tpod  = "a",\n\t\tteam = "x",\n\t}],\n\tteam = "x",\n}]',
        ),
    ),
)
FUNCTIONS = {
    "concat": CONCAT,
    "combine_maps": TracedFunction("array.combine_maps", _combine_maps, _COMBINE_MAPS),
    "group_by": TracedFunction("array.group_by", _group_by, _GROUP_BY),
}
