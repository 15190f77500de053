"""Redis as the engine sees it: the contract of components, each method one line that says where it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.contract import (
    Change,
    Client,
    Component,
    Credentials,
    Node,
    Proof,
    Readiness,
    SeedFile,
    Variable,
)
from nexusdev.components.redis import names, readiness, status, variables
from nexusdev.components.redis.arguments import reads_stdin
from nexusdev.components.redis.readiness import Facts
from nexusdev.plan.losses import Holding
from nexusdev.ports import Site, View


class Redis:
    """One master, two replicas, three sentinels."""

    name = names.NAME
    title = names.TITLE

    def holdings(self) -> Sequence[Holding]:
        """Without a sentinel that remembers, an empty Redis cannot be told from the master: then all three must have their data."""
        return (
            Holding(group="redis", what="the keys", enough=2, along=("sentinel",)),
            Holding(group="sentinel", what="who is master", enough=2, source=("redis",), along=("redis",)),
        )

    def look(self, site: Site) -> Facts:
        return readiness.look(site)

    def judge(self, facts: Facts) -> Readiness:
        return readiness.judge(facts)

    def nodes(self, facts: Facts) -> Sequence[Node]:
        return status.nodes(facts)

    def prepare(self, site: Site, facts: Facts) -> None:
        """Nothing: the sentinels elect whom they need."""

    def credentials(self, site: Site) -> Credentials:
        return variables.credentials(site)

    def seed(self, site: Site, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        del credentials
        from nexusdev.components.redis import seed

        return seed.seed(site)

    def apply(self, site: Site, files: Sequence[SeedFile]) -> Sequence[Change]:
        from nexusdev.components.redis import seed

        return seed.apply(site, files)

    def variables(self, site: Site, view: View) -> Sequence[Variable]:
        return variables.variables(site, view)

    def prove(self, site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
        from nexusdev.components.redis import proof

        return proof.prove(site, values)

    def rotate(self, site: Site) -> Sequence[Change]:
        from nexusdev.components.redis import seed

        return seed.rotate(site)

    def client(self, arguments: Sequence[str]) -> Client | None:
        """redis-cli at the master, as the application; ``--user nexus_admin`` and ``-h redis-replica`` among the arguments change that."""
        return Client(
            service=names.SERVERS[0],
            argv=("bash", "/opt/nexus/client.sh", *arguments),
            reads_stdin=reads_stdin(arguments),
        )


COMPONENT: Component = Redis()
