"""Which services run in the pods of a workload. Written into an annotation of it, so that an instance is understood without its stack."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup


class ContainerServices(Struct, frozen=True, kw_only=True):
    """The services that are one container of equal pods.

    Attributes:
        container: The name of the container.
        component: The component of the services.
        role: Their role.
        members: The service in each pod, by ordinal.
        ports: The host ports of each service, by ordinal.
    """

    container: str
    component: str
    role: str
    members: tuple[str, ...]
    ports: tuple[tuple[int, ...], ...]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(tuple[ContainerServices, ...])


def encode(containers: Sequence[ContainerServices]) -> str:
    """Return the text of the annotation."""
    return _ENCODER.encode(tuple(containers)).decode()


def decode(text: str) -> tuple[ContainerServices, ...]:
    """Return what the annotation says; nothing for a text that is none."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return ()


def container_services(group: PodGroup, wanted: Collection[str]) -> tuple[ContainerServices, ...]:
    """Return the containers of a group of which a service is wanted; the main container is the first.

    Args:
        group: The group.
        wanted: The services that shall run.
    """
    return tuple(
        ContainerServices(
            container=services[0].group,
            component=services[0].component,
            role=services[0].role,
            members=tuple(each.name for each in services),
            ports=tuple(tuple(port.host for port in each.ports) for each in services),
        )
        for services in group.containers
        if any(each.name in wanted for each in services)
    )
