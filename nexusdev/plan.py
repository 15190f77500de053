"""Observations, intents and plans: neutral values, without terms of any runtime.

A runtime subclasses ``Observation`` and ``Step`` with what it needs itself. Nothing above it reads the subclasses.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

from nexusdev.stack.model import Stack

#: The kind of resource that a step removes, as named in ``down --json`` and ``destroy --json``.
Removed = Literal["", "containers", "networks", "volumes"]


class Phase(StrEnum):
    """How far a service is."""

    PENDING = "pending"  # created or scheduled, not started yet
    RUNNING = "running"
    SUSPENDED = "suspended"
    # It crashed, and the runtime restarts it. A restart that belongs to a normal start is PENDING; only the runtime can tell the difference.
    RESTARTING = "restarting"
    STOPPED = "stopped"  # exited without an error, or was stopped
    FAILED = "failed"


class Exit(Struct, frozen=True, kw_only=True):
    """How a service ended, or why it could not start.

    Attributes:
        code: The exit code.
        reason: What the runtime says beyond the code; '' for nothing.
        out_of_memory: It was ended for lack of memory.
        at: When, in seconds since the epoch by the runtime's clock; 0.0 where that is not known.
    """

    code: int
    reason: str = ""
    out_of_memory: bool = False
    at: float = 0.0


class ObservedService(Struct, frozen=True, kw_only=True):
    """One service of the instance that exists.

    Attributes:
        service: Its name.
        component: The component that it belongs to.
        role: server, sidecar, store or observer, as in the stack.
        phase: How far it is.
        word: The runtime's own word for that, for display alone: ``exited``.
        since: Start of what runs, in seconds since the epoch by the runtime's clock; 0.0 where it is not known.
        exit: How it ended; None for what runs.
        owner: The project folder that made it.
        object: Its printable name: ``container nexusdev-shop-redis-0-1``.
    """

    service: str
    component: str
    phase: Phase
    role: str = "server"
    word: str = ""
    since: float = 0.0
    exit: Exit | None = None
    owner: str = ""
    object: str = ""

    @property
    def runs(self) -> bool:
        return self.phase is Phase.RUNNING

    @property
    def has_ended(self) -> bool:
        """Whether it should run and does not: it stopped, failed, or crashes again and again."""
        return self.phase in (Phase.STOPPED, Phase.FAILED, Phase.RESTARTING)


class Problem(Struct, frozen=True, kw_only=True):
    """Something in the way of the instance, in the runtime's words, and what to type."""

    evidence: str
    fix: str = ""


class Observation(Struct, frozen=True, kw_only=True):
    """Everything that exists of one instance.

    Attributes:
        services: By name.
        volumes: Data volumes: short name → the runtime's own name.
        objects: Printable names of everything else, left-over and half-made objects too.
        owners: The project folders that made any of it.
        state_path: The state folder with which it was made; '' where nothing tells.
        holding_ports: Services whose host ports something of this instance holds.
        problems: What stands in the way.
    """

    services: Mapping[str, ObservedService] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    objects: tuple[str, ...] = ()
    owners: frozenset[str] = frozenset()
    state_path: str = ""
    holding_ports: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def left(self, *, volumes: bool = True) -> tuple[str, ...]:
        """The printable names of everything that exists, or without its data."""
        return (*self.objects, *(f"volume {name}" for name in self.volumes.values() if volumes))

    @property
    def anything(self) -> bool:
        """Whether anything of the instance exists."""
        return bool(self.left())

    @property
    def components(self) -> frozenset[str]:
        """The components of which a service exists."""
        return frozenset(each.component for each in self.services.values())

    @property
    def running_components(self) -> frozenset[str]:
        """The components of which a service runs."""
        return frozenset(each.component for each in self.services.values() if each.runs)


