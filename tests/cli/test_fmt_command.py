"""The `fmt` command as users call it: real processes on real files."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running import alloypy

UGLY = b"a=1\n"
FINE = b"a = 1\n"
BROKEN = b"a = \n"

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


def fmt(
    *arguments: str, cwd: Path, stdin: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    return subprocess.run(
        [sys.executable, "-m", "alloypy", "fmt", *arguments],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        check=False,
        env=plain | (env or {}),
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One file of each kind, in directories."""
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "ugly.alloy").write_bytes(UGLY)
    (tmp_path / "sub" / "fine.alloy").write_bytes(FINE)
    (tmp_path / "sub" / "deep" / "ugly.alloy").write_bytes(UGLY)
    (tmp_path / ".venv" / "ugly.alloy").write_bytes(UGLY)
    (tmp_path / "ugly.txt").write_bytes(UGLY)
    return tmp_path


def test_one_file_is_printed_and_left_alone(tree: Path) -> None:
    done = fmt("ugly.alloy", cwd=tree)
    assert (done.returncode, done.stdout, done.stderr) == (0, FINE, b"")
    assert (tree / "ugly.alloy").read_bytes() == UGLY


def test_format_is_another_name(tree: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alloypy", "format", "ugly.alloy"], cwd=tree, capture_output=True, check=True
    )
    assert done.stdout == FINE


@pytest.mark.parametrize("flag", ["-t", "--test", "--check", "--check=true"])
def test_check(tree: Path, flag: str) -> None:
    wrong = fmt(flag, "ugly.alloy", cwd=tree)
    assert (wrong.returncode, wrong.stdout) == (1, b"")
    assert wrong.stderr == b"Error: file ugly.alloy is not formatted correctly\n"
    right = fmt("sub/fine.alloy", flag, cwd=tree)
    assert (right.returncode, right.stdout, right.stderr) == (0, b"", b"")


def test_check_of_standard_input_under_a_name(tree: Path) -> None:
    done = fmt("--check", "--stdin-filename", "x/y.alloy", "-", cwd=tree, stdin=UGLY)
    assert (done.returncode, done.stderr) == (1, b"Error: file x/y.alloy is not formatted correctly\n")
    done = fmt("--stdin-filepath=z.alloy", cwd=tree, stdin=BROKEN)
    assert done.returncode == 2
    assert done.stderr.startswith(b"z.alloy:2:1: ")


def test_several_files_are_all_reported(tree: Path) -> None:
    (tree / "a_broken.alloy").write_bytes(BROKEN)
    done = fmt("--check", "a_broken.alloy", "nope.alloy", "ugly.alloy", "sub/fine.alloy", cwd=tree)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "a_broken.alloy:2:1: expected expression, got EOF",
        "Error: stat nope.alloy: no such file or directory",
        "Error: file ugly.alloy is not formatted correctly",
        "Error: encountered errors during formatting",
        "1 file would change, 1 unchanged, 2 failed",
    ]


def test_several_files_need_to_know_what_to_do(tree: Path) -> None:
    done = fmt("ugly.alloy", "sub/fine.alloy", cwd=tree)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"Error: accepts between 0 and 1 arg(s), received 2\n")


def test_a_directory_is_searched(tree: Path) -> None:
    done = fmt("--check", ".", cwd=tree)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "Error: file ugly.alloy is not formatted correctly",
        "Error: file sub/deep/ugly.alloy is not formatted correctly",
        "2 files would change, 1 unchanged",
    ]


def test_each_file_counts_once(tree: Path) -> None:
    done = fmt("--check", ".", "sub/../ugly.alloy", "sub", cwd=tree)
    assert done.stderr.decode().splitlines()[-1] == "2 files would change, 1 unchanged"


def test_gitignore_and_exclude(tree: Path) -> None:
    (tree / ".git").mkdir()
    (tree / ".gitignore").write_text("deep/\n")
    done = fmt("--check", "sub", cwd=tree)
    assert done.stderr == b"0 files would change, 1 unchanged\n"
    done = fmt("--check", ".", "--exclude", "/ugly.alloy", "--exclude=fine.*", cwd=tree)
    assert (done.returncode, done.stderr) == (0, b"Warning: nothing to format: no *.alloy files in .\n")
    done = fmt("--check", "ugly.alloy", "--exclude", "ugly.alloy", cwd=tree)
    assert done.returncode == 1
    done = fmt("--check", "ugly.alloy", "--exclude", "ugly.alloy", "--force-exclude", cwd=tree)
    assert (done.returncode, done.stderr) == (0, b"")


