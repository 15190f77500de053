"""The whole production-like Nexus platform on one machine, with one command, or from Python.

    with nexusdev.open("path/of/the/project") as stack:
        stack.up()
        print(stack.env().variables)

The public names are those of ``__all__``; everything else may change with any release. They are imported when first used, so that
``import nexusdev`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexusdev.api import StackHandle as StackHandle
    from nexusdev.api import open as open  # noqa: A004 - the name that a reader expects
    from nexusdev.errors import NexusError as NexusError
    from nexusdev.operations.destroy import DestroyResult as DestroyResult
    from nexusdev.operations.down import DownResult as DownResult
    from nexusdev.operations.env import EnvResult as EnvResult
    from nexusdev.operations.lifecycle import StartResult as StartResult
    from nexusdev.operations.lifecycle import StopResult as StopResult
    from nexusdev.operations.seed import SeedResult as SeedResult
    from nexusdev.operations.status import ComponentState as ComponentState
    from nexusdev.operations.status import StatusResult as StatusResult
    from nexusdev.operations.up import UpResult as UpResult
    from nexusdev.operations.wait import WaitResult as WaitResult

__version__ = "0.1.0"

_HOMES = {
    "NexusError": "nexusdev.errors",
    "StackHandle": "nexusdev.api",
    "open": "nexusdev.api",
    "ComponentState": "nexusdev.operations.status",
    "DestroyResult": "nexusdev.operations.destroy",
    "DownResult": "nexusdev.operations.down",
    "EnvResult": "nexusdev.operations.env",
    "SeedResult": "nexusdev.operations.seed",
    "StartResult": "nexusdev.operations.lifecycle",
    "StatusResult": "nexusdev.operations.status",
    "StopResult": "nexusdev.operations.lifecycle",
    "UpResult": "nexusdev.operations.up",
    "WaitResult": "nexusdev.operations.wait",
}

__all__ = [
    "ComponentState",
    "DestroyResult",
    "DownResult",
    "EnvResult",
    "NexusError",
    "SeedResult",
    "StackHandle",
    "StartResult",
    "StatusResult",
    "StopResult",
    "UpResult",
    "WaitResult",
    "__version__",
    "open",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
