"""The settings of a project: where they are found, what they mean, and what is said about faulty ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from alloypy.check.units.settings import Projects
from alloypy.check.units.settings_error import SettingsError
from alloypy.check.units.settings_file import Settings, read_settings
from alloypy.schema.stability import Stability

LEVELS = "experimental, public-preview, generally-available"
PATTERNS = "patterns are as in .gitignore, for paths below the settings file"
ALL_KEYS = """
alloy-version = "1.10"
for = "alloy"
stability-level = "experimental"
community-components = true
select = ["ALY09"]
extend-select = ["ALY0975"]
ignore = ["ALY0903", "ALY0133"]
env-files = ["prod.env"]
exclude = ["old/", "*.tmp.alloy"]
units = ["conf/*/", "single/*.alloy"]
per-file-ignores = {"legacy/" = ["ALY0901"], "*.x.alloy" = ["ALL"]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(folder: Path, text: str, name: str = ".alloypy.toml") -> Settings:
    (folder / name).write_text(text)
    settings = read_settings(name)
    assert settings is not None
    return settings


def test_every_key_is_read(folder: Path) -> None:
    settings = read(folder, ALL_KEYS)
    assert (settings.alloy_version, settings.program) == ("1.10", "alloy")
    assert (settings.stability, settings.community) == (Stability.EXPERIMENTAL, True)
    assert settings.selectors == (("ALY09",), ("ALY0975",), ("ALY0903", "ALY0133"))
    assert settings.env_files == (str(folder / "prod.env"),)
    assert settings.directory == str(folder)
    assert [settings.excludes(path) for path in ("old/a.alloy", "b.tmp.alloy", "a/old/c", "a.alloy")] == [
        True,
        True,
        True,
        False,
    ]
    assert settings.unit_of("conf/prod/a.alloy") == "conf/prod"
    assert settings.unit_of("./conf/prod/a.alloy") == "./conf/prod"
    assert settings.unit_of("single/a.alloy") == "single/a.alloy"
    assert settings.unit_of("conf/a.alloy") is None
    assert settings.is_unit("conf/prod")
    assert not settings.is_unit("conf")
    assert settings.ignored_in("legacy/deep/a.alloy") == {"ALY0901"}
    assert "ALY0904" in settings.ignored_in("any/a.x.alloy")
    assert settings.ignored_in("a.alloy") == frozenset()


def test_a_table_in_pyproject_is_the_same(folder: Path) -> None:
    table = read(folder, f"[project]\nname = 'x'\n[tool.alloypy]\n{ALL_KEYS}", "pyproject.toml")
    own = read(folder, ALL_KEYS)
    assert (table.alloy_version, table.selectors, table.env_files) == (
        own.alloy_version,
        own.selectors,
        own.env_files,
    )


@pytest.mark.parametrize(
    "table",
    ["[tool.alloypy]\nfor = 'alloypy'", '[tool."alloypy"]\nfor="alloypy"', "[tool]\nalloypy.for='alloypy'"],
)
def test_the_nearest_settings_count(folder: Path, table: str) -> None:
    deep = folder / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(table)
    (folder / "a" / "b" / "pyproject.toml").write_text('[project]\ndependencies = ["alloypy"]\n')
    projects = Projects()
    for path in ("a/b/c/x.alloy", "a/b/c", "x.alloy", "."):
        settings = projects.of(path)
        assert settings is not None
        assert (settings.program, settings.path) == ("alloypy", "pyproject.toml"), path
    assert projects.of("a") is projects.of("a/b/c/other.alloy")
    (folder / "a" / ".alloypy.toml").write_text('for = "alloy"')
    (folder / "a" / "pyproject.toml").write_text("[tool.alloypy]\nfor = 'alloypy'")
    found = Projects().of("a/b/c/x.alloy")
    assert found is not None
    assert (found.program, found.path) == ("alloy", str(Path("a", ".alloypy.toml")))


def test_without_settings_there_are_none(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("this is not TOML, which is nobody's business here")
    assert Projects().of("x.alloy") is None
    (folder / ".alloypy.toml").write_text("nonsense")
    assert Projects(isolated=True).of("x.alloy") is None


def test_a_named_file_counts_for_all_directories(folder: Path) -> None:
    (folder / ".alloypy.toml").write_text('for = "alloy"')
    (folder / "other.toml").write_text('for = "alloypy"')
    found = Projects("other.toml").of("x.alloy")
    assert found is not None
    assert found.program == "alloypy"
    (folder / "pyproject.toml").write_text("")
    with pytest.raises(SettingsError, match=r"pyproject.toml has no table \[tool.alloypy\]"):
        Projects("pyproject.toml").of(".")
    with pytest.raises(SettingsError, match=r"open none.toml: no such file"):
        Projects("none.toml").of(".")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a = !", ".alloypy.toml:1: Invalid value", ""),
        ("\nselect = [\n", ".alloypy.toml:2: Invalid value at the end of the file", ""),
        (
            "\n[tool.alloypy]\nselect = []",
            ".alloypy.toml:2: .alloypy.toml holds settings only",
            "leave out [tool.alloypy], which is for pyproject.toml",
        ),
        (
            "for = 'alloypy'\nalloy-version = '1.3'",
            '.alloypy.toml:2: alloy-version is about Alloy, and for = "alloypy" is not',
            "leave out one of the two",
        ),
        ("units = ['']", '.alloypy.toml:1: units: "" can match nothing', PATTERNS),
        ("units = ['../*']", '.alloypy.toml:1: units: "../*" can match nothing', PATTERNS),
        ("exclude = ['[z-a]']", '.alloypy.toml:1: exclude: "[z-a]" can match nothing', PATTERNS),
        (
            "[per-file-ignores]\n'../set/c.alloy' = ['ALY0901']",
            '.alloypy.toml:1: per-file-ignores: "../set/c.alloy" can match nothing',
            PATTERNS,
        ),
        ("\nselct = []", ".alloypy.toml:2: unknown setting selct", "did you mean `select`?"),
        ("[unit]\n", ".alloypy.toml:1: unknown setting unit", "did you mean `units`?"),
        ("alloy-version = 1.10", '.alloypy.toml:1: alloy-version must be a text, such as "1.10"', ""),
        ("for = 'x'", ".alloypy.toml:1: for must be one of alloy, alloypy", ""),
        ("for = []", ".alloypy.toml:1: for must be one of alloy, alloypy", ""),
        ("community-components = 1", ".alloypy.toml:1: community-components must be true or false", ""),
        (
            "stability-level = 'ga'",
            f".alloypy.toml:1: stability-level must be one of {LEVELS}",
            "",
        ),
        ("units = 'conf'", '.alloypy.toml:1: units must be a list of texts, such as ["..."]', ""),
        ("exclude = [1]", '.alloypy.toml:1: exclude must be a list of texts, such as ["..."]', ""),
        (
            "select = ['ALY0903', 'ALY0904x']",
            ".alloypy.toml:1: select: there is no code ALY0904X; `alloypy explain` lists them",
            "did you mean ALY0904?",
        ),
        ("ignore = ['x']", ".alloypy.toml:1: ignore: there is no code X; `alloypy explain` lists them", ""),
        (
            "[per-file-ignores]\n'a' = ['y']",
            ".alloypy.toml:1: per-file-ignores: there is no code Y; `alloypy explain` lists them",
            "",
        ),
        (
            "per-file-ignores = []",
            '.alloypy.toml:1: per-file-ignores must be a table, such as {"old/*.alloy" = ["ALY0901"]}',
            "",
        ),
    ],
)
def test_faults_name_the_file_the_line_and_the_key(folder: Path, text: str, message: str, hint: str) -> None:
    (folder / ".alloypy.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        Projects().of("x.alloy")
    assert (str(caught.value), caught.value.hint) == (message, hint)


def test_bytes_that_are_no_text_are_a_fault(folder: Path) -> None:
    (folder / ".alloypy.toml").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=r"^.alloypy.toml: not UTF-8$"):
        Projects().of("x.alloy")
    (folder / ".alloypy.toml").write_text("a = " + "[" * 100_000)
    with pytest.raises(SettingsError):
        Projects().of("x.alloy")
