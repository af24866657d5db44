"""Moving components into a declare keeps what the configuration does."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations_with_replacement

import pytest

from alloypy.graph.nodes import block_id
from alloypy.graph.references import chain_text, chains
from alloypy.lsp.features.actions.action import EXTRACT, RefusedError
from alloypy.lsp.features.actions.extract import extracted
from alloypy.syntax.parser import parse_file
from alloypy.syntax.printer.printer import format_source
from alloypy.syntax.source import Source
from alloypy.syntax.tree import Attribute, Block
from tests.support.acting import PATH, Texts, errors, one
from tests.support.counts import repeated

_COLLECT = """\
discovery.kubernetes "pods" {
	role = "pod"
}

// Only ours.
discovery.relabel "pods" { // why
	targets = discovery.kubernetes.pods.targets

	rule {
		action = "keep"
		regex  = `a
b`
	}
}

/* two
   lines */
pyroscope.scrape "pods" {
	targets    = array.concat(discovery.relabel.pods.output, discovery.kubernetes.pods.targets)
	forward_to = [pyroscope.write.out.receiver]
} // end

pyroscope.scrape "again" {
	targets    = discovery.relabel.pods.output
	forward_to = [pyroscope.write.out.receiver]
}

pyroscope.write "out" {
	endpoint {
		url = "http://x:4040"
	}
}
"""


def _extracted(texts: Texts, begin: str, end: str) -> Texts:
    start = texts.text.index(begin)
    stop = texts.text.index(end, start) + len(end)
    count = len(texts.text[:start].encode()), len(texts.text[:stop].encode())
    return texts.after(extracted(texts, PATH, *count))


def test_what_is_used_and_what_uses_it_become_arguments_and_exports() -> None:
    after = _extracted(one(_COLLECT), "// Only", "} // end")
    assert (
        after.text
        == """\
discovery.kubernetes "pods" {
	role = "pod"
}

declare "pods" {
	argument "targets" { }

	argument "receiver" { }

	export "output" {
		value = discovery.relabel.pods.output
	}

	// Only ours.
	discovery.relabel "pods" { // why
		targets = argument.targets.value

		rule {
			action = "keep"
			regex  = `a
b`
		}
	}

	/* two
   lines */
	pyroscope.scrape "pods" {
		targets    = array.concat(discovery.relabel.pods.output, argument.targets.value)
		forward_to = [argument.receiver.value]
	} // end
}

pods "default" {
	targets  = discovery.kubernetes.pods.targets
	receiver = pyroscope.write.out.receiver
}

pyroscope.scrape "again" {
	targets    = pods.default.output
	forward_to = [pyroscope.write.out.receiver]
}

