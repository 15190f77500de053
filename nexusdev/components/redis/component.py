"""The Redis component: implements ``components.contract``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    ScrapeTargets,
    SeedFile,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.redis import names, probe, quick_proof, readiness, status
from nexusdev.components.redis import variables as published
from nexusdev.components.redis.arguments import reads_stdin
from nexusdev.interfaces import InstanceAccess
from nexusdev.stack.losses import Holding

if TYPE_CHECKING:
    from nexusdev.components.baseline import Baseline
    from nexusdev.components.drills import ProductLoad, Scenario
    from nexusdev.components.leases import LeasePart
    from nexusdev.components.scores import Control, Score, UserSession


class Redis(ComponentDefaults):
    """A master with its replicas, and the sentinels."""

    name = names.NAME
    title = names.TITLE
    requires = ("gateway",)
    links = (Link(name="redis", variable="REDIS_URL"),)
    gateway_roles = (
        GatewayRole(name=names.MASTER, backend=r"redis-\w+"),
        GatewayRole(name=names.REPLICA, backend=r"redis-\w+"),
    )
    scrape_targets = ScrapeTargets(
        through={
            "redis": ("redis-exporter",),
            "sentinel": ("redis-exporter",),
            "sentinel-relay": (names.RELAY_GROUP, "redis-exporter"),
        },
        silent=("redis_up",),
    )

    def holdings(self) -> Sequence[Holding]:
        """Without a sentinel's record, an empty Redis cannot be distinguished from the master: all servers must have their data."""
        return (
            Holding(group="redis", what="the keys", enough="majority", along=("sentinel",)),
            Holding(
                group="sentinel", what="the current master", enough="majority", source=("redis",), along=("redis",)
            ),
        )

    probe = staticmethod(probe.probe)
    assess = staticmethod(readiness.assess)
    statuses = staticmethod(status.statuses)
    credentials = staticmethod(published.credentials)
    variables = staticmethod(published.variables)
    endpoints = staticmethod(quick_proof.endpoints)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.redis.seed import seed

        return seed(access)

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.redis.project_seed import apply

        return apply(access, files)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.redis.proof import prove

        return prove(access, values)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.redis.rotate import rotate

        return rotate(access)

    def connected_clients(self, access: InstanceAccess) -> Sequence[str]:
        from nexusdev.components.redis.baseline import connected_clients

        return connected_clients(access)

    def reset_data(self, access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
        from nexusdev.components.redis.baseline import reset_data

        return reset_data(access, baseline)

    def lease_part(self) -> LeasePart:
        from nexusdev.components.redis.lease import RedisLease

        return RedisLease()

    def client(self, arguments: Sequence[str]) -> Client | None:
        """redis-cli at the master, as the application; ``--user nexus_admin`` and ``-h redis-replica`` among the arguments change that."""
        return Client(
            group=names.SERVER_GROUP,
            argv=("bash", "/opt/nexus/client.sh", *arguments),
            reads_stdin=reads_stdin(arguments),
        )

    def scenarios(self) -> Sequence[Scenario]:
        from nexusdev.components.redis.scenarios import SCENARIOS

        return SCENARIOS

    def load(self) -> ProductLoad:
        from nexusdev.components.redis.load import RedisLoad

        return RedisLoad()

    def scores(self) -> Sequence[Score]:
        from nexusdev.components.redis.scores import SCORES

        return SCORES

    def controls(self) -> Sequence[Control]:
        from nexusdev.components.redis.scores import CONTROLS

        return CONTROLS

    def user_session(self, values: Mapping[str, str]) -> UserSession:
        from nexusdev.components.redis.scores import user

        return user(values)


def create(components: Mapping[str, Component]) -> Component:  # noqa: ARG001 - the signature of every component
    """Return a new component."""
    return Redis()
