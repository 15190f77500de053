"""What the command line shows of a result: text for people, and the ``data`` of the JSON envelope for programs.

Each type of result has one function, in the module that ``MODULES`` names. It is imported when such a result is first shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from nexusdev.cli.output import Rendered
from nexusdev.results import Result

MODULES = {
    "UpResult": "up",
    "PlanResult": "up",
    "DownResult": "removal",
    "DestroyResult": "removal",
    "DestroyServiceResult": "removal",
    "StopResult": "lifecycle",
    "StartResult": "lifecycle",
    "WaitResult": "lifecycle",
    "SeedResult": "lifecycle",
    "ResetResult": "lifecycle",
    "StatusResult": "status",
    "EnvResult": "env",
    "LeaseResult": "lease",
    "LeasesResult": "lease",
    "LeaseEnvResult": "lease",
    "LeaseDropResult": "lease",
    "ListResult": "ls",
    "SecretsResult": "secrets",
    "SecretResult": "secrets",
    "RotateResult": "secrets",
    "UrlsResult": "urls",
    "OpenResult": "urls",
    "PortsResult": "ports",
    "RenderResult": "render",
    "AdoptResult": "adopt",
    "ConfigResult": "config",
    "VersionResult": "version",
    "TimingsResult": "timings",
    "DrillResult": "drill",
    "DrillListResult": "drill",
    "DemoResult": "demo",
    "DemoCleanResult": "demo",
    "VerifyResult": "verify",
    "DoctorResult": "doctor",
    "MetricsResult": "metrics",
    "LogsResult": "programs",
    "SnapshotSaveResult": "snapshot",
    "SnapshotListResult": "snapshot",
    "SnapshotShowResult": "snapshot",
    "SnapshotRestoreResult": "snapshot",
    "SnapshotExportResult": "snapshot",
    "SnapshotRemoveResult": "snapshot",
    "ProgramResult": "programs",
    "LeftoversResult": "gc",
    "GcResult": "gc",
    "ImageListResult": "images",
    "ImageBuildResult": "images",
    "ImagePullResult": "images",
    "ImagePushResult": "images",
    "ImageSaveResult": "images",
    "ImageLoadResult": "images",
    "ImageVerifyResult": "images",
}

Renderers = Mapping[type[Result], Callable[[Any], Rendered]]


def rendered(result: Result) -> Rendered:
    """Return the result as it is shown."""
    kind = type(result)
    return renderers(MODULES[kind.__name__])[kind](result)


def renderers(module: str) -> Renderers:
    """The functions of one of this package's modules, by the type of result that each shows."""
    found: Renderers = import_module(f"{__name__}.{module}").RENDERERS
    return found
