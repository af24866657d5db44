"""`import.git` with the real git: revisions, credentials, and what can go wrong with server and copy."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from alloypy.components.remote.git_import import read_git
from alloypy.components.remote.git_program import Git
from alloypy.lang.values import Secret
from alloypy.runtime.blocks.modules import GitBasicAuthArguments, GitSSHKeyArguments, ImportGitArguments
from alloypy.runtime.contract.options import Fetched, FetchError
from tests.support.git_server import GitServer, Repository, git
from tests.support.running import Running

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repos" / "modules")
    made.commit({"m.alloy": "one", "sub/a.alloy": "a", "sub/b.alloy": "b", "sub/c.txt": "c"})
    return made


def arguments(
    repository: Repository | str, revision: str = "main", path: str = "m.alloy"
) -> ImportGitArguments:
    place = repository if isinstance(repository, str) else f"file://{repository.path}"
    return ImportGitArguments(repository=place, path=path, revision=revision)


async def content(given: ImportGitArguments, home: Path) -> dict[str, bytes]:
    fetched = await read_git(given, home / "repo")
    assert not fetched.trouble
    return dict(fetched.content)


async def failure(given: ImportGitArguments, home: Path) -> str:
    with pytest.raises(FetchError) as caught:
        await read_git(given, home / "repo")
    return str(caught.value)


async def test_a_revision_is_a_tag_a_branch_or_a_commit(repository: Repository, tmp_path: Path) -> None:
    first = git(repository.path, "rev-parse", "HEAD")
    git(repository.path, "tag", "light")
    git(repository.path, "tag", "-a", "-m", "x", "annotated")
    second = repository.commit({"m.alloy": "two"})
    repository.commit({"m.alloy": "three"}, "team/dev")
    for revision, expected in {
        "main": b"two",
        "team/dev": b"three",
        "light": b"one",
        "annotated": b"one",
        first: b"one",
        second[:9]: b"two",
        "team/dev~1": b"two",
        "origin/main": b"two",
    }.items():
        assert await content(arguments(repository, revision), tmp_path) == {"m.alloy": expected}
    home = tmp_path / "repo"
    assert await failure(arguments(repository, "nope"), tmp_path) == 'invalid revision "nope"'
    assert (home / "m.alloy").read_text() == "two"


async def test_new_commits_are_taken_and_directories_read(repository: Repository, tmp_path: Path) -> None:
    given = arguments(repository, path="sub")
    assert await content(given, tmp_path) == {"a.alloy": b"a", "b.alloy": b"b"}
    (repository.path / "sub" / "b.alloy").unlink()
    repository.commit({"sub/a.alloy": "new"})
    assert await content(given, tmp_path) == {"a.alloy": b"new"}
    repository.commit({"m.alloy": "other history"}, "side")
    git(repository.path, "checkout", "-q", "--orphan", "forced")
    repository.commit({"sub/a.alloy": "forced"}, "forced")
    git(repository.path, "branch", "-f", "main", "forced")
    assert await content(given, tmp_path) == {"a.alloy": b"forced"}


async def test_paths_stay_inside(repository: Repository, tmp_path: Path) -> None:
    secret = tmp_path / "secret.alloy"
    secret.write_text("hidden")
    (repository.path / "out.alloy").symlink_to(secret)
    (repository.path / "in.alloy").symlink_to("m.alloy")
    (repository.path / "git.alloy").symlink_to(".git/config")
    (repository.path / "there").symlink_to(tmp_path)
    repository.commit({})
    assert await content(arguments(repository, path="in.alloy"), tmp_path) == {"in.alloy": b"one"}
    for path in ("out.alloy", "git.alloy", "there", "there/secret.alloy", ".git/config", "nope"):
        text = await failure(arguments(repository, path=path), tmp_path)
        assert text == f"stat {tmp_path}/repo/{path}: no such file or directory"
    text = await failure(arguments(repository, path="../secret.alloy"), tmp_path)
    assert text == 'stat: invalid path "../secret.alloy": cannot use ".."'


async def test_nothing_of_a_repository_is_executed(repository: Repository, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    repository.commit(
        {
            ".gitattributes": "*.alloy filter=evil diff=evil merge=evil\n",
            ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::{program}\n\tupdate = !{program}\n',
            ".lfsconfig": f"[lfs]\n\turl = ext::{program}\n",
            "m.alloy": "two",
        }
    )
    home = tmp_path / "repo"
    assert await content(arguments(repository), tmp_path) == {"m.alloy": b"two"}
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        place = home / ".git" / "hooks" / hook
        place.parent.mkdir(exist_ok=True)
        shutil.copy(program, place)
    repository.commit({"m.alloy": "three"})
    assert await content(arguments(repository), tmp_path) == {"m.alloy": b"three"}
    for evil in (f"ext::{program}", f"--upload-pack={program}", f"fd::7 {program}", "-oProxyCommand=x"):
        assert "failed to download repository" in await failure(arguments(evil), tmp_path / "other")
    for revision in (f"--upload-pack={program}", "--output=/tmp/x", "", "a b", "x:y", ":/one", "@{u}"):
        text = await failure(arguments(repository, revision), tmp_path / "other")
        assert text.startswith("invalid revision")
    assert not ran.exists()


async def test_credentials_go_to_the_server_and_nowhere_else(repository: Repository, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n")
    with GitServer(repository.path.parent, login="me:hush") as server:
        place = f"{server.url}/modules/.git"
        plain = arguments(place)
        by_text = GitBasicAuthArguments(username="me", password=Secret("hush"))
        by_file = GitBasicAuthArguments(username="me", password_file=str(secret))
        wrong = GitBasicAuthArguments(username="me", password=Secret("wrong"))
        for number, good in enumerate(
            [
                ImportGitArguments(repository=place, path="m.alloy", basic_auth=by_text),
                ImportGitArguments(repository=place, path="m.alloy", basic_auth=by_file),
                arguments(f"http://me:hush@{server.host}/modules/.git"),
            ]
        ):
            assert await content(good, tmp_path / str(number)) == {"m.alloy": b"one"}
        stored = [each for each in tmp_path.rglob("*") if each.is_file() and each != secret]
        assert not [each for each in stored if b"hush" in each.read_bytes()]
        told = f'failed to download repository "{place}": authentication required'
        assert await failure(plain, tmp_path / "a") == told
        denied = ImportGitArguments(repository=place, path="m.alloy", basic_auth=wrong)
        assert await failure(denied, tmp_path / "b") == told
        missing = GitBasicAuthArguments(username="me", password_file=str(tmp_path / "none"))
        absent = ImportGitArguments(repository=place, path="m.alloy", basic_auth=missing)
        assert "no such file or directory" in await failure(absent, tmp_path / "c")
    text = await failure(arguments(f"http://me:hush@{server.host}/modules/.git"), tmp_path / "d")
    assert "hush" not in text
    assert f'"http://me:xxxxx@{server.host}/modules/.git"' in text


async def test_credentials_do_not_follow_a_redirect(repository: Repository, tmp_path: Path) -> None:
    root = repository.path.parent
    login = GitBasicAuthArguments(username="me", password=Secret("hush"))
    with (
        GitServer(root) as other,
        GitServer(root, login="me:hush") as closed,
        GitServer(root, moved=other.url) as first,
        GitServer(root, moved=closed.url) as second,
    ):
        given = ImportGitArguments(repository=f"{first.url}/modules/.git", path="m.alloy", basic_auth=login)
        assert await content(given, tmp_path) == {"m.alloy": b"one"}
        assert other.logins
        assert set(other.logins) == {""}
        given = ImportGitArguments(repository=f"{second.url}/modules/.git", path="m.alloy", basic_auth=login)
        text = await failure(given, tmp_path / "closed")
        assert set(closed.logins) == {""}
    assert f"the server redirects to {closed.url}, where credentials do not follow: use its URL" in text


async def test_credentials_of_several_lines_are_refused(tmp_path: Path) -> None:
    login = GitBasicAuthArguments(username="me", password=Secret("hush\nhost=evil"))
    given = ImportGitArguments(repository="http://127.0.0.1:1/x", path="m.alloy", basic_auth=login)
    assert "must be one line each" in await failure(given, tmp_path)


async def test_a_password_in_a_url_of_any_protocol_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "$@: Permission denied" >&2\nexit 255\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for repository in ("ssh://me:h%75sh@host/x", "git://me:h%75sh@127.0.0.1:1/x", "me:h%75sh@host:x"):
        text = await failure(arguments(repository), tmp_path)
        assert "failed to download repository" in text
        assert "h%75sh" not in text
        assert "hush" not in text


async def test_a_relative_path_begins_where_alloypy_runs(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.path.parent)
    for number, place in enumerate(("modules", "./modules", "../repos/modules")):
        assert await content(arguments(place), tmp_path / str(number)) == {"m.alloy": b"one"}


async def test_a_server_that_is_down_leaves_the_last_content(repository: Repository, tmp_path: Path) -> None:
    with GitServer(repository.path.parent) as server:
        given = arguments(f"{server.url}/modules/.git")
        assert await content(given, tmp_path) == {"m.alloy": b"one"}
    for _ in range(2):  # the copy also serves a process that starts meanwhile
        fetched = await read_git(given, tmp_path / "repo")
        assert fetched.content == {"m.alloy": b"one"}
        assert fetched.trouble.startswith(f'failed to update repository "{server.url}/modules/.git": ')
    other = arguments(f"{server.url}/modules/.git", "v2")
    assert "failed to download" in await failure(other, tmp_path)


async def test_a_branch_that_is_gone_leaves_the_last_content(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"m.alloy": "dev"}, "dev")
    given = arguments(repository, "dev")
    assert await content(given, tmp_path) == {"m.alloy": b"dev"}
    git(repository.path, "checkout", "-q", "main")
    git(repository.path, "branch", "-q", "-D", "dev")
    assert await failure(given, tmp_path) == 'invalid revision "dev"'
    assert (tmp_path / "repo" / "m.alloy").read_text() == "dev"


@pytest.mark.parametrize("damage", ["lock", "objects", "head", "index", "reference"])
async def test_a_copy_that_a_killed_process_left_is_mended(
    repository: Repository, tmp_path: Path, damage: str
) -> None:
    given = arguments(repository)
    await content(given, tmp_path)
    inner = tmp_path / "repo" / ".git"
    match damage:
        case "lock":
            (inner / "index.lock").touch()
        case "objects":
            for each in (inner / "objects").rglob("*"):
                if each.is_file():
                    each.chmod(0o644)
                    each.write_bytes(b"")
        case "head":
            (inner / "HEAD").write_bytes(b"\0\0\0")
        case "index":
            (inner / "index").write_bytes(b"DIRC")
        case "reference":
            (inner / "refs" / "alloypy" / "current.lock").touch()
    repository.commit({"m.alloy": "two"})
    assert await content(given, tmp_path) == {"m.alloy": b"two"}


async def test_a_server_that_hangs_is_given_up_with_its_git(repository: Repository, tmp_path: Path) -> None:
    with GitServer(repository.path.parent) as server:
        server.hang.set()
        reading = asyncio.create_task(read_git(arguments(f"{server.url}/modules/.git"), tmp_path / "repo"))
        while not server.logins:
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        alive = subprocess.run(["pgrep", "-f", server.host], capture_output=True, text=True, check=False)
        assert alive.stdout == ""


async def test_a_key_is_used_and_removed(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f"""#!/bin/sh
echo "$@" >> {log}
while [ "$1" != host ]; do [ "$1" = -i ] && cat "$2" >> {log}; shift; done
"$SSH_ASKPASS" >> {log}
eval "$2"
""")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    key = GitSSHKeyArguments(username="me", key=Secret("KEY"), passphrase=Secret("hush"))
    given = ImportGitArguments(repository=f"ssh://host{repository.path}", path="m.alloy", ssh_key=key)
    assert await content(given, tmp_path / "home") == {"m.alloy": b"one"}
    text = log.read_text()
    assert "-oStrictHostKeyChecking=yes" in text
    assert "-l me" in text
    assert "KEY\nhush\n" in text
    left = [each for each in (tmp_path / "home").iterdir() if each.name != "repo"]
    assert not left
    ssh.write_text("#!/bin/sh\necho me@host: Permission denied '(publickey).' >&2\nexit 255\n")
    text = await failure(given, tmp_path / "denied")
    assert text.endswith(": me@host: Permission denied (publickey).")
    missing = GitSSHKeyArguments(username="me", key_file=str(tmp_path / "none"))
    given = ImportGitArguments(repository=f"ssh://host{repository.path}", path="m.alloy", ssh_key=missing)
    assert "loading SSH keys failed: No such file" in await failure(given, tmp_path / "other")


async def test_git_that_is_missing_or_old_is_named(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = await failure(arguments(repository), tmp_path)
    assert text.endswith("the program git is not installed: install it, or use import.file")
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.20.1\n")
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    text = await failure(arguments(repository), tmp_path)
    assert text.endswith("git 2.31 or newer is needed; this is git version 2.20.1")


def bytes_below(directory: Path) -> int:
    return sum(each.lstat().st_size for each in directory.rglob("*") if each.is_file())


class Recorded:
    """Notes what git is asked to do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[str] = []
        run = Git.run

        async def noting(git: Git, *arguments: str, **more: Any) -> str:
            self.commands.append(arguments[0])
            return await run(git, *arguments, **more)

        monkeypatch.setattr(Git, "run", noting)

    def taken(self) -> list[str]:
        """The commands since the last call."""
        commands, self.commands = self.commands, []
        return commands


