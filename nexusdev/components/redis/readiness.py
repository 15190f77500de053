"""Readiness of Redis: one writable master, two replicas in sync, three sentinels that agree, and all paths lead there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from msgspec import Struct

from nexusdev.components.contract import Readiness
from nexusdev.components.redis import names
from nexusdev.components.redis.light_client import as_admin, fields, words
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import join_names
from nexusdev.util.parallel import together
from nexusdev.wire.resp import Connection, RedisError

# Seconds. The engine's proxy takes connections for a container that does not listen yet: do not wait there for long.
PATIENCE = 1.0


class RedisServer(Struct, frozen=True, kw_only=True):
    """What one of the three servers, or the server behind a role name, says of itself.

    trouble   why it does not answer, '' when it does
    refusal   why it takes no writes, '' when it does or was not asked; asked of a master only
    follows   the name of its master; '' for a master
    in_step   its link to the master is up and nothing is being copied
    replicas  how many replicas are attached and answer
    offset    position in the stream of changes, bytes
    address   where the host reaches it
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

    @property
    def is_master(self) -> bool:
        return self.role == "master"


class Sentinel(Struct, frozen=True, kw_only=True):
    """What one sentinel says of the master.

    master  the name that it tells clients, '' when it watches none yet
    flags   ``master``, ``s_down``, ``o_down``, ``failover_in_progress``, …
    """

    name: str
    trouble: str = ""
    master: str = ""
    sentinels: int = 0
    replicas: int = 0
    flags: tuple[str, ...] = ()


class RelayStatus(Struct, frozen=True, kw_only=True):
    """Where a relay sends applications on the host: ``127.0.0.1:21070``."""

    name: str
    trouble: str = ""
    master: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """Everything that was seen. ``routes``: what is behind redis-master and redis-replica."""

    servers: tuple[RedisServer, ...] = ()
    sentinels: tuple[Sentinel, ...] = ()
    routes: tuple[RedisServer, ...] = ()
    relays: tuple[RelayStatus, ...] = ()


def probe(access: InstanceAccess, *, test_writes: bool = False) -> Facts:
    """Ask servers and sentinels at once; the gateway and the relays, once there is somebody behind them.

    ``test_writes``: have each master remove a key that does not exist. It is refused as any other write would be, and no other command
    tells whether it is.
    """
    servers = together({name: partial(_server, access, name, test_writes) for name in names.SERVERS})
    if all(server.trouble for server in servers.values()):
        return Facts(servers=tuple(servers.values()))
    questions: dict[str, Callable[[], RedisServer | Sentinel | RelayStatus]] = {
        **{name: partial(_sentinel, access, name) for name in names.SENTINELS},
        **{name: partial(_server, access, name, test_writes) for name in (names.MASTER, names.REPLICA)},
        **{name: partial(_relay, access, name) for name in names.RELAYS},
    }
    seen = together(questions).values()
    return Facts(
        servers=tuple(servers.values()),
        sentinels=tuple(each for each in seen if isinstance(each, Sentinel)),
        routes=tuple(each for each in seen if isinstance(each, RedisServer)),
        relays=tuple(each for each in seen if isinstance(each, RelayStatus)),
    )


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
            yield from _about_sentinels(master, facts.sentinels)
            yield from _about_ways(master, facts)
        case []:
            yield "no server is master yet"
        case several:
            yield f"two masters: {join_names([server.name for server in several])}"


def _about_replication(master: RedisServer, servers: Sequence[RedisServer]) -> Iterator[str]:
    for server in servers:
        if server.is_master:
            continue
        if server.follows != master.name:
            yield f"{server.name} follows {server.follows or 'no master'}, but {master.name} is master"
        elif not server.in_step:
            yield f"{server.name} is not in sync with {master.name} yet"
    if master.replicas < names.REPLICAS:
        yield f"{master.name} has {master.replicas} of {names.REPLICAS} replicas"
    if master.refusal:
        yield f"{master.name} does not accept writes: {master.refusal}"


def _about_sentinels(master: RedisServer, sentinels: Sequence[Sentinel]) -> Iterator[str]:
    others = len(names.SENTINELS) - 1
    for sentinel in sentinels:
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
        elif sentinel.replicas < names.REPLICAS:
            yield f"{sentinel.name} sees {sentinel.replicas} of {names.REPLICAS} replicas"


def _about_ways(master: RedisServer, facts: Facts) -> Iterator[str]:
    for route in facts.routes:
        behind = next((server.name for server in facts.servers if server.run_id == route.run_id), "an unknown server")
        if route.trouble:
            yield f"{route.name} does not answer at the gateway: {route.trouble}"
        elif (route.name == names.MASTER) != (route.run_id == master.run_id):
            yield f"{route.name} routes to {behind}, but {master.name} is master"
        elif route.refusal:
            yield f"{route.name} does not accept writes: {route.refusal}"
    for relay in facts.relays:
        if relay.trouble:
            yield f"{relay.name} does not answer: {relay.trouble}"
        elif relay.master != master.address:
            yield f"{relay.name} reports {relay.master or 'no master'}, but the master is at {master.address}"


def _server(access: InstanceAccess, name: str, test_writes: bool) -> RedisServer:
    address = str(access.address(name, names.PORT))
    try:
        with as_admin(access, name, timeout=PATIENCE) as connection:
            found = fields(connection.ask("INFO", "server", "persistence", "replication"))
            refusal = _refusal(connection) if test_writes and found.get("role") == "master" else ""
    except (OSError, RedisError) as error:
        return RedisServer(name=name, trouble=words(error), address=address)
    return RedisServer(
        name=name,
        run_id=found.get("run_id", ""),
        role=found.get("role", ""),
        loading=found.get("loading") == "1",
        follows=found.get("master_host", ""),
        in_step=found.get("master_link_status") == "up" and found.get("master_sync_in_progress") == "0",
        replicas=int(found.get("min_slaves_good_slaves") or 0),
        offset=int(found.get("slave_repl_offset") or found.get("master_repl_offset") or 0),
        refusal=refusal,
        address=address,
    )


def _refusal(connection: Connection) -> str:
    """Why a write is refused. Removing a key that is not there is a write that changes nothing."""
    try:
        connection.ask("DEL", names.CANARY)
    except RedisError as error:
        return str(error)
    return ""


def _sentinel(access: InstanceAccess, name: str) -> Sentinel:
    try:
        with as_admin(access, name, names.SENTINEL_PORT, timeout=PATIENCE) as connection:
            found = fields(connection.ask("SENTINEL", "MASTER", names.MASTER_NAME))
    except (OSError, RedisError) as error:
        unaware = "No such master" in str(error)
        return Sentinel(name=name, trouble="" if unaware else words(error))
    return Sentinel(
        name=name,
        master=found.get("ip", ""),
        sentinels=int(found.get("num-other-sentinels") or 0),
        replicas=int(found.get("num-slaves") or 0),
        flags=tuple(found.get("flags", "").split(",")),
    )


def _relay(access: InstanceAccess, name: str) -> RelayStatus:
    try:
        with as_admin(access, name, names.RELAY_PORT, timeout=PATIENCE) as connection:
            reply = connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", names.MASTER_NAME)
    except (OSError, RedisError) as error:
        return RelayStatus(name=name, trouble=words(error))
    return RelayStatus(name=name, master=":".join(map(str, reply)) if isinstance(reply, list) else "")
