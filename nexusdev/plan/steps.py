"""The steps of a plan: one change and its reason each. A plan prints itself."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

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


class Step(Struct, frozen=True, kw_only=True):
    """One change.

    resource  the service, volume or network, by its short name
    reason   the reason, in the words that reach screen, log and test
    service  what to create, for CREATE; the hosts file, the network and the paths that go with it the runtime has from its Stack
    target   the engine's id or name of what exists already, for the acts on existing things
    kill     for REMOVE: without asking it to end first
    after    subjects whose earlier steps in this plan must be done before; a step also waits for the earlier steps of its own subject
    """

    action: Action
    resource: str
    reason: str
    service: Service | None = None
    fingerprint: str = ""
    target: str = ""
    kill: bool = False
    after: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.action} {self.resource}: {self.reason}"


class Plan(Struct, frozen=True, kw_only=True):
    """Steps in an order in which they may be done one by one; steps that do not depend on one another may run together."""

    steps: tuple[Step, ...] = ()

    def waits_for(self, step: Step) -> tuple[Step, ...]:
        """The earlier steps that must be done before this one: of its own subject and of those in ``after``."""
        before = self.steps[: self.steps.index(step)]
        resources = {step.resource, *step.after}
        return tuple(earlier for earlier in before if earlier.resource in resources)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps) or "nothing to do"
