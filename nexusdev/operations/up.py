"""up: from whatever there is to ready, seeded, proven and written. A second one changes nothing and says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.environment import stored
from nexusdev.environment.file import Written
from nexusdev.events import PhaseBegan, PhaseEnded
from nexusdev.instance import marks, numbers
from nexusdev.operations import journal, volumes
from nexusdev.operations.context import Context
from nexusdev.operations.env import publish, republish, warnings_of
from nexusdev.operations.images_in_time import Arrivals, arriving, names_of
from nexusdev.operations.outcome import Block, Outcome, Table, Text
from nexusdev.operations.scene import Scene, imagined, look, require_whole, set_scene
from nexusdev.operations.selection import limited, require_components
from nexusdev.operations.teardown import component_of, engine_of, require_gone
from nexusdev.operations.turn import turn
from nexusdev.plan.claims import refuse_strangers
from nexusdev.plan.losses import Loss
from nexusdev.plan.steps import Plan
from nexusdev.ports import Site
from nexusdev.timing import Stopwatch
from nexusdev.words import counted, duration, listed

if TYPE_CHECKING:
    from nexusdev.job import Brought, Job


def up(
    context: Context, names: Sequence[str] = (), *, move_ports: bool = False, agreed: Collection[str] | None = None
) -> Outcome:
    """Bring these components (default: all) and what they need to ready. Everything that may be said about it is in the outcome.

    ``agreed``: the volumes that may be made anew (``lost_volumes``), where that was asked for.
    """
    require_components(names, context.components, command="up")
    with turn(context, "nexusdev up") as held:
        watch = Stopwatch(clock=context.clock)
        with _phase(context, watch, "preflight"):
            scene = set_scene(context, names, move_ports=move_ports, agreed=agreed or ())
        if scene.losses:
            _clear(context, scene, watch)
            scene = set_scene(context, names, move_ports=False)
        if outcome := _nothing_to_do(context, scene, watch):
            return replace(outcome, warnings=(*outcome.warnings, *_unneeded(agreed)))
        try:
            brought, plan, absent, written = _bring_up(context, scene, watch, waited=held.waited)
        finally:
            journal.write_timings(scene.instance.folder, watch.spans)
        _count(context, scene, brought, absent=absent, took=watch.elapsed)
        outcome = _outcome(context, scene, brought, plan=plan, absent=absent, took=watch.elapsed)
        return replace(outcome, warnings=(*outcome.warnings, *warnings_of(written), *_unneeded(agreed)))


def lost_volumes(context: Context, names: Sequence[str] = ()) -> tuple[Loss, ...]:
    """The data volumes that this ``up`` would have to make although they existed before. Changes nothing."""
    require_components(names, context.components, command="up")
    return look(context, imagined(context), names).losses


def _clear(context: Context, scene: Scene, watch: Stopwatch) -> None:
    """Remove what cannot stay beside volumes that begin anew, then let all of them be made. Cut in between, it is asked again."""
    plan = volumes.clearing(scene.stack, scene.snapshot, scene.losses)
    refuse_strangers(plan, scene.snapshot, command="up --recreate-volumes")
    if plan:
        engine_of(context, scene.runtime, watch).carry_out(plan, component_of=component_of(scene.snapshot))
        left = volumes.clearing(scene.stack, scene.runtime.observe(), scene.losses)
        require_gone([f"{step.act} {step.subject}" for step in left.steps], command="up --recreate-volumes")
    marks.strike(scene.instance.folder, volumes.affected(scene.losses))


def dry_run(context: Context, names: Sequence[str] = (), *, agreed: Collection[str] | None = None) -> Outcome:
    """The plan, each step with its reason. Changes nothing, makes nothing. Raises VolumeLost as ``up`` would."""
    require_components(names, context.components, command="up")
    instance = imagined(context)
    scene = look(context, instance, names)
    require_whole(scene, names, agreed or ())
    first = volumes.clearing(scene.stack, scene.snapshot, scene.losses)
    scene = replace(scene, snapshot=volumes.without(scene.snapshot, first))
    # what is left out is tried again only by an `up` that has something else to do
    absent = {} if scene.plan(absent=scene.absent) else scene.absent
    plan = Plan(steps=(*first.steps, *scene.plan(absent=absent).steps))
    steps = [{"act": each.act.value, "subject": each.subject, "because": each.because} for each in plan.steps]
    rows = tuple((each.act.value, each.subject, each.because) for each in plan.steps)
    images = context.images()
    here = limited(scene.here, scene.meant, but=absent)
    missing = [name for name, found in images.stored(names_of(images, here)).items() if found is None]
    says: list[Block] = [Table(columns=("step", "what", "because"), rows=rows)] if rows else ["nothing to do"]
    if missing:
        says.insert(0, f"{counted(len(missing), 'image')} would be fetched or built first: {listed(missing)}")
    data = {"steps": steps, "missing_images": missing, "absent": dict(absent)}
    return Outcome(instance=instance.name, data=data, says=tuple(says), warnings=_warnings(absent))


@contextmanager
def _phase(context: Context, watch: Stopwatch, name: str, *, after: Sequence[str] = ()) -> Iterator[None]:
    began = context.clock.now()
    context.listener.tell(PhaseBegan(phase=name))
    with watch.span(name, after=after):
        yield
    context.listener.tell(PhaseEnded(phase=name, seconds=context.clock.now() - began))


def _nothing_to_do(context: Context, scene: Scene, watch: Stopwatch) -> Outcome | None:
    """The quick answer when nothing changed since the last ``up`` and all of it still answers; None when there is work."""
    remembered, absent = journal.read(scene.instance.folder), scene.absent
    if scene.plan(absent=absent) or any(remembered.seeded.get(name) != print_ for name, print_ in scene.seeds.items()):
        return None
    proven = scene.standing.proven(scene.meant) if scene.standing else None
    if proven is None:
        return None
    written = republish(context, scene.instance)
    if scene.part.profile not in ("", remembered.profile):
        there = {each.component for each in scene.snapshot.containers.values()}
        journal.write(scene.instance.folder, scene.part.remembered(remembered, there))
    words = f"nothing to do: everything is ready ({listed(scene.meant)})"
    data = {
        "changed": False,
        "ready": list(scene.meant),
        "profile": scene.part.profile,
        "seconds": watch.elapsed,
        "proven": list(proven),
        "absent": dict(absent),
    }
    return Outcome(
        instance=scene.instance.name,
        data=data,
        says=(Text(words, "good"),),
        warnings=(*_warnings(absent), *warnings_of(written)),
    )


def _warnings(absent: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name} is absent: {why}" for name, why in absent.items())


def _unneeded(agreed: Collection[str] | None) -> tuple[str, ...]:
    """For who asked to make lost volumes anew where none is lost: perhaps something else was meant."""
    unneeded = agreed is not None and not agreed
    return (
        ("no data volume is missing: --recreate-volumes did nothing (nexusdev destroy removes data)",)
        if unneeded
        else ()
    )


def _bring_up(
    context: Context, scene: Scene, watch: Stopwatch, *, waited: float
) -> tuple[Brought, Plan, Mapping[str, str], Written]:
    images, settings = context.images(), context.settings
    stored.expect(scene.instance.folder, scene.meant)
    with ExitStack() as contexts:
        with _phase(context, watch, "images", after=["preflight"]):
            arrivals = contexts.enter_context(
                arriving(
                    images,
                    scene.here,
                    offline=settings.offline,
                    strict=settings.strict,
                    listener=context.listener,
                    try_with=lambda reference: scene.exam.hold(reference, images.door),
                )
            )
        with _phase(context, watch, "plan", after=["images"]):
            plan = scene.plan(absent=arrivals.absent)
        site = scene.instance.site(scene.runtime, scene.stack)
        job = replace(_job(context, scene, plan, arrivals, site), waited=waited)
        engine = engine_of(context, scene.runtime, watch)
        engine.listener = volumes.Marking(listener=context.listener, folder=scene.instance.folder, wall=context.wall)
        brought = engine.bring_up(job)
    last = [f"prove {name}" for name in scene.meant]
    with _phase(context, watch, "write", after=last):
        written = _publish(context, scene, site, arrivals.absent)
    return brought, plan, arrivals.absent, written


def _job(context: Context, scene: Scene, plan: Plan, arrivals: Arrivals, site: Site) -> Job:
    from nexusdev.job import Job

    return Job(
        stack=limited(scene.here, scene.meant, but=arrivals.absent),
        plan=plan,
        components=[context.components[name] for name in scene.meant],
        everyone=[context.components[name] for name in scene.stack.components],
        site=site,
        common={"NEXUSDEV_INSTANCE": site.instance, "NEXUSDEV_CA_FILE": str(site.ca_file)},
        files=scene.files,
        seconds=context.settings.timeout,
        gate=arrivals.gate,
        held=arrivals.held,
        check=arrivals.check,
    )


def _publish(context: Context, scene: Scene, site: Site, absent: Mapping[str, str]) -> Written:
    """Variables of all components that run now, also of those that an earlier ``up`` brought."""
    remembered = journal.read(scene.instance.folder)
    there = {each.component for each in scene.runtime.observe().containers.values()}
    brought = [context.components[name] for name in _brought(scene, remembered, there)]
    written = publish(context, scene.instance, site, brought)
    seeded = replace(remembered, seeded={**remembered.seeded, **scene.seeds}, absent=absent)
    journal.write(scene.instance.folder, scene.part.remembered(seeded, there))
    return written


def _brought(scene: Scene, remembered: journal.Journal, there: set[str]) -> list[str]:
    """The components that are meant now, and those that an earlier ``up`` brought and that are still ``there``."""
    before = there & set(remembered.seeded)
    return [name for name in scene.stack.components if name in scene.meant or name in before]


def _count(context: Context, scene: Scene, brought: Brought, *, absent: Collection[str], took: float) -> None:
    """Leave nexusdev's own numbers where Prometheus finds them."""
    folder = scene.instance.folder
    ours = numbers.of_up(seconds=took, at=context.wall(), ready=brought.ready)
    there = {each.component for each in scene.runtime.observe().containers.values()}
    components = _brought(scene, journal.read(folder), there)
    wanted = {each.name for each in scene.stack.services.values() if each.component in components} - set(absent)
    numbers.write(folder, (*ours, numbers.of_run(scene.stack, wanted), *numbers.of_instance(folder, scene.stack)))


def _outcome(
    context: Context, scene: Scene, brought: Brought, *, plan: Plan, absent: Mapping[str, str], took: float
) -> Outcome:
    changes = sum(len(each) for each in brought.changes.values())
    paths = sum(len(each) for each in brought.proofs.values())
    says: list[Block] = [
        Text(f"ready after {duration(took)}: {listed(scene.meant)}", "good"),
        f"seeded: {counted(changes, 'change') if changes else 'all was there'}; proven: {counted(paths, 'path')}",
        f"variables: {context.settings.env_file}",
    ]
    return Outcome(
        instance=scene.instance.name,
        data={
            "changed": bool(plan),
            "ready": list(scene.meant),
            "profile": scene.part.profile,
            "seconds": took,
            "steps": [str(step) for step in plan.steps],
            "seeded": {name: list(each) for name, each in brought.changes.items()},
            "proven": {name: [proof.path for proof in each] for name, each in brought.proofs.items()},
            "absent": dict(absent),
            "env_file": str(context.settings.env_file),
        },
        says=tuple(says),
        warnings=_warnings(absent),
    )
