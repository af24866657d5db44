"""The controller: loads configurations, runs what they say, and reloads whole or not at all.

```python
async with Controller(ControllerOptions(...)) as controller:
    await controller.load(files, module_path)     # DiagnosticsError: nothing has been started or changed
    ...
    await controller.load(files, module_path)     # a reload: the same, atomic
# leaving stops everything, producers first, within the deadlines
```

Source: RUNTIME spec sections 2, 3, 7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType

from alloypy.runtime.options import (
    ComponentInfo,
    ControllerInfo,
    ControllerOptions,
    LoadResult,
    MetricsSource,
)
from alloypy.syntax.tree import File


class Controller:
    """Owns the graph, the running components, their sockets and their modules."""

    def __init__(self, options: ControllerOptions) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Controller:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    async def load(self, files: Sequence[File], module_path: str) -> LoadResult:
        """Evaluate the parsed files completely, then make them what runs.

        module_path: directory of the root configuration, what `module_path` gives.
        Raises DiagnosticsError with everything that is wrong; then nothing has changed. Loads wait
        for each other. Cancelling it before its point of no return changes nothing either.
        """
        raise NotImplementedError

    async def stop(self) -> None:
        """Stop everything, producers first; done when all have stopped or their deadline has passed."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether a load has succeeded; never goes back."""
        raise NotImplementedError

    def components(self, module: str = "") -> list[ComponentInfo]:
        """The components of a module in evaluation order; raises KeyError for an unknown module."""
        raise NotImplementedError

    def component(self, module: str, local_id: str) -> ComponentInfo:
        """One component; raises KeyError when there is none."""
        raise NotImplementedError

    def unhealthy(self) -> list[str]:
        """Names (`pyroscope.write`) of the root's components in state unhealthy, for /-/healthy."""
        raise NotImplementedError

    def controllers(self) -> list[ControllerInfo]:
        """The root and every module, for metrics."""
        raise NotImplementedError

    def metrics(self) -> Iterator[MetricsSource]:
        """The metrics of every component that has any."""
        raise NotImplementedError
