"""Collects all that ``up`` needs to know before it changes anything, and checks its preconditions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from nexusdev import __version__
from nexusdev.check import Check
from nexusdev.components.contract import SeedFile
from nexusdev.context import Context
from nexusdev.deploy import last_up, lost_volumes
from nexusdev.deploy.client_files import renew_trust, write_for_own_services
from nexusdev.deploy.config_validation import ConfigValidation, validate_configs
from nexusdev.deploy.last_up import LastUp
from nexusdev.deploy.own_services import completed
from nexusdev.deploy.preflight import require_ports
from nexusdev.deploy.publisher import check_env_file
from nexusdev.deploy.seed_files import collect, name_backups
from nexusdev.deploy.selection import Selection, select
from nexusdev.deploy.targets import subset, with_dependencies
from nexusdev.deploy.up_to_date import UpToDateCheck
from nexusdev.errors import NotFound
from nexusdev.events import Note
from nexusdev.instance import marks, own_numbers
from nexusdev.instance.absent import sudo_note
from nexusdev.instance.identity import require_owner
from nexusdev.instance.instance import Claim, Instance, Placement, open_instance, preview, take_placement
from nexusdev.instance.state import folder_of, records
from nexusdev.interfaces import Runtime
from nexusdev.inventory import Inventory
from nexusdev.moved_projects import refuse_moved, second_folder
from nexusdev.plan import Observation, Plan, Up
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.losses import Loss
from nexusdev.stack.model import Stack


class UpState(Struct, frozen=True, kw_only=True):
    """The desired state and the observed state of one ``up``.

    Attributes:
        stack: The whole stack, own services completed.
        selected_stack: The part of ``stack`` that is selected.
        selected: The selected components, in the order of the stack.
        fingerprints: Service → fingerprint.
        files: Component → the project's own seed files.
        selection: The selected profile, and which existing services it leaves out.
        validation: The pending checks of the components' files.
        absent: Optional services that the last ``up`` left out and that are not retried, and why.
        previous: The record of the last ``up``.
        plan: The required changes.
        changes: The required changes without the ``absent`` services.
        losses: The data volumes that would be created, but existed before.
        up_to_date: Checks whether the result of the last ``up`` is still valid; None if no check is running.
    """

    instance: Instance
    stack: Stack
    selected_stack: Stack
    selected: tuple[str, ...]
    runtime: Runtime
    observation: Observation
    fingerprints: Mapping[str, str]
    files: Mapping[str, Sequence[SeedFile]]
    selection: Selection
    validation: ConfigValidation
    absent: Mapping[str, str]
    previous: LastUp
    plan: Plan = Plan()
    changes: Plan = Plan()
    losses: tuple[Loss, ...] = ()
    up_to_date: UpToDateCheck | None = None

    def plan_without(self, absent: Collection[str], *, discard: Mapping[str, Collection[str]] | None = None) -> Plan:
        """Return the plan that leaves out these services. The plan is only computed again if it is not known yet.

        Args:
            absent: Services to leave out.
            discard: Service → volumes that are removed first.
        """
        if not discard and not absent:
            return self.plan
        if not discard and set(absent) == set(self.absent):
            return self.changes
        return self.planned(absent=absent, discard=discard)

    def planned(
        self,
        *,
        absent: Collection[str] = (),
        discard: Mapping[str, Collection[str]] | None = None,
        only: Collection[str] | None = None,
    ) -> Plan:
        """Let the runtime plan the required changes.

        Args:
            absent: Services to leave out.
            discard: Service → volumes that are removed first.
            only: Limit the plan to these selected components; None for all.
        """
        kept = {name: each for name, each in self.stack.services.items() if name not in absent}
        everything = only is None and set(self.selected) >= set(self.stack.components)
        intent = Up(
            stack=replace(self.stack, services=kept),
            fingerprints=self.fingerprints,
            former=self.instance.former,
            only=None if everything else self.selected if only is None else tuple(only),
            unwanted=self.selection.unwanted(self.stack, self.observation),
            discard=discard or {},
        )
        return self.runtime.plan(intent, self.observation)

    @property
    def own(self) -> tuple[str, ...]:
        """The selected components that are own services of the project."""
        own = {each.component for each in self.stack.own}
        return tuple(name for name in self.selected if name in own)

    @property
    def platform(self) -> tuple[str, ...]:
        """The selected components of the platform."""
        own = self.own
        return tuple(name for name in self.selected if name not in own)

    def platform_plan(self, absent: Collection[str]) -> Plan:
        """Return the platform's part of the plan without these services. Own services are planned when the platform is ready."""
        return self.planned(absent=absent, only=self.platform) if self.own else self.plan_without(absent)

    @property
    def seeds(self) -> Mapping[str, str]:
        """Component → hash over everything that its seeding depends on: definitions, secrets, project files, the version of nexusdev."""
        return {name: self._seed(name) for name in self.selected}

    def _seed(self, component: str) -> str:
        facts = (
            __version__,
            self.instance.nonce,
            {each.name: self.fingerprints[each.name] for each in self.stack.of_component(component)},
            [(each.path, each.sha256) for each in self.files.get(component, ())],
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


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
        context.listener.tell(Note(text=_moved_words(check, instance), warning=True))
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


def _moved_words(check: Check, instance: Instance) -> str:
    return f"{check.evidence}; the instance moves to {instance.net}.0/24, and its containers are created again"


def _prepare(context: Context, instance: Instance, names: Sequence[str], agreed: Collection[str]) -> UpState:
    stack = context.stack(instance)
    runtime = context.runtime(stack, owner=instance.owner)
    previous = last_up.read(instance.folder)
    up_to_date = UpToDateCheck(context, instance, stack, runtime, previous)
    observation = up_to_date.observation
    name_backups(context)
    own_numbers.write(instance.folder, stack.allocations)
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
    require_whole(state, names, agreed)
    marks.add(instance.folder, [name for name in observation.volumes if name in stack.volumes], now=runtime.now)
    if state.changes:
        require_ports(stack, state.plan, observation, context.provider.inventory(), taken=context.port_taken)
    return state


def require_whole(state: UpState, names: Sequence[str], agreed: Collection[str] = ()) -> None:
    """Check that no data is lost, or that the user agreed to create all affected volumes again.

    Args:
        state: The state with the lost volumes.
        names: The components that the user named, for the command in the hint.
        agreed: The volumes that the user agreed to create again.

    Raises:
        VolumeLost: A data volume existed before and is gone.
    """
    if not lost_volumes.affected(state.losses) <= set(agreed):
        selection = state.selection
        words = names or (("--profile", selection.profile) if selection.narrower else ())
        raise lost_volumes.refusal(state.losses, state.instance, state.runtime, words)


def _instance(context: Context, *, move_ports: bool, claim: Claim) -> Instance:
    """Open or create the instance. Lists the runtime's resources only if ports or a placement must be chosen; else labels are checked."""
    context.require_runtime()
    known = (folder_of(context.root, context.identity.name) / "instance.json").exists()
    if not known:
        refuse_moved(context)
        context.provider.require_reach(context.root)
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
        check = _placement_check(context, found)
        if check.verdict != "failed":
            return found
        moved = replace(found, net=_next_placement(context, found.slot))
        context.listener.tell(Note(text=_moved_words(check, moved), warning=True))
        return moved
    except NotFound:
        return replace(preview(context.identity, root=context.root), net=_next_placement(context, 0))


def read_up_state(
    context: Context,
    instance: Instance,
    names: Sequence[str],
    *,
    runtime: Runtime | None = None,
    observation: Observation | None = None,
    previous: LastUp | None = None,
) -> UpState:
    """Read the desired state and the observed state, and plan the difference. Changes nothing.

    Args:
        context: The context of the command.
        instance: The instance.
        names: The components that the user named; empty for the profile.
        runtime: The runtime to use; None to open the runtime of the instance.
        observation: An observation to reuse; None to observe now.
        previous: The record of the last ``up``; None to read it from the state folder.

    Returns:
        The state with its plan and the lost volumes that the plan would create.

    Raises:
        InvalidConfig: A file of a selected component is invalid.
    """
    stack = context.stack(instance)
    runtime = runtime or context.runtime(stack, owner=instance.owner)
    stack = completed(context, instance, stack, runtime)
    previous = previous or last_up.read(instance.folder)
    selection = select(context.settings, stack, names, remembered=previous.profile)
    selected = with_dependencies(selection.components, stack, context.components)
    components = [context.components[name] for name in selected]
    validation = validate_configs(components, stack, instance=instance.name, root=context.root)
    state = UpState(
        instance=instance,
        stack=stack,
        selected_stack=subset(stack, selected),
        selected=selected,
        runtime=runtime,
        observation=observation or runtime.observe(),
        fingerprints=fingerprints(stack),
        files=collect(context.settings.seed, stack.components),
        selection=replace(selection, components=selected),
        validation=validation,
        absent=_still_absent(context, subset(stack, selected), previous),
        previous=previous,
    )
    state = _with_plans(state)
    # only volumes that the plan would create: other volumes are not needed now
    made = state.plan.made_volumes
    return replace(state, losses=lost_volumes.lost(context, instance, stack, state.observation, wanted=made))


def observed_again(state: UpState) -> UpState:
    """Return the state with a new observation, after remaining volumes were removed so that the lost ones can be created."""
    return _with_plans(replace(state, observation=state.runtime.observe(), losses=(), up_to_date=None))


def after_the_platform(context: Context, state: UpState) -> UpState:
    """Return the state once the platform is ready: every variable has a value, and the platform is observed again.

    Raises:
        InvalidState: A secret is lost.
    """
    stack = context.stack(state.instance)
    write_for_own_services(state.instance.access(state.runtime, stack), stack, context.components)
    stack = completed(context, state.instance, stack, state.runtime, exact=True)
    later = replace(
        state,
        stack=stack,
        selected_stack=subset(stack, state.selected),
        fingerprints=fingerprints(stack),
        observation=state.runtime.observe(),
        previous=last_up.read(state.instance.folder),
    )
    return _with_plans(later)


def _with_plans(state: UpState) -> UpState:
    plan = state.planned()
    return replace(state, plan=plan, changes=state.planned(absent=state.absent) if state.absent else plan)


def absence_warnings(absent: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning for each optional service that is left out."""
    return tuple(f"{name} is missing: {why}" for name, why in absent.items())


def _still_absent(context: Context, selected_stack: Stack, previous: LastUp) -> Mapping[str, str]:
    """Return the optional services that stay left out: not ``strict``, and their image is still missing."""
    if context.settings.strict or not previous.absent:
        return {}
    images = context.images()
    existing = {images.resolve([name])[name] for name, image in images.stored().items() if image}
    return {
        name: why
        for name, why in previous.absent.items()
        if name in selected_stack.services and selected_stack.services[name].image not in existing
    }
