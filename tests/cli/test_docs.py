"""The documentation says what the program does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloypy import __version__
from alloypy.check.units.discovery import LEFT_OUT
from alloypy.components.registry import REGISTRY
from tests.support import cli_page, lint_page, own_words, stdlib_page
from tests.support.component_pages.bodies import anchor
from tests.support.component_pages.pages import pages as component_pages
from tests.support.component_pages.pages import superfluous

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
NAME = re.compile(r"`((?:[A-Z]\w*\.)?_\w+|[A-Z]\w*\.\w+|[A-Z][A-Z_]{2,}|(?:[A-Z][a-z]+){2,})`")
"""Private names, members of classes, constants and classes in code spans."""
RENEW = "run: python3 dev.py docs"
OF_PACKAGES = frozenset({"HttpToolsProtocol"})


def pages(*patterns: str) -> list[Path]:
    """Our own pages: not those of packages that a build of the VS Code extension has installed."""
    found = [path for pattern in patterns for path in ROOT.glob(pattern)]
    return sorted(path for path in found if "node_modules" not in path.parts)


PAGES = pages("*.md", "docs/**/*.md", "examples/**/*.md")


def test_the_command_line_page_is_what_the_commands_say() -> None:
    assert cli_page.PAGE.read_text() == cli_page.page(), RENEW


def test_the_page_about_the_standard_library_is_what_the_functions_say() -> None:
    assert stdlib_page.PAGE.read_text() == stdlib_page.page(), RENEW


def test_the_pages_about_components_are_what_the_components_say() -> None:
    made = component_pages()
    differing = [
        str(path.relative_to(ROOT))
        for path, text in made.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    assert (differing, superfluous()) == ([], []), f"{RENEW}; a component needs a row in docs/components.md"


def test_links_inside_of_the_pages_about_components_lead_to_headings() -> None:
    folder = ROOT / "docs" / "components"
    checked = 0
    for page in folder.glob("*.md"):
        for target, fragment in re.findall(r"\]\(([\w./-]*)#([^)]+)\)", page.read_text("utf-8")):
            text = (folder / target if target else page).read_text("utf-8")
            headings = [anchor(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
            assert fragment in headings, f"{page.name}: {target}#{fragment}"
            checked += 1
    assert checked > 30


def test_the_command_line_page_names_the_directories_that_are_left_out() -> None:
    assert [name for name in LEFT_OUT if f"`{name}`" not in cli_page.PAGE.read_text()] == []


@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_guide_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text())}
    assert {page for page in pages("docs/**/*.md") if page != index} - linked == set()


SPEC = ROOT / "docs" / "spec"
NUMBER = r"\d+(?:\.\d+)?[a-f]?"
REFERENCE = re.compile(
    rf"docs/spec/(\w+)\.md,\s+sections?\s+({NUMBER}(?:(?:,\s+|(?: \(.*?\))?\s+and\s+|\s+to\s+|-){NUMBER})*)"
)


def sections(page: str) -> list[str]:
    """The numbers of a page's sections, in their order."""
    text = (SPEC / f"{page}.md").read_text()
    return re.findall(r"^##+ (\d+(?:\.\d+)?[a-f]?)(?=[. ])", text, re.MULTILINE)


def test_the_sections_that_docstrings_name_are_there() -> None:
    there = {page.stem: set(sections(page.stem)) for page in SPEC.glob("*.md")}
    named, nowhere = 0, []
    for source in (ROOT / "alloypy").rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        for page, listed in REFERENCE.findall(text):
            named += 1
            wrong = [each for each in re.findall(NUMBER, listed) if each not in there.get(page, ())]
            nowhere += [f"{source.relative_to(ROOT)}: {page} {each}" for each in wrong]
        if text.count("docs/spec/") != len(REFERENCE.findall(text)) or re.search(r"\bspec\s+section", text):
            nowhere.append(f"{source.relative_to(ROOT)}: a reference without page and section")
    assert nowhere == []
    assert named > 150


def test_sections_are_numbered_in_order() -> None:
    for page in SPEC.glob("*.md"):
        numbers = sections(page.stem)
        keys = [[int(n) for n in re.findall(r"\d+", s)] + [ord(c) for c in s if c.isalpha()] for s in numbers]
        assert keys == sorted(keys), page.name
        assert len(set(numbers)) == len(numbers) > 5, page.name


