"""The request and the result of a deployment, shared by the deployer and its rollouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from nexusdev.components.contract import Component, Proof, SeedFile
from nexusdev.deploy.executor import always, nothing
from nexusdev.interfaces import InstanceAccess
from nexusdev.plan import Plan, Step
from nexusdev.stack.model import Stack


class DeployRequest(Struct, frozen=True, kw_only=True):
    """One deployment: what to start, and within which time.

    Attributes:
        stack: Only the selected services.
        plan: The steps to execute.
        components: The components that must become ready.
        access: The instance as components see it.
        all_components: All components of the stack, whose credentials Vault stores whether they run or not.
        common: Variables that belong to no component (NEXUSDEV_CA_FILE …), for the proofs.
        files: Component → the project's own seed files.
        seconds: Time limit for the whole command, in seconds.
        waited: The part of ``seconds`` that was spent waiting for another command.
        spent: The part of ``seconds`` that was spent by an earlier deployment of the same command.
        after: Service → components that must be ready before it starts, as far as they are among ``components``.
        preceding: Names of the spans that end before the deployment begins, for the timings.
        seeding: Whether to seed and prove as well; else the deployment ends when everything is ready.
        command: Name of the command to retry, for hints.
        gate: Returns whether a step may begin: whether its image is available.
        pending: Returns whether images are still being pulled or built. The time limit is paused meanwhile.
        check: Raises if an image that the gate waits for cannot be had.
        completed: Called with each completed step, in the thread of the step.
    """

    stack: Stack
    plan: Plan
    components: Sequence[Component]
    access: InstanceAccess
    all_components: Sequence[Component] = ()
    common: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Sequence[SeedFile]] = field(default_factory=dict)
    seconds: float = 300.0
    waited: float = 0.0
    spent: float = 0.0
    after: Mapping[str, Sequence[str]] = field(default_factory=dict)
    preceding: Sequence[str] = ("images", "plan")
    seeding: bool = True
    command: str = "up"
    gate: Callable[[Step], bool] = always
    pending: Callable[[], bool] = lambda: False
    check: Callable[[], None] = nothing
    completed: Callable[[Step], None] = lambda _: None

    @property
    def left(self) -> float:
        """The seconds that are left for this deployment."""
        return self.seconds - self.waited - self.spent


class DeployResult(Struct, frozen=True, kw_only=True):
    """The result of a deployment: ready times in seconds, seeding changes and proven paths of each component."""

    ready: Mapping[str, float]
    changes: Mapping[str, tuple[str, ...]]
    proofs: Mapping[str, tuple[Proof, ...]]

    def with_changes(self, changes: Mapping[str, tuple[str, ...]]) -> DeployResult:
        """Return the result with further changes of these components."""
        more = {name: (*self.changes.get(name, ()), *words) for name, words in changes.items()}
        return replace(self, changes={**self.changes, **more})

    def and_then(self, later: DeployResult) -> DeployResult:
        """Return both results combined."""
        return DeployResult(
            ready={**self.ready, **later.ready},
            changes={**self.changes, **later.changes},
            proofs={**self.proofs, **later.proofs},
        )
