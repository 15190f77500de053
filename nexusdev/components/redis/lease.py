"""Redis's part of a lease: a user that sees only the keys and channels with the lease's prefix.

ACL users are not replicated: the user is created on every server and every sentinel, and ``ACL SAVE`` keeps it on their volumes. A node that was
down gets it by ``restore``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from nexusdev.components.contract import Variable
from nexusdev.components.leases import LeasePartDefaults, Slice, hint
from nexusdev.components.redis import names, variables
from nexusdev.components.redis.light_client import as_admin, digest, words
from nexusdev.components.redis.variables import RedisLogin
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess, View
from nexusdev.util.parallel import together
from nexusdev.wire.resp import RedisError, RedisSession

_PREFIX = "nexus-lease-"
#: What the keys of every lease begin with.
KEYS = "lease:"
#: What the application may do, without the commands that show or change what belongs to others: names of their keys and channels, functions, scripts.
_COMMANDS = (
    *("+@all", "-@admin", "-@dangerous", "+info", "+role", "+sort", "+sort_ro"),
    *("-scan", "-randomkey", "-dbsize", "-pubsub|channels", "-pubsub|shardchannels", "-client|tracking"),
    *("-function", "-script|flush", "-script|kill"),
)
_REMOVE = """
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 1000)
if #found[2] > 0 then redis.call('UNLINK', unpack(found[2])) end
return found[1]
"""
R = TypeVar("R")


class RedisLease(LeasePartDefaults):
    """Implements ``components.leases.LeasePart``."""

    def make(self, access: InstanceAccess, slice_: Slice, *, template: Slice | None = None) -> Mapping[str, str]:
        del template
        _set_users(access, [slice_])
        return {}

    def empty(self, access: InstanceAccess, slice_: Slice) -> None:
        _remove_keys(access, prefix(slice_))

    def drop(self, access: InstanceAccess, slice_: Slice) -> None:
        """Remove the user first: its connections end, so that no key is written after the removal."""
        user = _user(slice_)

        def remove(session: RedisSession) -> None:
            if session.ask("ACL", "DELUSER", user):
                session.ask("ACL", "SAVE")

        _require_majority(access, _everywhere(access, lambda session, _: remove(session)))
        _remove_keys(access, prefix(slice_))

    def restore(self, access: InstanceAccess, slices: Iterable[Slice]) -> None:
        _set_users(access, list(slices))

    def found(self, access: InstanceAccess) -> frozenset[str]:
        answers = _everywhere(access, lambda session, _: session.ask("ACL", "USERS"))
        users = {str(user) for reply in answers.values() if isinstance(reply, list) for user in reply}
        return frozenset(user.removeprefix(_PREFIX) for user in users if user.startswith(_PREFIX))

    def describe(self, slice_: Slice) -> str:
        return f"{prefix(slice_)}*"

    def variables(self, access: InstanceAccess, slice_: Slice) -> Sequence[Variable]:
        login = RedisLogin(user=_user(slice_), password=_password(slice_))
        own = Variable(name="REDIS_KEY_PREFIX", value=prefix(slice_), comment="what every key and channel begins with")
        return (*variables.published(access, View.HOST, login), own)


def prefix(slice_: Slice) -> str:
    """Return what every key and channel of the slice begins with."""
    return f"{KEYS}{slice_.id}:"


def _user(slice_: Slice) -> str:
    return f"{_PREFIX}{slice_.id}"


def _password(slice_: Slice) -> str:
    return slice_.secret("redis")


def _set_users(access: InstanceAccess, slices: Sequence[Slice]) -> None:
    """Create the users that are missing, on every node that answers."""

    def create(session: RedisSession, port: int) -> None:
        users = session.ask("ACL", "USERS")
        present = {str(user) for user in users} if isinstance(users, list) else set()
        missing = [each for each in slices if _user(each) not in present]
        for each in missing:
            session.ask("ACL", "SETUSER", _user(each), "reset", *_rules(access, each, port))
        if missing:
            session.ask("ACL", "SAVE")

    _require_majority(access, _everywhere(access, create))


def _rules(access: InstanceAccess, slice_: Slice, port: int) -> tuple[str, ...]:
    """Return the rules of the slice's user. On a sentinel they are those of the application's user: a sentinel has no keys."""
    password = f"#{digest(_password(slice_))}"
    if port == names.PORT:
        pattern = f"{prefix(slice_)}*"
        return ("on", "sanitize-payload", password, f"~{pattern}", f"&{pattern}", *_COMMANDS)
    lines = (line.split() for line in access.secrets.read(names.SENTINEL_USERS).splitlines())
    rules = next(line[2:] for line in lines if line[:2] == ["user", names.APP_USER])
    return tuple(password if rule.startswith("#") else rule for rule in rules)


def _everywhere(access: InstanceAccess, act: Callable[[RedisSession, int], R]) -> Mapping[str, R]:
    """Return what each node that answers returned, by its name.

    Raises:
        SeedingFailed: A node rejects a command.
    """

    def visit(name: str, port: int) -> tuple[R, ...]:
        try:
            with as_admin(access, name, port, timeout=5.0) as session:
                return (act(session, port),)
        except OSError:
            return ()

    nodes = {
        **dict.fromkeys(names.servers(access), names.PORT),
        **dict.fromkeys(names.sentinels(access), names.SENTINEL_PORT),
    }
    try:
        answers = together({name: partial(visit, name, port) for name, port in nodes.items()})
    except RedisError as error:
        raise SeedingFailed(
            "Redis: changing the users of leases failed", why=words(error), hint=hint("Redis", "redis", words(error))
        ) from error
    return {name: each[0] for name, each in answers.items() if each}


def _require_majority(access: InstanceAccess, answers: Mapping[str, object]) -> None:
    """With a majority of the servers the master is among them, or one of them becomes it."""
    servers = names.servers(access)
    silent = [name for name in servers if name not in answers]
    if len(silent) * 2 > len(servers):
        raise SeedingFailed(
            "Redis: changing the users of leases failed",
            why=f"no answer from {', '.join(silent)}",
            hint=hint("Redis", "redis", ""),
        )


def _remove_keys(access: InstanceAccess, begin: str) -> None:
    """Remove the slice's keys on the master, in each of the databases that have any."""
    try:
        with as_admin(access, names.MASTER, timeout=10.0) as session:
            for database in databases(session):
                session.ask("SELECT", database)
                _remove_from(session, begin)
    except (RedisError, OSError) as error:
        raise SeedingFailed(
            "Redis: removing the keys of a lease failed", why=words(error), hint=hint("Redis", "redis", words(error))
        ) from error


def databases(session: RedisSession) -> list[str]:
    """The numbers of the databases that have keys."""
    lines = str(session.ask("INFO", "keyspace")).splitlines()
    return [line.partition(":")[0].removeprefix("db") for line in lines if line.startswith("db")]


def _remove_from(session: RedisSession, begin: str) -> None:
    """Remove the keys of the selected database, some per script: keys may be binary, and a long script would block the server."""
    cursor = "0"
    while (cursor := str(session.ask("EVAL", _REMOVE, "0", cursor, f"{begin}*"))) != "0":
        pass
