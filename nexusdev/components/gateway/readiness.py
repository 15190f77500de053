"""Does the gateway lead anywhere? Both proxies answer, and each role of a component that runs has a server behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from nexusdev.components.contract import Readiness, ServiceStatus
from nexusdev.components.https_connection import get
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import join_names
from nexusdev.util.parallel import together

PORT = 8404
_OK = 200
# More empty roles than these are not named: all of them are, while a stack comes up.
_FEW = 2
_STATUS = re.compile(r'^haproxy_server_status\{proxy="([^"]+)",server="([^"]+)",state="UP"\} (\d)', re.MULTILINE)


class Role(Struct, frozen=True, kw_only=True):
    """A role name: the proxy that has it, whose it is, and the servers of which one must be up.

    backend  regular expression for the names of the backends behind it
    """

    proxy: str
    name: str
    component: str
    backend: str


ROLES = (
    Role(proxy="gateway-rw", name="postgresql-primary", component="postgres", backend="postgresql-primary"),
    Role(proxy="gateway-rw", name="redis-master", component="redis", backend=r"redis-\w+"),
    Role(proxy="gateway-rw", name="minio-api", component="minio", backend="minio-write"),
    Role(proxy="gateway-rw", name="vault-active", component="vault", backend="vault-active"),
    Role(proxy="gateway-ro", name="postgresql-replica", component="postgres", backend="postgresql-replica"),
    Role(proxy="gateway-ro", name="redis-replica", component="redis", backend=r"redis-\w+"),
    Role(proxy="gateway-ro", name="prometheus", component="monitoring", backend="prometheus"),
    Role(proxy="gateway-ro", name="alertmanager", component="monitoring", backend="alertmanager"),
)
PROXIES = tuple(dict.fromkeys(role.proxy for role in ROLES))


class Facts(Struct, frozen=True, kw_only=True):
    """What the proxies told.

    servers     proxy → backend → names of its servers that are up; a proxy that does not answer is not in it
    components  those that have a container in this run
    """

    servers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    components: frozenset[str] = frozenset()

    def up(self, role: Role) -> tuple[str, ...]:
        """The servers behind a role that are up."""
        backends = self.servers.get(role.proxy, {})
        return tuple(
            server for name, servers in backends.items() if re.fullmatch(role.backend, name) for server in servers
        )


def probe(access: InstanceAccess) -> Facts:
    """Ask both proxies at once, and the runtime for what exists."""
    answers = together({proxy: lambda proxy=proxy: _servers(access, proxy) for proxy in PROXIES})  # type: ignore[misc]
    return Facts(
        servers={proxy: found for proxy, found in answers.items() if found is not None},
        components=access.runtime.observe().components,
    )


def parse(metrics: str) -> dict[str, tuple[str, ...]]:
    """Backend → servers that are up, from HAProxy's metrics."""
    found: dict[str, tuple[str, ...]] = {}
    for backend, server, value in _STATUS.findall(metrics):
        found[backend] = found.get(backend, ()) + ((server,) if value == "1" else ())
    return found


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure."""
    if silent := [proxy for proxy in PROXIES if proxy not in facts.servers]:
        return Readiness(missing=f"{join_names(silent)} {'does' if len(silent) == 1 else 'do'} not answer")
    empty = [role.name for role in ROLES if role.component in facts.components and not facts.up(role)]
    if len(empty) > _FEW:
        return Readiness(missing="several roles have no server yet")
    return Readiness(missing=f"no server is up behind {join_names(empty)}" if empty else "")


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per proxy: role name → who serves it now."""
    return tuple(_row(proxy, facts) for proxy in PROXIES)


def _row(proxy: str, facts: Facts) -> ServiceStatus:
    if proxy not in facts.servers:
        return ServiceStatus(service=proxy, detail="does not answer")
    roles = [role for role in ROLES if role.proxy == proxy and role.component in facts.components]
    detail = ", ".join(f"{role.name} → {len(facts.up(role)) or 'nobody'}" for role in roles)
    return ServiceStatus(
        service=proxy, role="proxy", state="running", detail=detail, ok=all(facts.up(role) for role in roles)
    )


def _servers(access: InstanceAccess, proxy: str) -> dict[str, tuple[str, ...]] | None:
    try:
        answer = get(access.address(proxy, PORT), "/metrics?scope=server&metrics=haproxy_server_status", access=access)
    except OSError:
        return None
    return parse(answer.text) if answer.status == _OK else None
