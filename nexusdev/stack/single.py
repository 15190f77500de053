"""Derives the stack of a profile with single servers from the whole stack. Pure.

Of each group the first member stays. Role names of a gateway that the profile excludes become aliases of the server behind it, and the server gets
the gateway's host ports, so that applications use the same names and ports. A server that had peers finds ``NEXUS_SINGLE`` in its environment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.stack.model import Port, Service, SingleProfile, Stack

#: The variable of a server whose peers are left out. Its start script then waits for none.
SINGLE = "NEXUS_SINGLE"


class ServedRole(Struct, frozen=True, kw_only=True):
    """A role name of the gateway, and the group whose server has it now."""

    name: str
    group: str
    aliases: tuple[str, ...]
    ports: tuple[Port, ...]


def single_stack(stack: Stack, name: str) -> Stack:
    """Return the stack of a profile with single servers.

    Args:
        stack: The whole stack.
        name: A profile of ``stack.single``.
    """
    profile = stack.single[name]
    first = {each.name: each for each in stack.services.values() if each.own or _stays(each, profile, stack)}
    kept = {key: each for key, each in first.items() if not each.shares or each.shares in first}
    groups = {each.group for each in kept.values()}
    roles = [role for each in stack.services.values() if each.name not in kept for role in _roles(each, groups)]
    services = {key: _alone(each, roles, stack) for key, each in kept.items()}
    known = {*services, *groups, *(alias for each in services.values() for alias in each.aliases)}
    services = {key: _connected(each, known) for key, each in services.items()}
    used = {mount.volume for each in services.values() for mount in each.volumes}
    return replace(
        stack,
        services=services,
        volumes=tuple(volume for volume in stack.volumes if volume in used),
        profiles={name: tuple(dict.fromkeys(each.component for each in services.values()))},
        single={},
    )


def in_memory(stack: Stack) -> Stack:
    """Return the stack with its data in memory instead of volumes: it is gone when its container stops."""
    services = {name: _in_memory(each) for name, each in stack.services.items()}
    return replace(stack, services=services, volumes=())


def _in_memory(service: Service) -> Service:
    user, _, group = service.user.partition(":")
    owner = f",uid={user},gid={group}" if user.isdigit() and group.isdigit() else ""
    added = {mount.target: f"mode=0700{owner}" for mount in service.volumes}
    return replace(service, volumes=(), tmpfs={**service.tmpfs, **added})


def _stays(service: Service, profile: SingleProfile, stack: Stack) -> bool:
    """Whether it is the first of its group. Observers go with the monitoring that asks them."""
    if service.component not in profile.components or service.group in profile.omit or service.role == "observer":
        return False
    return service.ordinal == min(each.ordinal for each in _group(service, stack))


def _group(service: Service, stack: Stack) -> list[Service]:
    place = (service.component, service.group, service.role)
    return [each for each in stack.services.values() if (each.component, each.group, each.role) == place]


def _roles(gateway: Service, groups: Collection[str]) -> list[ServedRole]:
    """Return the roles of a gateway whose servers stay. The server of a port is the one that the gateway connects to there."""
    found = []
    hosts = {port.container: port.host for port in gateway.ports}
    for name, ports in gateway.serves.items():
        behind = (each.target for each in gateway.connects if each.port in ports and each.target in groups)
        if group := next(behind, ""):
            aliases = tuple(each for each in gateway.aliases if each.partition(".")[0] == name)
            published = tuple(Port(host=hosts[port], container=port) for port in ports if port in hosts)
            found.append(ServedRole(name=name, group=group, aliases=aliases, ports=published))
    return found


def _alone(service: Service, roles: Collection[ServedRole], stack: Stack) -> Service:
    """Return the server with its roles. The ports of the roles replace its own; of two roles with the same port the first one has it."""
    own = [role for role in roles if role.group == service.group]
    ports: Mapping[int, Port] = {port.container: port for role in reversed(own) for port in role.ports}
    alone = {SINGLE: "1"} if len(_group(service, stack)) > 1 else {}
    return replace(
        service,
        aliases=(*service.aliases, *(alias for role in own for alias in role.aliases)),
        ports=tuple(sorted(ports.values(), key=lambda port: port.container)) if own else service.ports,
        environment={**service.environment, **alone},
    )


def _connected(service: Service, known: Collection[str]) -> Service:
    """Return the service without what it can no longer connect to or start after."""
    return replace(
        service,
        connects=tuple(each for each in service.connects if each.target in known),
        depends_on=tuple(each for each in service.depends_on if each in known),
    )
