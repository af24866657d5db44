"""Random configurations with nested modules: most of them load, many have one mistake.

There are few labels, so that names hide each other; contents are reused, so that imports form diamonds and
circles. Components are those of `tests.support.fakes`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

LABELS = ("a", "b", "c", "d", "e")
NAMESPACES = ("i", "j", "k")
MISTAKES = (0.0, 0.004, 0.012)
"""The probability that a part is wrong; each tree has one of these."""

DEEPEST = 4
HERE = "@HERE@"
"""Stands for the directory of the configuration."""

_ODD_BLOCKS = (
    'argument "x" { }\n',
    'argument "x" { optional = true }\n',
    'export "x" { value = 1 }\n',
    "k = 1\n",
    "logging { }\n",
    'declare { test.node "a" { } }\n',
    'test.node { value = "x" }\n',
)
_ODD_SETTINGS = (
    'id = "k"',
    "hash_string_id = true",
    'enable_metrics = "x"',
    "zzz = 1",
    "id = 1",
    "collection = []",
)


class Tree(NamedTuple):
    """One configuration.

    files: texts by path relative to the directory of the configuration. urls: texts by URL.
    unread: whether something is known only at run time.
    """

    config: str
    files: dict[str, str]
    urls: dict[str, str]
    unread: bool


@dataclass
class Signature:
    """The arguments of a declare, by kind of value, and its exports."""

    arguments: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    exports: list[str] = field(default_factory=list)
    empty: bool = False


Content = dict[str, Signature]


@dataclass
class Place:
    """A scope in which blocks are written: what can be used there, and expressions for texts and lists.

    making: labels of the declares being written.
    """

    outer: Place | None
    root: bool = False
    declares: dict[str, Signature] = field(default_factory=dict)
    imports: dict[str, Content] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    making: list[str] = field(default_factory=list)

    def usable(self) -> dict[tuple[str, str], Signature]:
        """Custom components by namespace and name; the innermost declaration wins."""
        found = self.outer.usable() if self.outer is not None else {}
        found |= {("", label): each for label, each in self.declares.items()}
        for namespace, content in self.imports.items():
            found |= {(namespace, label): each for label, each in content.items()}
        return found


def module_tree(random: Random) -> Tree:
    """A configuration; the same state of `random` gives the same one. Half of them consist of one module."""
    maker = _Maker(random)
    place = Place(None, root=True, texts=["module_path"])
    config = maker.blocks(place, 0)
    if random.random() < 0.5:
        maker.files["main.alloy"] = _block('declare "main"', [config])
        config = f'import.file "main" {{\n  filename = "{HERE}/main.alloy"\n}}\nmain.main "m" {{ }}\n'
    return Tree(config, maker.files, maker.urls, maker.unread)


class _Maker:
    def __init__(self, random: Random) -> None:
        self.files: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.unread = False
        self._random = random
        self._mistake = random.choice(MISTAKES)
        self._count = 0
        self._size = 0
        self._contents: list[tuple[str, Content]] = []

    def _chance(self, likely: float) -> bool:
        return self._random.random() < likely

    def _wrong(self) -> bool:
        return self._chance(self._mistake)

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _some(self, most: int, depth: int) -> range:
        """The number of repetitions; lower at depth, and when the tree is already large."""
        most = max(0, most - depth // 2) if self._size < 25 else 0
        return range(self._random.randint(0, most))

    def blocks(self, place: Place, depth: int) -> str:
        """The blocks of a root, a declare or a template."""
        made: list[str] = []
        if depth < DEEPEST:
            made += [self._import(place, depth, nested=False) for _ in self._some(2, depth)]
            made += [self._declare(place, depth) for _ in self._some(2, depth)]
        makers: list[Callable[[Place, int], str]] = [self._node, self._use, self._use]
        if depth < DEEPEST:
            makers.append(self._foreach)
        for _ in range(self._random.randint(1, 3)):
            made.append(self._random.choice(makers)(place, depth))
        self._size += len(made)
        self._random.shuffle(made)
        return "".join(made)

    def _label(self, place: Place, name: str) -> str:
        """A label, usually one that makes the ID unique."""
        while True:
            label = self._random.choice(LABELS) if self._chance(0.5) else f"n{self._number()}"
            made = f"{name}.{label}"
            if made not in place.ids or self._wrong():
                if any(
                    f"{each}.".startswith(f"{made}.") != f"{made}.".startswith(f"{each}.")
                    for each in place.ids
                ):
                    self.unread = True  # one ID is a prefix of another: the order decides what it means
                place.ids.add(made)
                return label

    # Values

    def _text(self, place: Place) -> str:
        """An expression, usually one for a text."""
        if self._wrong():
            return self._random.choice((
                "nothing", "argument.zzz.value", "each", "test.node.zzz.value", "[1]", "{ a = 1 }", "null.x",
                "declare.a", "argument", "true", "a.b.c.d", "string", "import.string.a", "foreach.a",
            ))  # fmt: skip
        if place.texts and self._chance(0.6):
            text = self._random.choice(place.texts)
            if self._chance(0.2):
                return self._random.choice((
                    f'{text} + "x"', f'coalesce({text}, "d")', f"[{text}][0]", f"{{ k = {text} }}.k",
                    f'string.format("%s", {text})', f"string.to_upper({text})",
                ))  # fmt: skip
            return text
        return self._random.choice(('"t"', '"u"', "1", "null", '"x" + "y"', '{ k = "v" }["k"]'))

    def _list(self, place: Place) -> str:
        if self._wrong():
            return self._text(place)
        if place.lists and self._chance(0.5):
            return self._random.choice(place.lists)
        return self._random.choice(('["p"]', '["p", "q"]', "[]", "[1, 1]", '[{ k = "v" }]', "[null]"))

    def _value(self, place: Place, kind: str) -> str:
        if kind == "content":
            return self._given_content(place)
        return self._list(place) if kind == "list" else self._text(place)

    def _given_content(self, place: Place) -> str:
        """A module text, usually one that declares `a`."""
        if "argument.m.value" in place.contents and self._chance(0.5):
            return "argument.m.value"
        label = "zzz" if self._wrong() else "a"
        content = self._random.choice((
            'declare "a" { test.node "a" { } }',
            'declare "a" { argument "x" { optional = true } }',
            'declare "b" { test.node "a" { } } declare "a" { b "x" { } }',
            'declare "a" { export "e" { value = module_path } } declare "a" { argument "y" { } }',
        ))  # fmt: skip
        return json.dumps(content.replace('"a"', f'"{label}"').replace("} declare", "}\ndeclare"))

    # Blocks

    def _node(self, place: Place, depth: int) -> str:
        kind = "test.nodes" if self._wrong() else self._random.choice(("test.node", "test.other"))
        label = self._label(place, kind)
        lines = [f"value = {self._text(place)}"]
        if self._chance(0.2):
            if self._wrong():
                self.unread = True  # a text may be a number, or not
                number = self._random.choice(("1", "2 + 3", self._text(place)))
            else:
                number = "1 + 1"
            lines.append(f"number = {number}")
        if place.receivers and self._chance(0.4):
            lines.append(f"forward_to = [{self._random.choice(place.receivers)}]")
        if self._wrong():
            lines.append("zzz = 1")
        if self._wrong():
            lines.append(f"forward_to = [{self._text(place)}]")
        place.texts.append(f"{kind}.{label}.value")
        place.receivers.append(f"{kind}.{label}.receiver")
        return _block(f'{kind} "{label}"', lines)

    def _use(self, place: Place, depth: int) -> str:
        usable = place.usable()
        if not usable or self._wrong():
            namespace, name = self._random.choice((("", "a"), ("b", "c"), ("zzz", "a"), ("a", "zzz")))
            signature = usable.get((namespace, name), Signature())
            if not self._wrong():
                return self._node(place, depth)
        else:
            (namespace, name), signature = self._random.choice(list(usable.items()))
        if signature.empty and not self._wrong():
            return self._node(place, depth)
        full = f"{namespace}.{name}" if namespace else name
        label = self._label(place, full)
        lines = []
        for argument, kind in signature.arguments.items():
            if (argument in signature.required) != self._wrong() or self._chance(0.4):
                lines.append(f"{argument} = {self._value(place, kind)}")
        if self._wrong():
            lines.append(f"{self._random.choice(('zzz', 'x', 'y'))} = {self._text(place)}")
        if self._wrong():
            lines.append("k { }")
        if self._wrong():
            self.unread = True  # the order of evaluation decides what `full` means
            return _block(full, lines)
        place.texts += [f"{full}.{label}.{each}" for each in signature.exports]
        if self._wrong():
            place.texts.append(f"{full}.{label}.zzz")
        return _block(f'{full} "{label}"', lines)

    def _declare(self, place: Place, depth: int) -> str:
        label = self._random.choice(LABELS)
        if (label in place.declares or self._is_around(label, place)) and not self._wrong():
            return ""
        place.making.append(label)
        signature, body = self._module(place, depth + 1)
        place.making.pop()
        if self._wrong():
            place.declares.setdefault(label, signature)
            return _block(f'declare "{label}"', [body, "zzz = 1"])
        if self._wrong():
            label = self._random.choice(("declare", "string", "test", "argument"))
        place.declares.setdefault(label, signature)
        return _block(f'declare "{label}"', [body])

    def _is_around(self, label: str, place: Place) -> bool:
        """Whether the name is that of an enclosing declare, so that a use would count as recursion."""
        here: Place | None = place
        while here is not None:
            if label in here.making:
                return self._chance(0.97)
            here = here.outer
        return False

    def _module(self, outer: Place, depth: int) -> tuple[Signature, str]:
        """The body of a declare."""
        signature = Signature()
        if self._chance(0.04):
            signature.empty = True
            return signature, ""
        inside = Place(outer, texts=["module_path"])
        names = [name for name in ("x", "y", "z") if self._chance(0.4)] + ["m"] * self._chance(0.15)
        made = [self._argument(inside, signature, name) for name in names]
        made.append(self.blocks(inside, depth))
        for name in ("x", "e"):
            if self._chance(0.4):
                signature.exports.append(name)
                made.append(_block(f'export "{name}"', [f"value = {self._text(inside)}"]))
        if self._wrong():
            made.append(self._random.choice(("logging { }\n", "http { }\n", 'argument "x" { }\n')))
        if self._wrong() and outer.texts:
            inside.texts += outer.texts
            made.append(self._node(inside, depth))
        self._random.shuffle(made)
        return signature, "".join(made)

    def _argument(self, inside: Place, signature: Signature, name: str) -> str:
        kind = {"z": "list", "m": "content"}.get(name, "text")
        signature.arguments[name] = kind
        place = Place(None, texts=["module_path"])
        lines = []
        if self._chance(0.5):
            lines.append(f"optional = {self._random.choice(('true', 'true', '1 == 1', 'false'))}")
            if self._chance(0.7):
                lines.append(f"default = {self._value(place, kind)}")
        if not lines or "= false" in lines[0]:
            signature.required.add(name)
        known = {"list": inside.lists, "content": inside.contents, "text": inside.texts}
        known[kind].append(f"argument.{name}.value")
        return _block(f'argument "{name}"', lines)

    def _foreach(self, place: Place, depth: int) -> str:
        label = self._label(place, "foreach")
        variable = self._random.choice(("each", "item", "each", "string" if self._wrong() else "each"))
        if self._wrong() or (self._mistake and self._chance(0.02)):
            variable = self._random.choice(("test", "argument", "module_path", "a", "import"))
        inside = Place(place, texts=[*place.texts, variable], lists=list(place.lists))
        inside.contents += place.contents
        inside.receivers += place.receivers
        inside.ids = set()
        lines = [f"collection = {self._list(place)}", f'var = "{variable}"']
        made = [self.blocks(inside, depth + 1)]
        if self._wrong():
            made.append(self._random.choice(_ODD_BLOCKS))
        if not self._wrong():
            lines.append(_block("template", made))
        if self._wrong():
            lines.append(self._random.choice(_ODD_SETTINGS))
        return _block(f'foreach "{label}"', lines)

    # Imports

    def _import(self, place: Place, depth: int, *, nested: bool) -> str:
        label = self._random.choice(LABELS if self._chance(0.2) else NAMESPACES)
        if (label in place.imports or self._is_around(label, place)) and not self._wrong():
            return ""
        if place.contents and self._chance(0.6):
            place.imports.setdefault(label, {"a": Signature()})
            return f'import.string "{label}" {{\n  content = argument.m.value\n}}\n'
        if self._wrong():
            self.unread = True
            return f'import.file "{label}" {{\n  filename = "{HERE}/missing.alloy"\n}}\n'
        if self._contents and self._chance(0.3):
            block, content = self._random.choice(self._contents)
            content = dict(content)
        else:
            block, content = self._new_content(depth + 1)
        place.imports.setdefault(label, content)
        return block.replace("@LABEL@", label)

    def _new_content(self, depth: int) -> tuple[str, Content]:
        """An import block with new content; the label is left open."""
        kind = self._random.choice(("file", "file", "directory", "string", "string", "http"))
        content: Content = {}
        number = self._number()
        if kind == "string":
            text = self._content(content, depth)
            if self._chance(0.05) and "`" not in text:
                return f'import.string "@LABEL@" {{\n  content = `{text}`\n}}\n', content
            return f'import.string "@LABEL@" {{\n  content = {json.dumps(text)}\n}}\n', content
        if kind == "http":
            if not self._chance(0.3):
                return self._new_content(depth)
            self.unread = True
            url = f"http://h/{number}/m.alloy"
            block = f'import.http "@LABEL@" {{\n  url = "{url}"\n}}\n'
            self.urls[url] = self._content(content, depth)
            return block, content
        return self._new_file(kind, number, depth, content), content

    def _new_file(self, kind: str, number: int, depth: int, content: Content) -> str:
        folder = self._random.choice(("", "lib/", f"d{number}/"))
        path = f"{folder}f{number}.alloy" if kind == "file" else f"{folder}m{number}"
        written = json.dumps(f"{HERE}/{path}")
        if self._chance(0.3):
            written = f'file.path_join("{HERE}", "{path}")'
        block = f'import.file "@LABEL@" {{\n  filename = {written}\n}}\n'
        if self._chance(0.06):
            self._contents.append((block, content))  # its own content may import it
        if kind == "file":
            self.files[path] = self._content(content, depth, folder)
        else:
            self.files[f"{path}/1.alloy"] = self._content(content, depth, f"{path}/")
            if self._chance(0.5):
                self.files[f"{path}/2.alloy"] = self._content(content, depth, f"{path}/")
            self.files[f"{path}/other.txt"] = "zzz"
        self._contents.append((block, content))
        return block

    def _content(self, content: Content, depth: int, folder: str = "") -> str:
        """The text of a module; its declares are added to `content`."""
        place = Place(None, declares=dict(content))
        made = []
        if depth < DEEPEST:
            made += [self._import(place, depth, nested=True) for _ in self._some(2, depth)]
            if folder and self._chance(0.3):
                made.append(self._relative(place, depth, folder))
        made += [self._declare(place, depth) for _ in range(self._random.randint(1, 2))]
        for label, signature in place.declares.items():
            content.setdefault(label, signature)
        if self._wrong():
            made.append(self._random.choice(('test.node "a" { }\n', "zzz = 1\n", "declare {\n", '"')))
        self._random.shuffle(made)
        return "".join(made)

    def _relative(self, place: Place, depth: int, folder: str) -> str:
        """An import of a file in the same directory."""
        label = self._random.choice(LABELS)
        if label in place.imports:
            return ""
        name = f"r{self._number()}.alloy"
        content: Content = {}
        self.files[f"{folder}sub/{name}"] = self._content(content, depth + 1, f"{folder}sub/")
        place.imports[label] = content
        joined = self._random.choice((f'"sub/{name}"', f'"sub", "{name}"'))
        return f'import.file "{label}" {{\n  filename = file.path_join(module_path, {joined})\n}}\n'


def _block(head: str, lines: list[str]) -> str:
    inner = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    return f"{head} {{\n{inner}}}\n"
