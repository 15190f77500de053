"""up: makes the stack ready, seeded and proven, and writes the variables. A second ``up`` changes nothing and says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import field
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy import last_up, own_images
from nexusdev.deploy.client_files import write_for_own_services
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.connect import connect_components
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.deploy.image_gate import ImageGate, fetching
from nexusdev.deploy.lost_volumes import VolumeRecorder, affected, clearing
from nexusdev.deploy.other_engine import origin_here
from nexusdev.deploy.phase import phase
from nexusdev.deploy.placement_guard import PlacementGuard, guarded_placement
from nexusdev.deploy.prepare import prepare_up
from nexusdev.deploy.publisher import warnings_of
from nexusdev.deploy.read_back import ReadBackCheck
from nexusdev.deploy.remember import brought, remember, remember_own, remember_unchanged, write_metrics
from nexusdev.deploy.targets import require_components, subset
from nexusdev.deploy.teardown import require_gone
from nexusdev.deploy.timing import Stopwatch
from nexusdev.deploy.up_state import UpState, absence_warnings, after_the_platform, observed_again
from nexusdev.env import stored
from nexusdev.env.file import Written
from nexusdev.events import Note
from nexusdev.instance import volume_marks
from nexusdev.instance.paths import folder_of
from nexusdev.instance.run_claims import Claims
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.lease_desk import upkeep
from nexusdev.plan import Plan
from nexusdev.results import Result

if TYPE_CHECKING:
    from nexusdev.deploy.deployer import Deployer
    from nexusdev.deploy.request import DeployRequest, DeployResult


class UpResult(Result, frozen=True, kw_only=True):
    """The result of ``up``.

    Attributes:
        changed: Whether a container, network or volume was changed.
        deployed: False if everything was ready and proven already, and nothing was done.
        ready: The components that are ready.
        profile: The profile that they make up; '' for a part of one.
        seconds: Duration, in seconds.
        steps: Each step, with its reason.
        seeded: Component → what seeding changed.
        proven: Component → the paths that answered as this instance; under '' if nothing was done.
        absent: Optional service that was left out → why.
        env_file: The file with the variables.
    """

    changed: bool
    deployed: bool
    ready: tuple[str, ...]
    profile: str
    seconds: float
    env_file: Path
    steps: tuple[str, ...] = ()
    seeded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proven: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


def up(
    context: Context, names: Sequence[str] = (), *, move_ports: bool = False, agreed: Collection[str] | None = None
) -> UpResult:
    """Start these components (default: all) and what they need, and wait until they are ready, seeded and proven.

    Observes once, plans the required changes once, executes the plan, and records the result.

    Args:
        context: The context of the command.
        names: Components; empty for the whole profile.
        move_ports: Allocate another block of host ports.
        agreed: The lost volumes that may be created again (``lost_volumes``); None if the user was not asked.

    Returns:
        The changes, the ready components and the proven endpoints.

    Raises:
        PreflightFailed, PortInUse: A resource that the plan needs is not available.
        ImageUnavailable: An image can be neither pulled nor built.
        VolumeLost: A data volume existed before and is gone.
        NotReadyInTime: A component is not ready within the timeout.
        CrashedDuringStart: A service exited.
        SeedingFailed: A component cannot be seeded.
        IdentityMismatch, Degraded: An endpoint is not proven, or the instance belongs to another folder.
        Locked: Another command changes the instance.
    """
    require_components(names, context.components, command="up")
    folder = folder_of(context.root, context.identity.name)
    with hold_lock(context, "nexusdev up") as held, guarded_placement(folder, context.claim_block) as guard:
        Claims(root=context.root).give_up(context.identity.name)
        watch = Stopwatch(clock=context.clock)
        with phase(context, watch, "prepare"):
            state = prepare_up(context, names, move_ports=move_ports, agreed=agreed or (), claim=guard.claim)
        if state.losses:
            state = _clear(context, state, watch, guard)
        if (proven := _proofs_of_last_up(state)) is not None:
            result = _unchanged(context, state, proven, watch)
        else:
            result = _changed(context, state, watch, guard, waited=held.waited)
        kept = upkeep(context, state.instance, "nexusdev up", started=result.deployed)
        return _with_warnings(replace(result, warnings=(*result.warnings, *kept)), agreed)


def _clear(context: Context, state: UpState, watch: Stopwatch, guard: PlacementGuard) -> UpState:
    """Remove the volumes that cannot stay with newly created ones, then let all be created. If interrupted, ``up`` asks again."""
    intent = clearing(state.stack, state.losses)
    plan = state.runtime.plan(intent, state.observation)
    if plan:
        deployer_of(context, state.runtime, watch, beginning=guard.begin).execute(plan)
        left = state.runtime.plan(intent)
        require_gone([f"{step.action} {step.resource}" for step in left.steps], command=intent.command)
    volume_marks.strike(state.instance.folder, affected(state.losses))
    return observed_again(state) if plan else replace(state, losses=())


def _proofs_of_last_up(state: UpState) -> Mapping[str, float] | None:
    """Return path → duration of its answer in seconds if nothing changed since the last ``up`` and all paths answer; None if work is left."""
    if state.changes or any(
        state.previous.seeded.get(name) != fingerprint for name, fingerprint in state.seeds.items()
    ):
        return None
    return state.up_to_date.proven(state.selected) if state.up_to_date else None


def _unchanged(context: Context, state: UpState, proven: Mapping[str, float], watch: Stopwatch) -> UpResult:
    written = remember_unchanged(context, state)
    return UpResult(
        instance=state.instance.name,
        changed=False,
        deployed=False,
        ready=tuple(state.selected),
        profile=state.selection.profile,
        seconds=watch.elapsed,
        proven={"": tuple(proven)},
        absent=dict(state.absent),
        env_file=context.settings.env_file,
        warnings=(*absence_warnings(state.absent), *warnings_of(written)),
    )


def _changed(context: Context, state: UpState, watch: Stopwatch, guard: PlacementGuard, *, waited: float) -> UpResult:
    try:
        result, plan, absent, written = _deploy(context, state, watch, guard, waited=waited)
    finally:
        last_up.write_timings(state.instance.folder, watch.spans)
    return UpResult(
        instance=state.instance.name,
        changed=bool(plan),
        deployed=True,
        ready=tuple(state.selected),
        profile=state.selection.profile,
        seconds=watch.elapsed,
        steps=tuple(str(step) for step in plan.steps),
        seeded={name: tuple(each) for name, each in result.changes.items()},
        proven={name: tuple(proof.path for proof in each) for name, each in result.proofs.items()},
        absent=dict(absent),
        env_file=context.settings.env_file,
        warnings=(*absence_warnings(absent), *warnings_of(written)),
    )


def _deploy(
    context: Context, state: UpState, watch: Stopwatch, guard: PlacementGuard, *, waited: float
) -> tuple[DeployResult, Plan, Mapping[str, str], Written]:
    stored.expect(state.instance.folder, state.platform)
    with ExitStack() as contexts:
        with phase(context, watch, "images", after=["prepare"]):
            _provide(context, state)
            gate = contexts.enter_context(_fetching(context, state))
            own_images.begin(context, state.selected_stack, gate, context.provider.deliver)
        with phase(context, watch, "plan", after=["images"]):
            plan = state.platform_plan(gate.absent)
        access = state.instance.access(state.runtime, state.stack)
        request = replace(_deploy_request(context, state, plan, gate, access), waited=waited)
        deployer = deployer_of(context, state.runtime, watch, beginning=guard.begin)
        began = context.clock.now()
        result = deployer.deploy(request)
        seen = state.runtime.observe()
        existing = seen.components
        proofs = [f"prove {name}" for name in state.platform]
        with phase(context, watch, "connect", after=proofs):
            running = [context.components[name] for name in brought(state, existing) if name in seen.running_components]
            changes = connect_components(context, running, access, only=state.selected)
            result = result.with_changes(changes)
        with phase(context, watch, "write", after=["connect"]):
            written = remember(context, state, access, gate.absent, existing=existing)
        if state.own:
            request = replace(request, spent=context.clock.now() - began)
            own, more = _deploy_own(context, state, deployer, request, gate.absent)
            result, plan = result.and_then(own), Plan(steps=(*plan.steps, *more.steps))
            existing = existing | set(state.own)
    write_metrics(state, result.ready, absent=gate.absent, existing=existing, took=watch.elapsed)
    return result, plan, gate.absent, written


def _deploy_own(
    context: Context, state: UpState, deployer: Deployer, platform: DeployRequest, absent: Mapping[str, str]
) -> tuple[DeployResult, Plan]:
    """Deploy the project's own services after the platform is ready, because its variables have values then."""
    write_for_own_services(platform.access, state.stack, context.components)  # seeding made values that files contain
    state = after_the_platform(context, state)
    stack = subset(state.selected_stack, state.own)
    plan = state.plan_without(absent)
    request = replace(
        platform,
        stack=stack,
        plan=plan,
        completed=_volume_recorder(context, state, plan).record,
        preceding=["write"],
        components=[context.components[name] for name in state.own],
        after={each.name: each.own.after for each in stack.own if each.own},
    )
    result = deployer.deploy(request)
    remember_own(state, absent, existing=state.runtime.observe().components)
    return result, plan


