"""The topology of a stack, for components: the members of a group, and the service that has a role name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from nexusdev.errors import InvalidConfig
from nexusdev.stack.model import Service

Role = Literal["server", "sidecar", "store", "observer"]


class Topology(Struct, frozen=True, kw_only=True):
    """The servers of the stack. The compose files are the only place that lists them.

    Attributes:
        services: Name → service, in the order of the files.
    """

    services: Mapping[str, Service] = field(default_factory=dict)

    def members(self, component: str, group: str, *, role: Role | None = None) -> tuple[str, ...]:
        """Return the names of the services of a group, by ordinal. A group that a profile with single servers omits: ``optional``.

        Args:
            component: The component that the group belongs to.
            group: The group, as in ``x-nexusdev``.
            role: Only the members with this role; None for all. A sidecar is in the group of its server.

        Raises:
            InvalidConfig: The compose files have no such service.
        """
        found = [
            each
            for each in self.services.values()
            if (each.component, each.group) == (component, group) and role in (None, each.role)
        ]
        if not found:
            wanted = f"{role} in " if role else ""
            raise InvalidConfig(
                f"the stack has no {wanted}group {group} of component {component}",
                why="nexusdev asks the servers of this group, and no compose file declares one",
                hint=f"add services with x-nexusdev: {{component: {component}, group: {group}}}",
            )
        return tuple(each.name for each in sorted(found, key=lambda each: each.ordinal))

    def optional(self, component: str, group: str, *, role: Role | None = None) -> tuple[str, ...]:
        """Return what ``members`` returns; () if the profile of the stack omits the group."""
        present = any((each.component, each.group) == (component, group) for each in self.services.values())
        return self.members(component, group, role=role) if present else ()

    def of_component(self, component: str) -> tuple[str, ...]:
        """Return the names of a component's services, in the order of the files."""
        return tuple(each.name for each in self.services.values() if each.component == component)

    def service_of(self, role_name: str) -> str:
        """Return the service that has this role name among its aliases; '' if none has it."""
        return next((each.name for each in self.services.values() if role_name in each.aliases), "")
