"""The steps of a plan on a Docker engine."""

from __future__ import annotations

from enum import StrEnum

from nexusdev.errors import NexusError
from nexusdev.plan import Step
from nexusdev.stack.model import Service


class Action(StrEnum):
    """What a step does, as the word that is printed."""

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
        action: What it does.
        service: What to create, for CREATE; the hosts file, the network and the paths that go with it the runtime has from its Stack.
        fingerprint: The hash with which it is created.
        target: The engine's id or name of what exists already, for the actions on existing things.
        kill: For REMOVE: without asking it to end first.
    """

    action: Action
    service: Service | None = None
    fingerprint: str = ""
    target: str = ""
    kill: bool = False


def docker_step(step: Step) -> DockerStep:
    """The step as this runtime planned it. Raises NexusError for a step of another runtime."""
    if not isinstance(step, DockerStep):
        raise NexusError(f"step {step} belongs to another runtime")
    return step