def test_the_recipes_name_files_that_exist() -> None:
    made_by_the_reader = {"enrich.py", "csv_format.py", "components.py", "NAME.py", "NAMESPACE.py"}
    for page in ("CONTRIBUTING.md", "tests/README.md"):
        named = set(re.findall(r"`((?:alloypy|tests|docs|examples)/[\w./*]+)`", (ROOT / page).read_text()))
        assert len(named) > (20 if page == "CONTRIBUTING.md" else 0)
        missing = [n for n in named if not list(ROOT.glob(n)) and Path(n).name not in made_by_the_reader]
        assert missing == [], page


def defined_names() -> set[str]:
    """What modules and classes define, members of a class as `Class.member`, too."""
    found: set[str] = set()
    for path in [*(ROOT / "alloypy").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef):
                names = {name for each in node.body for name in names_of(each)}
                found |= names
                if isinstance(node, ast.ClassDef):
                    found |= {f"{node.name}.{name}" for name in names}
    return found


def names_of(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else ()
    single = (statement.target,) if isinstance(statement, ast.AnnAssign) else ()
    return {each.id for each in (*targets, *single) if isinstance(each, ast.Name)}


def test_the_recipes_and_the_design_use_names_that_exist() -> None:
    pages = (ROOT / "CONTRIBUTING.md", ROOT / "docs" / "design.md")
    named = {name for page in pages for name in NAME.findall(page.read_text())}
    assert len(named) > 15
    assert named - defined_names() - OF_PACKAGES == set()


def test_the_folders_of_tests_are_described() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "tests" / "README.md").read_text(), re.MULTILINE)
    folders = [path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0].isalpha()]
    assert sorted(table) == sorted(folders)


def test_pages_and_deployment_material_name_this_version() -> None:
    named = {
        found
        for place in ("docs/ci.md", "examples/deploy/kubernetes.yaml", "examples/deploy/cluster.yaml")
        for found in re.findall(r"(?:@v|rev: v|`v|alloypy:)(\d+\.\d+\.\d+)", (ROOT / place).read_text())
    }
    assert named == {__version__}


def test_the_changelog_has_this_version_with_its_date() -> None:
    versions = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(__version__)}\] - \d{{4}}-\d{{2}}-\d{{2}}", versions[1])


def test_the_component_page_names_every_component() -> None:
    text = (ROOT / "docs" / "components.md").read_text()
    assert [name for name in REGISTRY if f"`{name}`" not in text] == []


def test_the_readme_opens_with_its_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert lines[0] == "# alloypy"
    assert all(lines[2:5]) and not lines[5]
    commands = [line for line in lines[:12] if line.startswith("python3 ")]
    assert [command.split("#")[0].split()[1:] for command in commands] == [
        ["dev.py", "demo"],
        ["dev.py", "test"],
    ]


def test_the_table_of_lint_rules_is_up_to_date() -> None:
    assert lint_page.table() in lint_page.PAGE.read_text(), RENEW


def test_what_editors_say_is_what_the_declarations_say() -> None:
    assert own_words.text() == own_words.FILE.read_text("utf-8"), RENEW


MESSAGE = re.compile(r"^\| (`+)(.+?)\1 \|", re.MULTILINE)
TROUBLES = ROOT / "docs" / "troubleshooting.md"


def texts_of_the_program() -> Iterator[str]:
    """Every string in the sources, with a NUL in place of each inserted value."""
    for source in (ROOT / "alloypy").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values
                )


def test_the_messages_of_the_troubleshooting_page_are_the_programs() -> None:
    messages = [message for _, message in MESSAGE.findall(TROUBLES.read_text(encoding="utf-8"))]
    texts = list(texts_of_the_program())
    patterns = {
        message: re.compile(".*?".join(map(re.escape, message.split("..."))), re.DOTALL)
        for message in messages
    }
    assert len(messages) >= 30
    assert [message for message, pattern in patterns.items() if not any(map(pattern.search, texts))] == []


def cells(row: str) -> int:
    """The number of cells in a table row; a bar inside code is not a border."""
    return re.sub(r"(`+).+?\1", "", row).strip().strip("|").count("|") + 1


@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_whole(document: Path) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", document.read_text(), re.MULTILINE)
    for table in tables:
        head, rule, *rows = table.splitlines()
        assert re.fullmatch(r"(?:\| ?:?-+:? ?)+\|", rule), f"no table: {head}"
        assert [row for row in rows if cells(row) != cells(head)] == []
        assert len(set(rows)) == len(rows), "a row stands there twice"


def test_the_changes_of_a_version_are_grouped_and_in_one_list_each() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    for version in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", version, re.MULTILINE)
        assert kinds == [
            kind for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed") if kind in kinds
        ]
        for group in re.split(r"^### .+\n", version, flags=re.MULTILINE)[1:]:
            assert "\n\n" not in group.strip(), "a list with a blank line in it"
