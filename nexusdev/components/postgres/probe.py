"""Collects the facts of every Patroni, etcd member and published path in parallel, each with its own timeout."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components import https_connection
from nexusdev.components.postgres import names
from nexusdev.components.postgres.readiness import Facts, Member, Route, Serves, Store
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.util.parallel import together
from nexusdev.wire import postgres as wire

TIMEOUT = 2.0
_OK = 200

_ROLE = "SELECT pg_is_in_recovery()"
_ROLE_AND_SEEDED = f"{_ROLE}, EXISTS (SELECT FROM pg_roles WHERE rolname = '{names.PROBE}')"
# A transaction in the log that changes no data. Its commit waits for the quorum like any other, and only a write proves that writes are acknowledged.
_WRITE = "SELECT pg_logical_emit_message(true, 'nexusdev', '')"


def probe(access: InstanceAccess, *, test_writes: bool = False) -> Facts:
    """Ask every Patroni and etcd member at once; once there is a leader, log in through each published path.

    Args:
        access: The instance.
        test_writes: Also commit an empty transaction on the primary, which waits for the quorum like any other.
    """
    nodes, stores = names.nodes(access), names.stores(access)
    questions: dict[str, Callable[[], Any]] = {
        **{node: partial(_view if stores else _alone, access, node) for node in nodes},
        **{store: partial(_store, access, store) for store in stores},
    }
    answers = together(questions)
    facts = Facts(
        nodes=nodes,
        views={node: answers[node] for node in nodes if answers[node] is not None},
        stores={store: answers[store] for store in stores},
    )
    if not any(member.leads and member.serves for view in facts.views.values() for member in view):
        return facts
    return _with_paths(access, facts, test_writes=test_writes)


def _with_paths(access: InstanceAccess, facts: Facts, *, test_writes: bool) -> Facts:
    """The facts with what each published path answers.

    The paths to the nodes log in to the maintenance database, which exists before anything is seeded: they tell whether a server
    accepts logins and writes. What belongs to one database, such as its extensions, is not to be seen there. A check of the
    application's database belongs in ``_pool``, which logs in to it once it is seeded; its result is a field of ``Route``.
    """
    superuser = _Login(access=access, user=names.SUPERUSER, database=names.MAINTENANCE)
    answers = together(
        {
            "primary": lambda: superuser.read_primary(
                access.address(names.PRIMARY, names.SQL), test_writes=test_writes
            ),
            "replica": lambda: (superuser.read(access.address(names.REPLICA, names.SQL)), False),
        }
    )
    primary, has_roles = answers["primary"]
    pool = _pool(access, has_roles)
    return replace(facts, primary=primary, replica=answers["replica"][0], pool=pool, has_roles=has_roles)


def _pool(access: InstanceAccess, has_roles: bool) -> Route:
    """Through the pool to the primary. Before the roles are seeded only whether it is there: a failed login would be remembered."""
    address = access.address(names.POOL, names.POOLED)
    if has_roles:
        return _Login(access=access, user=names.PROBE, database=names.DATABASE).read(address)
    try:
        wire.greet(address, context=https_connection.context(access), timeout=TIMEOUT)
    except (wire.PostgresError, OSError) as error:
        return _troubled(error)
    return Route(serves=Serves.REFUSED, answer="not seeded yet")


def _view(access: InstanceAccess, node: str) -> tuple[Member, ...] | None:
    """The cluster in the words of one node; itself alone when it cannot ask etcd; None when it does not answer."""
    address = access.address(node, names.REST)
    try:
        answer = https_connection.get(address, "/cluster", access=access, timeout=TIMEOUT, name=node)
        if answer.status == _OK:
            return members_of(answer.json())
    except ConnectionRefusedError:
        return None
    except (OSError, ValueError):
        pass
    try:
        return (
            own_member(
                node, https_connection.get(address, "/patroni", access=access, timeout=TIMEOUT, name=node).json()
            ),
        )
    except (OSError, ValueError):
        return None


def _alone(access: InstanceAccess, node: str) -> tuple[Member, ...] | None:
    """A server without Patroni: its timeline shows that it answers; None when it does not. It is its own leader."""
    login = _Login(access=access, user=names.SUPERUSER, database=names.MAINTENANCE)
    try:
        with login.session(access.address(node, names.SQL)) as session:
            timeline = session.ask("SELECT timeline_id FROM pg_control_checkpoint()")[0][0]
    except (wire.PostgresError, OSError):
        return None
    return (Member(name=node, role="leader", state="running", timeline=int(timeline or 0)),)


def _store(access: InstanceAccess, store: str) -> Store:
    """``POST /v3/maintenance/status``: which member this one reports as leader."""
    try:
        answer = https_connection.request(
            "POST",
            access.address(store, names.ETCD),
            "/v3/maintenance/status",
            access=access,
            timeout=TIMEOUT,
            name=store,
            body=b"{}",
        )
        reply = answer.json()
    except (OSError, ValueError):
        return Store()
    leader = reply.get("leader", "0")
    return Store(
        answers=answer.status == _OK,
        has_leader=leader != "0" and not reply.get("errors"),
        leads=leader != "0" and leader == reply.get("header", {}).get("member_id"),
    )


class _Login(Struct, frozen=True, kw_only=True):
    """A role and a database, tried at an address."""

    access: InstanceAccess
    user: str
    database: str

    def read_primary(self, address: Address, *, test_writes: bool) -> tuple[Route, bool]:
        """Who is there, whether a write is acknowledged by the quorum (where that is tested), and whether the roles exist."""
        path, seeded = Route(), False
        try:
            with self.session(address) as session:
                standby, known = session.ask(_ROLE_AND_SEEDED)[0]
                path, seeded = _there(standby), known == "t"
                path = replace(path, writes=False if test_writes else None)
                if test_writes and path.serves is Serves.PRIMARY:
                    session.ask(_WRITE)
                    path = replace(path, writes=True)
        except (wire.PostgresError, OSError) as error:
            path = _troubled(error) if path.serves is Serves.UNASKED else replace(path, answer=str(error))
        return path, seeded

    def read(self, address: Address) -> Route:
        """Who is there."""
        try:
            with self.session(address) as session:
                return _there(session.ask(_ROLE)[0][0])
        except (wire.PostgresError, OSError) as error:
            return _troubled(error)

    def session(self, address: Address) -> AbstractContextManager[wire.PostgresSession]:
        """Log in."""
        return wire.connect(
            address=address,
            database=self.database,
            user=self.user,
            password=self.access.secrets.read(names.PASSWORDS[self.user]),
            context=https_connection.context(self.access),
            timeout=TIMEOUT,
        )


def _there(standby: str | None) -> Route:
    return Route(serves=Serves.REPLICA if standby == "t" else Serves.PRIMARY)


def _troubled(error: Exception) -> Route:
    return Route(serves=Serves.REFUSED if isinstance(error, wire.PostgresError) else Serves.SILENT, answer=str(error))


def members_of(document: Any) -> tuple[Member, ...]:
    """The members of Patroni's ``GET /cluster``. Pure."""
    return tuple(
        Member(
            name=member["name"],
            role=member["role"],
            state=member["state"],
            timeline=member.get("timeline", 0),
            lag=member["lag"] if isinstance(member.get("lag"), int) else 0 if member["role"] == "leader" else -1,
        )
        for member in document.get("members", ())
    )


def own_member(name: str, document: Any) -> Member:
    """The node as it reports itself (``GET /patroni``), for when etcd does not answer. Pure."""
    standby = document.get("quorum_standby") or document.get("sync_standby")
    role = "leader" if document.get("role") in ("primary", "master") else "quorum_standby" if standby else "replica"
    state = document.get("replication_state") or document.get("state", "")
    return Member(
        name=name, role=role, state=state, timeline=document.get("timeline", 0), lag=0 if role == "leader" else -1
    )