def _provide(context: Context, state: UpState) -> None:
    """Make what the services run in, with the images that the runtime itself needs."""
    needed = context.provider.own_images()
    if not needed:
        return
    fetched = context.images().ensure(needed, offline=context.settings.offline, listener=context.listener)
    references = {each.name: each.reference for each in fetched}
    context.provider.provide(state.stack, references, lambda text: context.listener.tell(Note(text=text)))


def _fetching(context: Context, state: UpState) -> AbstractContextManager[ImageGate]:
    """Pull and build the missing images in the background. Each is checked with the config files that wait for it and delivered to the runtime."""
    images = context.images()
    read_back = ReadBackCheck(context, state.runtime)

    def admit(reference: str) -> None:
        state.validation.run_for_image(reference, images.store)
        read_back.run_for_image(reference)

    return fetching(
        images,
        state.selected_stack,
        offline=context.settings.offline,
        strict=context.settings.strict,
        listener=context.listener,
        deliver=context.provider.deliver,
        try_with=admit,
    )


def _deploy_request(
    context: Context, state: UpState, plan: Plan, gate: ImageGate, access: InstanceAccess
) -> DeployRequest:
    from nexusdev.deploy.request import DeployRequest

    return DeployRequest(
        stack=subset(state.selected_stack, state.platform, but=gate.absent),
        plan=plan,
        components=[context.components[name] for name in state.platform],
        all_components=[context.components[name] for name in state.stack.components],
        access=access,
        common={"NEXUSDEV_INSTANCE": access.instance, "NEXUSDEV_CA_FILE": str(access.ca_file)},
        files=state.files,
        seconds=context.settings.timeout,
        gate=gate.gate,
        pending=gate.pending,
        check=gate.check,
        completed=_volume_recorder(context, state, plan).record,
    )


def _volume_recorder(context: Context, state: UpState, plan: Plan) -> VolumeRecorder:
    return VolumeRecorder(
        folder=state.instance.folder,
        planned=plan.made_volumes,
        now=state.runtime.now,
        here=partial(origin_here, context),
    )


def _with_warnings(result: UpResult, agreed: Collection[str] | None) -> UpResult:
    """Add a warning if the user agreed to create lost volumes but none is lost, because that may be a mistake."""
    if agreed is None or agreed:
        return result
    unneeded = "no data volume is missing; --recreate-volumes had no effect (use nexusdev destroy to delete data)"
    return replace(result, warnings=(*result.warnings, unneeded))