pyroscope.write "out" {
	endpoint {
		url = "http://x:4040"
	}
}
"""
    )


def test_other_files_of_the_configuration_name_the_exports_instead() -> None:
    texts = Texts(
        {
            PATH: b'pyroscope.write "out" { }\n',
            "/unit/b.alloy": b'pyroscope.relabel "a" {\n\tforward_to = [pyroscope.write.out.receiver]\n}\n',
        }
    )
    after = _extracted(texts, "pyroscope.write", "}")
    assert b"forward_to = [out.default.receiver]" in after.open["/unit/b.alloy"].data
    assert not errors(after.findings())


def test_carriage_returns_and_other_letters_stay() -> None:
    after = _extracted(one('// äöü\r\npyroscope.write "out" {\r\n\t// ö\r\n}\r\n'), "pyroscope.write", "}")
    assert after.text == (
        '// äöü\r\ndeclare "out" {\r\n\tpyroscope.write "out" {\r\n\t\t// ö\r\n\t}\r\n}\r\n'
        '\r\nout "default" { }\r\n'
    )


def test_the_name_of_the_module_is_free() -> None:
    text = 'declare "out" { }\n\npyroscope.write "out" { }\n\nlocal.file "pyroscope" {\n\tfilename = "a"\n}\n'
    assert 'declare "out_2" {' in _extracted(one(text), "pyroscope.write", "}").text
    assert 'declare "pyroscope_2" {' in _extracted(one(text), "local.file", "\n}").text


@pytest.mark.parametrize(
    ("text", "begin", "end", "reason"),
    [
        ('logging { }\npyroscope.write "a" { }', "logging", 'a" { }', "`logging` is not a component"),
        ('declare "a" { }', "declare", "}", "`declare.a` is not a component"),
        ("pyroscope.write { }", "pyroscope", "}", "`pyroscope.write` has no label"),
        ('local.file "a" { }\nlocal.file "a" { }', "local", "}", "declared more than once"),
        ('local.file "a" { }\nlocal.file "a" { }', 'local.file "a" { }', "\n", "declared more than once"),
        ('local.file "a" {\n\tfilename = argument.x.value\n}', "local", "}", "means something else"),
        ('local.file "a" { }\nlocal.file', "local", "}", "first mend the error"),
        ('local.file "a" { }\nx = 1', "local", "}", "first mend the error"),
        ('local.file "a" {\n\tfilename = local.file. /* b */ c.content\n}\nlocal.file "c" { }',
         "local", "\n}", "comment inside"),
        ('local.file "a" { }', "local", '"a"', "select one or more whole components"),
    ],
)  # fmt: skip
def test_what_would_change_the_meaning_is_refused(text: str, begin: str, end: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        _extracted(one(text), begin, end)


def test_what_stays_between_two_components_is_a_reason_to_refuse() -> None:
    text = (
        'pyroscope.relabel "b" {\n\tforward_to = [pyroscope.relabel.c.receiver]\n}\n'
        'pyroscope.relabel "a" {\n\tforward_to = [pyroscope.relabel.b.receiver]\n}\n'
        'pyroscope.relabel "c" {\n\tforward_to = []\n}\n'
    )
    with pytest.raises(RefusedError, match=r"`pyroscope\.relabel\.b` is used by the selected blocks"):
        _extracted(one(text), 'pyroscope.relabel "a"', "= []\n}")


def test_an_import_that_needs_a_moved_block_is_a_reason_to_refuse() -> None:
    text = (
        'import.string "lib" {\n\tcontent = local.file.a.content\n}\n'
        'declare "own" {\n\tlib.part "p" { }\n}\n'
        'local.file "a" {\n\tfilename = "x"\n}\n'
        'own "b" { }\n'
    )
    with pytest.raises(RefusedError, match=r"`import\.string\.lib` is used by the selected blocks"):
        _extracted(one(text), 'local.file "a', 'own "b" { }')
    assert "content = a.default.content" in _extracted(one(text), 'local.file "a', "\n}").text


def test_the_action_is_offered_for_whole_components_only() -> None:
    texts = one(_COLLECT)
    block = _COLLECT.index("pyroscope.scrape")
    end = _COLLECT.index("} // end") + 1
    assert [each.refused for each in texts.offered(block, end, EXTRACT)] == [""]
    assert not texts.offered(block, end - 5, EXTRACT)
    assert not texts.offered(block + 60, block + 70, EXTRACT)
    assert not texts.offered(block, block, invoked=False)
    assert [each.title for each in texts.offered(block, end, invoked=False)] == ["Extract into a declare"]
    both = one('logging { }\n\nlocal.file "a" { }\n').offered(0, 32, EXTRACT)
    assert [each.refused for each in both] == ["`logging` is not a component; select components only"]


# In general

_KINDS = ("discovery.relabel", "pyroscope.relabel", "pyroscope.write", "local.file", "mod", "foreach")
_MODULE = """\
declare "mod" {
	argument "targets" { }

	export "output" {
		value = argument.targets.value
	}
}
"""


def _some(choose: random.Random) -> str:
    """A valid configuration with random connections, in random order."""
    known: list[tuple[str, str]] = []
    written = [_MODULE]
    for number in range(choose.randrange(2, 9)):
        kind, label = choose.choice(_KINDS), f"{choose.choice('abc')}{number}"
        targets = [f"{a}.{b}.output" for a, b in known if a in {"discovery.relabel", "mod"}]
        receivers = [f"{a}.{b}.receiver" for a, b in known if a.startswith("pyroscope")]
        files = [f"{a}.{b}.content" for a, b in known if a == "local.file"]
        some = choose.sample(targets, min(len(targets), choose.randrange(3)))
        every = f"array.concat({', '.join([*some, '[]', '[]'])})"
        forward = f"[{', '.join(choose.sample(receivers, min(len(receivers), choose.randrange(3))))}]"
        secret = f"\n\t\tbearer_token = {choose.choice(files)}" if files else ""
        body = {
            "discovery.relabel": f"\ttargets = {every}",
            "mod": f"\ttargets = {every}",
            "pyroscope.relabel": f"\tforward_to = {forward}",
            "pyroscope.write": f'\tendpoint {{\n\t\turl = "http://x"{secret}\n\t}}',
            "local.file": '\tfilename = "/x"',
            "foreach": f'\tcollection = {every}\n\tvar = "it"\n\ttemplate {{\n\t\tdiscovery.relabel "z" {{'
            f"\n\t\t\ttargets = array.concat([it], {every})\n\t\t}}\n\t}}",
        }[kind]
        known.append((kind, label))
        written.append(f'{kind} "{label}" {{\n{body}\n}}\n')
    choose.shuffle(written)
    return "\n".join(written)


def _edges(text: str) -> Counter[tuple[str, str]]:
    """What each component names, as if all modules but `mod` were written where they are used."""
    body = [each for each in parse_file(Source("", text.encode())).body if isinstance(each, Block)]
    modules = {each.label: each for each in body if each.name == ("declare",) and each.label != "mod"}
    meanings: dict[str, str] = {}
    inlined: list[Block] = []
    for block in body:
        module = modules.get(block.full_name)
        if module is None:
            inlined += [block] if block not in modules.values() else []
            continue
        for given in block.body:
            assert isinstance(given, Attribute)
            meanings[f"argument.{given.name.name}.value"] = chain_text(chains([given])[0])
        for each in module.body:
            assert isinstance(each, Block)
            if each.name == ("export",):
                meanings[f"{block_id(block)}.{each.label}"] = chain_text(chains(each.body)[0])
            elif each.name != ("argument",):
                inlined.append(each)
    return Counter(
        (block_id(block), meanings.get(name, name))
        for block in inlined
        for name in map(chain_text, chains(block.body))
    )


def test_all_connections_stay_and_nothing_is_reported_anew() -> None:
    choose = random.Random(16)
    made = 0
    for _ in range(repeated(400)):
        text = _some(choose)
        if choose.random() < 0.7:
            text = format_source(Source("", text.encode())).decode()
        texts = one(text)
        before = texts.findings()
        assert not errors(before), text
        body = parse_file(Source("", text.encode())).body
        ranges = list(combinations_with_replacement(body, 2))
        for first, last in choose.sample(ranges, min(len(ranges), 4)):
            try:
                after = texts.after(extracted(texts, PATH, first.start, last.end + 1))
            except RefusedError:
                continue
            made += 1
            found = after.findings()
            assert not errors(found), (text, after.text)
            assert Counter(each.code for each in found) == Counter(each.code for each in before), after.text
            assert _edges(after.text) == _edges(text), (text, after.text)
            if format_source(Source("", text.encode())).decode() == text:
                assert format_source(Source("", after.text.encode())).decode() == after.text
    assert made > repeated(400)
