"""Checks that the members of a group are replicas: equal but for name, ordinal, addresses and shared network. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.stack.document import MappingNode, SourcePosition, Value, config_error
from nexusdev.stack.model import Service

# Fields that differ between members of a group: name, place, and the service whose network is shared.
_OWN = frozenset({"name", "hostname", "address", "aliases", "ordinal", "shares"})
# Field of a service → its keys in the stack files, if they have other names.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "files": ("configs", "secrets"),
    "memory_bytes": ("mem_limit",),
    "pids": ("pids_limit",),
    "shm_bytes": ("shm_size",),
    "stop_grace": ("stop_grace_period",),
    "optional": ("x-nexusdev",),
    "connects": ("x-nexusdev",),
    "serves": ("x-nexusdev",),
    "ready": ("x-nexusdev",),
    "alive": ("x-nexusdev",),
}


def check_groups(services: Mapping[str, Service], written: Mapping[str, Value]) -> None:
    """Check that the members of each group are equal except for name, ordinal, volumes, addresses and host ports.

    Args:
        services: Name → service.
        written: Name → the YAML of the service, for the positions in errors.

    Raises:
        InvalidConfig: A member differs from the first of its group, or has the same ordinal; the error has file and line.
    """
    groups: dict[tuple[str, str, str], list[Service]] = {}
    for service in services.values():
        members = groups.setdefault((service.component, service.group, service.role), [])
        _check_ordinal(service, members, written)
        if members:
            _check_equal(service, members[0], written)
        members.append(service)


def _check_ordinal(service: Service, members: Sequence[Service], written: Mapping[str, Value]) -> None:
    for other in members:
        if other.ordinal == service.ordinal:
            raise config_error(
                _position(written, service.name, ("x-nexusdev",)),
                f"{service.name} and {other.name} have the same ordinal in group {service.group}: {service.ordinal}",
            )


def _check_equal(service: Service, first: Service, written: Mapping[str, Value]) -> None:
    for member in Service.__struct_fields__:
        if member in _OWN or _is_same(member, service, first):
            continue
        keys = _KEYS.get(member, (member,))
        raise config_error(
            _position(written, service.name, keys),
            f"{service.name} differs from {first.name} in {' or '.join(keys)}",
            why=f"services of one group ({service.group}) are equal but for name, volumes, address and host ports",
        )


def _is_same(member: str, service: Service, first: Service) -> bool:
    """Return whether both services have the same value. Where the first has its own name in a text, the other may have its own."""
    if member == "ports":
        return [port.container for port in service.ports] == [port.container for port in first.ports]
    if member == "volumes":
        mounted, expected = ([(mount.target, mount.read_only) for mount in each.volumes] for each in (service, first))
        return mounted == expected
    found, wanted = getattr(service, member), getattr(first, member)
    if member == "environment":
        return found.keys() == wanted.keys() and all(
            found[name] in _own(wanted[name], first, service) for name in wanted
        )
    if member in ("command", "entrypoint") and found and wanted:
        return len(found) == len(wanted) and all(
            word in _own(other, first, service) for word, other in zip(found, wanted, strict=True)
        )
    return bool(found == wanted)


def _own(text: str, first: Service, service: Service) -> tuple[str, str]:
    """Return the values that the service may have where the first has ``text``."""
    return text, text.replace(first.name, service.name)


def _position(written: Mapping[str, Value], service: str, keys: Sequence[str]) -> SourcePosition:
    value = written[service]
    if isinstance(value, MappingNode):
        return next((value.keys[key] for key in keys if key in value.keys), value.position)
    return value.position
