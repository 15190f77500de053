"""Asks servers, sentinels, the relay and the role names of Redis, all at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nexusdev.components.redis import names
from nexusdev.components.redis.light_client import as_admin, fields, words
from nexusdev.components.redis.readiness import Facts, RedisServer, RelayStatus, Sentinel
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together
from nexusdev.wire.resp import RedisError, RedisSession

# Seconds. The engine's proxy accepts connections before the container listens, so the timeout is short.
PATIENCE = 1.0


def probe(access: InstanceAccess, *, test_writes: bool = False) -> Facts:
    """Ask the servers at once; then sentinels, the relay and role names, if any server answers.

    Args:
        access: The instance.
        test_writes: Let each master remove a key that does not exist. A server that rejects writes rejects this too, and no other
            command tells whether it does.

    Returns:
        The facts. A server that does not answer is one of them, with its ``trouble``.
    """
    servers = together({name: partial(_server, access, name, test_writes) for name in names.servers(access)})
    if all(server.trouble for server in servers.values()):
        return Facts(servers=tuple(servers.values()))
    questions: dict[str, Callable[[], RedisServer | Sentinel | RelayStatus]] = {
        **{name: partial(_sentinel, access, name) for name in names.sentinels(access)},
        **{name: partial(_server, access, name, test_writes) for name in (names.MASTER, names.REPLICA)},
        **{f"relay of {name}": partial(_relay, access, name, port) for name, port in names.relay_ports(access).items()},
    }
    seen = together(questions).values()
    return Facts(
        servers=tuple(servers.values()),
        sentinels=tuple(each for each in seen if isinstance(each, Sentinel)),
        routes=tuple(each for each in seen if isinstance(each, RedisServer)),
        relays=tuple(each for each in seen if isinstance(each, RelayStatus)),
    )


def _server(access: InstanceAccess, name: str, test_writes: bool) -> RedisServer:
    address = str(access.address(name, names.PORT))
    try:
        with as_admin(access, name, timeout=PATIENCE) as connection:
            found = fields(connection.ask("INFO", "server", "persistence", "replication", "memory"))
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
        memory=int(found.get("used_memory") or 0),
        memory_limit=int(found.get("maxmemory") or 0),
        policy=found.get("maxmemory_policy", ""),
    )


def _refusal(connection: RedisSession) -> str:
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


def _relay(access: InstanceAccess, sentinel: str, port: int) -> RelayStatus:
    name = names.relay(access)
    try:
        with as_admin(access, name, port, timeout=PATIENCE) as connection:
            reply = connection.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", names.MASTER_NAME)
    except (OSError, RedisError) as error:
        return RelayStatus(name=name, sentinel=sentinel, trouble=words(error))
    return RelayStatus(
        name=name, sentinel=sentinel, master=":".join(map(str, reply)) if isinstance(reply, list) else ""
    )
