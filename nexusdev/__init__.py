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
    from nexusdev.api import open as open  # noqa: A004 - the usual name for this function
    from nexusdev.api_lease import LeaseHandle as LeaseHandle
    from nexusdev.errors import NexusError as NexusError
    from nexusdev.operations.adopt import AdoptResult as AdoptResult
    from nexusdev.operations.config import ConfigResult as ConfigResult
    from nexusdev.operations.destroy import DestroyResult as DestroyResult
    from nexusdev.operations.doctor import DoctorResult as DoctorResult
    from nexusdev.operations.down import DownResult as DownResult
    from nexusdev.operations.env import EnvResult as EnvResult
    from nexusdev.operations.exec import ProgramResult as ProgramResult
    from nexusdev.operations.images import ImageListResult as ImageListResult
    from nexusdev.operations.lease_results import LeaseDropResult as LeaseDropResult
    from nexusdev.operations.lease_results import LeaseInfo as LeaseInfo
    from nexusdev.operations.lease_results import LeasesResult as LeasesResult
    from nexusdev.operations.lifecycle import StartResult as StartResult
    from nexusdev.operations.lifecycle import StopResult as StopResult
    from nexusdev.operations.logs import LogsResult as LogsResult
    from nexusdev.operations.ls import ListResult as ListResult
    from nexusdev.operations.metrics import MetricsResult as MetricsResult
    from nexusdev.operations.ports import PortsResult as PortsResult
    from nexusdev.operations.seed import SeedResult as SeedResult
    from nexusdev.operations.status import ComponentState as ComponentState
    from nexusdev.operations.status import StatusResult as StatusResult
    from nexusdev.operations.timings import TimingsResult as TimingsResult
    from nexusdev.operations.up import UpResult as UpResult
    from nexusdev.operations.urls import UrlsResult as UrlsResult
    from nexusdev.operations.version import VersionResult as VersionResult
    from nexusdev.operations.wait import WaitResult as WaitResult

__version__ = "0.1.0"

_HOMES = {
    "AdoptResult": "nexusdev.operations.adopt",
    "ComponentState": "nexusdev.operations.status",
    "ConfigResult": "nexusdev.operations.config",
    "DestroyResult": "nexusdev.operations.destroy",
    "DoctorResult": "nexusdev.operations.doctor",
    "DownResult": "nexusdev.operations.down",
    "EnvResult": "nexusdev.operations.env",
    "ImageListResult": "nexusdev.operations.images",
    "LeaseDropResult": "nexusdev.operations.lease_results",
    "LeaseHandle": "nexusdev.api_lease",
    "LeaseInfo": "nexusdev.operations.lease_results",
    "LeasesResult": "nexusdev.operations.lease_results",
    "ListResult": "nexusdev.operations.ls",
    "LogsResult": "nexusdev.operations.logs",
    "MetricsResult": "nexusdev.operations.metrics",
    "NexusError": "nexusdev.errors",
    "PortsResult": "nexusdev.operations.ports",
    "ProgramResult": "nexusdev.operations.exec",
    "SeedResult": "nexusdev.operations.seed",
    "StackHandle": "nexusdev.api",
    "StartResult": "nexusdev.operations.lifecycle",
    "StatusResult": "nexusdev.operations.status",
    "StopResult": "nexusdev.operations.lifecycle",
    "TimingsResult": "nexusdev.operations.timings",
    "UpResult": "nexusdev.operations.up",
    "UrlsResult": "nexusdev.operations.urls",
    "VersionResult": "nexusdev.operations.version",
    "WaitResult": "nexusdev.operations.wait",
    "open": "nexusdev.api",
}

__all__ = [
    "AdoptResult",
    "ComponentState",
    "ConfigResult",
    "DestroyResult",
    "DoctorResult",
    "DownResult",
    "EnvResult",
    "ImageListResult",
    "LeaseDropResult",
    "LeaseHandle",
    "LeaseInfo",
    "LeasesResult",
    "ListResult",
    "LogsResult",
    "MetricsResult",
    "NexusError",
    "PortsResult",
    "ProgramResult",
    "SeedResult",
    "StackHandle",
    "StartResult",
    "StatusResult",
    "StopResult",
    "TimingsResult",
    "UpResult",
    "UrlsResult",
    "VersionResult",
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
