"""The settings for editors are well-formed, start the same command, and are what docs/editors.md shows."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from alloypy.lsp.workspace.judging import CLIENT_SETTINGS, Judging
from tests.support.documented import blocks
from tests.support.editing import SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "editors.md"
PACKAGE = json.loads((SETTINGS / "vscode" / "package.json").read_text("utf-8"))
COMMENT = {".lua": "--", ".toml": "#", ".sublime-settings": "//"}


def without_head(path: Path) -> str:
    """A file without the comment at its top."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    while lines and (not lines[0].strip() or lines[0].startswith(COMMENT[path.suffix])):
        del lines[0]
    return "".join(lines)


def read(path: Path) -> Any:
    text = path.read_text("utf-8")
    match path.suffix:
        case ".toml":
            return tomllib.loads(text)
        case ".sublime-settings":
            return json.loads(without_head(path))
        case ".json":
            return json.loads(text)
        case _:
            return yaml.safe_load(text)


@pytest.mark.parametrize(
    "name", ["neovim/alloypy.lua", "helix/languages.toml", "sublime/LSP.sublime-settings"]
)
def test_the_page_shows_the_file(name: str) -> None:
    assert without_head(SETTINGS / name) in [block.text for block in blocks(PAGE)]


def test_snippets_are_files_or_what_tests_of_editors_run() -> None:
    run = {path.stem: path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py")}
    assert 'block.language == "elisp"' in run["test_emacs"]
    assert 'block.language == "vim"' in run["test_vim"]
    languages = [block.language for block in blocks(PAGE)]
    assert [languages.count(each) for each in ("lua", "elisp", "vim")] == [1, 1, 1]


def test_the_page_leads_to_every_file() -> None:
    text = PAGE.read_text("utf-8")
    shown = {"neovim", "helix", "sublime"}
    for folder in sorted(path for path in SETTINGS.iterdir() if path.is_dir()):
        assert f"editors/{folder.name}/" in text or folder.name in shown, folder


def test_the_extension_declares_the_settings_that_the_server_reads(tmp_path: Path) -> None:
    declared = PACKAGE["contributes"]["configuration"]["properties"]
    own = {"alloypy.path", "alloypy.arguments", "alloypy.trace.server"}
    shown = {"alloypy.inlayHints.environment", "alloypy.inlayHints.defaults", "alloypy.codeLens.references"}
    assert set(declared) - own - shown == {f"alloypy.{name}" for name in CLIENT_SETTINGS}
    for name in sorted(set(declared) - own):
        assert f"`{name.removeprefix('alloypy.')}`" in PAGE.read_text("utf-8"), name
    values = {name.removeprefix("alloypy."): each for name, each in declared.items() if name not in own}
    unset = Judging({name: each["default"] for name, each in values.items()}, str(tmp_path))
    assert unset.settings(str(tmp_path / "a.alloy")) is None
    for name, each in values.items():
        for value in each.get("enum", [EXAMPLES[each["type"][0]]] if isinstance(each["type"], list) else []):
            judging = Judging({name: value}, str(tmp_path))
            judging.settings(str(tmp_path / "a.alloy"))
            assert not judging.problems, name


EXAMPLES = {"string": "1.10", "array": ["ALY0903"], "object": {"*.alloy": ["ALY0903"]}, "boolean": True}


class TestCommands:
    """Each client starts `alloypy lsp` for files in Alloy's language."""

    def test_helix(self) -> None:
        settings = read(SETTINGS / "helix" / "languages.toml")
        (language,) = settings["language"]
        (server,) = language["language-servers"]
        assert settings["language-server"][server] == {"command": "alloypy", "args": ["lsp"]}
        assert language["file-types"] == ["alloy"]

    def test_jetbrains(self) -> None:
        template = read(SETTINGS / "jetbrains" / "template.json")
        assert template["programArgs"]["default"] == "alloypy lsp"
        (mapping,) = template["fileTypeMappings"]
        assert mapping["fileType"]["patterns"] == ["*.alloy"]
        installer = read(SETTINGS / "jetbrains" / "installer.json")
        assert installer["run"]["exec"]["onSuccess"]["configureServer"]["command"] == template["programArgs"]

    def test_sublime(self) -> None:
        client = read(SETTINGS / "sublime" / "LSP.sublime-settings")["clients"]["alloypy"]
        syntax = read(SETTINGS / "sublime" / "Alloy.sublime-syntax")
        assert client["command"] == ["alloypy", "lsp"]
        assert client["selector"] == syntax["scope"]
        assert syntax["file_extensions"] == ["alloy"]

    def test_the_syntax_for_sublime_refers_to_what_it_has(self) -> None:
        text = (SETTINGS / "sublime" / "Alloy.sublime-syntax").read_text("utf-8")
        contexts = read(SETTINGS / "sublime" / "Alloy.sublime-syntax")["contexts"]
        named = set(re.findall(r"(?:include|push): ([a-z-]+)", text))
        assert named | {"main"} == set(contexts)

    def test_zed(self) -> None:
        extension = read(SETTINGS / "zed" / "extension.toml")
        language = read(SETTINGS / "zed" / "languages" / "alloy" / "config.toml")
        assert extension["language_servers"]["alloypy"]["languages"] == [language["name"]]
        assert language["grammar"] in extension["grammars"]
        assert language["path_suffixes"] == ["alloy"]
        assert 'vec!["lsp".into()]' in (SETTINGS / "zed" / "src" / "lib.rs").read_text("utf-8")


class TestVSCode:
    """What the manifest of the extension promises is there."""

    FOLDER = SETTINGS / "vscode"
    SOURCE = "".join(path.read_text("utf-8") for path in sorted((FOLDER / "src").glob("*.ts")))

    def test_its_files_exist(self) -> None:
        (language,) = PACKAGE["contributes"]["languages"]
        (grammar,) = PACKAGE["contributes"]["grammars"]
        assert (self.FOLDER / language["configuration"]).is_file()
        assert read(self.FOLDER / grammar["path"])["scopeName"] == grammar["scopeName"]
        assert grammar["language"] == language["id"]

    def test_its_commands_are_registered(self) -> None:
        declared = {command["command"] for command in PACKAGE["contributes"]["commands"]}
        registered = set(re.findall(r'registerCommand\("([\w.]+)"', self.SOURCE))
        assert registered == declared | {"alloypy.showReferences"}  # that one is for the server

    def test_its_settings_are_described(self) -> None:
        page = (self.FOLDER / "README.md").read_text("utf-8")
        declared = PACKAGE["contributes"]["configuration"]["properties"]
        assert [name for name in declared if f"`{name}`" not in page] == []
        assert all(setting["markdownDescription"] for setting in declared.values())

    def test_typing_is_configured(self) -> None:
        configuration = read(self.FOLDER / "language-configuration.json")
        assert configuration["comments"] == {"lineComment": "//", "blockComment": ["/*", "*/"]}
        increases = re.compile(configuration["indentationRules"]["increaseIndentPattern"])
        decreases = re.compile(configuration["indentationRules"]["decreaseIndentPattern"])
        for line in ("a {", "\tb = [", "c = f(", 'd "e" { // "f"', 'a = "\\"{" + {'):
            assert increases.search(line), line
        for line in ("a {}", "// a {", 'a = "{', 'a = "{" // [', "a = 1"):
            assert not increases.search(line), line
        assert [line for line in ("}", "\t]", "  ),", "a }") if decreases.search(line)] == [
            "}",
            "\t]",
            "  ),",
        ]

    def test_the_lock_file_names_no_server(self) -> None:
        for lock in (self.FOLDER, *(ROOT / "tests" / "editors" / name for name in ("grammar", "vscode"))):
            packages = read(lock / "package-lock.json")["packages"]
            assert [name for name, package in packages.items() if "resolved" in package] == []
            fetched = [package for name, package in packages.items() if name and not package.get("inBundle")]
            assert all("integrity" in package for package in fetched)

    def test_the_lock_file_is_that_of_the_manifest(self) -> None:
        root = read(self.FOLDER / "package-lock.json")["packages"][""]
        assert (root["dependencies"], root["devDependencies"]) == (
            PACKAGE["dependencies"],
            PACKAGE["devDependencies"],
        )
