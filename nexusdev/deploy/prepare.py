"""Opens or creates the instance for ``up``, chooses its ports and placement, and checks its preconditions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from msgspec.structs import replace

from nexusdev.check import Check
from nexusdev.context import Context
from nexusdev.deploy import last_up, lost_volumes
from nexusdev.deploy.client_files import renew_trust, write_for_own_services
from nexusdev.deploy.other_engine import origin_here, require_here
from nexusdev.deploy.preflight import require_ports
from nexusdev.deploy.publisher import check_env_file
from nexusdev.deploy.seed_files import name_backups
from nexusdev.deploy.single_profile import changed, fixed, settled, wanted_single
from nexusdev.deploy.up_state import UpState, read_up_state
from nexusdev.deploy.up_to_date import UpToDateCheck
from nexusdev.errors import NotFound
from nexusdev.events import Note
from nexusdev.instance import own_allocations, volume_marks
from nexusdev.instance.allocation import Claim, Placement
from nexusdev.instance.identity import require_owner
from nexusdev.instance.instance import Instance, open_instance, preview, take_placement
from nexusdev.instance.state import folder_of, records
from nexusdev.instance.state_elsewhere import sudo_note
from nexusdev.inventory import Inventory
from nexusdev.moved_projects import refuse_moved, second_folder


def prepare_up(
    context: Context, names: Sequence[str], *, move_ports: bool, agreed: Collection[str] = (), claim: Claim
) -> UpState:
    """Open or create the instance with its secrets and certificates, and check the preconditions of a change.

    The caller holds the lock of the instance, and restores its ports and placement after an error (``placement_guard``).

    Args:
        context: The context of the command.
        names: The components that the user named; empty for the profile.
        move_ports: Allocate another block of host ports.
        agreed: Full set of lost volumes that may be created again.
        claim: Claims a newly chosen block of host ports.

    Returns:
        The desired and the observed state, with the plan.

    Raises:
        PreflightFailed, PortInUse: A resource that the plan needs is not available.
        IdentityMismatch: The instance belongs to another folder.
        InvalidConfig, InvalidState: Config files or state cannot be used.
        VolumeLost: A data volume existed before and is gone.
    """
    check_env_file(context)
    instance = _instance(context, move_ports=move_ports, claim=claim)
    return _prepare(context, _placed(context, instance), names, agreed)


def _placed(context: Context, instance: Instance) -> Instance:
    """Return the instance with a free placement. It gets another one if its own was taken while none of its containers existed."""
    check = _placement_check(context, instance)
    if check.verdict == "failed":
        instance = take_placement(instance, _placement(context), root=context.root)
        context.listener.tell(Note(text=_moved_words(context, check, instance), warning=True))
        check = _placement_check(context, instance)
    if check.verdict == "warning":
        context.listener.tell(Note(text=f"{check.evidence}; {check.fix}", warning=True))
    return instance


def _placement_check(context: Context, instance: Instance) -> Check:
    return context.provider.check_placement(instance.name, instance.net, pool=context.settings.subnet)


def _placement(context: Context) -> Placement:
    return partial(context.provider.placement, pool=context.settings.subnet)


def _next_placement(context: Context, slot: int) -> str:
    """Return the placement that a new instance would get. Only a preview: the allocation lock is not held."""
    return _placement(context)(slot, [each.net for each in records(context.root)])


def _moved_words(context: Context, check: Check, instance: Instance) -> str:
    network = context.stack(instance).network.subnet
    return f"{check.evidence}; the instance moves to {network}, and its containers are created again"


def _prepare(context: Context, instance: Instance, names: Sequence[str], agreed: Collection[str]) -> UpState:
    stack = context.stack(instance)
    runtime = context.runtime(stack, owner=instance.owner)
    # What stands still starts first: what is seen before is only a record of what there was.
    context.provider.provide(stack, {}, lambda text: context.listener.tell(Note(text=text)))
    previous = last_up.read(instance.folder)
    up_to_date = UpToDateCheck(context, instance, stack, runtime, previous)
    observation = up_to_date.observation
    name_backups(context)
    own_allocations.write(instance.folder, stack.allocations)
    instance.provide(
        stack,
        runtime,
        images=context.images().resolve(),
        data_exists=bool(observation.volumes),
        check_clock=context.provider.require_clock,
    )
    renew_trust(context, instance)
    write_for_own_services(instance.access(runtime, stack), stack, context.components)
    state = replace(
        read_up_state(context, instance, names, runtime=runtime, observation=observation, previous=previous),
        up_to_date=up_to_date,
    )
    if state.changes:
        context.provider.preflight(stack)  # before the volumes: an engine that maps users keeps others
    require_whole(context, state, names, agreed)
    made = [name for name in observation.volumes if name in stack.volumes]
    volume_marks.add(instance.folder, made, now=runtime.now, here=partial(origin_here, context))
    if state.changes:
        require_ports(stack, state.plan, observation, context.provider.inventory(), taken=context.port_taken)
    return state


def require_whole(context: Context, state: UpState, names: Sequence[str], agreed: Collection[str] = ()) -> None:
    """Check that no data is lost, or that the user agreed to create all affected volumes again.

    Args:
        context: The context of the command.
        state: The state with the lost volumes.
        names: The components that the user named, for the command in the hint.
        agreed: The volumes that the user agreed to create again.

    Raises:
        VolumeLost: A data volume existed before and is gone.
        IdentityMismatch: All of them are in another engine (OTHER_ENGINE).
    """
    if not lost_volumes.affected(state.losses) <= set(agreed):
        selection = state.selection
        words = names or (("--profile", selection.profile) if selection.narrower else ())
        again = f"{lost_volumes.again(words)}   start with empty data here, only if its data there is gone for good"
        require_here(context, state.observation, last=again)
        raise lost_volumes.refusal(state.losses, state.instance, state.runtime, words)


def _instance(context: Context, *, move_ports: bool, claim: Claim) -> Instance:
    """Open or create the instance. Lists the runtime's resources only if ports or a placement must be chosen; else labels are checked."""
    context.require_runtime()
    known = (folder_of(context.root, context.identity.name) / "instance.json").exists()
    if not known:
        refuse_moved(context)
        context.provider.require_reach(context.root)
    settled(context)
    choosing = move_ports or not known
    instance = open_instance(
        context.identity,
        inventory=context.provider.inventory() if choosing else Inventory(),
        placement=_placement(context),
        root=context.root,
        rootless=choosing and context.provider.facts().rootless,
        move_ports=move_ports,
        runtime=context.settings.runtime,
        port_taken=context.port_taken,
        claim=claim,
        single="" if known else wanted_single(context),
        in_memory=context.in_memory,
    )
    if instance.created and (words := second_folder(context)):
        context.listener.tell(Note(text=words))
    if instance.created and (words := sudo_note(context.root, context.environ)):
        context.listener.tell(Note(text=words, warning=True))
    if move_ports:
        ports = f"{instance.port(0)}-{instance.port(99)}"
        context.listener.tell(Note(text=f"the host ports changed: {ports}; the env file will change", warning=True))
    return instance


def preview_instance(context: Context) -> Instance:
    """Return the instance as it is, or as it would be created. For a dry run: creates nothing."""
    check_env_file(context)
    try:
        found = context.instance()
        require_owner(context.identity, found.owner, found.place)
        if changed(context, found) is not None:
            raise fixed(context, found)
        check = _placement_check(context, found)
        if check.verdict != "failed":
            return found
        moved = replace(found, net=_next_placement(context, found.slot))
        context.listener.tell(Note(text=_moved_words(context, check, moved), warning=True))
        return moved
    except NotFound:
        made = preview(context.identity, root=context.root)
        return replace(
            made, net=_next_placement(context, 0), single=wanted_single(context), in_memory=context.in_memory
        )
