"""The whole production-like Nexus platform on one machine, with one command, or from Python.

    with nexusdev.open("path/of/the/project") as stack:
        stack.up()
        print(stack.env())

The public names are those of ``__all__``; everything else may change with any release. They are imported when first used, so that
``import nexusdev`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexusdev.api import StackHandle as StackHandle
    from nexusdev.api import open as open  # noqa: A004 - the name that a reader expects
    from nexusdev.errors import NexusError as NexusError

__version__ = "0.1.0"

_HOMES = {"StackHandle": "nexusdev.api", "open": "nexusdev.api", "NexusError": "nexusdev.errors"}

__all__ = ["NexusError", "StackHandle", "__version__", "open"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