def test_exclusion_by_force_spares_standard_input_and_opens_no_directories(tree: Path) -> None:
    done = fmt("--force-exclude", "--exclude", "*", "-", cwd=tree, stdin=UGLY)
    assert (done.returncode, done.stdout) == (0, FINE)
    done = fmt("--force-exclude", ".", cwd=tree)
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, b"Error: cannot format a directory")


def test_write(tree: Path) -> None:
    fine, ugly = tree / "sub" / "fine.alloy", tree / "ugly.alloy"
    ugly.chmod(0o640)
    before = fine.stat()
    done = fmt("-w", ".", cwd=tree)
    assert (done.returncode, done.stdout) == (0, b"")
    assert (
        done.stderr == b"formatted ugly.alloy\nformatted sub/deep/ugly.alloy\n2 files changed, 1 unchanged\n"
    )
    assert ugly.read_bytes() == FINE
    assert stat.S_IMODE(ugly.stat().st_mode) == 0o640
    after = fine.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(path.name for path in tree.iterdir()) == [".venv", "sub", "ugly.alloy", "ugly.txt"]
    assert fmt("--check", ".", cwd=tree).returncode == 0


def test_write_names_what_it_changed(tree: Path) -> None:
    done = fmt("--write", "ugly.alloy", cwd=tree)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"formatted ugly.alloy\n")
    assert (tree / "ugly.alloy").read_bytes() == FINE
    done = fmt("--write", "ugly.alloy", cwd=tree)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_write_through_a_link_keeps_the_link(tree: Path) -> None:
    (tree / "link.alloy").symlink_to("sub/deep/ugly.alloy")
    assert fmt("-w", "link.alloy", cwd=tree).returncode == 0
    assert (tree / "link.alloy").is_symlink()
    assert (tree / "sub" / "deep" / "ugly.alloy").read_bytes() == FINE


def test_a_faulty_file_is_not_written_and_does_not_stop_the_others(tree: Path) -> None:
    (tree / "broken.alloy").write_bytes(BROKEN)
    done = fmt("-w", ".", cwd=tree)
    assert done.returncode == 2
    assert (tree / "broken.alloy").read_bytes() == BROKEN
    assert (tree / "sub" / "deep" / "ugly.alloy").read_bytes() == FINE


def test_diff(tree: Path) -> None:
    (tree / "sub" / "fine.alloy").write_bytes(b"b = 2\n\nc=3")
    done = fmt("--diff", ".", cwd=tree)
    assert done.returncode == 1
    assert done.stdout.decode() == (
        "--- ugly.alloy\n+++ ugly.alloy\n@@ -1 +1 @@\n-a=1\n+a = 1\n"
        "--- sub/fine.alloy\n+++ sub/fine.alloy\n@@ -1,3 +1,3 @@\n b = 2\n \n"
        "-c=3\n\\ No newline at end of file\n+c = 3\n"
        "--- sub/deep/ugly.alloy\n+++ sub/deep/ugly.alloy\n@@ -1 +1 @@\n-a=1\n+a = 1\n"
    )
    assert done.stderr == b"3 files would change, 0 unchanged\n"
    assert (tree / "ugly.alloy").read_bytes() == UGLY


def test_diff_is_a_patch(tree: Path) -> None:
    patch = fmt("--diff", "ugly.alloy", cwd=tree).stdout
    subprocess.run(["git", "apply", "-p0", "-"], cwd=tree, input=patch, check=True)
    assert (tree / "ugly.alloy").read_bytes() == FINE


