"""One instance. Commands that only read find it; commands that change something create it on first use."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.errors import NotFound
from nexusdev.instance import owners, port_blocks, state, state_elsewhere
from nexusdev.instance.allocation import (
    Claim,
    InstanceAllocator,
    Placement,
    PortCheck,
    move_placement,
    with_current_place,
)
from nexusdev.instance.identity import Identity, require_owner
from nexusdev.instance.project_places import Place
from nexusdev.instance.secrets import SecretFiles, unpublished
from nexusdev.instance.state import Record
from nexusdev.inventory import Inventory

if TYPE_CHECKING:
    from nexusdev.interfaces import InstanceAccess, Runtime
    from nexusdev.stack.model import Stack
    from nexusdev.util.lock import Held, Patience


class Instance(Struct, frozen=True, kw_only=True):
    """The identity of an instance and the paths of its files.

    Attributes:
        folder: Its state folder.
        owner: The project folder that it belongs to.
        former: The project folders that it belonged to before.
        place: Where the owner was last seen.
        created: Whether this call created it.
        single: The profile with single servers that its stack is derived from; '' for the whole stack.
        in_memory: Whether its data is in memory instead of volumes.
    """

    name: str
    owner: Path
    folder: Path
    nonce: str
    slot: int
    net: str
    uid: int
    gid: int
    created: bool = False
    former: tuple[str, ...] = ()
    place: Place = Place()
    single: str = ""
    in_memory: bool = False

    @property
    def compose_project(self) -> str:
        return f"nexusdev-{self.name}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "tls" / "ca.crt"

    @property
    def client_folder(self) -> Path:
        """The folder of the files that clients read: for programs on the host, and mounted into containers."""
        return self.folder / "client"

    @property
    def is_provided(self) -> bool:
        """Whether ``provide`` has completed once, so that secrets and certificates exist."""
        return (self.folder / "compose.env").exists()

    def port(self, number: int) -> int:
        """Return the host port with these last two digits."""
        return port_blocks.block_of(self.slot)[number]

    def environment(self, images: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables for the interpolation of compose files. ``images``: lockfile name → reference, as NEXUS_IMAGE_<NAME>."""
        named = {
            f"NEXUS_IMAGE_{name.upper().replace('-', '_')}": reference for name, reference in (images or {}).items()
        }
        return {
            "NEXUS_PROJECT": self.compose_project,
            "NEXUS_STATE": str(self.folder),
            "NEXUS_NET": self.net,
            "NEXUS_PORTS": str(port_blocks.prefix_of(self.slot)),
            "NEXUS_UID": str(self.uid),
            "NEXUS_GID": str(self.gid),
            **dict(sorted(named.items())),
        }

    def secrets(self, stack: Stack, runtime: Runtime | None = None) -> SecretFiles:
        """Return the secret store. It reads single values, and with a runtime also writes them. ``provide`` creates missing secrets."""
        publish = runtime.publish_secret if runtime else unpublished
        return SecretFiles(stack.secrets, uid=self.uid, gid=self.gid, publish=publish)

    def provide(
        self,
        stack: Stack,
        runtime: Runtime,
        *,
        images: Mapping[str, str] | None = None,
        data_exists: bool = False,
        check_clock: Callable[[], None] = lambda: None,
    ) -> tuple[str, ...]:
        """Create the files in the state folder that the stack needs: secrets, certificates, copies of config files, passwd and compose.env.

        Args:
            stack: The stack.
            runtime: Receives new content of files that running servers have mounted.
            images: Lockfile name → reference, for compose.env; None for none.
            data_exists: Whether volumes of the instance exist. A lost password is then an error and never replaced.
            check_clock: Called before certificates are issued; an exception from it ends the call.

        Returns:
            Descriptions of what was created or issued.

        Raises:
            InvalidState: A password is lost although data exists.
        """
        from nexusdev.instance import certificates, own_targets, textfile_metrics
        from nexusdev.interfaces import View

        made = self.secrets(stack, runtime).prepare(data_exists=data_exists)
        issued = certificates.prepare(
            self.folder / "tls",
            stack,
            instance=self.name,
            nonce=self.nonce,
            uid=self.uid,
            gid=self.gid,
            hosts={address.host for address in runtime.addresses(View.HOST).values()},
            before_issuing=check_clock,
        )
        state.copy_configs(self.folder, stack.copied_configs())
        state.write_passwd(self.folder, self.uid, self.gid)
        textfile_metrics.create_file(self.folder, runtime.publish_file)
        own_targets.write(self.folder, stack, runtime.publish_file)
        state.write_compose_env(self.folder, self.environment(images))
        return (*made, *(f"certificate {group}" for group in issued))

    def access(self, runtime: Runtime, stack: Stack) -> InstanceAccess:
        """Return the access that components get to the instance."""
        from nexusdev.interfaces import InstanceAccess, View
        from nexusdev.stack.topology import Topology

        return InstanceAccess(
            instance=self.name,
            nonce=self.nonce,
            addresses=runtime.addresses(View.HOST),
            secrets=self.secrets(stack, runtime),
            ca_file=Path(runtime.ca_path(View.HOST)),
            client_certificate=self.folder / "tls" / "client.crt",
            client_key=self.folder / "tls" / "client.key",
            runtime=runtime,
            topology=Topology(services=stack.services),
            client_folder=Path(runtime.client_folder(View.HOST)),
            project=self.owner,
        )


def find(identity: Identity, *, root: Path | None = None) -> Instance:
    """Return the instance. Changes nothing.

    Raises:
        NotFound: It does not exist.
        InvalidState: Its record cannot be used.
    """
    folder = state.folder_of(root or state.state_root(), identity.name)
    record = state.read_record(folder)
    if record is None:
        raise NotFound(
            f"instance {identity.name} not found",
            why=f"it has no state in {folder.parent.parent}: nexusdev up was not run for {identity.project}, "
            "or by another user or with another NEXUSDEV_STATE_DIR or XDG_STATE_HOME",
            hint="nexusdev up   create and start it\nnexusdev ls   show all instances",
        )
    return _instance(record, folder)


