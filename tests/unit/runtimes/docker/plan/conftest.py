"""A small stack for plans: two databases, a sidecar of the first, a cache."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.stack.model import Network, Port, Service, Stack, VolumeMount


@pytest.fixture
def stack() -> Stack:
    first = Service(
        name="db-0",
        image="db:1",
        component="db",
        group="db",
        address="10.0.0.10",
        ports=(Port(host=21040, container=5432),),
        volumes=(VolumeMount(volume="db-0", target="/data"),),
    )
    second = replace(
        first,
        name="db-1",
        ordinal=1,
        address="10.0.0.11",
        ports=(Port(host=21041, container=5432),),
        volumes=(VolumeMount(volume="db-1", target="/data"),),
    )
    exporter = Service(
        name="exporter-0", image="exporter:1", component="monitoring", group="exporter", role="sidecar", shares="db-0"
    )
    cache = Service(
        name="cache", image="cache:1", component="cache", group="cache", address="10.0.0.20", depends_on=("db-1",)
    )
    services = {service.name: service for service in (first, second, exporter, cache)}
    return Stack(
        project="shop", network=Network(name="nexus", subnet="10.0.0.0/24"), services=services, volumes=("db-0", "db-1")
    )