def test_colours_of_a_diff(tree: Path) -> None:
    assert b"\x1b" not in fmt("--diff", "ugly.alloy", cwd=tree).stdout
    forced = fmt("--diff", "ugly.alloy", cwd=tree, env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b[31m-a=1\x1b[0m\n\x1b[32m+a = 1\x1b[0m\n" in forced
    assert b"\x1b" not in fmt("--diff", "ugly.alloy", cwd=tree, env={"NO_COLOR": "1"}).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-w", "-t", "ugly.alloy"], "cannot use -w/--write and -t/--test at the same time"),
        (["-w", "--check", "ugly.alloy"], "cannot use -w/--write and -t/--test at the same time"),
        (["-w", "--diff", "ugly.alloy"], "cannot use -w/--write and --diff at the same time"),
        (["-w"], "cannot use -w with standard input"),
        (["-w", "ugly.alloy", "-"], "cannot use -w with standard input"),
        (["."], "cannot format a directory"),
        (["--output-format", "yaml"], 'invalid argument "yaml" for "--output-format" flag: '),
        (["--output-format", "json", "ugly.alloy"], "--output-format json needs --output-file"),
        (["--check", "--output-file", "no/such", "ugly.alloy"], "open no/such: no such file or directory"),
        (["--frob"], "unknown flag: --frob"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["--exclude"], "flag needs an argument: --exclude"),
    ],
)
def test_wrong_use(tree: Path, arguments: list[str], message: str) -> None:
    done = fmt(*arguments, cwd=tree)
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"Error: {message}")
    assert done.stdout == b""
    assert (tree / "ugly.alloy").read_bytes() == UGLY


def test_json(tree: Path) -> None:
    (tree / "broken.alloy").write_text('é = "x\n\nb = {a = 1 b = 2}\n')
    done = fmt("--check", "--output-format=json", ".", "nope.alloy", cwd=tree)
    assert done.returncode == 2
    report = json.loads(done.stdout)
    assert report["summary"] == {"files": 5, "errors": 5, "warnings": 0, "changed": 2, "failed": 2}
    assert report["diagnostics"][0] == {
        "file": "broken.alloy",
        "line": 1,
        "column": 6,
        "end_line": None,
        "end_column": None,
        "severity": "error",
        "code": "ALY0103",
        "message": "string literal not terminated",
        "hint": report["diagnostics"][0]["hint"],
        "fix": [{"offset": 7, "length": 0, "text": '"'}],
    }
    assert [(each["file"], each["line"], each["code"]) for each in report["diagnostics"][2:]] == [
        ("ugly.alloy", None, "ALY0131"),
        ("sub/deep/ugly.alloy", None, "ALY0131"),
        ("nope.alloy", None, "ALY0130"),
    ]


def test_the_report_goes_to_a_file(tree: Path) -> None:
    done = fmt("--diff", "--output-format", "sarif", "--output-file", "out.sarif", "ugly.alloy", cwd=tree)
    assert done.returncode == 1
    assert done.stdout.endswith(b"-a=1\n+a = 1\n")
    log = json.loads((tree / "out.sarif").read_text())
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["ALY0131"]
    done = fmt("--check", "--output-file", "out.txt", "ugly.alloy", cwd=tree)
    assert (done.returncode, done.stderr) == (1, b"")
    assert (tree / "out.txt").read_text() == "Error: file ugly.alloy is not formatted correctly\n"


def test_what_is_no_text(tree: Path) -> None:
    (tree / "binary.alloy").write_bytes(bytes(range(256)) * 20)
    (tree / "utf16.alloy").write_bytes("a = 1".encode("utf-16"))
    for name in ("binary.alloy", "utf16.alloy"):
        done = fmt(name, cwd=tree)
        assert done.returncode == 2
        first, last = done.stderr.decode().splitlines()
        assert first.startswith(f"{name}:1:1: ")
        assert last == "Error: encountered errors during formatting"


def test_odd_things_in_a_directory(tree: Path) -> None:
    (tree / "directory.alloy").mkdir()
    (tree / "directory.alloy" / "in.alloy").write_bytes(FINE)
    (tree / "dangling.alloy").symlink_to("nowhere")
    (tree / "loop.alloy").symlink_to("loop.alloy")
    (tree / "up").symlink_to("..")
    os.mkfifo(tree / "pipe.alloy")
    done = fmt("--check", ".", cwd=tree)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "Error: stat dangling.alloy: no such file or directory",
        "Error: stat loop.alloy: too many levels of symbolic links",
        "Error: file ugly.alloy is not formatted correctly",
        "Error: file sub/deep/ugly.alloy is not formatted correctly",
        "2 files would change, 2 unchanged, 2 failed",
    ]


def test_what_is_no_regular_file_is_read_but_not_written(tree: Path) -> None:
    script = 'printf "a=1" | "$0" -m alloypy fmt "$@" /dev/stdin'
    run = ["bash", "-c", script, sys.executable]
    assert subprocess.run(run, cwd=tree, capture_output=True, check=True).stdout == FINE
    done = subprocess.run([*run, "-w"], cwd=tree, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, b"Error: cannot write /dev/stdin: not a regular file\n")


def test_names_that_are_no_text(tree: Path) -> None:
    name = os.fsdecode(b"\xff \n.alloy")
    (tree / name).write_bytes(UGLY)
    assert fmt("--check", ".", cwd=tree).returncode == 1
    assert b"--- \xff \n.alloy\n" in fmt("--diff", ".", cwd=tree).stdout
    for form in ("json", "github", "sarif", "junit"):
        assert fmt("--check", "--output-format", form, ".", cwd=tree).returncode == 1
    assert fmt("-w", ".", cwd=tree).returncode == 0


@needs_permissions
def test_what_may_not_be_read_or_written(tree: Path) -> None:
    (tree / "ugly.alloy").chmod(0o000)
    assert fmt("ugly.alloy", cwd=tree).stderr == b"Error: open ugly.alloy: permission denied\n"
    (tree / "ugly.alloy").chmod(0o444)
    assert fmt("-w", "ugly.alloy", cwd=tree).stderr == b"Error: open ugly.alloy: permission denied\n"
    (tree / "sub" / "deep").chmod(0o000)
    assert b"Error: open sub/deep: permission denied\n" in fmt("--check", "sub", cwd=tree).stderr
    (tree / "sub" / "deep").chmod(0o755)


def test_several_processes_answer_as_one_does(tree: Path) -> None:
    many = tree / "many"
    many.mkdir()
    block = "block {\n\tattribute = [1,2]\n}\n"
    for number in range(20):
        (many / f"{number:02}.alloy").write_text(block * 800 if number % 4 else BROKEN.decode())
    done = fmt("--check", "many", cwd=tree)
    assert done.returncode == 2
    lines = done.stderr.decode().splitlines()
    assert lines[-1] == "15 files would change, 0 unchanged, 5 failed"
    assert [line.partition("many/")[2][:2] for line in lines[:-2]] == [f"{number:02}" for number in range(20)]
    done = fmt("-w", "many", cwd=tree)
    assert done.stderr.decode().splitlines()[-1] == "15 files changed, 0 unchanged, 5 failed"


def test_a_reader_that_leaves(tree: Path) -> None:
    (tree / "long.alloy").write_text("a = 1\n" * 100_000)
    script = '"$0" -m alloypy fmt long.alloy | head -1'
    done = subprocess.run(["bash", "-c", script, sys.executable], cwd=tree, capture_output=True, check=True)
    assert done.stdout == b"a = 1\n"
    assert done.stderr == b""


def test_hidden_directories_are_looked_into_but_for_those_of_tools(tree: Path) -> None:
    for name in (".github/x", ".config", ".venv/lib", "node_modules", "dist", ".git/hooks"):
        (tree / "more" / name).mkdir(parents=True)
        (tree / "more" / name / "ugly.alloy").write_bytes(UGLY)
    found = fmt("--check", "more", cwd=tree).stderr.decode().splitlines()
    assert found == [
        "Error: file more/.config/ugly.alloy is not formatted correctly",
        "Error: file more/.github/x/ugly.alloy is not formatted correctly",
        "2 files would change, 0 unchanged",
    ]
    assert fmt("--check", "more/dist", cwd=tree).returncode == 1
    taken_back = fmt("--check", "--exclude", "!dist", "more", cwd=tree).stderr
    assert b"Error: file more/dist/ugly.alloy is not formatted correctly" in taken_back


def test_a_directory_without_files(tree: Path) -> None:
    (tree / "empty").mkdir()
    warning = b"Warning: nothing to format: no *.alloy files in empty\n"
    for mode in ("--check", "--diff", "-w"):
        done = fmt(mode, "empty", cwd=tree)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", warning)
        assert fmt(mode, "--strict", "empty", cwd=tree).returncode == 1
    assert fmt("--check", "-q", "empty", cwd=tree).stderr == b""
    strict = fmt("--check", "--strict", "--output-format=junit", "empty", cwd=tree)
    assert b'tests="1" failures="1"' in strict.stdout
    done = fmt(
        "--check", "--strict", "--force-exclude", "--exclude=*", "ugly.alloy", "sub/fine.alloy", cwd=tree
    )
    assert (done.returncode, done.stderr) == (0, b"no files to format\n")


def test_a_list_of_files(tree: Path) -> None:
    (tree / "a b.alloy").write_bytes(UGLY)
    (tree / "-").write_bytes(FINE)
    names = b"a b.alloy\nsub\n-\n"
    (tree / "list").write_bytes(names)
    expected = ["Error: file a b.alloy is not formatted correctly"]
    expected += [
        "Error: file sub/deep/ugly.alloy is not formatted correctly",
        "2 files would change, 2 unchanged",
    ]
    assert fmt("--check", "--files-from=list", cwd=tree).stderr.decode().splitlines() == expected
    for arguments, stdin in (([], names), (["-0"], names.replace(b"\n", b"\0"))):
        done = fmt("--check", "--files-from", "-", *arguments, cwd=tree, stdin=stdin)
        assert done.stderr.decode().splitlines() == expected
    done = fmt("-w", "--strict", "--files-from=-", cwd=tree)
    assert (done.returncode, done.stderr) == (0, b"no files to format\n")
    done = fmt("--files-from=list", cwd=tree)
    assert done.returncode == 2
    assert done.stderr.startswith(b"Error: --files-from needs -w, --check or --diff\n")
    assert fmt("--check", "--files-from=nope", cwd=tree).returncode == 2
    assert fmt("--check", "-0", cwd=tree).returncode == 2


def test_quiet_shows_errors_only(tree: Path) -> None:
    done = fmt("--check", "-q", ".", cwd=tree)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    done = fmt("-w", "--quiet", ".", cwd=tree)
    assert (done.returncode, done.stderr) == (0, b"")


def test_colours_on_demand(tree: Path) -> None:
    assert b"\x1b[31m" in fmt("--diff", "--color=always", "ugly.alloy", cwd=tree).stdout
    forced = {"FORCE_COLOR": "1"}
    assert b"\x1b" not in fmt("--diff", "--color=never", "ugly.alloy", cwd=tree, env=forced).stdout


def test_what_an_editor_does_not_show_is_reported(tree: Path) -> None:
    (tree / "crlf.alloy").write_bytes(b"a = 1\r\n")
    (tree / "mark.alloy").write_bytes(b"\xef\xbb\xbfa = 1\n")
    told = fmt("--check", "crlf.alloy", "mark.alloy", cwd=tree).stderr.decode()
    assert (
        "crlf.alloy is not formatted correctly: its lines end in CR LF, the standard layout's in LF\n" in told
    )
    assert "mark.alloy is not formatted correctly: it begins with a byte order mark\n" in told


def test_other_encodings_are_one_line(tree: Path) -> None:
    (tree / "latin.alloy").write_bytes(b'a = 1\nb = "\xfc\xe4\xf6"\n')
    done = fmt("latin.alloy", cwd=tree)
    first = "latin.alloy:2:6: byte 0xfc is not UTF-8; save the file as UTF-8"
    assert done.stderr.decode().splitlines() == [first, "Error: encountered errors during formatting"]


def test_file_names_are_shown_whatever_the_locale(tree: Path) -> None:
    name = "ün\x1b[31m.alloy"
    (tree / name).write_bytes(UGLY)
    for locale in (
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ):
        done = fmt("--check", os.fsencode(name).decode("utf-8"), cwd=tree, env=locale)
        assert done.returncode == 1
        assert "Error: file ün\\x1b[31m.alloy is not" in done.stderr.decode(
            locale.get("PYTHONIOENCODING", "utf-8")
        )
        assert f"--- {name}\n".encode() in fmt("--diff", name, cwd=tree, env=locale).stdout


def test_a_file_that_looks_like_a_flag(tree: Path) -> None:
    (tree / "-x.alloy").write_bytes(FINE)
    done = fmt("--check", "-x.alloy", cwd=tree)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1:] == [
        b"  = hint: to name a file, put -- before it",
        b"  = type: alloypy fmt --check -- -x.alloy",
    ]
    assert fmt("--check", "--", "-x.alloy", cwd=tree).returncode == 0


