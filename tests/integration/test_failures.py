"""One part after the other is killed while an application writes, using nothing but the env file.

It writes again within the promised time, no acknowledged write is lost, and `nexusdev start` brings the part back in its role.
A shared machine is slower than a quiet one. How much is measured: by the longest gap between two writes before the part dies.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project
from tests.integration.knocking import knocking
from tests.selection import examples

#: Longest seconds without an acknowledged write that the platform promises on a quiet machine, and what they consist of.
PROMISED = {
    # Patroni's lease of the leader (ttl 20 s, compose/postgres/patroni.yml) ends, then a replica is promoted. Nothing fences the old one.
    "primary": 25.0,
    # Sentinel notices within 2.5 s (down-after-milliseconds 1.5 s, a ping each second), asks the others within another second and
    # promotes; two sentinels have announced the new master a second or two later, and the gateway follows. Seen here: 3.9 to 4.3 s.
    "master": 6.0,
    # The standbys notice by raft and elect; the gateway follows.
    "active": 5.0,
    # One node of four: writes go on. A request that the node had taken is sent again (read timeout of the client: 3 s).
    "minio-2": 4.0,
    # No failover: a member of a quorum of three dies.
    "etcd-1": 4.0,
    "sentinel-1": 4.0,
}
#: The longest gap of some twenty writes, 20 ms apart, on a quiet machine with 2 cores; in seconds, measured by these tests.
QUIET_GAPS = {"postgresql": 0.04, "pool": 0.04, "redis": 0.03, "sentinel": 0.03, "vault": 0.055, "minio": 0.2}
#: A machine that is slower than this many times tells nothing about the platform.
SLOWEST = 2.0


def limit(victim: str, system: str, idle_gap: float) -> float:
    """The promise, stretched by how much slower this machine is than a quiet one. ``idle_gap``: seconds, measured before the failure."""
    return PROMISED[victim] * min(max(1.0, idle_gap / QUIET_GAPS[system]), SLOWEST)


pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.usefixtures("heal")]


def writer_for(name: str, variables: Mapping[str, str], project: Project) -> app.Writer:
    match name:
        case "postgresql" | "pool":
            writer = app.PostgresWriter(
                variables=variables, url="DATABASE_URL" if name == "postgresql" else "DATABASE_POOL_URL"
            )
            writer.prepare(owner_url(variables, project))
            return writer
        case "redis":
            return app.RedisWriter(variables=variables)
        case "sentinel":
            return app.RedisWriter(variables=variables, sentinel=True)
        case "minio":
            return app.S3Writer(variables=variables)
        case _:
            return app.VaultWriter(variables=variables)


def owner_url(variables: Mapping[str, str], project: Project) -> str:
    """The migration owner's URL: the application's, with the owner's name and password."""
    shown = project.run("secrets", "show", "postgres-owner")
    assert shown.code == 0, shown.err
    return variables["DATABASE_URL"].replace(
        f"{variables['PGUSER']}:{variables['PGPASSWORD']}@", f"nexus_owner:{shown.out.strip()}@"
    )


@pytest.mark.parametrize(
    ("victim", "systems"),
    examples(
        [
            ("primary", ("postgresql", "pool")),
            ("master", ("redis", "sentinel")),
            ("active", ("vault",)),
            ("minio-2", ("minio",)),
            ("etcd-1", ("postgresql",)),
            ("sentinel-1", ("redis",)),
        ],
        # test_drills.py kills the primary, test_minio.py the node of MinIO, and the last test here etcd's
        in_make_test=["master", "active"],
    ),
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_killed_node_loses_no_write(
    project: Project, variables: Mapping[str, str], victim: str, systems: tuple[str, ...]
) -> None:
    """One application per system that the part belongs to, all at once."""
    service = victim if "-" in victim else engine.node_with_role(project, victim)
    writers = {system: writer_for(system, variables, project) for system in systems}
    with ExitStack() as applications:
        others = applications.enter_context(knocking(variables, set(systems) - {"pool", "sentinel"}))
        accounts = {name: applications.enter_context(app.writing(writer)) for name, writer in writers.items()}
        all_write(accounts, more=20, seconds=20, when="at first")
        idle_gaps = {name: account.gap for name, account in accounts.items()}
        engine.container(project, service).kill()
        all_write(accounts, more=50, seconds=90, when=f"after {service} died")
    for system, account in accounts.items():
        lost = set(account.acknowledged) - writers[system].read()
        assert not lost, f"{system}: {len(lost)} of {len(account.acknowledged)} acknowledged writes are gone"
        allowed = limit(victim, system, idle_gaps[system])
        assert account.gap < allowed, (
            system,
            f"promised {PROMISED[victim]} s, allowed {allowed:.1f} s",
            account.errors[-3:],
        )
    assert others.answered > 0
    assert others.longest < 8, "a client with no limit of its own was left without an answer"
    healed = project.run("start", "--json")
    assert healed.code == 0, healed.err
    node = next(row for row in project.run("status", "--json").data["nodes"] if row["service"] == service)
    assert node["ok"], node


def all_write(accounts: Mapping[str, app.Account], *, more: int, seconds: float, when: str) -> None:
    """Wait until each application has had so many more writes acknowledged."""
    before = {name: len(account.acknowledged) for name, account in accounts.items()}
    app.until(
        lambda: all(len(account.acknowledged) > before[name] + more for name, account in accounts.items()),
        seconds=seconds,
        what=f"{' and '.join(accounts)} written {when}",
    )


def test_start_restores_a_killed_gateway(project: Project, variables: Mapping[str, str]) -> None:
    writer = writer_for("postgresql", variables, project)
    writer.connect()
    writer.write(1)
    engine.container(project, "gateway-rw").kill()
    assert project.run("start").code == 0
    writer.connect()
    writer.write(2)
    assert writer.read() == {1, 2}


def test_writes_continue_after_killing_all_but_one_postgresql_server(
    project: Project, variables: Mapping[str, str]
) -> None:
    writer = writer_for("postgresql", variables, project)
    with app.writing(writer) as account:
        app.until(lambda: len(account.acknowledged) > 10, seconds=20, what="the first writes")
        idle_gap = account.gap
        for service in ("etcd-0", "etcd-1"):
            engine.container(project, service).kill()
        before = len(account.acknowledged)
        app.until(lambda: len(account.acknowledged) > before + 200, seconds=60, what="writes without etcd's quorum")
    assert account.gap < limit("etcd-1", "postgresql", idle_gap)
    assert set(account.acknowledged) <= writer.read()
