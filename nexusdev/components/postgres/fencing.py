"""Fencing: deletes the leader key of a PostgreSQL server that has ended, so that a replica is promoted now and not at the end of the lease.

It is safe because the caller has proven that the server's processes do not exist any more: the key protects nothing. A paused or unreachable
server is never fenced, as it may still take writes. The deletion is a transaction of etcd that is guarded by the value of the key (the name of
the server) and by its revision: a key that was written again meanwhile stays.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from nexusdev.components import https_connection
from nexusdev.components.drills import Fencing
from nexusdev.components.postgres import names
from nexusdev.interfaces import InstanceAccess

#: Patroni's key, as compose/postgres/patroni.yml names it.
LEADER_KEY = "/nexus/nexus/leader"
_OK = 200
_TIMEOUT = 1.0


class LeaderKey(Struct, frozen=True, kw_only=True):
    """The key as etcd has it.

    Attributes:
        holder: Its value: the name of the server that leads.
        revision: The revision of etcd that wrote it last.
    """

    holder: str
    revision: int


def fence(access: InstanceAccess, service: str) -> Fencing:
    """Delete the leader key of a server that has provably ended.

    Args:
        access: The instance.
        service: The server.

    Returns:
        What was done; nothing if the server is no PostgreSQL server or does not hold the key, or if no member of etcd answers.
    """
    if service not in names.nodes(access):
        return Fencing(service=service, why="it is no PostgreSQL server")
    trouble = ""
    for store in names.stores(access):
        try:
            return _fence(access, store, service)
        except (OSError, ValueError, KeyError) as error:
            trouble = f"{store}: {error}"
    return Fencing(service=service, why=f"no member of etcd answers; {trouble}")


def _fence(access: InstanceAccess, store: str, service: str) -> Fencing:
    key = leader_key(_ask(access, store, "/v3/kv/range", {"key": _encoded(LEADER_KEY)}))
    if key is None:
        return Fencing(service=service, why="no server holds the leader key")
    if key.holder != service:
        return Fencing(service=service, why=f"{key.holder} holds the leader key")
    if _ask(access, store, "/v3/kv/txn", deletion(key)).get("succeeded"):
        return Fencing(service=service, done=f"deleted the leader key of {service} (revision {key.revision})")
    return Fencing(service=service, why="the leader key was written again meanwhile")


def leader_key(document: Mapping[str, Any]) -> LeaderKey | None:
    """Return the key from etcd's reply to a range request; None if it does not exist. Pure."""
    for found in document.get("kvs", ()):
        return LeaderKey(holder=b64decode(found["value"]).decode(), revision=int(found["mod_revision"]))
    return None


def deletion(key: LeaderKey) -> Mapping[str, Any]:
    """Return the transaction that deletes the key as it was read, and changes nothing if it is another one by now. Pure."""
    name = _encoded(LEADER_KEY)
    return {
        "compare": [
            {"key": name, "target": "VALUE", "result": "EQUAL", "value": _encoded(key.holder)},
            {"key": name, "target": "MOD", "result": "EQUAL", "mod_revision": str(key.revision)},
        ],
        "success": [{"request_delete_range": {"key": name}}],
    }


def _ask(access: InstanceAccess, store: str, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = https_connection.request(
        "POST",
        access.address(store, names.ETCD),
        path,
        access=access,
        timeout=_TIMEOUT,
        name=store,
        body=json.dumps(body).encode(),
    )
    if answer.status != _OK:
        raise ConnectionError(f"HTTP {answer.status}: {answer.text[:200]}")
    reply: Mapping[str, Any] = answer.json()
    return reply


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