def test_further_reports(tree: Path) -> None:
    done = fmt("--check", "--report", "junit=out.xml", "--report=json=out.json", "ugly.alloy", cwd=tree)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: file ugly.alloy")
    assert json.loads((tree / "out.json").read_text())["summary"]["changed"] == 1
    assert 'name="ugly.alloy"' in (tree / "out.xml").read_text()
    for wrong in ("junit", "junit=", "yaml=x"):
        assert fmt("--check", "--report", wrong, "ugly.alloy", cwd=tree).returncode == 2


def test_help(tree: Path) -> None:
    done = fmt("--help", cwd=tree)
    assert done.returncode == 0
    assert b"--stdin-filename" in done.stdout


def test_nothing_heavy_is_imported(tree: Path) -> None:
    code = "import sys; from alloypy.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    unmeasured = {"COVERAGE_PROCESS_CONFIG": ""}  # coverage measurement has its own imports
    words = ("fmt", "--check", "sub/fine.alloy")
    done = alloypy(*words, cwd=tree, env=unmeasured, command=(sys.executable, "-c", code))
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    unwanted = {
        "argparse",
        "difflib",
        "json",
        "asyncio",
        "httpx",
        "starlette",
        "uvicorn",
        "re2",
        "socket",
        "ssl",
    }
    assert not loaded & (unwanted | {"google.protobuf", "prometheus_client", "multiprocessing", "tempfile"})
