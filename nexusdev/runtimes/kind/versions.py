"""Which versions of kind, kubectl and Kubernetes fit together and to this machine. Pure."""

from __future__ import annotations

import re

from msgspec import Struct

OLDEST_KIND = (0, 24)
#: From this minor on, Kubernetes refuses a machine with cgroup v1 unless it is told otherwise.
FIRST_WITHOUT_CGROUP_V1 = 35
_VERSION = re.compile(r"v(\d+)\.(\d+)(?:\.(\d+))?")
# kubectl supports an API server of its own minor version, the one before and the one after.
_SKEW = 1


class ProgramVersion(Struct, frozen=True, order=True):
    """A version of kind, kubectl or Kubernetes."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"


def parse(text: str) -> ProgramVersion | None:
    """Return the first version in a program's output: ``kind v0.30.0 go1.26 linux/amd64``; None without one."""
    found = _VERSION.search(text)
    return ProgramVersion(int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def kind_problem(version: ProgramVersion | None) -> str:
    """Return why a version of kind cannot be used; '' if it can."""
    if version is None:
        return "its version is not known"
    if (version.major, version.minor) < OLDEST_KIND:
        return f"it is {version}, and at least v{OLDEST_KIND[0]}.{OLDEST_KIND[1]} is needed"
    return ""


def kubectl_problem(version: ProgramVersion | None, cluster: ProgramVersion) -> str:
    """Return why a version of kubectl cannot be used with a cluster; '' if it can."""
    if version is None:
        return "its version is not known"
    if version.major != cluster.major or abs(version.minor - cluster.minor) > _SKEW:
        return f"it is {version}, which Kubernetes {cluster.major}.{cluster.minor} does not support"
    return ""


def cgroup_problem(cgroup: str, cluster: ProgramVersion) -> str:
    """Return why Kubernetes of this version does not run with the machine's control groups; '' if it does.

    Args:
        cgroup: The engine's version of them: '1' or '2'.
        cluster: The version of Kubernetes.
    """
    if cgroup == "1" and cluster.minor >= FIRST_WITHOUT_CGROUP_V1:
        return f"Kubernetes {cluster.major}.{cluster.minor} refuses cgroup v1, which this machine has"
    return ""
