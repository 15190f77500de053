"""Completes the project's own services with what only an instance knows: the variables of applications, the CA, the tag of a build."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.components.contract import Component
from nexusdev.context import Context
from nexusdev.deploy.client_files import folder_of_own, own_variables
from nexusdev.errors import NexusError
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import InstanceAccess, Runtime, View
from nexusdev.stack.model import BUILT, FileMount, OwnService, Service, Stack

if TYPE_CHECKING:
    from nexusdev.runtimes.image_store import ImageStore

_DIGITS = 12
# The name of the mounted folder among the config files.
_CLIENT_FILES = "nexusdev-client-files"


def completed(context: Context, instance: Instance, stack: Stack, runtime: Runtime, *, exact: bool = False) -> Stack:
    """Return the stack with the complete definition of each own service, as its container is created.

    Args:
        context: The context of the command.
        instance: The instance whose variables the services get.
        stack: The stack as the compose files describe it.
        runtime: Provides the addresses of services.
        exact: The platform is seeded, so every variable has a value. If False, variables without a value are left out.

    Raises:
        InvalidConfig: A build folder cannot be read.
        InvalidState: A secret is lost, and ``exact``.
    """
    if not stack.own:
        return stack
    access = instance.access(runtime, stack)
    services = dict(stack.services)
    for service in stack.own:
        environment = _environment(service, access, context.components, exact=exact)
        services[service.name] = _complete(service, access, context, environment)
    return replace(stack, services=services, live=stack.live | {_CLIENT_FILES})


def _complete(service: Service, access: InstanceAccess, context: Context, environment: Mapping[str, str]) -> Service:
    """Complete one service. Values in the file override the variables that are passed."""
    own = _own(service)
    return replace(
        service,
        image=tag(service, context.images().store) if own.build else service.image,
        environment={**environment, **service.environment},
        files=(*service.files, _client_files(access, service.name)) if own.trust else service.files,
    )


def _client_files(access: InstanceAccess, service: str) -> FileMount:
    """Return the mount of the folder with CA, bundle and other client files. Its files are replaced while containers run."""
    return FileMount(
        kind="config",
        name=_CLIENT_FILES,
        source=folder_of_own(access, service),
        target=access.runtime.client_folder(View.CONTAINER),
    )


def tag(service: Service, store: ImageStore) -> str:
    """Return the reference of a built image. Its tag depends on the content, so a change of content recreates the container."""
    build = _own(service).build
    if build is None:
        raise ValueError(f"{service.name} is not built")
    return f"{BUILT}/{service.name}:{store.build_digest(build)[:_DIGITS]}"


def _environment(
    service: Service, access: InstanceAccess, components: Mapping[str, Component], *, exact: bool
) -> Mapping[str, str]:
    """Return the variables of the components that a service needs, in the container view, without the variables for migrations."""
    own = _own(service)
    if not own.env:
        return {}
    try:
        found = [each for name in own.needs for each in components[name].variables(access, View.CONTAINER)]
    except NexusError:
        if exact:
            raise
        return {}
    return {each.name: each.value for each in (*found, *own_variables(access, View.CONTAINER)) if each.application}


def outdated_warnings(stack: Stack, changed: Collection[str]) -> tuple[str, ...]:
    """Return a warning for own services that still run with former credentials.

    Args:
        stack: The stack.
        changed: Components whose credentials changed.
    """
    names = [
        each.name for each in stack.own if each.own and each.own.env and not set(changed).isdisjoint(each.own.needs)
    ]
    return (f"own services with the former passwords until the next nexusdev up: {', '.join(names)}",) if names else ()


def _own(service: Service) -> OwnService:
    if service.own is None:
        raise ValueError(f"{service.name} is a service of the platform")
    return service.own
