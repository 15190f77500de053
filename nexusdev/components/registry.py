"""The registry of components by name. A product's code is imported on first use, which keeps ``nexusdev --help`` fast.

This module itself imports the standard library alone: ``nexusdev env`` answers with it before anything else is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexusdev.components.contract import Component
    from nexusdev.wire.endpoint import PublishedEndpoint

#: Name of each component (also of its package) → the command that runs its client, '' if it has none.
ROWS = {
    "gateway": "",
    "postgres": "psql",
    "redis": "redis",
    "minio": "s3",
    "vault": "vault",
    "monitoring": "",
}
#: Command → the component whose client it runs.
COMMANDS = {command: name for name, command in ROWS.items() if command}


def create(name: str, components: Mapping[str, Component]) -> Component:
    """Return a new component.

    Args:
        name: Its name in the registry.
        components: The components of the same context, by name: what the gateway routes to and monitoring scrapes.

    Raises:
        KeyError: The registry has no such component.
    """
    if name not in ROWS:
        raise KeyError(name)
    component: Component = _module(name, "component").create(components)
    return component


def published_endpoints(names: Iterable[str], values: Mapping[str, str]) -> Iterator[PublishedEndpoint]:
    """Yield the endpoints of the quick proof of these components, without importing the components themselves.

    Raises:
        LookupError: A component is not in the registry, so it is unknown how it is proven.
    """
    for name in names:
        if name not in ROWS:
            raise LookupError(name)
        yield from _module(name, "quick_proof").endpoints(values)


def companions() -> Mapping[str, tuple[str, ...]]:
    """Return a variable of each component with a module ``companions`` → the variables that would change its meaning."""
    modules = [_optional_module(name, "companions") for name in ROWS]
    return {each.OF: each.COMPANIONS for each in modules if each}


def client_help(component: str) -> str:
    """Return the help text of the command that runs a component's client."""
    text: str = _module(component, "command").HELP
    return text


def _module(component: str, name: str) -> Any:
    return import_module(f"nexusdev.components.{component}.{name}")


def _optional_module(component: str, name: str) -> Any:
    try:
        return _module(component, name)
    except ModuleNotFoundError as error:
        if error.name != f"nexusdev.components.{component}.{name}":
            raise
        return None
