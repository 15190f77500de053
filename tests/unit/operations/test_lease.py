"""lease: created, prepared, listed, used and dropped; nothing stays where a server refuses or a process ends in the middle."""

from __future__ import annotations

import errno
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.components.contract import Variable
from nexusdev.components.leases import LeasePart, LeasePartDefaults, Slice
from nexusdev.errors import InvalidState, Locked, NotFound, SeedingFailed, UsageError
from nexusdev.instance.instance import locked
from nexusdev.instance.leases import Lease, LeaseStore
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations import gc
from nexusdev.operations.lease import create, drop, env, list_leases, prepare
from nexusdev.operations.lease_desk import LeaseDesk, open_desk
from nexusdev.operations.lifecycle import restart
from nexusdev.operations.up import up
from tests.fakes import FakeComponent, House


@dataclass(kw_only=True)
class Servers(LeasePartDefaults):
    """Remembers what it holds.

    held      id → the id of the template
    refuses   the methods that fail
    revoked   the tokens that were revoked when their slice was dropped
    """

    held: dict[str, str] = field(default_factory=dict)
    restored: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)

    def make(self, access: InstanceAccess, slice_: Slice, *, template: Slice | None = None) -> Mapping[str, str]:
        self.held[slice_.id] = template.id if template else ""
        self._refuse("make")
        return {"token": f"token-of-{slice_.id}"}

    def empty(self, access: InstanceAccess, slice_: Slice) -> None:
        self.emptied.append(slice_.id)

    def drop(self, access: InstanceAccess, slice_: Slice) -> None:
        self._refuse("drop")
        self.held.pop(slice_.id, None)
        self.revoked += [slice_.facts["token"]] if "token" in slice_.facts else []

    def restore(self, access: InstanceAccess, slices: Iterable[Slice]) -> None:
        self.restored += [each.id for each in slices]

    def found(self, access: InstanceAccess) -> frozenset[str]:
        return frozenset(self.held)

    def describe(self, slice_: Slice) -> str:
        return f"lease:{slice_.id}"

    def variables(self, access: InstanceAccess, slice_: Slice) -> Sequence[Variable]:
        return [
            Variable(name="REDIS_PLACE", value=f"{slice_.folder}/{slice_.id}"),
            Variable(name="REDIS_TOKEN", value=slice_.facts["token"], secret=True),
        ]

    def files(self, access: InstanceAccess, slice_: Slice) -> Mapping[str, str]:
        return {"service.conf": slice_.secret("redis")}

    def _refuse(self, method: str) -> None:
        if method in self.refuses:
            raise SeedingFailed(f"redis refuses to {method}")


@dataclass(kw_only=True)
class Redis(FakeComponent):
    """Has a part in leases."""

    servers: Servers = field(default_factory=Servers)

    def lease_part(self) -> LeasePart:
        return self.servers


@pytest.fixture
def servers(house: House, monkeypatch: pytest.MonkeyPatch) -> Servers:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(house.folder / "state"))  # for the command line and the Python API
    redis = Redis(name="redis")
    house.redis = redis
    up(house.context())
    return redis.servers


def desk_of(house: House) -> LeaseDesk:
    context = house.context()
    return open_desk(context, context.instance(), "nexusdev lease create")


def store(house: House) -> LeaseStore:
    return LeaseStore(folder=house.folder / "state" / "instances" / "shop")


def expire(house: House, name: str) -> None:
    lease = store(house).find(name)
    assert lease
    store(house).update(lease, replace(lease.record, expires=1.0))


def names(house: House) -> list[str]:
    return [each.name for each in list_leases(house.context()).leases]


