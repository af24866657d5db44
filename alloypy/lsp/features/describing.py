"""What is said about components, settings and functions, in Markdown: on hover and by completion."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from alloypy.lsp.features.choices import choices_of
from alloypy.schema.describe import default_of, type_text
from alloypy.schema.spec import AttributeSpec, BlockSpec, Member, Spec

if TYPE_CHECKING:
    from alloypy.catalog.catalog import Catalog
    from alloypy.catalog.history import EntryHistory

_MOST_EXAMPLES = 2


class Describing:
    """Describes what one version of Alloy has."""

    def __init__(self, language: Catalog) -> None:
        self._language = language

    def node(self, name: str, *, component: bool) -> Iterator[str]:
        """A component or config block; nothing for one that does not exist."""
        from alloypy.catalog.manual import manual_page
        from alloypy.catalog.words import words_about

        found = self._language.component(name) if component else None
        entry = found or self._language.block(name)
        if entry is None:
            return
        kind = "component" if found is not None else "config block"
        level = "community" if found is not None and found.community else entry.stability
        since = self._since(name)
        yield f"**{name}**: {kind}, {level}" + (f", since Alloy {since}" if since else "")
        yield words_about(name)
        yield _needs(entry.arguments)
        exports = found.exports if found is not None else None
        if exports is not None and exports.attributes:
            yield "Exports: " + ", ".join(listed(each) for each in exports.attributes)
        yield link(manual_page(name, self._language.version, component=found is not None))

    def member(self, name: str, inner: tuple[str, ...], member: Member, holder: Spec | None) -> Iterator[str]:
        """A setting. inner: the names of the blocks around it in the component or config block `name`."""
        from alloypy.catalog.manual import manual_page
        from alloypy.catalog.words import words_for

        component = self._language.component(name) is not None
        yield _head(member)
        yield words_for("/".join((name, *inner)), holder, member.name) or member.doc
        if isinstance(member, BlockSpec):
            yield _needs(member.body)
        else:
            entry = self._language.component(name) or self._language.block(name)
            spec = entry.arguments if entry is not None else None
            yield choices(choices_of((name, *inner), spec, member))
        yield "; ".join(self._dates(name, "/".join((*inner, member.name)), "args"))
        yield link(manual_page(name, self._language.version, component=component))

    def export(self, name: str, export: AttributeSpec) -> Iterator[str]:
        """What a component exports."""
        from alloypy.catalog.words import words_for

        yield f"Export {listed(export)}"
        yield words_for(f"{name}/", None, export.name) or export.doc
        yield "; ".join(self._dates(name, export.name, "exports"))

    def library(self, name: str) -> Iterator[str]:
        """A function, a constant, or a namespace of the standard library; nothing for others."""
        from alloypy.catalog.functions import function_reference, signature
        from alloypy.catalog.manual import library_page

        language = self._language
        first = name.partition(".")[0]
        if first not in language.identifiers and first not in language.deprecated:
            return
        entry = function_reference(name, language.version)
        if entry is None:
            return
        page = link(library_page(entry["name"], language.version))
        if "members" in entry:
            yield f"**{name}**: namespace of the standard library"
            yield ", ".join(entry["members"])
            yield page
            return
        said = signature(entry) if "takes" in entry else f"{name}: {entry['type']}"
        yield f"```text\n{said}\n```"
        yield entry["doc"]
        yield f"Old name of `{entry['name']}`." if name in language.deprecated else ""
        yield "\n".join(
            f"- {code(each['expression'])} is {code(each['value'])}"
            for each in entry.get("examples", ())[:_MOST_EXAMPLES]
        )
        yield self._function_dates(entry)
        yield page

    # When

    def _function_dates(self, entry: dict[str, str]) -> str:
        from alloypy.catalog.history import load_history

        level = entry.get("stability", "")
        said = [f"{level}, needs `--stability.level=experimental`"] if level == "experimental" else []
        if "since" in entry and entry["since"] != load_history().timeline.versions[0].name:
            said.append(f"since Alloy {_short(entry['since'])}")
        return "; ".join(said)

    def _since(self, name: str) -> str:
        """The first version that has a component or block."""
        known = self._history(name)
        if known is None or not known.present:
            return ""
        from alloypy.catalog.history import load_history
        from alloypy.catalog.wording import first_of

        return first_of(load_history().timeline, known.present)

    def _history(self, name: str) -> EntryHistory | None:
        if not self._language.has_history:
            return None
        from alloypy.catalog.history import load_history

        history = load_history()
        return history.component(name) or history.block(name)

    def _dates(self, name: str, path: str, part: str) -> Iterator[str]:
        """Since when there is a member, and what becomes of it."""
        known = self._history(name)
        member = known.path(path, part) if known is not None else None
        if known is None or member is None or not member.present:
            return
        from alloypy.catalog.history import load_history
        from alloypy.catalog.wording import first_of, short

        line = load_history().timeline
        version = self._language.version or line.main
        yield f"since Alloy {first_of(line, member.present)}"
        for _, end in line.spans(member.present):
            if end is not None and end.index > version.index:
                yield f"removed in Alloy {short(end)}"
        if member.deprecated is not None and member.deprecated <= version.index:
            yield f"deprecated since Alloy {short(line.versions[member.deprecated])}"


def listed(member: Member, name: str = "") -> str:
    """A member in a list: its name and its type."""
    kind = "block" if isinstance(member, BlockSpec) else f"`{type_text(member.type)}`"
    return f"`{name or member.name}` ({kind})"


def link(page: str) -> str:
    """A link to a page of Alloy's documentation."""
    return f"[Alloy's documentation]({page})" if page else ""


def code(text: str) -> str:
    """A text as code in Markdown, which the backquotes in it do not end."""
    marks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{room}{text}{room}{marks}"


def choices(values: Iterable[str]) -> str:
    """The values that are accepted; empty if there are none."""
    found = [code(each) for each in values if each]
    return "One of " + ", ".join(found) if found else ""


def _head(member: Member) -> str:
    if isinstance(member, BlockSpec):
        remarks = [
            "block",
            *(["required"] if member.required else []),
            *(["repeated"] if member.repeated else []),
        ]
        return f"**{member.name}**: {', '.join(remarks)}"
    remarks = [f"`{type_text(member.type)}`", "required" if member.required else _default(member)]
    return f"**{member.name}**: {', '.join(remarks)}" + (", secret" if member.secret else "")


def _default(attribute: AttributeSpec) -> str:
    default = default_of(attribute)
    return "optional" if default is None else f"default {code(json.dumps(default, ensure_ascii=False))}"


def _needs(spec: Spec | None) -> str:
    return "Required: " + ", ".join(map(listed, spec.required)) if spec is not None and spec.required else ""


def _short(version: str) -> str:
    return version.removesuffix(".0") if version.count(".") == 2 else version
