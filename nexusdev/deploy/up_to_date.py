"""Checks, while ``up`` makes its plan, whether the last ``up`` still holds: then there is nothing else to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.context import Context
from nexusdev.deploy.last_up import LastUp
from nexusdev.deploy.publisher import prove
from nexusdev.env import stored
from nexusdev.errors import NexusError
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import Runtime
from nexusdev.plan import Observation
from nexusdev.stack.model import Stack
from nexusdev.status import probes


class UpToDateCheck:
    """Probes of the started components and the proof of the stored variables. Both run in the background from construction on."""

    def __init__(self, context: Context, instance: Instance, stack: Stack, runtime: Runtime, previous: LastUp) -> None:
        self._context = context
        seeded = previous.seeded
        self._proof = (
            probes.BackgroundCall(lambda: prove(stored.read(instance.folder), context.components), name="prove")
            if seeded
            else None
        )
        self._probes = probes.ProbeRunner(instance.access(runtime, stack), test_writes=True).begin(
            context.components[name] for name in stack.components if name in seeded
        )

    @property
    def observation(self) -> Observation:
        """The existing resources of the instance. Raises PreflightFailed."""
        return self._probes.observation

    def proven(self, names: Sequence[str]) -> Mapping[str, float] | None:
        """Return the endpoints of the stored variables that answered with the nonce, each with the duration in seconds.

        None if an endpoint failed, or one of these components is not ready.
        """
        if self._proof is None:
            return None
        seen = self._probes.begin(self._context.components[name] for name in names).results(names)
        if not all(each.readiness.ready for each in seen.values()):
            return None
        try:
            return self._proof.result()
        except NexusError:
            return None
