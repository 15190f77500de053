"""Connects components that need each other, when all of them are seeded: Vault logs in to the databases whose logins it issues."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nexusdev.components.contract import Component
from nexusdev.components.dynamic_logins import HasDynamicLogins, IssuesDynamicLogins
from nexusdev.context import Context
from nexusdev.events import Seeded
from nexusdev.interfaces import InstanceAccess


def connect_components(
    context: Context, components: Sequence[Component], access: InstanceAccess, *, only: Collection[str] = ()
) -> Mapping[str, tuple[str, ...]]:
    """Connect the components that run. Changes nothing the second time.

    Args:
        context: The context of the command.
        components: The components that run and are seeded.
        access: The instance.
        only: Components of which at least one must take part in a connection; empty for any.

    Returns:
        Component → what was changed in it.

    Raises:
        SeedingFailed: A server does not answer or rejects a change.
    """
    databases = {each.name: each for each in components if isinstance(each, HasDynamicLogins)}
    changes: dict[str, tuple[str, ...]] = {}
    for issuer in (each for each in components if isinstance(each, IssuesDynamicLogins)):
        for name, database in databases.items():
            if only and not {issuer.name, name} & {*only}:
                continue
            began = context.clock.now()
            words = tuple(change.what for change in issuer.connect_database(access, name, database))
            elapsed = context.clock.now() - began
            context.listener.tell(Seeded(component=issuer.name, changes=words, elapsed=elapsed))
            changes[issuer.name] = (*changes.get(issuer.name, ()), *words)
    return changes
