"""Sets the users on every node from their secrets, and changes passwords without closing open connections.

Users are not replicated: each server and each sentinel has its own list, read from the secret when it starts. Here the running ones
follow. ``ACL LOAD`` would end the connections of changed users; ``ACL SETUSER`` leaves all of them open.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nexusdev.components.redis import names
from nexusdev.components.redis.client import RedisClient, ResponseError, as_admin, do
from nexusdev.components.redis.light_client import digest
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together
from nexusdev.util.passwords import random_password


def align(access: InstanceAccess) -> tuple[str, ...]:
    """Set the users of every node that answers to those of the secret. Returns one sentence per change."""
    return _everywhere(access, _align)


def add_password(access: InstanceAccess, new: str) -> tuple[str, ...]:
    """Let the application log in with ``new`` beside its present password, on every node that answers."""
    return _everywhere(access, partial(_add, rule=f"#{digest(new)}"))


def drop_password(access: InstanceAccess, old: str) -> tuple[str, ...]:
    """Refuse ``old`` from now on; who logged in with it stays."""
    return _everywhere(access, partial(_drop, rule=f"!{digest(old)}"))


def new_password() -> str:
    """32 characters that need no quoting anywhere."""
    return random_password(32)


def _everywhere(
    access: InstanceAccess, act: Callable[[RedisClient, tuple[str, ...]], tuple[str, ...]]
) -> tuple[str, ...]:
    """A node that is down is passed over: it takes its users from the secret when it starts."""

    def visit(name: str, port: int, secret: str) -> tuple[str, ...]:
        wanted = tuple(line for line in access.secrets.read(secret).splitlines() if line.startswith("user "))
        try:
            with as_admin(access, name, port) as connection:
                return tuple(f"{what} on {name}" for what in act(connection, wanted))
        except OSError:
            return ()

    nodes = (
        *((name, names.PORT, names.SERVER_USERS) for name in names.servers(access)),
        *((name, names.SENTINEL_PORT, names.SENTINEL_USERS) for name in names.sentinels(access)),
    )
    changes = together({name: partial(visit, name, port, secret) for name, port, secret in nodes})
    return tuple(what for each in changes.values() for what in each)


def _align(connection: RedisClient, wanted: tuple[str, ...]) -> tuple[str, ...]:
    present = set(connection.acl_list())
    lacking = [line.split()[1:] for line in wanted if line not in present]
    for user, *rules in lacking:
        do(connection, "ACL", "SETUSER", user, "reset", *rules)
    if lacking:
        connection.acl_save()
    return tuple(f"set user {user}" for user, *_ in lacking)


def _add(connection: RedisClient, _wanted: tuple[str, ...], *, rule: str) -> tuple[str, ...]:
    for user in names.APP_USERS:
        do(connection, "ACL", "SETUSER", user, rule)
    connection.acl_save()
    return (f"changed the password of {names.APP_USER}",)


def _drop(connection: RedisClient, _wanted: tuple[str, ...], *, rule: str) -> tuple[str, ...]:
    for user in names.APP_USERS:
        try:
            do(connection, "ACL", "SETUSER", user, rule)
        except ResponseError as error:
            if "not exist" not in str(error) and "doesn't exist" not in str(error):
                raise
    connection.acl_save()
    return ()
