"""Seeds Redis: users on every node, and the nonce of this instance.

The nonce is the result of a function, not a key: neither eviction nor FLUSHALL nor an application that deletes all keys removes it,
and it is replicated and persisted like data.
"""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import Change
from nexusdev.components.redis import users
from nexusdev.components.redis.client import RedisClient, ResponseError, as_admin
from nexusdev.components.redis.light_client import words
from nexusdev.components.redis.probe import probe
from nexusdev.components.redis.quick_proof import MARK
from nexusdev.components.redis.readiness import master_of
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.resp import RedisError

HINT = "nexusdev status   show the state of Redis\nnexusdev logs redis   show the servers' logs"


def seed(access: InstanceAccess) -> Sequence[Change]:
    """Set the users on every node and write the instance's nonce to the master.

    Raises:
        SeedingFailed: There is not exactly one master, or a server rejects a change.
    """
    try:
        changes = [*users.align(access), *_mark(access, master(access))]
    except (OSError, RedisError) as error:
        raise SeedingFailed("failed to seed Redis", why=words(error), hint=HINT) from error
    return tuple(Change(what=what) for what in changes)


def master(access: InstanceAccess) -> str:
    """Return the service that is the master. Changes go to it directly, because the gateway follows a failover a moment later.

    Raises:
        SeedingFailed: There is not exactly one master.
    """
    found = master_of(probe(access))
    if found is None:
        raise SeedingFailed("failed to seed Redis", why="there is not exactly one master", hint=HINT)
    return found.name


def library(nonce: str) -> str:
    """Return the Lua function that returns the nonce. It runs on replicas too, even on one that has lost its master."""
    return (
        "#!lua name=nexusdev\n"
        "redis.register_function{function_name='nexusdev_instance', flags={'no-writes', 'allow-stale'},"
        f" callback=function() return '{nonce}' end}}\n"
    )


def _mark(access: InstanceAccess, name: str) -> tuple[str, ...]:
    with as_admin(access, name) as connection:
        if marked(connection) == access.nonce:
            return ()
        connection.function_load(library(access.nonce), replace=True)
    return ("wrote the instance's nonce",)


def marked(connection: RedisClient) -> str:
    """The nonce that the store carries, '' when it carries none."""
    try:
        return str(connection.fcall_ro(MARK, 0))
    except ResponseError as error:
        if "not found" in str(error).lower():
            return ""
        raise
