"""Determines which components have proven variables, and what is missing for the others, if only a part of the stack runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.components.contract import Component
from nexusdev.context import Context
from nexusdev.deploy.client_files import write_client_files
from nexusdev.env import stored
from nexusdev.env.proof import EndpointAnswer, inquire, words
from nexusdev.env.stored import Stored
from nexusdev.errors import Degraded, NotFound
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.util.humanize import join_names


class ProvenVariables(Struct, frozen=True, kw_only=True):
    """The variables of the components whose endpoints all answered.

    Attributes:
        kept: The variables of the proven components.
        seconds: Endpoint → duration of its answer, in seconds.
        missing: Component → the failure of its first failing endpoint.
    """

    kept: Stored
    seconds: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def failure(self, *, otherwise: str = "nexusdev env --no-proof   print the variables") -> Degraded | None:
        """Return the error that says what is missing.

        Args:
            otherwise: The hint: the command that continues without a proof.

        Returns:
            The error; None if nothing is missing.
        """
        if not self.missing:
            return None
        names, several = join_names(self.missing), len(self.missing) > 1
        return Degraded(
            f"{names} of instance {self.kept.instance} {'are' if several else 'is'} not proven",
            why=next(iter(self.missing.values())),
            hint=f"nexusdev wait {next(iter(self.missing))}   wait until it is ready\n{otherwise} without the check",
            evidence=[f"{name}: {why}" for name, why in self.missing.items()] if several else (),
        )


def awaited(instance: Instance) -> frozenset[str]:
    """Return the components that were published, and those that an ``up`` is starting or did not finish."""
    try:
        published = stored.read(instance.folder).components
    except NotFound:
        published = ()
    return frozenset((*published, *stored.expected(instance.folder)))


def unproven(context: Context, instance: Instance, names: Collection[str]) -> Stored:
    """Return the variables of these components from the instance's state, without contacting a server."""
    from nexusdev.deploy.publisher import gather

    access, components = _accessed(context, instance, names)
    return gather(access, components)


def coverage(context: Context, instance: Instance, names: Collection[str]) -> ProvenVariables:
    """Probe all endpoints of these components in parallel.

    Raises:
        IdentityMismatch: Another instance answers.
    """
    from nexusdev.deploy.publisher import gather

    access, components = _accessed(context, instance, names)
    everything = gather(access, components)
    values = everything.views["host"]
    endpoints = [each for component in components for each in component.endpoints(values)]
    answers = inquire(endpoints, values, instance=instance.name, nonce=instance.nonce)
    owner = {each.name: component.name for component in components for each in component.variables(access, View.HOST)}
    missing = _missing(owner, answers)
    proven = [each for each in components if each.name in owner.values() and each.name not in missing]
    seconds = {each.path: round(each.seconds, 4) for each in answers if each.fault is None}
    return ProvenVariables(kept=gather(access, proven), seconds=seconds, missing=missing)


def _accessed(
    context: Context, instance: Instance, names: Collection[str]
) -> tuple[InstanceAccess, Sequence[Component]]:
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack, owner=instance.owner), stack)
    components = [context.components[name] for name in stack.components if name in names]
    write_client_files(access, components)
    return access, components


def _missing(owner: Mapping[str, str], answers: Sequence[EndpointAnswer]) -> dict[str, str]:
    """Return component → failure. ``owner``: variable → component; an endpoint has the name of its variable."""
    missing: dict[str, str] = {}
    for answer in answers:
        if answer.fault is not None:
            missing.setdefault(owner[answer.path.partition(" ")[0]], f"{answer.path}: {words(answer.fault)}")
    return missing
