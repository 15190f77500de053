"""Removes the application's keys in all databases of Redis, and seeds it again. Keys of leases, users and functions stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.components.baseline import Baseline
from nexusdev.components.contract import Change
from nexusdev.components.redis import names
from nexusdev.components.redis.lease import KEYS, databases
from nexusdev.components.redis.light_client import as_admin, words
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import pluralize
from nexusdev.wire.resp import RedisError, RedisSession

_HINT = "nexusdev status   show the state of Redis\nnexusdev logs redis   show the servers' logs"
#: Some keys per call: a long script would block the server, and the sentinels would replace it.
_REMOVE = """
local found = redis.call('SCAN', ARGV[1], 'COUNT', 1000)
local gone = {}
for _, key in ipairs(found[2]) do
    if string.sub(key, 1, #ARGV[2]) ~= ARGV[2] then gone[#gone + 1] = key end
end
if #gone > 0 then redis.call('UNLINK', unpack(gone)) end
return {found[1], #gone}
"""
# The gateway's checks of the servers are connections too, without a login and for a moment only.
_CHECKS = frozenset({"NULL", "ping", "hello", "auth", "role", "info", "quit"})
_LASTING = 2


def connected_clients(access: InstanceAccess) -> Sequence[str]:
    """Return the application's connections to every server that answers."""
    found: list[str] = []
    for name in names.servers(access):
        try:
            with as_admin(access, name, timeout=5.0) as session:
                listed = str(session.ask("CLIENT", "LIST", "TYPE", "normal"))
        except (RedisError, OSError):
            continue  # readiness was checked: a server that is down has no clients
        clients = (dict(word.partition("=")[::2] for word in line.split()) for line in listed.splitlines())
        found += [_described(client, name) for client in clients if _is_application(client)]
    return tuple(found)


def reset_data(access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
    """Remove the keys on the master, then seed. The record of applied seed files is such a key."""
    try:
        with as_admin(access, names.MASTER, timeout=10.0) as session:
            count = sum(_remove_from(session, database) for database in databases(session))
            session.ask("SELECT", "0")  # the connection may be a kept one
    except (RedisError, OSError) as error:
        raise SeedingFailed("Redis: removing the keys failed", why=words(error), hint=_HINT) from error
    baseline.seed()
    return (Change(what=f"removed {pluralize(count, 'key')}"),)


def _remove_from(session: RedisSession, database: str) -> int:
    """Remove the keys of one database that are no lease's. Returns how many."""
    session.ask("SELECT", database)
    cursor, removed = "0", 0
    while True:
        reply = session.ask("EVAL", _REMOVE, "0", cursor, KEYS)
        if not isinstance(reply, list):
            return removed
        cursor, removed = str(reply[0]), removed + int(str(reply[1]))
        if cursor == "0":
            return removed


def _is_application(client: Mapping[str, str]) -> bool:
    user = client.get("user", "")
    if user == names.DEFAULT_USER:
        return client.get("cmd") not in _CHECKS or int(client.get("age", "0")) > _LASTING
    return user == names.APP_USER


def _described(client: Mapping[str, str], name: str) -> str:
    program = f", {client['name']}" if client.get("name") else ""
    return f"{client.get('user')} at {name} from {client.get('addr')}, last command {client.get('cmd')}{program}"
