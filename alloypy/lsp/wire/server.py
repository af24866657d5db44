"""The server: it starts with no knowledge of the language, and asks features for their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.lsp.server import LanguageServer

from alloypy import __version__
from alloypy.lsp.documents.document import Document
from alloypy.lsp.documents.limits import TooLargeError
from alloypy.lsp.documents.positions import Encoding
from alloypy.lsp.wire import synchronizing
from alloypy.lsp.wire.client import Client
from alloypy.lsp.wire.collecting import Collecting
from alloypy.lsp.wire.convert import Conversion, folders_of, path_of
from alloypy.lsp.wire.errors import InvalidParams, NothingKnown, WireError
from alloypy.lsp.wire.protocol import Protocol, State
from alloypy.lsp.wire.urgent import Urgent
from alloypy.lsp.wire.worker import Urgency, Worker
from alloypy.lsp.workspace.workspace import Workspace

if TYPE_CHECKING:
    from alloypy.syntax.diagnostics import Diagnostic

P = ParamSpec("P")
T = TypeVar("T")

GROUPS = (
    *("diagnostics", "watching", "refreshing", "completion", "navigation", "display", "editing", "actions"),
)
"""The modules of this package that register features; each has `register(server)`."""
_STOP_SECONDS = 2.0
_LONGEST_NAME = 200


class Server(LanguageServer):
    """One server with one client.

    texts: what is open, and the files around it. client: what the client can. convert: between its positions
    and ours. A feature is a function or coroutine that `register` of its group gives to `feature`.
    """

    protocol: Protocol
    findings: Callable[[str], Sequence[Diagnostic]]
    """What was found in an open text as it is now; empty if it has not been judged yet."""

    def __init__(self) -> None:
        super().__init__("alloypy", __version__, protocol_cls=_Conversation, converter_factory=get_converter)
        self.texts = Workspace()
        self.client = Client(types.ClientCapabilities())
        self.convert = Conversion(Encoding.UTF16, self.texts.document)
        self.client_process: int | None = None
        self.urgent = Urgent()
        self.collecting = Collecting()
        self.worker = Worker(self.urgent, self.collecting.tidy)
        self.changed: list[Callable[[str], None]] = []
        """Called with the path of a text that was opened, changed or closed."""
        self.started: list[Callable[[], None]] = []
        """Called once the client is ready for requests of ours."""
        self.outdated: list[Callable[[], None]] = []
        """Called when settings or files on the disk have changed."""
        self.judged: list[Callable[[Workspace], None]] = []
        """Called with texts that have been judged."""
        for group in GROUPS:
            import_module(f"alloypy.lsp.wire.{group}").register(self)

    def feature(self, feature_name: str, options: Any = None) -> Callable[[Callable[..., Any]], Any]:
        """Register what answers a request; unlike the library's own, also a method of an object."""
        register = super().feature(feature_name, options)
        return lambda handler: register(partial(handler))

    @property
    def encoding(self) -> Encoding:
        """What the columns of the client's positions count."""
        return self.convert.encoding

    def document(self, uri: str) -> Document:
        """The open text. Raises InvalidParams if it is not open, and NothingKnown if it is too large."""
        found = self.text(uri)
        if found.is_too_large:
            raise NothingKnown(str(TooLargeError(found.path)))
        return found

    def text(self, uri: str) -> Document:
        """The same for a text of any size."""
        found = self.texts.open.get(path_of(uri))
        if found is None:
            raise InvalidParams(f"{uri[:_LONGEST_NAME]} is not open: open it first")
        return found

    def offset(self, document: Document, position: types.Position) -> int:
        """The offset of a position; one outside of the text is moved to the nearest inside."""
        return self.convert.offset(document, position)

    async def work(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that may take more than 20 ms, in the worker thread; it may call `pause`."""
        return await self.worker.run(Urgency.REQUEST, function, *args, **kwargs)

    async def close(self) -> None:
        """End what is in progress."""
        await self.protocol.close()
        self.worker.stop(_STOP_SECONDS)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Never used: the protocol answers errors itself."""


class _Conversation(Protocol):
    """What happens to the server when the client says hello, changes texts, and says goodbye."""

    _server: Server

    def _register_builtin_features(self) -> None:
        own: dict[str, Callable[[Any], Any]] = {
            types.INITIALIZED: self._initialized,
            types.SHUTDOWN: self._shut_down,
            types.EXIT: lambda params: self.end(),
            types.SET_TRACE: lambda params: None,
            types.CANCEL_REQUEST: self.cancel,
            types.TEXT_DOCUMENT_DID_OPEN: self._opened,
            types.TEXT_DOCUMENT_DID_CHANGE: self._changed,
            types.TEXT_DOCUMENT_DID_CLOSE: self._closed,
            types.WORKSPACE_EXECUTE_COMMAND: self._command,
        }
        self.raw = frozenset(own)
        for name, handler in {**own, types.INITIALIZE: self._initialize}.items():
            self.fm.add_builtin_feature(name, handler)

    def _initialize(self, params: types.InitializeParams) -> types.InitializeResult:
        server = self._server
        self.client_capabilities = params.capabilities
        server.client = Client(params.capabilities, params.initialization_options)
        server.texts.folders = _folders(params)
        server.client_process = params.process_id if (params.process_id or 0) > 0 else None
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        server.convert.encoding = Encoding(encoding)
        builder = ServerCapabilitiesBuilder(
            params.capabilities,
            {*self.fm.features, *self.fm.builtin_features},
            self.fm.feature_options,
            list(self.fm.commands),
            types.TextDocumentSyncKind.Incremental,
            None,
            encoding,
        )
        self.server_capabilities = builder.build()  # type: ignore[no-untyped-call]
        self.state = State.RUNNING
        return types.InitializeResult(capabilities=self.server_capabilities, server_info=self.server_info)

    def _initialized(self, params: Any) -> None:
        for each in self._server.started:
            each()

    def _shut_down(self, params: Any) -> None:
        self.state = State.SHUT_DOWN
        for task in list(self._running.values()):
            task.cancel()

    def _command(self, params: Any) -> Any:
        name = params.get("command") if isinstance(params, dict) else None
        handler = self.fm.commands.get(name) if isinstance(name, str) else None
        if handler is None:
            raise InvalidParams("there is no such command")
        arguments = params.get("arguments") or []
        if not isinstance(arguments, list):
            raise InvalidParams("the arguments of a command are a list")
        return handler(arguments)

    def _opened(self, params: Any) -> None:
        uri = synchronizing.uri_in(params)
        path = path_of(uri)
        document = Document(path, synchronizing.text_in(params), synchronizing.version_in(params))
        self._server.convert.spelled[path] = uri
        self._keep(document)

    def _changed(self, params: Any) -> None:
        uri = synchronizing.uri_in(params)
        try:
            version, changes = synchronizing.version_in(params), synchronizing.changes_in(params)
            document = self._server.text(uri)
        except WireError:
            self._forget(path_of(uri))  # it would be another text than the client's
            raise
        self._keep(document.changed(changes, version, self._server.encoding))

    def _closed(self, params: Any) -> None:
        self._forget(path_of(synchronizing.uri_in(params)))

    def _keep(self, document: Document) -> None:
        self._server.texts.open[document.path] = document
        self._tell(document.path)

    def _forget(self, path: str) -> None:
        if self._server.texts.open.pop(path, None) is not None:
            self._tell(path)
        self._server.convert.spelled.pop(path, None)

    def _tell(self, path: str) -> None:
        for each in self._server.changed:
            each(path)


def _folders(params: types.InitializeParams) -> tuple[str, ...]:
    """The paths of the workspace's folders."""
    return folders_of([each.uri for each in params.workspace_folders or ()] or [params.root_uri or ""])
