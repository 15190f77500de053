"""up: makes the stack ready, seeded and proven, and writes the variables. A second ``up`` changes nothing and says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.deploy.image_gate import ImageGate, fetching, names_of
from nexusdev.deploy.lost_volumes import Marking, affected, clearing
from nexusdev.deploy.prepare import UpState, prepare_up, preview_instance, read_up_state, require_whole
from nexusdev.deploy.publisher import publish, republish
from nexusdev.deploy.targets import require_components, subset
from nexusdev.deploy.teardown import require_gone
from nexusdev.deploy.timing import Stopwatch
from nexusdev.env import stored
from nexusdev.env.file import Written
from nexusdev.events import PhaseBegan, PhaseEnded
from nexusdev.instance import marks, textfile_metrics
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.env import warnings_of
from nexusdev.plan import Plan
from nexusdev.results import Result
from nexusdev.stack.losses import Loss

if TYPE_CHECKING:
    from nexusdev.deploy.request import DeployRequest, DeployResult


class UpResult(Result, frozen=True, kw_only=True):
    """What ``up`` did.

    Attributes:
        changed: Whether a container, network or volume was changed.
        deployed: False where everything was ready and proven, and nothing was done.
        ready: The components that are ready.
        profile: The profile that they make up; '' for a part of one.
        seconds: How long it took, in seconds.
        steps: Each step, with its reason.
        seeded: Component → what seeding changed.
        proven: Component → the paths that answered as this instance; where nothing was done, under ''.
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


class PlannedStep(Struct, frozen=True, kw_only=True):
    """One step of a plan: ``create redis-0: it is not there``."""

    action: str
    resource: str
    reason: str


class PlanResult(Result, frozen=True, kw_only=True):
    """What ``up`` would do. ``missing_images`` are fetched or built first; ``absent``: optional service left out → why."""

    steps: tuple[PlannedStep, ...]
    missing_images: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)


def up(
    context: Context, names: Sequence[str] = (), *, move_ports: bool = False, agreed: Collection[str] | None = None
) -> UpResult:
    """Bring these components (default: all) and what they need to ready. Everything that may be said about it is in the result.

    ``agreed``: the volumes that may be made anew (``lost_volumes``), where that was asked for.
    """
    require_components(names, context.components, command="up")
    with hold_lock(context, "nexusdev up") as held:
        watch = Stopwatch(clock=context.clock)
        with _phase(context, watch, "preflight"):
            state = prepare_up(context, names, move_ports=move_ports, agreed=agreed or ())
        if state.losses:
            _clear(context, state, watch)
            state = prepare_up(context, names, move_ports=False)
        if found := _nothing_to_do(context, state, watch):
            return replace(found, warnings=(*found.warnings, *_unneeded(agreed)))
        try:
            result, plan, absent, written = _deploy(context, state, watch, waited=held.waited)
        finally:
            last_up.write_timings(state.instance.folder, watch.spans)
        _count(state, result, absent=absent, took=watch.elapsed)
        done = _result(context, state, result, plan=plan, absent=absent, took=watch.elapsed)
        return replace(done, warnings=(*done.warnings, *warnings_of(written), *_unneeded(agreed)))


def lost_volumes(context: Context, names: Sequence[str] = ()) -> tuple[Loss, ...]:
    """The data volumes that this ``up`` would have to make although they existed before. Changes nothing."""
    require_components(names, context.components, command="up")
    return read_up_state(context, preview_instance(context), names).losses


def _clear(context: Context, state: UpState, watch: Stopwatch) -> None:
    """Remove what cannot stay beside volumes that begin anew, then let all of them be made. Cut in between, it is asked again."""
    intent = clearing(state.stack, state.losses)
    plan = state.runtime.plan(intent, state.observation)
    if plan:
        deployer_of(context, state.runtime, watch).execute(plan)
        left = state.runtime.plan(intent)
        require_gone([f"{step.action} {step.resource}" for step in left.steps], command=intent.command)
    marks.strike(state.instance.folder, affected(state.losses))


def dry_run(context: Context, names: Sequence[str] = (), *, agreed: Collection[str] | None = None) -> PlanResult:
    """The plan, each step with its reason. Changes nothing, makes nothing. Raises VolumeLost as ``up`` would."""
    require_components(names, context.components, command="up")
    instance = preview_instance(context)
    state = read_up_state(context, instance, names)
    require_whole(state, names, agreed or ())
    first = clearing(state.stack, state.losses).services
    # what is left out is tried again only by an `up` that has something else to do
    absent = {} if state.plan(absent=state.absent, discard=first) else state.absent
    plan = state.plan(absent=absent, discard=first)
    images = context.images()
    selected_stack = subset(state.selected_stack, state.selected, but=absent)
    missing = [name for name, found in images.stored(names_of(images, selected_stack)).items() if found is None]
    return PlanResult(
        instance=instance.name,
        steps=tuple(
            PlannedStep(action=str(each.action), resource=each.resource, reason=each.reason) for each in plan.steps
        ),
        missing_images=tuple(missing),
        absent=dict(absent),
        warnings=_warnings(absent),
    )


@contextmanager
def _phase(context: Context, watch: Stopwatch, name: str, *, after: Sequence[str] = ()) -> Iterator[None]:
    began = context.clock.now()
    context.listener.tell(PhaseBegan(phase=name))
    with watch.span(name, after=after):
        yield
    context.listener.tell(PhaseEnded(phase=name, seconds=context.clock.now() - began))


