"""Waits until the pods of a node that was started again run again: until then their old states look like crashes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nexusdev.errors import NexusError
from nexusdev.runtimes.kubernetes.names import HELD, MANAGED_BY, MANAGER, ONE_OFF
from nexusdev.runtimes.kubernetes.snapshot_parser import seconds

if TYPE_CHECKING:
    from nexusdev.runtimes.kubernetes.kubectl import Kubectl
    from nexusdev.runtimes.kubernetes.render.manifest import Manifest

#: Seconds after the start of a node in which its pods may still have the states of before.
RECENT = 180.0
_LIMIT = 150.0
_TICK = 1.0


def settle(kubectl: Kubectl, since: float, say: Callable[[str], None]) -> None:
    """Wait until everything that shall run has been started since the node was. Gives up silently: what does not run is shown by others.

    Args:
        kubectl: The cluster.
        since: When the node was started, in seconds since the epoch.
        say: Receives what takes long.
    """
    deadline = time.monotonic() + _LIMIT
    told = False
    while time.monotonic() < deadline:
        try:
            waiting = unsettled(kubectl.get_everywhere(["pods"]), since)
        except NexusError as error:
            waiting = error.message
        if not waiting:
            return
        if not told:
            say(f"the node was started {time.time() - since:.0f} s ago: waiting for its pods")
            told = True
        time.sleep(_TICK)


def unsettled(pods: Iterable[Manifest], since: float) -> str:
    """Return a pod that does not run yet; '' if all do. Pods of others are left out, except for those of the cluster itself."""
    return next((each["metadata"]["name"] for each in pods if _counts(each) and not _runs(each, since)), "")


def _counts(pod: Manifest) -> bool:
    labels: Mapping[str, str] = pod["metadata"].get("labels") or {}
    if "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return False
    if pod["metadata"]["namespace"] == "kube-system":
        return True
    return labels.get(MANAGED_BY) == MANAGER and not {HELD, ONE_OFF} & labels.keys()


def _runs(pod: Manifest, since: float) -> bool:
    containers = pod.get("status", {}).get("containerStatuses", ())
    return len(containers) == len(pod["spec"]["containers"]) and all(_is_new(each, since) for each in containers)


def _is_new(status: Mapping[str, Any], since: float) -> bool:
    """Return whether a container was started after the node; Kubernetes tells whole seconds."""
    started = (status.get("state", {}).get("running") or {}).get("startedAt") or ""
    return bool(status.get("ready")) and seconds(started) >= int(since)
