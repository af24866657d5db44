"""What the client can do, as it says in `initialize`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability


class Client:
    """The capabilities of a client that features ask for. options: its `initializationOptions`."""

    def __init__(self, capabilities: types.ClientCapabilities, options: Any = None) -> None:
        self.capabilities = capabilities
        self.options = options if isinstance(options, Mapping) else {}

    def has(self, name: str) -> bool:
        """Whether a capability is there: its path with dots, such as `workspace.configuration`."""
        return bool(get_capability(self.capabilities, name, False))

    def listed(self, name: str) -> Sequence[str]:
        """The values of a capability that is a list; empty if the client does not name it."""
        found = get_capability(self.capabilities, name, None)
        return [str(getattr(each, "value", each)) for each in found] if found else []

    @property
    def show_references(self) -> str:
        """The command of the client that shows references; "" if it has none.

        Its arguments are a URI, a position there, and the locations to show.
        """
        found = self.options.get("showReferences")
        return found if isinstance(found, str) else ""

    @property
    def links(self) -> bool:
        """Whether a definition may tell the name from the block around it."""
        return self.has("text_document.definition.link_support")

    @property
    def snippets(self) -> bool:
        """Whether completions may have placeholders."""
        return self.has("text_document.completion.completion_item.snippet_support")

    @property
    def hover_markdown(self) -> bool:
        """Whether hover may be Markdown."""
        return "markdown" in self.listed("text_document.hover.content_format")

    @property
    def completion_markdown(self) -> bool:
        """Whether the documentation of completions may be Markdown."""
        return "markdown" in self.listed("text_document.completion.completion_item.documentation_format")

    @property
    def versioned_edits(self) -> bool:
        """Whether edits of a workspace may name the versions of texts."""
        return self.has("workspace.workspace_edit.document_changes")

    @property
    def resource_operations(self) -> Sequence[str]:
        """What edits of a workspace may do with files: create, rename, delete."""
        return self.listed("workspace.workspace_edit.resource_operations")

    @property
    def pulls(self) -> bool:
        """Whether the client asks for diagnostics, so that none are pushed."""
        return self.capabilities.text_document is not None and (
            self.capabilities.text_document.diagnostic is not None
        )

    @property
    def progress(self) -> bool:
        """Whether progress may be shown for work that the client did not give a token."""
        return self.has("window.work_done_progress")