class Step(Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        action: What it does, as the word that is printed.
        resource: The service, volume or other resource, by its short name.
        reason: Why, in the words that reach screen, log and test.
        after: Resources whose earlier steps in the plan must be done before. It also waits for the earlier steps of its own resource.
        component: The component that it changes; '' for none.
        starts: Services that run once it is done.
        ends: Services that it ends on purpose.
        images: References of the images that must be there before; a step that starts several services may need several.
        makes_volumes: Data volumes that it makes, by their short names.
        removes: The kind of what it removes; '' for nothing.
    """

    action: str
    resource: str
    reason: str
    after: tuple[str, ...] = ()
    component: str = ""
    starts: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    images: tuple[str, ...] = ()
    makes_volumes: tuple[str, ...] = ()
    removes: Removed = ""

    def __str__(self) -> str:
        return f"{self.action} {self.resource}: {self.reason}"


class Plan(Struct, frozen=True, kw_only=True):
    """Steps in an order in which they may be done one by one; steps that do not depend on one another may run together."""

    steps: tuple[Step, ...] = ()

    def waits_for(self, step: Step) -> tuple[Step, ...]:
        """The earlier steps that must be done before this one: of its own resource and of those in ``after``."""
        before = self.steps[: self.steps.index(step)]
        resources = {step.resource, *step.after}
        return tuple(earlier for earlier in before if earlier.resource in resources)

    @property
    def only_ends(self) -> bool:
        """Whether it starts and makes nothing."""
        return not any(step.starts or step.images for step in self.steps)

    @property
    def started(self) -> tuple[str, ...]:
        """The services that it starts, in its order."""
        return tuple(name for step in self.steps for name in sorted(step.starts))

    @property
    def made_volumes(self) -> tuple[str, ...]:
        """The data volumes that it makes."""
        return tuple(volume for step in self.steps for volume in step.makes_volumes)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        return "\n".join(str(step) for step in self.steps) or "nothing to do"


class Up(Struct, frozen=True, kw_only=True):
    """Everything of the stack runs as described, and nothing else of the instance exists.

    Attributes:
        stack: What shall run.
        fingerprints: Service → hash of its definition; another hash than it was made with means: make it again. A runtime that
            makes something else of a definition may compare a hash of that instead.
        only: These components and what they need, all others stay as they are; None for all.
        unwanted: Services that go nevertheless, and why.
        former: Paths that the owner's folder had before it was moved.
        discard: As in ``Discard``, done first.
    """

    stack: Stack
    fingerprints: Mapping[str, str]
    only: Collection[str] | None = None
    unwanted: Mapping[str, str] = field(default_factory=dict)
    former: Collection[str] = ()
    discard: Mapping[str, Collection[str]] = field(default_factory=dict)


class Down(Struct, frozen=True, kw_only=True):
    """Nothing of the instance is left but its data, and with ``volumes`` no data either. Needs no stack.

    Attributes:
        volumes: Remove the data too.
        reason: Instead of the usual one.
        command: What to type to try again: ``down``, ``destroy``.
    """

    volumes: bool
    reason: str = ""
    command: str = "down"


class Stop(Struct, frozen=True, kw_only=True):
    """These services (None: all that exist) are stopped and kept, with what cannot run without them."""

    services: Collection[str] | None = None


class Start(Struct, frozen=True, kw_only=True):
    """These services (None: all that exist) run, with what they cannot run without. Nothing is made."""

    services: Collection[str] | None = None


class Restart(Struct, frozen=True, kw_only=True):
    """These services (None: all that exist) are stopped and started again. Nothing is made."""

    services: Collection[str] | None = None


class Discard(Struct, frozen=True, kw_only=True):
    """These services and these volumes of theirs are gone.

    Attributes:
        services: Service → short names of the volumes that go with it.
        reason: Why, as the steps tell it.
        command: What to type to try again.
    """

    services: Mapping[str, Collection[str]]
    reason: str = "its data is destroyed"
    command: str = "destroy"


class Halt(Struct, frozen=True, kw_only=True):
    """A service that crashed stays as it is, for its log, and is not started again by the runtime."""

    service: str
    reason: str = "it crashed"


class RemoveOneOffs(Struct, frozen=True, kw_only=True):
    """These throw-away objects of ``nexusdev run --in`` are gone, by their printable names."""

    names: Collection[str]
    reason: str


Intent = Up | Down | Stop | Start | Restart | Discard | Halt | RemoveOneOffs
