"""What mypyc compiles to something else than Python does is not in the modules that it compiles."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.support.compiled import modules_to_compile

ROOT = Path(__file__).parents[2]
WEAK = {"WeakSet": 0, "WeakKeyDictionary": 0, "WeakValueDictionary": 1, "ReferenceType": 0}
"""Which of its arguments a type refers to weakly."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def trees() -> Iterator[tuple[str, ast.Module]]:
    """The modules to compile."""
    for name in modules_to_compile():
        yield name, ast.parse((ROOT / f"{name.replace('.', '/')}.py").read_text("utf-8"))


def handlers(function: ast.AST) -> Iterator[ast.ExceptHandler]:
    """What handles exceptions in a function, except in functions inside it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, FUNCTIONS):
            continue
        if isinstance(node, ast.ExceptHandler):
            yield node
        yield from handlers(node)


def shared_names(tree: ast.Module) -> Iterator[str]:
    """The names that a function gives to exceptions of several types."""
    for function in ast.walk(tree):
        if isinstance(function, FUNCTIONS):
            types: dict[str, set[str]] = defaultdict(set)
            for handler in handlers(function):
                if handler.name and handler.type:
                    types[handler.name].add(ast.unparse(handler.type))
            yield from (name for name, found in types.items() if len(found) > 1)


def exceptions_with_defaults(tree: ast.Module) -> Iterator[str]:
    """The exception classes whose body gives an attribute a value."""
    known = {"Exception", "ValueError", "OSError", "RuntimeError", "TypeError", "KeyError", "LookupError"}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and known.intersection(map(ast.unparse, node.bases)):
            known.add(node.name)
            if any(isinstance(each, ast.Assign | ast.AnnAssign) and each.value for each in node.body):
                yield node.name


def test_a_function_gives_a_name_to_exceptions_of_one_type_only() -> None:
    """The variable has the type of the first: any other exception becomes a TypeError."""
    assert {name: list(shared_names(tree)) for name, tree in trees() if any(shared_names(tree))} == {}


def test_exceptions_get_their_attributes_when_they_are_made() -> None:
    """An attribute that only the body of the class sets is missing in exceptions that other modules raise."""
    found = {name: list(exceptions_with_defaults(tree)) for name, tree in trees()}
    assert {name: classes for name, classes in found.items() if classes} == {}


def waits(handler: ast.AST) -> bool:
    """Whether anything is awaited or yielded there."""
    suspending = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom)
    return any(isinstance(node, suspending) for node in ast.walk(handler))


def is_timeout(item: ast.withitem) -> bool:
    """Whether a context manager is one of asyncio's timeouts."""
    return ast.unparse(item.context_expr).startswith("asyncio.timeout")


def test_nothing_is_awaited_while_an_exception_is_handled() -> None:
    """The exception that is being handled is that of the whole thread: raised again, it may be another's.

    `async with` awaits in a handler, too; only at the end of a timeout there is nothing to wait for.
    """
    found = {
        name: [
            node.lineno
            for node in ast.walk(tree)
            if (isinstance(node, ast.ExceptHandler) and waits(node))
            or (isinstance(node, ast.AsyncWith) and not all(map(is_timeout, node.items)))
        ]
        for name, tree in trees()
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def starred_calls_of_super(tree: ast.Module) -> Iterator[str]:
    """The calls of methods of a base class that pass on a list or a dictionary of arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("super()."):
            starred = [each for each in node.args if isinstance(each, ast.Starred)]
            if starred or any(each.arg is None for each in node.keywords):
                yield ast.unparse(node)


def test_arguments_for_a_base_class_are_written_out() -> None:
    """A dictionary of them arrives as the value of one argument."""
    found = {name: list(starred_calls_of_super(tree)) for name, tree in trees()}
    assert {name: calls for name, calls in found.items() if calls} == {}


def weakly_referenced(tree: ast.Module) -> Iterator[str]:
    """The classes whose objects a module refers to weakly, as its annotations say."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and (name := ast.unparse(node.value).rpartition(".")[2]) in WEAK:
            given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            weak = given[WEAK[name]]
            yield from (each.id for each in ast.walk(weak) if isinstance(each, ast.Name))


def test_nothing_refers_weakly_to_what_is_compiled() -> None:
    """Such a reference stays behind when its object is freed, and the process crashes."""
    compiled = {node.name for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    found = {}
    for path in sorted((ROOT / "alloypy").rglob("*.py")):
        text = path.read_text("utf-8")
        if "weakref" in text:
            found[path.name] = compiled.intersection(weakly_referenced(ast.parse(text)))
    assert found
    assert {name: classes for name, classes in found.items() if classes} == {}


def derived_from(compiled: dict[str, set[str]], tree: ast.Module) -> Iterator[str]:
    """The classes of a module that inherit from compiled ones."""
    imported = {
        each.asname or each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in compiled
        for each in node.names
        if each.name in compiled[node.module]
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and imported.intersection(map(ast.unparse, node.bases)):
            yield node.name


def test_no_class_inherits_from_a_compiled_one_unless_it_is_compiled_too() -> None:
    """Making the class would fail."""
    classes = {
        name: {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        for name, tree in trees()
    }
    found = {}
    for path in sorted((ROOT / "alloypy").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if name not in classes:
            found[name] = list(derived_from(classes, ast.parse(path.read_text("utf-8"))))
    assert {name: derived for name, derived in found.items() if derived} == {}


def test_all_of_it_is_found() -> None:
    text = """
class Problem(ValueError):
    at = ""

class Further(Problem):
    pass

def ask() -> None:
    try:
        answer()
    except KeyError as error:
        def inner() -> None:
            try:
                answer()
            except OSError as error:
                raise
    except ValueError as error:
        raise
"""
    tree = ast.parse(text)
    assert list(shared_names(tree)) == ["error"]
    assert list(exceptions_with_defaults(tree)) == ["Problem"]
    assert list(starred_calls_of_super(ast.parse("super().a(b)\nsuper().a(**b)"))) == ["super().a(**b)"]
    derived = ast.parse("from a import B\nclass C(B): pass\nclass D: pass")
    assert list(derived_from({"a": {"B"}}, derived)) == ["C"]
    assert list(weakly_referenced(ast.parse("a: weakref.WeakSet[A]"))) == ["A"]
    assert list(weakly_referenced(ast.parse("a: WeakValueDictionary[Path, A]"))) == ["A"]
