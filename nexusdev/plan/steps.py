"""The steps of a plan: one change and its reason each. A plan prints itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nexusdev.stack.model import Service


class Act(StrEnum):
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


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change.

    subject  the service, volume or network, by its short name
    because  the reason, in the words that reach screen, log and test
    service  what to create, for CREATE; hosts, labels and fingerprint come with it
    target   the engine's id or name of what exists already, for the acts on existing things
    after    subjects of steps of this plan that must be done before
    """

    act: Act
    subject: str
    because: str
    service: Service | None = None
    fingerprint: str = ""
    target: str = ""
    after: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.act} {self.subject}: {self.because}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps in an order in which they may be done one by one; steps that do not depend on one another may run together."""

    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps) or "nothing to do"
