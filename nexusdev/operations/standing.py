"""Does all that the last ``up`` left still stand? Asked while the next one makes its plan: most often there is nothing else to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.environment import stored
from nexusdev.errors import NexusError
from nexusdev.instance.instance import Instance
from nexusdev.operations import journal, nodes
from nexusdev.operations.context import Context
from nexusdev.operations.env import prove
from nexusdev.plan.snapshot import Snapshot
from nexusdev.ports import Runtime
from nexusdev.stack.model import Stack


class Standing:
    """The looks at what was brought up and the proof of the stored variables, under way from the beginning."""

    def __init__(self, context: Context, instance: Instance, stack: Stack, runtime: Runtime) -> None:
        self._context = context
        remembered = journal.read(instance.folder).seeded
        self._proof = nodes.Later(lambda: prove(stored.read(instance.folder))) if remembered else None
        self._looks = nodes.Looks(instance.site(runtime, stack)).begin(
            context.components[name] for name in stack.components if name in remembered
        )

    @property
    def snapshot(self) -> Snapshot:
        """What the engine has. Raises PreflightFailed."""
        return self._looks.snapshot

    def proven(self, names: Sequence[str]) -> Mapping[str, float] | None:
        """The endpoints of the stored variables that answered with the nonce; None when one did not, or one of these components is not ready."""
        if self._proof is None:
            return None
        seen = self._looks.begin(self._context.components[name] for name in names).seen(names)
        if not all(each.readiness.ready for each in seen.values()):
            return None
        try:
            return self._proof.result()
        except NexusError:
            return None