def _nothing_to_do(context: Context, state: UpState, watch: Stopwatch) -> UpResult | None:
    """The quick answer when nothing changed since the last ``up`` and all of it still answers; None when there is work."""
    previous, absent = last_up.read(state.instance.folder), state.absent
    if state.plan(absent=absent) or any(
        previous.seeded.get(name) != fingerprint for name, fingerprint in state.seeds.items()
    ):
        return None
    proven = state.up_to_date.proven(state.selected) if state.up_to_date else None
    if proven is None:
        return None
    written = republish(context, state.instance)
    if state.selection.profile not in ("", previous.profile):
        existing = state.observation.components
        last_up.write(state.instance.folder, state.selection.remembered(previous, existing))
    return UpResult(
        instance=state.instance.name,
        changed=False,
        deployed=False,
        ready=tuple(state.selected),
        profile=state.selection.profile,
        seconds=watch.elapsed,
        proven={"": tuple(proven)},
        absent=dict(absent),
        env_file=context.settings.env_file,
        warnings=(*_warnings(absent), *warnings_of(written)),
    )


def _warnings(absent: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name} is missing: {why}" for name, why in absent.items())


def _unneeded(agreed: Collection[str] | None) -> tuple[str, ...]:
    """For who asked to make lost volumes anew where none is lost: perhaps something else was meant."""
    unneeded = agreed is not None and not agreed
    return (
        ("no data volume is missing; --recreate-volumes had no effect (use nexusdev destroy to delete data)",)
        if unneeded
        else ()
    )


def _deploy(
    context: Context, state: UpState, watch: Stopwatch, *, waited: float
) -> tuple[DeployResult, Plan, Mapping[str, str], Written]:
    images, settings = context.images(), context.settings
    stored.expect(state.instance.folder, state.selected)
    with ExitStack() as contexts:

        def admit(reference: str) -> None:
            state.validation.run_for_image(reference, images.store)
            context.provider.deliver(reference)

        with _phase(context, watch, "images", after=["preflight"]):
            gate = contexts.enter_context(
                fetching(
                    images,
                    state.selected_stack,
                    offline=settings.offline,
                    strict=settings.strict,
                    listener=context.listener,
                    try_with=admit,
                )
            )
        with _phase(context, watch, "plan", after=["images"]):
            plan = state.plan(absent=gate.absent)
        access = state.instance.access(state.runtime, state.stack)
        request = replace(_deploy_request(context, state, plan, gate, access), waited=waited)
        deployer = deployer_of(context, state.runtime, watch)
        deployer.listener = Marking(listener=context.listener, folder=state.instance.folder, now=state.runtime.now)
        result = deployer.deploy(request)
    last = [f"prove {name}" for name in state.selected]
    with _phase(context, watch, "write", after=last):
        written = _publish(context, state, access, gate.absent)
    return result, plan, gate.absent, written


def _deploy_request(
    context: Context, state: UpState, plan: Plan, gate: ImageGate, access: InstanceAccess
) -> DeployRequest:
    from nexusdev.deploy.request import DeployRequest

    return DeployRequest(
        stack=subset(state.selected_stack, state.selected, but=gate.absent),
        plan=plan,
        components=[context.components[name] for name in state.selected],
        all_components=[context.components[name] for name in state.stack.components],
        access=access,
        common={"NEXUSDEV_INSTANCE": access.instance, "NEXUSDEV_CA_FILE": str(access.ca_file)},
        files=state.files,
        seconds=context.settings.timeout,
        gate=gate.gate,
        pending=gate.pending,
        check=gate.check,
    )


def _publish(context: Context, state: UpState, access: InstanceAccess, absent: Mapping[str, str]) -> Written:
    """Variables of all components that run now, also of those that an earlier ``up`` brought."""
    previous = last_up.read(state.instance.folder)
    existing = state.runtime.observe().components
    result = [context.components[name] for name in _brought(state, previous, existing)]
    written = publish(context, state.instance, access, result)
    seeded = replace(previous, seeded={**previous.seeded, **state.seeds}, absent=absent)
    last_up.write(state.instance.folder, state.selection.remembered(seeded, existing))
    return written


def _brought(state: UpState, previous: last_up.LastUp, existing: Collection[str]) -> list[str]:
    """The components that are meant now, and those that an earlier ``up`` brought and that are still ``existing``."""
    before = {*existing} & set(previous.seeded)
    return [name for name in state.stack.components if name in state.selected or name in before]


def _count(state: UpState, result: DeployResult, *, absent: Collection[str], took: float) -> None:
    """Leave nexusdev's own numbers where Prometheus finds them."""
    folder = state.instance.folder
    ours = textfile_metrics.up_metrics(seconds=took, at=state.runtime.now(), ready=result.ready)
    existing = state.runtime.observe().components
    components = _brought(state, last_up.read(folder), existing)
    wanted = {each.name for each in state.stack.services.values() if each.component in components} - set(absent)
    textfile_metrics.write(
        folder,
        (
            *ours,
            textfile_metrics.wanted_services(state.stack, wanted),
            *textfile_metrics.instance_metrics(folder, state.stack),
        ),
        state.runtime.publish_file,
    )


def _result(
    context: Context, state: UpState, result: DeployResult, *, plan: Plan, absent: Mapping[str, str], took: float
) -> UpResult:
    return UpResult(
        instance=state.instance.name,
        changed=bool(plan),
        deployed=True,
        ready=tuple(state.selected),
        profile=state.selection.profile,
        seconds=took,
        steps=tuple(str(step) for step in plan.steps),
        seeded={name: tuple(each) for name, each in result.changes.items()},
        proven={name: tuple(proof.path for proof in each) for name, each in result.proofs.items()},
        absent=dict(absent),
        env_file=context.settings.env_file,
        warnings=_warnings(absent),
    )