def test_a_lease_is_created_used_and_dropped(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders", ttl="2h").lease
    assert 7190 < made.expires_in <= 7200
    assert made.resources == {"redis": f"lease:{made.id}"}
    assert names(house) == ["orders"]
    assert drop(house.context(), "orders").dropped == ("orders",)
    assert (names(house), servers.held) == ([], {})


def test_lease_variables_are_those_of_env_for_the_slice(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders").lease
    found = env(house.context(), "orders", style="docker")
    folder = store(house).home / "orders"
    assert found.variables["REDIS_PLACE"] == f"{folder}/{made.id}"
    assert found.variables["GATEWAY_PLACE"] == "127.0.0.1"
    assert found.variables["NEXUSDEV_LEASE"] == "orders"
    assert f"REDIS_TOKEN=token-of-{made.id}\n" in found.text
    assert (folder / "service.conf").exists()
    assert servers.restored == [made.id]


def test_the_secrets_of_a_lease_are_masked_in_github_jobs(
    house: House, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease_id = create(house.context(), "orders").lease.id
    assert env(house.context(), "orders", style="github").masked == (f"token-of-{lease_id}",)
    assert env(house.context(), "orders").masked == ()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    typed = house.type("lease", "env", "orders", "--format", "github")
    assert f"::add-mask::token-of-{lease_id}" in typed.err


def test_an_env_file_names_its_lease(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    assert env(house.context(), "orders").text.startswith("# Written by nexusdev for lease orders of instance shop.")


def test_an_unknown_format_suggests_the_nearest(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    with pytest.raises(UsageError) as raised:
        env(house.context(), "orders", style="dotenb")
    assert raised.value.hint == "--format dotenv"


def test_a_name_is_generated_by_default(house: House, servers: Servers) -> None:
    first, second = create(house.context()).lease, create(house.context()).lease
    assert sorted(names(house)) == sorted([first.name, second.name])


def test_a_taken_name_is_reported_with_its_expiry_and_a_hint(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    with pytest.raises(UsageError) as raised:
        create(house.context(), "orders")
    assert raised.value.code == "LEASE_EXISTS"
    assert re.match("it expires in (59|60) min", raised.value.why)
    assert "nexusdev lease drop orders" in raised.value.hint


def test_the_name_of_an_expired_lease_can_be_used_again(house: House, servers: Servers) -> None:
    old = create(house.context(), "orders").lease
    expire(house, "orders")
    new = create(house.context(), "orders").lease
    assert set(servers.held) == {new.id} != {old.id}


def test_the_name_of_a_lease_whose_record_is_broken_can_be_used_again(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    (store(house).home / "orders" / "record.json").write_text("{")
    create(house.context(), "orders")
    assert names(house) == ["orders"]


@pytest.mark.parametrize("name", ["Orders", "orders_1", "-orders", "orders-", "or--ders", "a/b", "..", "o" * 41])
def test_an_invalid_name_creates_nothing(house: House, servers: Servers, name: str) -> None:
    with pytest.raises(UsageError, match=r"name (for|of) a lease"):
        create(house.context(), name)
    assert (names(house), servers.held) == ([], {})


@pytest.mark.parametrize("ttl", ["soon", "0s", "31d", "", -1, float("nan")])
def test_an_invalid_lifetime_creates_nothing(house: House, servers: Servers, ttl: str | float) -> None:
    with pytest.raises(UsageError, match="invalid lifetime"):
        create(house.context(), "orders", ttl=ttl)
    assert servers.held == {}


def test_a_failed_creation_is_rolled_back(house: House, servers: Servers) -> None:
    servers.refuses = {"make"}
    with pytest.raises(SeedingFailed, match="refuses to make"):
        create(house.context(), "orders")
    assert (store(house).all(), servers.held) == ([], {})


def test_a_lease_that_a_block_holds_is_dropped_with_what_the_servers_generated(house: House, servers: Servers) -> None:
    with desk_of(house).held("orders") as lease:
        assert set(servers.held) == {lease.record.id}
    assert servers.revoked == [f"token-of-{lease.record.id}"]
    assert (store(house).all(), servers.held) == ([], {})


def test_leases_that_processes_hold_are_listed_as_such_and_dropped_without_waiting_for_them(
    house: House, servers: Servers
) -> None:
    create(house.context(), "orders")
    user = f"nexusdev lease create (pid {os.getpid()})"
    with desk_of(house).held("held-1") as one, desk_of(house).held("held-2") as other:
        rows = house.type("lease", "list").out.splitlines()
        assert [f"in use by {user}" in row for row in rows if "held-" in row] == [True, True]
        began = time.monotonic()
        result = drop(house.context(), everything=True)
        assert time.monotonic() - began < 10  # another process's work is waited for for 30 s
        assert result.dropped == ("orders",)
        assert isinstance(result.error, Locked)
        assert result.error.message == f"the lease held-1 is in use by {user}"
        assert result.warnings == (f"the lease held-2 was not dropped: the lease held-2 is in use by {user}",)
        with pytest.raises(NotFound, match="held-1 cannot be used") as raised:
            env(house.context(), "held-1")
        assert raised.value.why == f"it is in use by {user} alone"
        assert set(servers.held) == {one.record.id, other.record.id}
    assert servers.held == {}


def test_a_held_lease_whose_process_was_killed_is_dropped(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    lease = store(house).find("orders")
    assert lease
    store(house).update(lease, replace(lease.record, ready=False, held=True))
    assert drop(house.context(), expired=True).dropped == ("orders",)
    assert servers.held == {}


def test_a_lease_that_cannot_be_filled_is_dropped_with_what_the_servers_generated(
    house: House, servers: Servers
) -> None:
    def fill(lease: Lease) -> None:
        raise ValueError(lease.record.id)

    with pytest.raises(ValueError, match=r"^[a-z0-9]{10}$") as raised:
        desk_of(house).make("orders", ttl=60.0, fill=fill)
    assert servers.revoked == [f"token-of-{raised.value}"]
    assert (store(house).all(), servers.held) == ([], {})


def test_a_lease_of_which_one_part_fails_is_dropped_with_what_the_servers_of_the_others_generated(
    house: House, servers: Servers
) -> None:
    desk = replace(desk_of(house), parts={"redis": servers, "vault": Servers(refuses={"make"})})
    with pytest.raises(SeedingFailed, match="refuses to make"):
        desk.make("orders", ttl=60.0)
    with pytest.raises(SeedingFailed, match="refuses to make"), desk.held("orders"):
        pass
    assert len(servers.revoked) == 2
    assert (store(house).all(), servers.held) == ([], {})


def test_a_lease_that_cannot_be_rolled_back_expires_immediately(house: House, servers: Servers) -> None:
    servers.refuses = {"make", "drop"}
    with pytest.raises(SeedingFailed, match="refuses to make"):
        create(house.context(), "orders")
    servers.refuses = set()
    assert drop(house.context(), expired=True).dropped == ("orders",)
    assert servers.held == {}


def test_only_leases_of_killed_creations_are_dropped(house: House, servers: Servers) -> None:
    killed, made = create(house.context(), "killed").lease, create(house.context(), "made").lease
    for name in ("killed", "made"):
        lease = store(house).find(name)
        assert lease
        store(house).update(lease, replace(lease.record, ready=False))
    with store(house).working_on(made.id, "nexusdev lease create"):
        assert drop(house.context(), expired=True).dropped == ("killed",)
        assert set(servers.held) == {made.id} != {killed.id}


def test_a_sweep_keeps_the_new_lease_that_another_process_made_under_an_expired_name(
    house: House, servers: Servers
) -> None:
    create(house.context(), "orders")
    expire(house, "orders")
    desk = desk_of(house)
    seen = desk.expired()
    new = create(house.context(), "orders").lease
    desk.drop_each(seen, if_over=True)
    assert (names(house), set(servers.held)) == (["orders"], {new.id})
    lease = store(house).find("orders")
    assert lease
    assert lease.record.facts == {"token": f"token-of-{new.id}"}


@pytest.mark.parametrize("meanwhile", [{"ready": True}, {"ready": True, "expires": 1.0}], ids=["used", "expired"])
def test_a_lease_that_becomes_ready_after_it_was_taken_for_interrupted_is_kept_until_it_expires(
    house: House, servers: Servers, meanwhile: dict[str, object]
) -> None:
    create(house.context(), "orders")
    lease = store(house).find("orders")
    assert lease
    seen = store(house).update(lease, replace(lease.record, ready=False))
    assert desk_of(house).is_over(seen)
    store(house).update(lease, replace(lease.record, **meanwhile))
    assert desk_of(house).drop(seen, if_over=True) is ("expires" in meanwhile)
    assert (names(house) == ["orders"]) is ("expires" not in meanwhile)


def test_the_name_of_a_lease_that_becomes_ready_while_it_is_wanted_is_taken(
    house: House, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(house.context(), "orders").lease
    lease = store(house).find("orders")
    assert lease
    store(house).update(lease, replace(lease.record, ready=False))

    def complete(desk: LeaseDesk, seen: Lease) -> bool:
        over = is_over(desk, seen)
        store(house).update(lease, lease.record)
        return over

    is_over = LeaseDesk.is_over
    monkeypatch.setattr(LeaseDesk, "is_over", complete)
    with pytest.raises(UsageError) as raised:
        create(house.context(), "orders")
    assert raised.value.code == "LEASE_EXISTS"
    assert set(servers.held) == {made.id}


def test_an_expired_lease_is_dropped_by_the_next_command(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    expire(house, "orders")
    create(house.context(), "other")
    assert (names(house), len(servers.held)) == (["other"], 1)


def test_an_expired_lease_is_dropped_by_up(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    expire(house, "orders")
    up(house.context())
    assert servers.held == {}


def test_an_expired_lease_that_cannot_be_dropped_is_a_warning(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    expire(house, "orders")
    servers.refuses = {"drop"}
    (warning,) = list_leases(house.context()).warnings
    assert warning == "the expired lease orders was not dropped: redis refuses to drop"
    (warning,) = up(house.context()).warnings
    assert warning == "the expired lease orders was not dropped: redis refuses to drop"


def test_an_expired_lease_is_not_used(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    expire(house, "orders")
    with pytest.raises(NotFound, match="orders cannot be used") as raised:
        env(house.context(), "orders")
    assert raised.value.why == "it has expired"


@pytest.mark.parametrize(
    ("components", "why", "first"),
    [
        (("postgres",), "it was made without redis; the instance has no postgres now", "nexusdev up"),
        ((), "it was made without redis", "nexusdev lease drop orders"),
        (("redis", "vault"), "the instance has no vault now", "nexusdev up"),
    ],
)
def test_a_lease_of_other_components_than_the_instance_has_is_refused(
    house: House, servers: Servers, components: tuple[str, ...], why: str, first: str
) -> None:
    create(house.context(), "orders")
    lease = store(house).find("orders")
    assert lease
    store(house).update(lease, replace(lease.record, components=components))
    with pytest.raises(NotFound, match="does not fit") as raised:
        env(house.context(), "orders")
    assert raised.value.why == why
    assert raised.value.hint.startswith(first)


def test_restarted_servers_get_their_leases_back(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders").lease
    servers.held["lost000000"] = ""
    restart(house.context(), ["redis"])
    assert servers.restored == [made.id]
    assert set(servers.held) == {made.id}


def test_gc_lists_and_drops_expired_leases(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    assert [each for each in gc.find_leftovers(house.context()) if each.kind == "lease"] == []
    expire(house, "orders")
    (found,) = [each for each in gc.find_leftovers(house.context()) if each.kind == "lease"]
    assert (str(found), found.reason) == ("lease orders", "it has expired")
    assert gc.remove(house.context(), [found]).removed == (found,)
    assert servers.held == {}


def test_gc_drops_no_lease_while_a_command_changes_the_instance(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders").lease
    expire(house, "orders")
    (found,) = [each for each in gc.find_leftovers(house.context()) if each.kind == "lease"]
    context = house.context()
    with locked(context.identity, "nexusdev up", root=context.root):
        result = gc.remove(house.context(), [found])
    assert result.removed == ()
    assert result.warnings[0].startswith("lease orders was not removed: another command is working on instance shop")
    assert set(servers.held) == {made.id}
    with locked(context.identity, "nexusdev lease create", root=context.root, shared=True):
        assert gc.remove(house.context(), [found]).removed == (found,)


def test_gc_leaves_the_leases_of_an_instance_of_another_folder_alone(
    house: House, servers: Servers, tmp_path: Path
) -> None:
    made = create(house.context(), "orders").lease
    expire(house, "orders")
    (found,) = [each for each in gc.find_leftovers(house.context()) if each.kind == "lease"]
    stranger = house.context()
    stranger = replace(stranger, identity=replace(stranger.identity, project=tmp_path / "stranger"))
    assert [each for each in gc.find_leftovers(stranger) if each.kind == "lease"] == []
    assert gc.remove(stranger, [found]).removed == ()
    assert set(servers.held) == {made.id}


def test_a_claimed_prepared_lease_has_the_requested_lifetime(house: House, servers: Servers) -> None:
    assert prepare(house.context(), 2).prepared == 2
    ids = set(servers.held)
    made = create(house.context(), "orders", ttl="10m")
    assert made.prepared
    assert made.lease.id in ids
    assert 590 < made.lease.expires_in <= 600
    assert list_leases(house.context()).prepared == 1
    assert set(servers.held) == ids


def test_a_prepared_lease_that_another_process_drops_is_not_claimed(house: House, servers: Servers) -> None:
    prepare(house.context(), 1)
    (prepared,) = store(house).ready()
    with store(house).working_on(prepared.record.id, "nexusdev lease drop"):
        assert not create(house.context(), "orders").prepared
    assert store(house).ready() == [prepared]


def test_preparing_an_existing_number_creates_none(house: House, servers: Servers) -> None:
    prepare(house.context(), 2)
    assert prepare(house.context(), 1).prepared == 2


def test_a_prepared_lease_is_not_used_beyond_its_credentials(house: House, servers: Servers) -> None:
    prepare(house.context(), 1)
    assert not create(house.context(), "orders", ttl="2d").prepared


def test_a_prepared_lease_is_not_used_for_a_taken_name(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    prepare(house.context(), 1)
    with pytest.raises(UsageError):
        create(house.context(), "orders")
    assert list_leases(house.context()).prepared == 1


def test_a_lease_uses_its_template_and_keeps_other_prepared_leases(house: House, servers: Servers) -> None:
    template = create(house.context(), "base").lease
    prepare(house.context(), 1)
    made = create(house.context(), "orders", template="base")
    assert not made.prepared
    assert (made.lease.template, servers.held[made.lease.id]) == ("base", template.id)
    prepare(house.context(), 1, template="base")
    assert create(house.context(), "more", template="base").prepared


def test_an_unknown_template_suggests_the_nearest(house: House, servers: Servers) -> None:
    create(house.context(), "base")
    with pytest.raises(NotFound) as raised:
        create(house.context(), "orders", template="bse")
    assert raised.value.why == "did you mean base?"


def test_drop_all_includes_prepared_leases(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    prepare(house.context(), 2)
    assert len(drop(house.context(), everything=True).dropped) == 3
    assert (servers.held, store(house).all()) == ({}, [])


def test_server_resources_without_a_record_are_dropped(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders").lease
    servers.held["lost000000"] = ""
    found = drop(house.context(), expired=True)
    assert (found.dropped, found.unrecorded) == ((), ("lost000000",))
    assert set(servers.held) == {made.id}


def test_a_lease_of_another_version_keeps_its_data_and_its_name(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders").lease
    file = store(house).home / "orders" / "record.json"
    newer = f'{{"id": "{made.id}", "schema_version": 2}}'
    file.write_text(newer)
    assert drop(house.context(), expired=True).unrecorded == ()
    restart(house.context(), ["redis"])
    with pytest.raises(UsageError, match="already a lease named orders") as raised:
        create(house.context(), "orders")
    assert raised.value.code == "LEASE_EXISTS"
    assert (set(servers.held), file.read_text()) == ({made.id}, newer)


def test_a_record_that_cannot_be_read_now_keeps_its_data(
    house: House, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(house.context(), "orders").lease
    read = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == "record.json":
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", fail)
        with pytest.raises(InvalidState, match="failed to read the leases"):
            drop(house.context(), expired=True)
        warnings = [*restart(house.context(), ["redis"]).warnings, *up(house.context()).warnings]
    assert len(warnings) == 2
    assert all(each.startswith("the leases were not checked: failed to read the leases") for each in warnings)
    assert set(servers.held) == {made.id}


def test_a_failed_drop_is_reported_and_can_be_repeated(house: House, servers: Servers) -> None:
    create(house.context(), "orders")
    servers.refuses = {"drop"}
    failed = drop(house.context(), "orders")
    assert isinstance(failed.error, SeedingFailed)
    servers.refuses = set()
    assert drop(house.context(), expired=True).dropped == ("orders",)


@pytest.mark.parametrize("options", [{}, {"name": "orders", "expired": True}, {"expired": True, "everything": True}])
def test_drop_requires_exactly_one_choice(house: House, servers: Servers, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="name one lease"):
        drop(house.context(), **options)  # type: ignore[arg-type]  # as typed by a user


def test_lease_commands_share_the_lock_and_wait_for_changing_commands(house: House, servers: Servers) -> None:
    context = house.context()
    with locked(context.identity, "nexusdev lease create", root=context.root, shared=True):
        create(house.context(), "orders")
    with locked(context.identity, "nexusdev up", root=context.root), pytest.raises(Locked):
        create(house.context(timeout=0.0), "other")


def test_an_instance_without_leasable_components_is_refused(house: House) -> None:
    up(house.context())
    with pytest.raises(NotFound, match="nothing to lease"):
        create(house.context(), "orders")


def test_leases_of_a_missing_instance_raise_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        create(house.context(), "orders")
    assert [each for each in gc.find_leftovers(house.context()) if each.kind == "lease"] == []


def test_the_command_line_shows_a_lease_and_how_to_use_it(
    house: House, servers: Servers, capfd: pytest.CaptureFixture[str]
) -> None:
    typed = house.type("lease", "create", "orders", "--ttl", "10m")
    assert typed.status == 0
    assert typed.out.splitlines()[0].startswith("lease orders expires in ")
    assert typed.out.splitlines()[-1] == "nexusdev lease env orders"
    assert house.type("lease", "env", "orders").status == 0
    assert "REDIS_TOKEN=" in capfd.readouterr().out
    assert "orders" in house.type("lease", "list").out
    assert house.type("lease", "drop", "orders").out == "dropped orders\n"
    assert house.type("lease", "list").out == "no leases\n"


def test_the_envelope_has_the_lease(house: House, servers: Servers) -> None:
    data = house.type("lease", "create", "orders", "--json").envelope["data"]
    assert data["prepared"] is False
    assert (data["lease"]["name"], data["lease"]["ready"]) == ("orders", True)
    assert house.type("lease", "list", "--json").envelope["data"]["leases"][0]["id"] == data["lease"]["id"]
    assert house.type("lease", "env", "orders", "--json").envelope["data"]["variables"]["NEXUSDEV_LEASE"] == "orders"


def test_a_lease_being_created_is_listed_as_such(house: House, servers: Servers) -> None:
    made = create(house.context(), "orders").lease
    lease = store(house).find("orders")
    assert isinstance(lease, Lease)
    store(house).update(lease, replace(lease.record, ready=False))
    with store(house).working_on(made.id, "nexusdev lease create"):
        assert "being made" in house.type("lease", "list").out


def test_the_python_api_drops_a_lease_at_the_end_of_its_block(house: House, servers: Servers) -> None:
    with house.open() as stack:
        with stack.lease("orders", ttl=60) as lease:
            assert lease.variables["NEXUSDEV_LEASE"] == lease.name == "orders"
            assert [each.name for each in stack.leases().leases] == ["orders"]
        lease.drop()
        stack.lease()
        assert len(stack.drop_leases().dropped) == 1
    assert servers.held == {}
