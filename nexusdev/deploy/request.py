"""The request and the result of a deployment, shared by the deployer and its rollouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.components.contract import Component, Proof, SeedFile
from nexusdev.deploy.executor import always, nothing
from nexusdev.interfaces import InstanceAccess
from nexusdev.plan import Plan, Step
from nexusdev.stack.model import Stack


class DeployRequest(Struct, frozen=True, kw_only=True):
    """What shall be brought up.

    Attributes:
        stack: Only the services that are meant.
        all_components: All components of the stack, whose credentials Vault keeps whether they run or not.
        common: Variables that belong to no component (NEXUSDEV_CA_FILE …), for the proofs.
        files: Component → the project's own seed files.
        seconds: For everything together.
        waited: How much of it had gone by before, behind another command.
        spent: How much of it an earlier deployment of the same command took.
        after: Service → components that must be ready before it starts, as far as they are among ``components``.
        seeding: Seed and prove as well; else only wait until everything is ready.
        command: What to type to try again.
        gate: Whether a step may begin now: whether its image has arrived.
        pending: Whether images are still on their way: so long no time runs.
        check: Raises when what the gate waits for will never come.
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
    seeding: bool = True
    command: str = "up"
    gate: Callable[[Step], bool] = always
    pending: Callable[[], bool] = lambda: False
    check: Callable[[], None] = nothing

    @property
    def left(self) -> float:
        """How many of the seconds are left for this deployment."""
        return self.seconds - self.waited - self.spent


class DeployResult(Struct, frozen=True, kw_only=True):
    """What was reached: per component the seconds until it was ready, what seeding changed, which paths were proven."""

    ready: Mapping[str, float]
    changes: Mapping[str, tuple[str, ...]]
    proofs: Mapping[str, tuple[Proof, ...]]

    def and_then(self, later: DeployResult) -> DeployResult:
        """Both as one."""
        return DeployResult(
            ready={**self.ready, **later.ready},
            changes={**self.changes, **later.changes},
            proofs={**self.proofs, **later.proofs},
        )