def preview(identity: Identity, *, root: Path | None = None) -> Instance:
    """Return a nonexistent instance as it would be created. Creates nothing; ports and network are examples."""
    root = root or state.state_root()
    uid, gid = state.container_user(root)
    return Instance(
        name=identity.name,
        owner=identity.project,
        folder=state.folder_of(root, identity.name),
        nonce="",
        slot=0,
        net="",
        uid=uid,
        gid=gid,
    )


def open_instance(
    identity: Identity,
    *,
    inventory: Inventory,
    placement: Placement,
    root: Path | None = None,
    rootless: bool = False,
    move_ports: bool = False,
    runtime: str = "docker",
    port_taken: PortCheck = port_blocks.is_taken,
    claim: Claim = lambda _: True,
    single: str = "",
    in_memory: bool = False,
) -> Instance:
    """Return the instance, which is created if it does not exist. The caller holds its lock (``locked``).

    Args:
        identity: Its name and project folder.
        inventory: The resources in the runtime, to avoid conflicts of ports and owners.
        placement: Chooses the resources that a new instance needs from the runtime besides its ports.
        root: The folder of all instances; None for the default folder of this user.
        rootless: Whether the engine is rootless, which changes the owner of mounted files.
        move_ports: Allocate another port block.
        runtime: Name of the runtime of a new instance; stored in its record.
        port_taken: Returns whether a port of this machine is in use.
        claim: Claims a chosen port block for this command.
        single: The profile with single servers of a new instance; '' for the whole stack.
        in_memory: Whether a new instance has its data in memory.

    Returns:
        The instance; ``created`` is True if this call created it.

    Raises:
        IdentityMismatch: It belongs to another folder.
        InvalidState: Its record is invalid or newer than this version, or its data exists without state.
    """
    root = root or state.state_root()
    folder = state.folder_of(root, identity.name)
    record = state.read_record(folder)
    if record is not None:
        require_owner(identity, record.owner, record.place)
    _require_ours(identity, inventory, record.former if record else ())
    allocator = InstanceAllocator(root=root, inventory=inventory, port_taken=port_taken, claim=claim)
    if record is not None:
        record = with_current_place(record, folder)
        return _instance(allocator.move_ports(record) if move_ports else record, folder)
    if lost := state_elsewhere.explained(
        identity.name, inventory.of(identity.name), root=root, project=identity.project
    ):
        raise lost
    made = allocator.create(
        identity, placement=placement, rootless=rootless, runtime=runtime, single=single, in_memory=in_memory
    )
    return replace(_instance(made, folder), created=True)


def take_placement(found: Instance, placement: Placement, *, root: Path | None = None) -> Instance:
    """Give an instance another placement, because its own is in use by another owner. The caller holds the instance's lock.

    Args:
        found: The instance; it must have no resources in the runtime at its old placement.
        placement: Chooses the new one.
        root: The folder of the state of all instances.

    Returns:
        The instance with its new placement, which is stored in its record.

    Raises:
        PreflightFailed: None is free.
    """
    moved = move_placement(_record_of(found), placement, root=root or state.state_root())
    return _instance(moved, found.folder)


@contextlib.contextmanager
def locked(
    identity: Identity,
    command: str,
    *,
    root: Path | None = None,
    shared: bool = False,
    patience: Patience | None = None,
) -> Iterator[Held]:
    """Hold the lock of an instance during the block (see ``lock.hold``). The instance need not exist.

    The lock file is removed if the instance does not exist at the end.

    Args:
        identity: The instance.
        command: This command as it is typed: ``nexusdev up``.
        root: The folder of all instances; None for the default folder of this user.
        shared: Whether other commands that share the lock may hold it at the same time.
        patience: How to wait for another command; None to fail at once.

    Yields:
        The lock.

    Raises:
        Locked: Another command holds the lock; the error says which.
    """
    from nexusdev.util import lock

    root = root or state.state_root()
    file = state.lock_file(root, identity.name)
    subject = f"instance {identity.name}"
    with lock.hold(file, subject=subject, command=command, shared=shared, patience=patience or lock.AT_ONCE) as held:
        try:
            yield held
        finally:
            held.discard = not state.folder_of(root, identity.name).is_dir()


def forget(identity: Identity, *, root: Path | None = None) -> bool:
    """Remove the state folder and return whether it existed. Reads none of its files, so that an invalid state can be removed too."""
    folder = state.folder_of(root or state.state_root(), identity.name)
    existed = folder.is_dir()
    state.remove(folder)
    owners.forget_name(identity.name, root=root or state.state_root())
    return existed


def _instance(record: Record, folder: Path) -> Instance:
    return Instance(
        name=record.name,
        owner=Path(record.owner),
        folder=folder,
        nonce=record.nonce,
        slot=record.slot,
        net=record.net,
        uid=record.uid,
        gid=record.gid,
        former=record.former,
        place=record.place,
        single=record.single,
        in_memory=record.in_memory,
    )


def _require_ours(identity: Identity, inventory: Inventory, former: tuple[str, ...]) -> None:
    """Raise an error if the engine's resources of this name are not labelled with this folder or a former one, in whatever state folder."""
    for owner in inventory.of(identity.name).owners:
        if owner not in former:
            require_owner(identity, owner)


def _record_of(found: Instance) -> Record:
    record = state.read_record(found.folder)
    if record is None:
        raise NotFound(f"instance {found.name} not found", hint="nexusdev up   create and start it")
    return record