@pytest.mark.parametrize("revision", ["main", "main~0"], ids=["a branch", "with its history"])
async def test_a_history_that_is_replaced_again_and_again_takes_no_more_space(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revision: str
) -> None:
    recorded, given = Recorded(monkeypatch), arguments(repository, revision)
    for number in range(5):
        (repository.path / "blob").write_bytes(os.urandom(100_000))
        repository.commit({"m.alloy": str(number)}, "next")
        git(repository.path, "checkout", "-q", "--orphan", f"o{number}")
        git(repository.path, "commit", "-q", "-m", "alone")
        git(repository.path, "branch", "-q", "-f", "main")
        git(repository.path, "branch", "-q", "-D", "next")
        assert await content(given, tmp_path) == {"m.alloy": str(number).encode()}
        git(repository.path, "checkout", "-q", "main")
        git(repository.path, "branch", "-q", "-D", f"o{number}")
    assert bytes_below(tmp_path / "repo" / ".git") < 250_000
    assert "gc" in recorded.taken()
    assert await content(given, tmp_path) == {"m.alloy": b"4"}
    assert "gc" not in recorded.taken()


@pytest.mark.parametrize("kind", ["random", "zeros"])
@pytest.mark.parametrize("revision", ["main", "main~0"])
async def test_a_repository_that_grows_too_large_leaves_the_last_content_and_no_more(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, revision: str
) -> None:
    monkeypatch.setattr("alloypy.components.remote.git_keeping.MOST_BYTES", 1 << 20)
    recorded, given = Recorded(monkeypatch), arguments(repository, revision)
    assert await content(given, tmp_path) == {"m.alloy": b"one"}
    blob = repository.path / "blob"
    blob.write_bytes(os.urandom(2 << 20) if kind == "random" else bytes(2 << 20))
    repository.commit({"m.alloy": "two"})
    for _ in range(2):
        recorded.taken()
        fetched = await read_git(given, tmp_path / "repo")
        assert fetched.content == {"m.alloy": b"one"}
        assert "it takes more than 0.000976562 GiB on the disk" in fetched.trouble
        assert bytes_below(tmp_path / "repo") < 10_000
    assert ("fetch" in recorded.taken()) == (revision != "main")
    blob.unlink()
    (repository.path / "sub" / "a.alloy").unlink()
    repository.commit({"m.alloy": "three"})
    git(repository.path, "checkout", "-q", "--orphan", "small")
    git(repository.path, "commit", "-q", "-m", "without the large file")
    git(repository.path, "branch", "-q", "-f", "main")
    assert await content(given, tmp_path) == {"m.alloy": b"three"}
    assert not (tmp_path / "repo" / "sub" / "a.alloy").exists()
    assert (await read_git(arguments(repository, revision, "sub"), tmp_path / "repo")).content == {
        "b.alloy": b"b"
    }


