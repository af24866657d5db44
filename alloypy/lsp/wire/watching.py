"""Settings of the client, files that change on the disk, folders that come and go, the end of the client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from alloypy.lsp.wire.convert import folders_of, path_of
from alloypy.lsp.wire.errors import WireError

if TYPE_CHECKING:
    from alloypy.lsp.wire.server import Server
    from alloypy.lsp.workspace.workspace import Workspace

_SECTION = "alloypy"
_WATCHED = ("**/*.alloy", "**/.alloypy.toml", "**/pyproject.toml", "**/*.env", "**/.env")
_BY_NAME = "alloypy/named"
_SPECIAL = re.compile(r"[*?{}\[\]]")
_LOOK_SECONDS = 3.0


def register(server: Server) -> None:
    """Register what takes these notifications."""
    wire = _Watching(server)
    server.started.append(wire.start)
    server.judged.append(wire.judged)
    server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(wire.configured)
    server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(wire.changed)
    server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(wire.moved)


class _Watching:
    """Tells the server when what it has read is not true any more."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._named: frozenset[str] = frozenset()
        self._watched: frozenset[str] = frozenset()
        self._lock = asyncio.Lock()

    def start(self) -> None:
        """Ask the client for its settings, and to watch files."""
        server = self._server
        server.protocol.spawn(self._begin())
        if server.client_process is not None and os.name != "nt" and _lives(server.client_process):
            server.protocol.spawn(self._end_with(server.client_process))

    async def _begin(self) -> None:
        server = self._server
        self._use(server.client.options)
        watch = types.DidChangeWatchedFilesRegistrationOptions(
            watchers=[types.FileSystemWatcher(glob_pattern=each) for each in _WATCHED]
        )
        wanted = [
            ("did_change_watched_files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watch),
            (
                "did_change_configuration",
                types.WORKSPACE_DID_CHANGE_CONFIGURATION,
                types.DidChangeConfigurationRegistrationOptions(section=_SECTION),
            ),
        ]
        registrations = [
            types.Registration(id=method, method=method, register_options=options)
            for name, method, options in wanted
            if server.client.has(f"workspace.{name}.dynamic_registration")
        ]
        if registrations:
            await self._register(registrations)
        await self._ask()

    async def _register(self, registrations: list[types.Registration]) -> None:
        params = types.RegistrationParams(registrations=registrations)
        try:
            await self._server.protocol.ask(types.CLIENT_REGISTER_CAPABILITY, params)
        except WireError as error:
            self._server.protocol.log(f"files are not watched: {error.message}", types.MessageType.Warning)

    def judged(self, texts: Workspace) -> None:
        """Have the files of variables watched that settings name, whatever they are called."""
        named = texts.environment_files
        dynamic = self._server.client.has("workspace.did_change_watched_files.dynamic_registration")
        if dynamic and named != self._named:
            self._named = named
            self._server.protocol.spawn(self._watch_named())

    async def _watch_named(self) -> None:
        async with self._lock:
            before, self._watched = self._watched, self._named
            if before == self._watched:
                return
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            if before:
                old = types.UnregistrationParams([types.Unregistration(id=_BY_NAME, method=method)])
                with contextlib.suppress(WireError):
                    await self._server.protocol.ask(types.CLIENT_UNREGISTER_CAPABILITY, old)
            if self._watched:
                watchers = [types.FileSystemWatcher(self._pattern(each)) for each in sorted(self._watched)]
                options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
                await self._register([types.Registration(_BY_NAME, method, options)])

    def _pattern(self, path: str) -> str | types.RelativePattern:
        """The pattern for one file; only a relative one reaches files outside of the workspace."""
        directory, name = os.path.split(os.path.normpath(path))
        if self._server.client.has("workspace.did_change_watched_files.relative_pattern_support"):
            return types.RelativePattern(
                base_uri=self._server.convert.uri_of(directory), pattern=_SPECIAL.sub("?", name)
            )
        return _SPECIAL.sub("?", f"{directory}/{name}".replace(os.sep, "/"))

    async def configured(self, params: types.DidChangeConfigurationParams) -> None:
        """The settings of the client have changed: it sends them, or says them when it is asked."""
        if self._server.client.has("workspace.configuration"):
            await self._ask()
        else:
            self._use(params.settings)

    async def _ask(self) -> None:
        if not self._server.client.has("workspace.configuration"):
            return
        item = types.ConfigurationItem(section=_SECTION)
        try:
            found = await self._server.protocol.ask(
                types.WORKSPACE_CONFIGURATION, types.ConfigurationParams(items=[item])
            )
        except WireError:
            return
        self._use(found[0] if isinstance(found, list | tuple) and found else None)

    def _use(self, settings: Any) -> None:
        if isinstance(settings, dict) and isinstance(settings.get(_SECTION), dict):
            settings = settings[_SECTION]
        if isinstance(settings, dict):
            self._server.texts.configure(settings)
            self._outdated()

    def changed(self, params: types.DidChangeWatchedFilesParams) -> None:
        """Files have changed on the disk."""
        self._server.texts.forget_settings()
        self._outdated()

    def _outdated(self) -> None:
        for each in self._server.outdated:
            each()

    def moved(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        """Folders of the workspace have come or gone."""
        gone = {path_of(each.uri) for each in params.event.removed}
        come = folders_of(each.uri for each in params.event.added)
        texts = self._server.texts
        kept = [each for each in texts.folders if each not in gone]
        texts.folders = tuple(dict.fromkeys([*kept, *come]))

    async def _end_with(self, process: int) -> None:
        """End when the client does: its end of the stream may have been inherited by others."""
        while _lives(process):  # noqa: ASYNC110 -- nothing tells when another process ends
            await asyncio.sleep(_LOOK_SECONDS)
        self._server.protocol.end()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
