"""What an API server refuses when objects are applied, as errors of nexusdev."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexusdev.errors import IdentityMismatch, NexusError, PreflightFailed, RuntimeRefused
from nexusdev.runtimes.kubernetes.render.manifest import Manifest

_NODE_PORT = re.compile(
    r'Service "?(?P<service>[\w.-]+)"? is invalid.*nodePort.*?(?P<port>\d+).*already allocated', re.DOTALL
)
_IMMUTABLE = re.compile(r"updates to statefulset spec for fields other than|field is immutable")


class Immutable(RuntimeRefused):
    """A workload cannot be changed in this way: it has to be made again."""


def translated(error: RuntimeRefused, objects: Sequence[Manifest]) -> NexusError:
    """Return the error for refused objects.

    Args:
        error: What the API server said.
        objects: What was applied.
    """
    text = "\n".join((error.message, *error.evidence))
    if _IMMUTABLE.search(text):
        return Immutable(error.message, evidence=error.evidence, code=error.code)
    if "violates PodSecurity" in text or "exceeded quota" in text:
        return PreflightFailed(
            f"the namespace does not admit {_first(objects)}", why=error.message, code="NOT_ADMITTED"
        )
    if "is being terminated" in text:
        return namespace_terminating(objects[0]["metadata"].get("namespace", ""))
    return error


def taken_node_port(error: RuntimeRefused) -> int:
    """Return the node port that a refused Service wanted and another one has; 0 for another refusal."""
    found = _NODE_PORT.search("\n".join((error.message, *error.evidence)))
    return int(found["port"]) if found else 0


def namespace_terminating(namespace: str) -> PreflightFailed:
    """Return the error for a namespace that is being deleted."""
    return PreflightFailed(
        f"namespace {namespace} is being deleted",
        why="nothing can be created in it until it is gone; a finalizer may keep it",
        hint=f"kubectl get namespace {namespace} -o yaml   its conditions say what is left\nnexusdev up   then retry",
        code="NAMESPACE_TERMINATING",
    )


def foreign_volume(volume: str, claim: str) -> IdentityMismatch:
    """Return the error for a claim of somebody else."""
    return IdentityMismatch(
        f"volume {volume} does not belong to this instance",
        why=f"claim {claim} has no label of it; nexusdev does not touch foreign claims",
        hint=f"kubectl describe pvc {claim.rpartition('/')[2]}   show it",
        code="FOREIGN_VOLUME",
    )


def _first(objects: Sequence[Manifest]) -> str:
    return f"{objects[-1]['kind']} {objects[-1]['metadata']['name']}" if objects else "an object"
