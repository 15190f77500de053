"""The steps of a plan on a Docker engine."""

from __future__ import annotations

from enum import StrEnum

from nexusdev.errors import NexusError
from nexusdev.plan import Step
from nexusdev.stack.model import Service


class Action(StrEnum):
    """The action of a step, as the word that is printed."""

    CREATE_NETWORK = "create network"
    CREATE_VOLUME = "create volume"
    CREATE = "create"
    START = "start"
    UNPAUSE = "unpause"
    STOP = "stop"
    REMOVE = "remove"
    REMOVE_NETWORK = "remove network"
    REMOVE_VOLUME = "remove volume"


class DockerStep(Step, frozen=True, kw_only=True):
    """One change of a container, a network or a volume.

    Attributes:
        action: The action.
        service: The service to create, for CREATE; the runtime has the hosts file, the network and the paths from its Stack.
        fingerprint: The hash with which it is created.
        target: The engine's id or name of the existing resource, for actions on existing resources.
        kill: For REMOVE: kill the container instead of stopping it.
    """

    action: Action
    service: Service | None = None
    fingerprint: str = ""
    target: str = ""
    kill: bool = False


def docker_step(step: Step) -> DockerStep:
    """Return the step as a step of this runtime. Raises NexusError for a step of another runtime."""
    if not isinstance(step, DockerStep):
        raise NexusError(f"step {step} belongs to another runtime")
    return step