async def test_a_repository_that_is_too_large_from_the_start_is_refused(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alloypy.components.remote.git_keeping.MOST_BYTES", 1 << 20)
    (repository.path / "blob").write_bytes(bytes(2 << 20))
    repository.commit({})
    assert "import from a repository with fewer or smaller files" in await failure(
        arguments(repository), tmp_path
    )
    assert bytes_below(tmp_path) - bytes_below(repository.path) < 10_000


MODULE = """
import.file "inner" {{ filename = file.path_join(module_path, "inner.alloy") }}
declare "give" {{
  inner.value "x" {{ }}
  export "value" {{ value = "{value}, " + inner.value.x.value }}
}}
"""
INNER = 'declare "value" { export "value" { value = "inner" } }\n'
CONFIGURATION = """
import.git "modules" {{
  repository     = "{place}"
  path           = "lib.alloy"
  pull_frequency = "1s"
}}
modules.give "x" {{ }}
"""


def test_a_configuration_follows_its_repository(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"lib.alloy": MODULE.format(value="one"), "inner.alloy": INNER})

    def value() -> str:
        (export,) = running.json("/api/v0/web/components/modules.give.x")["exports"]
        return str(export["value"]["value"])

    with GitServer(repository.path.parent) as server:
        place = f"{server.url}/modules/.git"
        (tmp_path / "config.alloy").write_text(CONFIGURATION.format(place=place))
        with Running(["config.alloy"], tmp_path) as running:
            running.wait_until_ready()
            assert value() == "one, inner"
            repository.commit({"lib.alloy": MODULE.format(value="two")})
            deadline = time.monotonic() + 30
            while value() != "two, inner":
                assert time.monotonic() < deadline
                time.sleep(0.05)
            repository.commit({"lib.alloy": "declare {"})
            running.wait_for_log("failed to parse file on update")
            server.stop()
            running.wait_for_log("failed to update repository")
            assert value() == "two, inner"


def test_fetched_has_no_trouble_by_default() -> None:
    assert Fetched({}).trouble == ""
