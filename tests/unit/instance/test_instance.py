"""An instance is made once, found again as it was, and never made over data that it cannot open."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509

from nexusdev.context import stack_file
from nexusdev.errors import IdentityMismatch, InvalidState, NotFound
from nexusdev.instance import instance, state
from nexusdev.instance.identity import Identity
from nexusdev.instance.instance import find, forget
from nexusdev.instance.port_blocks import block_of
from nexusdev.interfaces import Address, View
from nexusdev.inventory import Inventory
from nexusdev.runtimes.docker.plan.inventory import OwnedResource, by_instance
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack


def placement(slot: int, others: Collection[str]) -> str:
    assert f"10.213.{slot}" not in others
    return f"10.213.{slot}"


#: On a machine where nobody listens.
open_instance = partial(instance.open_instance, port_taken=lambda _port: False)


def runtime(stack: Stack) -> MemoryRuntime:
    return MemoryRuntime(project="nexusdev-shop-1", instance="shop-1", stack=stack)


def volume(name: str = "nexusdev-shop-1_data", instance: str = "shop-1", owner: str = "") -> OwnedResource:
    return OwnedResource(kind="volume", name=name, instance=instance, owner_path=owner)


def test_the_first_open_creates_the_instance_and_the_second_finds_it(identity: Identity, root: Path) -> None:
    first = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    second = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    assert first.created
    assert not second.created
    assert (first.nonce, first.slot, first.net) == (second.nonce, second.slot, second.net)
    assert find(identity, root=root) == second


def test_a_block_with_a_listener_is_skipped(identity: Identity, root: Path) -> None:
    busy = block_of(0)[17]
    made = open_instance(
        identity, inventory=Inventory(), placement=placement, root=root, port_taken=lambda port: port == busy
    )
    assert made.slot == 1


def test_a_reading_command_creates_no_folder(identity: Identity, root: Path) -> None:
    with pytest.raises(NotFound, match="instance shop-1 not found"):
        find(identity, root=root)
    assert not root.exists()


def test_the_state_folder_is_readable_by_its_owner_only(identity: Identity, root: Path) -> None:
    made = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert (made.folder / "instance.json").stat().st_mode & 0o777 == 0o600


def test_two_instances_have_different_ports_and_subnets(identity: Identity, root: Path, tmp_path: Path) -> None:
    one = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    two = open_instance(Identity(name="other", project=tmp_path), inventory=Inventory(), placement=placement, root=root)
    assert (one.slot, two.slot) == (0, 1)
    assert one.net != two.net


def test_the_stack_can_be_read_without_a_placement(identity: Identity, root: Path) -> None:
    made = open_instance(identity, inventory=Inventory(), placement=lambda _slot, _others: "", root=root)
    found = load(stack_file(), made.environment())
    assert found.network.subnet == "10.213.0.0/24"
    assert all(service.address or service.shares for service in found.services.values())


def test_a_block_of_another_user_in_the_engine_is_avoided(identity: Identity, root: Path) -> None:
    theirs = OwnedResource(kind="container", name="x", instance="x", ports=(21032, 21140))
    made = open_instance(
        identity, inventory=Inventory(instances=by_instance((theirs,))), placement=placement, root=root
    )
    assert made.slot >= 2


def test_another_folder_cannot_open_an_instance_by_its_name(identity: Identity, root: Path, tmp_path: Path) -> None:
    open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    third = Identity(name=identity.name, project=tmp_path / "third", explicit=True)
    with pytest.raises(IdentityMismatch, match="belongs to another folder"):
        open_instance(third, inventory=Inventory(), placement=placement, root=root)


def test_labels_of_another_folder_are_respected_even_without_its_state(identity: Identity, root: Path) -> None:
    inventory = Inventory(instances=by_instance((volume(owner="/home/ann/shop"),)))
    with pytest.raises(IdentityMismatch) as raised:
        open_instance(identity, inventory=inventory, placement=placement, root=root)
    assert "/home/ann/shop" in raised.value.why


def test_a_lost_state_folder_with_volumes_is_an_error_and_nothing_is_written(identity: Identity, root: Path) -> None:
    inventory = Inventory(instances=by_instance((volume(owner=str(identity.project)),)))
    with pytest.raises(InvalidState) as raised:
        open_instance(identity, inventory=inventory, placement=placement, root=root)
    assert raised.value.exit_status == 12
    assert "its data still exists" in raised.value.message
    assert "nexusdev -i shop-1 destroy" in raised.value.hint
    assert raised.value.evidence == ("volume nexusdev-shop-1_data",)
    assert not (root / "instances" / "shop-1").exists()


def test_a_partial_record_names_its_file_and_the_next_command(identity: Identity, root: Path) -> None:
    file = open_instance(identity, inventory=Inventory(), placement=placement, root=root).folder / "instance.json"
    file.write_text(file.read_text()[:40])
    for act in (find, lambda who, root: open_instance(who, inventory=Inventory(), placement=placement, root=root)):
        with pytest.raises(InvalidState) as raised:
            act(identity, root=root)
        assert str(file) in raised.value.message
        assert "is truncated" in raised.value.why
        assert "nexusdev -i shop-1 destroy" in raised.value.hint


def test_a_record_of_a_newer_version_is_left_alone(identity: Identity, root: Path) -> None:
    file = open_instance(identity, inventory=Inventory(), placement=placement, root=root).folder / "instance.json"
    newer = json.dumps({**json.loads(file.read_text()), "schema_version": 2, "something": "new"})
    file.write_text(newer)
    with pytest.raises(InvalidState) as raised:
        open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    assert "written by a newer nexusdev" in raised.value.message
    assert "pipx upgrade nexusdev" in raised.value.hint
    assert file.read_text() == newer


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ({"slot": "three"}, "of the wrong type: slot"),
        ({"nonce": None}, "of the wrong type: nonce"),
        ({"schema_version": "1"}, "unknown schema version"),
        ({"name": "copied"}, "was copied or renamed"),
    ],
)
def test_a_damaged_record_is_explained(identity: Identity, root: Path, damage: dict[str, object], why: str) -> None:
    file = open_instance(identity, inventory=Inventory(), placement=placement, root=root).folder / "instance.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **damage}))
    with pytest.raises(InvalidState) as raised:
        find(identity, root=root)
    assert why in raised.value.why


def test_a_broken_state_folder_can_still_be_forgotten(identity: Identity, root: Path) -> None:
    file = open_instance(identity, inventory=Inventory(), placement=placement, root=root).folder / "instance.json"
    file.write_text("{")
    assert forget(identity, root=root)
    assert not forget(identity, root=root)
    assert open_instance(identity, inventory=Inventory(), placement=placement, root=root).created


def test_ports_move_only_on_request(identity: Identity, root: Path) -> None:
    before = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    after = open_instance(identity, inventory=Inventory(), placement=placement, root=root, move_ports=True)
    assert after.slot != before.slot
    assert (after.net, after.nonce) == (before.net, before.nonce)
    assert find(identity, root=root).slot == after.slot


def test_the_instance_provides_the_interpolation_variables(identity: Identity, root: Path) -> None:
    made = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    values = made.environment({"go-builder": "x:1"})
    assert values["NEXUS_PROJECT"] == "nexusdev-shop-1"
    assert values["NEXUS_PORTS"] == str(210 + made.slot)
    assert values["NEXUS_STATE"] == str(made.folder)
    assert values["NEXUS_IMAGE_GO_BUILDER"] == "x:1"


def test_providing_files_is_idempotent(identity: Identity, root: Path, stack: Stack) -> None:
    made = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    first = made.provide(stack, runtime(stack), images={"db": "db:1"})
    assert set(first) >= {"db-password", "users", "certificate ca", "certificate db", "certificate client"}
    assert made.provide(stack, runtime(stack), images={"db": "db:1"}) == ()
    assert "NEXUS_IMAGE_DB=db:1" in (made.folder / "compose.env").read_text()
    assert "nexus" in (made.folder / "passwd").read_text()


def test_components_see_addresses_and_secrets(identity: Identity, root: Path, stack: Stack) -> None:
    made = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    made.provide(stack, runtime(stack))
    access = made.access(runtime(stack), stack)
    expected = Address(host="127.0.0.1", port=21040)
    assert {access.address(name, 5432) for name in ("db-0", "db-alias", "relay-0")} == {expected}
    assert len(access.secrets.read("db-password")) == 32


class RemoteRuntime(MemoryRuntime, frozen=True):
    """Publishes its services on an address of another machine, as a cluster does."""

    def addresses(self, view: View) -> Mapping[tuple[str, int], Address]:
        return {key: Address(host="192.0.2.10", port=each.port) for key, each in super().addresses(view).items()}


def test_certificates_are_valid_where_the_runtime_publishes_its_services(
    identity: Identity, root: Path, stack: Stack
) -> None:
    made = open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    remote = RemoteRuntime(project="nexusdev-shop-1", instance="shop-1", stack=stack)
    made.provide(stack, remote)
    certificate = x509.load_pem_x509_certificate((made.folder / "tls" / "db.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"192.0.2.10", "127.0.0.1"} <= {str(each) for each in names.get_values_for_type(x509.IPAddress)}
    assert made.provide(stack, remote) == ()


def test_an_uncreatable_state_folder_has_a_hint(identity: Identity, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidState) as raised:
        open_instance(identity, inventory=Inventory(), placement=placement, root=tmp_path / "file" / "state")
    assert "NEXUSDEV_STATE_DIR" in raised.value.hint


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"NEXUSDEV_STATE_DIR": "/srv/n"}, Path("/srv/n")),
        ({"XDG_STATE_HOME": "/srv/x"}, Path("/srv/x/nexusdev")),
    ],
)
def test_the_state_folder_is_resolved_in_order(environ: dict[str, str], expected: Path) -> None:
    assert state.state_root(environ) == expected


def test_containers_run_as_the_owner_of_their_files() -> None:
    assert state.container_user(Path("/nonexistent"), rootless=True) == (0, 0)
    mine = (10001, 10001) if os.getuid() == 0 else (os.getuid(), os.getgid())
    assert state.container_user(Path("/nonexistent")) == mine


def test_the_lock_can_be_taken_before_the_instance_exists(identity: Identity, root: Path) -> None:
    with instance.locked(identity, "nexusdev up", root=root):
        open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    assert state.lock_file(root, identity.name).exists()


def test_the_lock_file_of_a_removed_instance_is_removed(identity: Identity, root: Path) -> None:
    with instance.locked(identity, "nexusdev up", root=root):
        open_instance(identity, inventory=Inventory(), placement=placement, root=root)
    with instance.locked(identity, "nexusdev destroy", root=root):
        instance.forget(identity, root=root)
        assert state.lock_file(root, identity.name).exists()
    assert list((root / "locks").iterdir()) == []
