"""Readiness of PostgreSQL: one leader, all replicas in its quorum, etcd with a leader, and all three published paths serve.

The facts come from Patroni and etcd by their REST interfaces and from a real login through each path; the decision is pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, field

from nexusdev.components.contract import Readiness
from nexusdev.components.postgres import names
from nexusdev.util.humanize import join_names


class Member(Struct, frozen=True, kw_only=True):
    """A node as Patroni knows it: ``role`` leader, quorum_standby or replica; ``state`` running, streaming, creating replica, …

    Attributes:
        lag: Bytes behind the leader; -1 if unknown.
    """

    name: str
    role: str
    state: str
    timeline: int = 0
    lag: int = 0

    @property
    def leads(self) -> bool:
        return self.role == "leader"

    @property
    def serves(self) -> bool:
        return self.state in ("running", "streaming")


class Serves(StrEnum):
    """The server at the end of a published path.

    Attributes:
        UNASKED: It was not asked, because there is no leader yet.
        SILENT: Nothing answers.
        REFUSED: A server answers and refuses.
        PRIMARY: The primary answers.
        REPLICA: A replica answers.
    """

    UNASKED = "unasked"
    SILENT = "silent"
    REFUSED = "refused"
    PRIMARY = "primary"
    REPLICA = "replica"


class Route(Struct, frozen=True, kw_only=True):
    """How a published path answered.

    Attributes:
        writes: A write was acknowledged; None where none was tried.
        answer: The error message of the server or the system; '' if there is none.
    """

    serves: Serves = Serves.UNASKED
    writes: bool | None = False
    answer: str = ""


class Store(Struct, frozen=True, kw_only=True):
    """An etcd member: whether it answers, and whether it sees a leader (which takes a quorum)."""

    answers: bool = False
    has_leader: bool = False
    leads: bool = False


class Facts(Struct, frozen=True, kw_only=True):
    """All that was learned in one look.

    Attributes:
        nodes: Every server of the stack.
        views: Node → the cluster as it reports it. A node whose Patroni does not answer is missing; one without a cluster yet
            is empty.
        stores: Every etcd member of the stack → its state.
        has_roles: The roles exist, so that a login through the pool must work.
    """

    nodes: tuple[str, ...] = ()
    views: Mapping[str, tuple[Member, ...]] = field(default_factory=dict)
    stores: Mapping[str, Store] = field(default_factory=dict)
    primary: Route = field(default_factory=Route)
    replica: Route = field(default_factory=Route)
    pool: Route = field(default_factory=Route)
    has_roles: bool = False

    @property
    def is_alone(self) -> bool:
        """Whether the stack has a single server, without Patroni and etcd."""
        return not self.stores and len(self.nodes) == 1

    @property
    def members(self) -> tuple[Member, ...]:
        """The members in the words of the node that knows most of them."""
        return max(self.views.values(), key=len, default=())

    @property
    def leaders(self) -> tuple[str, ...]:
        """Every node that any node reports as leader; normally one."""
        return tuple(sorted({member.name for view in self.views.values() for member in view if member.leads}))


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. Seedable from the first acknowledged write on."""
    checks = (_stores, _cluster, _primary, _replicas, _replica_path, _pool)
    missing = next((words for check in checks if (words := check(facts))), "")
    return Readiness(missing=missing, seedable=_takes_writes(facts.primary) and len(facts.leaders) == 1)


def _takes_writes(path: Route) -> bool:
    """Whether it is the primary and no write was refused."""
    return path.serves is Serves.PRIMARY and path.writes is not False


def _stores(facts: Facts) -> str:
    if facts.is_alone:
        return ""
    agreeing = [name for name, store in facts.stores.items() if store.has_leader]
    if len(agreeing) > len(facts.stores) // 2:
        absent = [name for name in facts.stores if name not in agreeing]
        return f"{absent[0]} is not in etcd's quorum" if absent else ""
    answering = sum(store.answers for store in facts.stores.values())
    return f"etcd has no quorum: {answering} of {len(facts.stores)} members answer"


def _cluster(facts: Facts) -> str:
    if not facts.views:
        return "no node answers yet"
    if len(facts.leaders) > 1:
        return f"{len(facts.leaders)} leaders: {join_names(facts.leaders)}"
    if not facts.leaders:
        return f"no leader yet{_doing(facts.members)}"
    leader = _leader(facts)
    if leader.name not in facts.views:
        return f"leader {leader.name} does not answer"
    return "" if leader.serves else f"leader {leader.name} is {leader.state}"


def _primary(facts: Facts) -> str:
    path = facts.primary
    if path.serves is Serves.PRIMARY:
        return "" if _takes_writes(path) else f"{_leader(facts).name} does not acknowledge writes: {path.answer}"
    if path.serves is Serves.REPLICA:
        return f"the gateway still routes {names.PRIMARY} to a replica"
    if path.serves is Serves.REFUSED:
        return f"{names.PRIMARY} failed: {path.answer}"
    if facts.is_alone:
        return f"{_leader(facts).name} does not answer"
    return f"the gateway does not route to {_leader(facts).name} yet"


def _replicas(facts: Facts) -> str:
    members = {member.name: member for member in facts.members if member.name in facts.views}
    waiting = [name for name in facts.nodes if not is_in_quorum(members.get(name))]
    if not waiting:
        return ""
    found = ", ".join(f"{name} {_standing(members.get(name))}" for name in waiting)
    replicas = len(facts.nodes) - 1
    return f"{replicas - len(waiting)} of {replicas} replicas in the quorum: {found}"


def _replica_path(facts: Facts) -> str:
    path = facts.replica
    if path.serves is Serves.REPLICA:
        return ""
    if path.serves is Serves.PRIMARY:
        return "" if facts.is_alone else f"the gateway routes {names.REPLICA} to the primary"
    if path.serves is Serves.REFUSED:
        return f"{names.REPLICA} failed: {path.answer}"
    return f"the gateway has no replica for {names.REPLICA} yet"


def _pool(facts: Facts) -> str:
    path = facts.pool
    if path.serves is Serves.PRIMARY or (path.serves is Serves.REFUSED and not facts.has_roles):
        return ""
    if path.serves is Serves.REFUSED:
        return f"{names.POOL} failed: {path.answer}"
    return f"{names.POOL} does not answer" if path.serves is not Serves.REPLICA else f"{names.POOL} routes to a replica"


def is_in_quorum(member: Member | None) -> bool:
    """Return whether a member serves as the leader, or as a quorum or synchronous standby."""
    return member is not None and member.serves and member.role in ("leader", "quorum_standby", "sync_standby")


def _standing(member: Member | None) -> str:
    if member is None:
        return "does not answer"
    return "is streaming but not in the quorum yet" if member.state == "streaming" else f"is {member.state}"


def _leader(facts: Facts) -> Member:
    """The one leader; only asked where there is one."""
    return next(member for view in facts.views.values() for member in view if member.leads)


def _doing(members: Sequence[Member]) -> str:
    """What a cluster without a leader is busy with."""
    busy = next((member for member in members if member.state not in ("stopped", "")), None)
    return f": {busy.name} is {busy.state}" if busy else ""
