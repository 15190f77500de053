"""Fencing: deletes the leader key of a PostgreSQL server that has ended, so that a replica is promoted now and not at the end of the lease.

It is safe because the caller has proven that the server's processes do not exist any more: the key protects nothing. A paused or unreachable
server is never fenced, as it may still take writes. The deletion is a transaction of etcd that is guarded by the value of the key (the name of
the server) and by its revision: a key that was written again meanwhile stays.

The same transaction takes the address of its REST API out of the server's entry among the members. A replica asks every member that has one
before it promotes itself, and waits two seconds (fixed in Patroni) for one whose address does not exist any more. The server writes its entry
anew when it starts again; otherwise the entry ends with its lease, as it would have.
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
MEMBERS = "/nexus/nexus/members/"
_OK = 200
_TIMEOUT = 1.0


class Entry(Struct, frozen=True, kw_only=True):
    """A key as etcd has it.

    Attributes:
        key: The key.
        value: Its value. That of the leader key is the name of the server that leads.
        revision: The revision of etcd that wrote it last.
        lease: The lease that it ends with, in etcd's notation; "0" for none.
    """

    key: str
    value: str
    revision: int
    lease: str = "0"


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
    leader = entry(_ask(access, store, "/v3/kv/range", {"key": _encoded(LEADER_KEY)}))
    if leader is None:
        return Fencing(service=service, why="no server holds the leader key")
    if leader.value != service:
        return Fencing(service=service, why=f"{leader.value} holds the leader key")
    member = entry(_ask(access, store, "/v3/kv/range", {"key": _encoded(MEMBERS + service)}))
    if _ask(access, store, "/v3/kv/txn", transaction(leader, member)).get("succeeded"):
        return Fencing(service=service, done=f"deleted the leader key of {service} (revision {leader.revision})")
    return Fencing(service=service, why="the leader key was written again meanwhile")


def entry(document: Mapping[str, Any]) -> Entry | None:
    """Return the key from etcd's reply to a range request; None if it does not exist. Pure."""
    for found in document.get("kvs", ()):
        return Entry(
            key=b64decode(found["key"]).decode(),
            value=b64decode(found["value"]).decode(),
            revision=int(found["mod_revision"]),
            lease=str(found.get("lease", "0")),
        )
    return None


def transaction(leader: Entry, member: Entry | None) -> Mapping[str, Any]:
    """Return the transaction that fences a server. It changes nothing if one of the keys is another one by now. Pure.

    Args:
        leader: The leader key as it was read; it is deleted.
        member: The server's entry among the members as it was read; it loses its address. None if there is none.
    """
    compare = [_is_still(leader, "VALUE"), _is_still(leader, "MOD")]
    success: list[Mapping[str, Any]] = [{"request_delete_range": {"key": _encoded(leader.key)}}]
    if member is not None:
        compare.append(_is_still(member, "MOD"))
        put = {"key": _encoded(member.key), "value": _encoded(_without_address(member.value)), "lease": member.lease}
        success.append({"request_put": put})
    return {"compare": compare, "success": success}


def _is_still(found: Entry, target: str) -> Mapping[str, str]:
    same = {"value": _encoded(found.value)} if target == "VALUE" else {"mod_revision": str(found.revision)}
    return {"key": _encoded(found.key), "target": target, "result": "EQUAL", **same}


def _without_address(member: str) -> str:
    """Return a member's entry without the address of its REST API."""
    return json.dumps({name: value for name, value in json.loads(member).items() if name != "api_url"})


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
