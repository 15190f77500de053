"""Readiness of Redis: one writable master, its replicas in sync, sentinels that agree, and all paths lead there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from nexusdev.components.contract import Readiness
from nexusdev.components.redis import names
from nexusdev.util.humanize import join_names


class RedisServer(Struct, frozen=True, kw_only=True):
    """What one of the servers, or the server behind a role name, reports.

    Attributes:
        trouble: Why it does not answer, '' when it does.
        refusal: Why it takes no writes, '' when it does or was not asked; asked of a master only.
        follows: The name of its master; '' for a master.
        in_step: Its link to the master is up and nothing is being copied.
        replicas: How many replicas are attached and answer.
        offset: Position in the stream of changes, bytes.
        address: Where the host reaches it.
        memory: Bytes in use.
        memory_limit: Bytes that it may use; 0 for no limit.
        policy: What it does at the limit: ``noeviction``, ``allkeys-lru`` and others.
    """

    name: str
    trouble: str = ""
    run_id: str = ""
    role: str = ""
    loading: bool = False
    follows: str = ""
    in_step: bool = False
    replicas: int = 0
    offset: int = 0
    refusal: str = ""
    address: str = ""
    memory: int = 0
    memory_limit: int = 0
    policy: str = ""

    @property
    def is_master(self) -> bool:
        return self.role == "master"

    @property
    def memory_share(self) -> float:
        """Memory in use as a share of the limit; 0 without a limit."""
        return self.memory / self.memory_limit if self.memory_limit else 0.0

    @property
    def evicts_any_key(self) -> bool:
        """Whether keys without a TTL are removed at the limit: jobs of a queue, for example."""
        return self.policy.startswith("allkeys-")


class Sentinel(Struct, frozen=True, kw_only=True):
    """What one sentinel reports about the master.

    Attributes:
        master: The name that it gives to clients; '' if it does not monitor a master yet.
        flags: ``master``, ``s_down``, ``o_down``, ``failover_in_progress`` and others.
    """

    name: str
    trouble: str = ""
    master: str = ""
    sentinels: int = 0
    replicas: int = 0
    flags: tuple[str, ...] = ()


class RelayStatus(Struct, frozen=True, kw_only=True):
    """Where the relay sends applications on the host that ask one sentinel: ``127.0.0.1:21070``."""

    name: str
    sentinel: str
    trouble: str = ""
    master: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that was seen. ``routes``: what is behind redis-master and redis-replica."""

    servers: tuple[RedisServer, ...] = ()
    sentinels: tuple[Sentinel, ...] = ()
    routes: tuple[RedisServer, ...] = ()
    relays: tuple[RelayStatus, ...] = ()


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure, so every bad day is one test row."""
    missing = next(_complaints(facts), "")
    return Readiness(missing=missing, seedable=bool(missing) and _is_seedable(facts))


def master_of(facts: Facts) -> RedisServer | None:
    """The one master, if there is exactly one."""
    masters = [server for server in facts.servers if server.is_master]
    return masters[0] if len(masters) == 1 else None


def _is_seedable(facts: Facts) -> bool:
    master = master_of(facts)
    return master is not None and not master.refusal and not any(server.trouble for server in facts.servers)


def _complaints(facts: Facts) -> Iterator[str]:
    """What is missing, the causes before what follows from them."""
    for server in facts.servers:
        if server.trouble:
            yield f"{server.name} does not answer: {server.trouble}"
        elif server.loading:
            yield f"{server.name} is still loading its data"
    masters = [server for server in facts.servers if server.is_master]
    match masters:
        case [master]:
            yield from _about_replication(master, facts.servers)
            yield from _about_sentinels(master, facts)
            yield from _about_ways(master, facts)
        case []:
            yield "no server is master yet"
        case several:
            yield f"{len(several)} masters: {join_names([server.name for server in several])}"


def _about_replication(master: RedisServer, servers: Sequence[RedisServer]) -> Iterator[str]:
    for server in servers:
        if server.is_master:
            continue
        if server.follows != master.name:
            yield f"{server.name} follows {server.follows or 'no master'}, but {master.name} is master"
        elif not server.in_step:
            yield f"{server.name} is not in sync with {master.name} yet"
    if master.replicas < (expected := len(servers) - 1):
        yield f"{master.name} has {master.replicas} of {expected} replicas"
    if master.refusal:
        yield f"{master.name} does not accept writes: {master.refusal}"


def _about_sentinels(master: RedisServer, facts: Facts) -> Iterator[str]:
    others, replicas = len(facts.sentinels) - 1, len(facts.servers) - 1
    for sentinel in facts.sentinels:
        if sentinel.trouble:
            yield f"{sentinel.name} does not answer: {sentinel.trouble}"
        elif not sentinel.master:
            yield f"{sentinel.name} does not monitor a master yet"
        elif sentinel.master != master.name:
            yield f"{sentinel.name} reports {sentinel.master} as master instead of {master.name}"
        elif down := {"s_down", "o_down", "failover_in_progress"} & set(sentinel.flags):
            yield f"{sentinel.name} marks {master.name} as {', '.join(sorted(down))}"
        elif sentinel.sentinels < others:
            yield f"{sentinel.name} sees {sentinel.sentinels} of {others} other sentinels"
        elif sentinel.replicas < replicas:
            yield f"{sentinel.name} sees {sentinel.replicas} of {replicas} replicas"


def _about_ways(master: RedisServer, facts: Facts) -> Iterator[str]:
    for route in facts.routes:
        behind = next((server.name for server in facts.servers if server.run_id == route.run_id), "an unknown server")
        if route.trouble:
            yield f"{route.name} does not answer at the gateway: {route.trouble}"
        elif (route.name == names.MASTER or len(facts.servers) == 1) != (route.run_id == master.run_id):
            yield f"{route.name} routes to {behind}, but {master.name} is master"
        elif route.refusal:
            yield f"{route.name} does not accept writes: {route.refusal}"
    for relay in facts.relays:
        if relay.trouble:
            yield f"{relay.name} does not answer for {relay.sentinel}: {relay.trouble}"
        elif relay.master != master.address:
            reported = relay.master or "no master"
            yield f"{relay.name} reports {reported} for {relay.sentinel}, but the master is at {master.address}"
