"""Resolves the names of components and services that users type."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from nexusdev.components.contract import Component
from nexusdev.errors import UsageError
from nexusdev.plan import Observation
from nexusdev.stack.model import Stack
from nexusdev.stack.order import closure
from nexusdev.util.nearest import nearest


def unknown(name: str, known: Iterable[str], *, kind: str, hint: str) -> UsageError:
    """Return the error for an unknown name, with the most similar known names.

    Args:
        name: The unknown name.
        known: The valid names.
        kind: What the name should be, for the message.
        hint: Format string of the hint; ``{}`` is replaced by the most similar name.
    """
    names = list(known)
    near = nearest(name, names, count=3)
    return UsageError(
        f"unknown {kind} {name}",
        why=f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}",
        hint=hint.format(near[0]) if near else "",
    )


def require_components(names: Iterable[str], known: Collection[str], *, command: str) -> None:
    """Check that all names are components.

    Args:
        names: The names to check.
        known: All components.
        command: For the hint: ``up``.

    Raises:
        UsageError: A name is unknown.
    """
    for name in names:
        if name not in known:
            raise unknown(name, known, kind="component", hint=f"nexusdev {command} {{}}")


def with_dependencies(components: Collection[str], stack: Stack, known: Mapping[str, Component]) -> tuple[str, ...]:
    """Return these components and the components that they need, in the order of the stack.

    Args:
        components: The components.
        stack: The stack.
        known: Name → component, of all components.
    """
    wanted: set[str] = set()
    unseen = set(components)
    while unseen:
        wanted |= unseen
        unseen = {needed for name in unseen if name in known for needed in known[name].requires} - wanted
    services = closure(stack.services, [each.name for each in stack.services.values() if each.component in wanted])
    wanted |= {stack.services[name].component for name in services}
    return tuple(name for name in stack.components if name in wanted)


def subset(stack: Stack, components: Collection[str], *, but: Collection[str] = ()) -> Stack:
    """Return the stack with the services of these components only. ``but``: services to leave out."""
    kept = {
        name: service for name, service in stack.services.items() if service.component in components and name not in but
    }
    return replace(stack, services=kept)


def services_of(names: Sequence[str], observation: Observation, *, command: str) -> tuple[str, ...] | None:
    """Return the existing services that component or service names refer to.

    Args:
        names: Names of components or services.
        observation: The services that exist.
        command: Name of the command, for the hint.

    Returns:
        The services; None if ``names`` is empty.
    """
    if not names:
        return None
    found: list[str] = []
    components = observation.components
    for name in names:
        if name in components:
            found += [each.service for each in observation.services.values() if each.component == name]
        elif name in observation.services:
            found.append(name)
        else:
            known = (*sorted(components), *observation.services)
            raise unknown(name, known, kind="component or service", hint=f"nexusdev {command} {{}}")
    return tuple(dict.fromkeys(found))
