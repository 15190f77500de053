"""The Redis component: implements ``components.contract``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    GatewayRole,
    Link,
    Proof,
    Readiness,
    ScrapeTargets,
    SeedFile,
    ServiceStatus,
    Variable,
)
from nexusdev.components.defaults import ComponentDefaults
from nexusdev.components.redis import names, readiness, status, variables
from nexusdev.components.redis.arguments import reads_stdin
from nexusdev.components.redis.readiness import Facts
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.stack.losses import Holding
from nexusdev.wire.endpoint import PublishedEndpoint


class Redis(ComponentDefaults):
    """One master, two replicas, three sentinels."""

    name = names.NAME
    title = names.TITLE
    requires = ("gateway",)
    links = (Link(name="redis", variable="REDIS_URL"),)
    gateway_roles = (
        GatewayRole(proxy="gateway-rw", name=names.MASTER, backend=r"redis-\w+"),
        GatewayRole(proxy="gateway-ro", name=names.REPLICA, backend=r"redis-\w+"),
    )
    scrape_targets = ScrapeTargets(
        through=dict.fromkeys(("redis", "sentinel", "sentinel-relay"), "redis-exporter"), silent=("redis_up",)
    )

    def holdings(self) -> Sequence[Holding]:
        """Without a sentinel that remembers, an empty Redis cannot be told from the master: then all three must have their data."""
        return (
            Holding(group="redis", what="the keys", enough=2, along=("sentinel",)),
            Holding(group="sentinel", what="the current master", enough=2, source=("redis",), along=("redis",)),
        )

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Facts:
        return readiness.probe(access, test_writes=test_writes)

    def assess(self, facts: Facts) -> Readiness:
        return readiness.assess(facts)

    def statuses(self, facts: Facts) -> Sequence[ServiceStatus]:
        return status.statuses(facts)

    def prepare(self, access: InstanceAccess, facts: Facts) -> None:
        """Nothing: the sentinels elect whom they need."""

    def credentials(self, access: InstanceAccess) -> Credentials:
        return variables.credentials(access)

    def seed(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.redis import seed

        return seed.seed(access)

    def apply(self, access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.redis import seed

        return seed.apply(access, files)

    def variables(self, access: InstanceAccess, view: View) -> Sequence[Variable]:
        return variables.variables(access, view)

    def endpoints(self, values: Mapping[str, str]) -> Iterable[PublishedEndpoint]:
        from nexusdev.components.redis.quick_proof import endpoints

        return endpoints(values)

    def prove(self, access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.redis import proof

        return proof.prove(access, values)

    def rotate(self, access: InstanceAccess) -> Sequence[Change]:
        from nexusdev.components.redis import rotate

        return rotate.rotate(access)

    def client(self, arguments: Sequence[str]) -> Client | None:
        """redis-cli at the master, as the application; ``--user nexus_admin`` and ``-h redis-replica`` among the arguments change that."""
        return Client(
            service=names.SERVERS[0],
            argv=("bash", "/opt/nexus/client.sh", *arguments),
            reads_stdin=reads_stdin(arguments),
        )


def create() -> Component:
    """Return a new component. It keeps what it learns of one instance, so that each context has its own."""
    return Redis()
