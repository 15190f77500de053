"""The runtime of one instance in a cluster that nexusdev did not make: that of Kubernetes, and the forward to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.errors import NexusError
from nexusdev.runtimes import shared_errors
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.forward.control import ForwardControl
from nexusdev.runtimes.kubernetes.forward.files import FAILED, ForwardConfig
from nexusdev.runtimes.kubernetes.forward_steps import (
    ForwardAction,
    ForwardStep,
    config_of,
    problem_of,
    with_forward,
)
from nexusdev.runtimes.kubernetes.observation import KubernetesObservation
from nexusdev.runtimes.kubernetes.render.dev_gateway import NAME
from nexusdev.runtimes.kubernetes.runtime import KubernetesRuntime

if TYPE_CHECKING:
    from nexusdev.plan import Intent, Observation, Plan, Step
    from nexusdev.stack.model import Stack


class ForwardedRuntime(KubernetesRuntime):
    """``interfaces.Runtime`` in a cluster whose servers the host reaches by a process of its own."""

    def __init__(
        self,
        instance: str,
        *,
        owner_path: str,
        state_path: str,
        stack: Stack | None,
        cluster: ClusterAccess,
        forward: ForwardControl,
        reach: str,
        remember: Callable[[], None] = lambda: None,
    ) -> None:
        """Remember what to run and where; nothing is asked.

        Args:
            instance: The name of the instance.
            owner_path: Its project folder.
            state_path: Its state folder.
            stack: Its stack; without one the runtime cannot create anything.
            cluster: The cluster and the namespace.
            forward: Its forward.
            reach: How the cluster is reached.
            remember: Called before the first change.
        """
        super().__init__(instance, owner_path=owner_path, state_path=state_path, stack=stack, cluster=cluster)
        self._forward = forward
        self._reach = reach
        self._remember = remember

    def observe(self) -> KubernetesObservation:
        seen = super().observe()
        status = self._forward.status()
        stack = self._names.stack
        published = [name for name, each in stack.services.items() if each.ports] if stack else []
        log = str(Path(self._names.state_path) / "forward" / "log")
        problem = problem_of(status, log=log) if any(each.runs for each in seen.services.values()) else None
        return replace(
            seen,
            holding_ports=frozenset(published if status and status.phase != FAILED else ()),
            problems=(*seen.problems, *((problem,) if problem else ())),
        )

    def plan(self, intent: Intent, observation: Observation | None = None) -> Plan:
        plan = super().plan(intent, observation)
        return with_forward(plan, intent, self._wanted(), self._forward.config(), self._forward.status())

    def _wanted(self) -> ForwardConfig | None:
        stack = self._names.stack
        if stack is None:
            return None
        return config_of(stack, tuple(self._kubectl.command()), self._names.namespace, self._reach)

    def apply(self, step: Step) -> None:
        """Execute one step. Raises as that of Kubernetes."""
        self._remember()
        if not isinstance(step, ForwardStep):
            super().apply(step)
        elif step.action is ForwardAction.DISCONNECT:
            self._forward.stop()
        elif step.config is None:
            raise NexusError("a forward cannot be started without its config")
        else:
            self._connect(step.config)

    def _connect(self, config: ForwardConfig) -> None:
        from nexusdev.util.port_holders import holder_of

        status = self._forward.start(config)
        if status.phase == FAILED and status.taken:
            services = self._names.stack.services.values() if self._names.stack else ()
            users = (each.name for each in services for port in each.ports if port.host == status.taken)
            raise shared_errors.port_in_use(next(users, NAME), status.taken, holder_of(status.taken, {}))
