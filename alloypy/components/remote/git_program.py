"""Runs the `git` program such that nothing of a repository is ever executed.

Hooks, filters, helpers, submodules and settings of the user or the machine have no effect; only the
transports of `_PROTOCOLS` are used; what comes from a configuration never stands where an option could.
Credentials are passed in the environment, which other users cannot read. The program's own processes
end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from alloypy.net.client.messages import SendError
from alloypy.net.client.secret_files import file_text
from alloypy.runtime.blocks.modules import GitBasicAuthArguments, GitSSHKeyArguments, ImportGitArguments
from alloypy.threads import FILE_SECONDS, FILES

_PROTOCOLS = "file:git:http:https:ssh"
_OLDEST = (2, 31)  # knows GIT_CONFIG_COUNT
_MOST_OUTPUT_BYTES = 1 << 20
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.logAllRefUpdates": "false",
    "fetch.unpackLimit": "1",  # each fetch makes one file
    "gc.reflogExpire": "now",
    "gc.reflogExpireUnreachable": "now",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "protocol.version": "2",
    "submodule.recurse": "false",
    "advice.detachedHead": "false",
}
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSH_AUTH_SOCK")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_ASKPASS = "#!/bin/sh\nprintf '%s\\n' \"$ALLOYPY_PASSPHRASE\"\n"
_HELPER = (
    '!f() { [ "$1" != get ] || '
    'printf \'username=%s\\npassword=%s\\n\' "$ALLOYPY_USER" "$ALLOYPY_PASSWORD"; }; f'
)
"""Tells git the credentials, when it asks for those of one server; a header would go to others as well."""

_LOGIN = re.compile(r"(?:[\w+.-]+://)?[^/@:]*:([^/]+)@")


class GitError(Exception):
    """Git has failed; the text is its reason, without credentials."""


class Access(NamedTuple):
    """How git reaches a repository: its URL without credentials, and what goes into its environment.

    secrets: texts that no message may show.
    """

    url: str
    environ: Mapping[str, str]
    secrets: Sequence[str] = ()


class Git:
    """Git in one directory, with the access to one repository."""

    def __init__(self, directory: Path, access: Access) -> None:
        self._directory = directory
        self._access = access

    async def run(self, *arguments: str, seconds: float = 60.0, most: int = _MOST_OUTPUT_BYTES) -> str:
        """What `git arguments` prints, up to `most` bytes.

        Raises GitError, also when it takes longer than `seconds`.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                cwd=self._directory,
                env=dict(self._access.environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise GitError("the program git is not installed: install it, or use import.file") from None
        except (OSError, ValueError) as error:
            raise GitError(str(error)) from None
        try:
            async with asyncio.timeout(seconds):
                output, complaint = await asyncio.gather(
                    _read(process.stdout, most), _read(process.stderr, _MOST_OUTPUT_BYTES)
                )
                code = await process.wait()
        except TimeoutError:
            raise GitError(f"no answer within {seconds:g} seconds") from None
        finally:
            await _end(process)
        if code:
            raise GitError(self._reason(complaint.decode(errors="replace"), code))
        return output.decode(errors="surrogateescape")

    def _reason(self, complaint: str, code: int) -> str:
        for secret in self._access.secrets:
            complaint = complaint.replace(secret, "***")
        asking = re.search(r"could not read Username for '([^']+)'", complaint)
        if asking and not self._access.url.startswith(asking[1]):
            return f"the server redirects to {asking[1]}, where credentials do not follow: use its URL"
        return reason(complaint) or f"git ended with exit code {code}"


async def _read(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """What a stream holds; what is beyond `most` bytes is read and dropped."""
    kept = bytearray()
    while stream is not None and (piece := await stream.read(1 << 16)):
        kept += piece[: most - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the program and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def reason(complaint: str) -> str:
    """The reason in what git has written to stderr, in Alloy's words where there are any."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    text = "; ".join(line for line in lines if not line.startswith(("hint:", "warning:")))
    if re.search(r"does not appear to be a git repository|[Rr]epository .*not found|does not exist", text):
        return "repository not found"
    if re.search(r"could not read (Username|Password)|Authentication failed|\b40[13]\b", text):
        return "authentication required"
    causes = [line.removeprefix("fatal: ") for line in lines if line.startswith("fatal: ")]
    if causes and causes[0].startswith("Could not read from remote repository"):
        causes = [line for line in lines if not line.startswith("fatal: ")]  # what ssh says
    return causes[0] if causes else text


async def check_version(git: Git) -> None:
    """Raises GitError if the installed git is too old for the protections that this module needs."""
    text = await git.run("version")
    found = re.search(r"(\d+)\.(\d+)", text)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise GitError(f"git {oldest} or newer is needed; this is {text.strip()}")


@contextlib.asynccontextmanager
async def access(given: ImportGitArguments, directory: Path) -> AsyncIterator[Access]:
    """The access that the arguments describe; keys are in files of `directory` meanwhile.

    Raises GitError for credentials that cannot be read.
    """
    url, user, password = _parted(given.repository)
    settings = dict(_SETTINGS)
    environ = {name: os.environ[name] for name in (*_KEPT, *_PROXIES) if name in os.environ}
    environ |= {
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C",
    }
    if given.basic_auth is not None:
        user, password = given.basic_auth.username, await _password(given.basic_auth)
    if (user or password) and url.startswith(("http://", "https://")):
        if "\n" in user + password:
            raise GitError("user name and password must be one line each")
        settings[f"credential.{'/'.join(url.split('/')[:3])}.helper"] = _HELPER
        environ |= {"ALLOYPY_USER": user, "ALLOYPY_PASSWORD": password}
    secrets = [*passwords_in(given.repository), *([password] if password else [])]
    files = directory / "ssh"
    try:
        if given.ssh_key is not None:
            key = given.ssh_key
            environ |= await _with_key(key, files)
            secrets += filter(None, [key.passphrase.reveal()])
        else:
            environ["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes"
        environ |= _configuration(settings)
        yield Access(url, environ, secrets)
    finally:
        if given.ssh_key is not None:
            await FILES.run(lambda: _remove(files), FILE_SECONDS, files)


async def _password(given: GitBasicAuthArguments) -> str:
    if not given.password_file:
        return given.password.reveal()
    try:
        return await file_text(given.password_file).read()
    except SendError as error:
        raise GitError(str(error)) from None


def _parted(repository: str) -> tuple[str, str, str]:
    """The URL of a repository without user and password, and these two. Others are returned as they are.

    A path is made absolute, because git works in the directory of the copy.
    """
    from urllib.parse import unquote

    if repository and ":" not in repository.partition("/")[0]:
        return os.path.abspath(repository), "", ""  # noqa: PTH100 -- keeps what Path would drop
    scheme, mark, rest = repository.partition("://")
    if not mark or scheme not in ("http", "https"):
        return repository, "", ""
    place, slash, path = rest.partition("/")
    login, at, host = place.rpartition("@")
    user, _, password = login.partition(":")
    return f"{scheme}://{host}{slash}{path}" if at else repository, unquote(user), unquote(password)


def passwords_in(repository: str) -> list[str]:
    """The password in a repository's URL, as it is written and as it is meant, whatever the protocol."""
    from urllib.parse import unquote

    found = _LOGIN.match(repository)
    return sorted({found[1], unquote(found[1])}, key=len, reverse=True) if found else []


def _configuration(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings of git as environment variables, which nothing in a repository overrides."""
    environ = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        environ[f"GIT_CONFIG_KEY_{number}"] = key
        environ[f"GIT_CONFIG_VALUE_{number}"] = value
    return environ


async def _with_key(key: GitSSHKeyArguments, files: Path) -> dict[str, str]:
    """The variables of `_ssh`. Raises GitError for a key that cannot be read."""
    try:
        return await FILES.run(lambda: _ssh(key, files), FILE_SECONDS, files)
    except OSError as error:
        raise GitError(f"loading SSH keys failed: {error.strerror}") from None


def _ssh(key: GitSSHKeyArguments, files: Path) -> dict[str, str]:
    """The variables for SSH with a key; a key that is given as a text is put into a private file."""
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = key.key_file
    if key.key.reveal():
        place = str(_private(files / "key", key.key.reveal().rstrip("\n") + "\n", stat.S_IRUSR))
    elif place:
        with open(place, "rb"):  # noqa: PTH123 -- says why a missing one cannot be read
            place = os.path.realpath(place)
    options = ["ssh", "-oStrictHostKeyChecking=yes", "-oNumberOfPasswordPrompts=1"]
    if place:
        options += ["-oIdentitiesOnly=yes", "-i", _quoted(place)]
    if key.username:
        options += ["-l", _quoted(key.username)]
    environ = {"GIT_SSH_COMMAND": " ".join(options), "GIT_SSH_VARIANT": "ssh"}
    if key.passphrase.reveal():
        asking = _private(files / "askpass", _ASKPASS, stat.S_IRUSR | stat.S_IXUSR)
        environ |= {"SSH_ASKPASS": str(asking), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": "none"}
        environ["ALLOYPY_PASSPHRASE"] = key.passphrase.reveal()
    else:
        environ["GIT_SSH_COMMAND"] += " -oBatchMode=yes"
    return environ


def _quoted(text: str) -> str:
    from shlex import quote

    return quote(text)


def _private(path: Path, text: str, mode: int) -> Path:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    return path.resolve()


def _remove(files: Path) -> None:
    for name in ("key", "askpass"):
        (files / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        files.rmdir()
