"""up: from whatever there is to ready, seeded, proven and written. A second one changes nothing and says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from nexusdev import __version__
from nexusdev.components.contract import SeedFile
from nexusdev.engine import Brought, Job
from nexusdev.errors import NexusError, NotFound
from nexusdev.events import Note, PhaseBegan, PhaseEnded
from nexusdev.instance.instance import Instance, locked, open_instance
from nexusdev.instance.state import container_user, folder_of
from nexusdev.operations import journal, nodes
from nexusdev.operations.context import Context
from nexusdev.operations.env import check_env_file, prove, publish, republish
from nexusdev.operations.images_in_time import Arrivals, arriving, names_of
from nexusdev.operations.journal import Journal
from nexusdev.operations.outcome import Block, Outcome, Table, Text
from nexusdev.operations.preflight import ROOM, require_ports, require_room
from nexusdev.operations.seed_files import collect
from nexusdev.operations.selection import limited, require_components, with_needs
from nexusdev.operations.teardown import engine_of
from nexusdev.operations.words import counted, duration, listed
from nexusdev.plan.planner import plan as make_plan
from nexusdev.plan.snapshot import Snapshot
from nexusdev.plan.steps import Plan
from nexusdev.plan.survey import Survey
from nexusdev.ports import Runtime, Site
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import Stack
from nexusdev.timing import Stopwatch


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that ``up`` knows before it changes a container.

    stack   the whole stack; ``here``: what is meant of it, without what has to be left out
    meant   the components, in the order of the stack
    """

    instance: Instance
    stack: Stack
    here: Stack
    meant: tuple[str, ...]
    runtime: Runtime
    snapshot: Snapshot
    prints: Mapping[str, str]
    files: Mapping[str, Sequence[SeedFile]]
    survey: Survey

    def plan(self, *, absent: Collection[str] = ()) -> Plan:
        """What must change."""
        kept = {name: each for name, each in self.stack.services.items() if name not in absent}
        everything = set(self.meant) >= set(self.stack.components)
        return make_plan(
            replace(self.stack, services=kept),
            self.snapshot,
            fingerprints=self.prints,
            owner_path=str(self.instance.owner),
            only=None if everything else self.meant,
        )

    @property
    def seed_hash(self) -> str:
        """A hash over all that seeding depends on: definitions, secrets, the project's files, this nexusdev."""
        facts = (
            __version__,
            self.instance.nonce,
            sorted(self.meant),
            {name: print_ for name, print_ in self.prints.items() if name in self.here.services},
            {name: [(each.path, each.sha256) for each in files] for name, files in self.files.items()},
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def up(context: Context, names: Sequence[str] = (), *, move_ports: bool = False) -> Outcome:
    """Bring these components (default: all) and what they need to ready. Everything that may be said about it is in the outcome."""
    require_components(names, context.components, command="up")
    watch = Stopwatch(clock=context.clock)
    with locked(context.identity, "nexusdev up", root=context.root):
        with _phase(context, watch, "preflight"):
            scene = _open(context, names, move_ports=move_ports)
        if outcome := _nothing_to_do(context, scene, watch):
            return outcome
        try:
            brought, plan, absent = _bring_up(context, scene, watch)
        finally:
            journal.write_timings(scene.instance.folder, watch.spans)
        return _outcome(context, scene, brought, plan=plan, absent=absent, took=watch.elapsed)


def dry_run(context: Context, names: Sequence[str] = ()) -> Outcome:
    """The plan, each step with its reason. Changes nothing, makes nothing."""
    require_components(names, context.components, command="up")
    try:
        instance = context.instance()
    except NotFound:
        uid, gid = container_user()
        instance = Instance(
            name=context.identity.name,
            owner=context.identity.project,
            folder=folder_of(context.root, context.identity.name),
            nonce="",
            slot=0,
            net="10.213.0",
            uid=uid,
            gid=gid,
        )
    scene = _scene(context, instance, names, context.doors.survey())
    plan = scene.plan()
    steps = [{"act": each.act.value, "subject": each.subject, "because": each.because} for each in plan.steps]
    rows = tuple((each.act.value, each.subject, each.because) for each in plan.steps)
    images = context.images()
    missing = [name for name, found in images.stored(names_of(images, scene.here)).items() if found is None]
    says: list[Block] = [Table(columns=("step", "what", "because"), rows=rows)] if rows else ["nothing to do"]
    if missing:
        says.insert(0, f"{counted(len(missing), 'image')} would be fetched or built first: {listed(missing)}")
    return Outcome(instance=instance.name, data={"steps": steps, "missing_images": missing}, says=tuple(says))


@contextmanager
def _phase(context: Context, watch: Stopwatch, name: str, *, after: Sequence[str] = ()) -> Iterator[None]:
    began = context.clock.now()
    context.listener.tell(PhaseBegan(phase=name))
    with watch.span(name, after=after):
        yield
    context.listener.tell(PhaseEnded(phase=name, seconds=context.clock.now() - began))


def _open(context: Context, names: Sequence[str], *, move_ports: bool) -> Scene:
    """Everything that must hold before the first change, and the files without which no container starts."""
    check_env_file(context)
    survey = context.doors.survey()
    known = (folder_of(context.root, context.identity.name) / "instance.json").exists()
    instance = open_instance(
        context.identity,
        survey=survey,
        root=context.root,
        rootless=not known and context.doors.facts().rootless,
        move_ports=move_ports,
    )
    if move_ports:
        context.listener.tell(
            Note(
                text=f"the ports moved: {instance.port(0)}-{instance.port(99)}; the env file will change", warning=True
            )
        )
    data_exists = any(each.kind == "volume" for each in survey.of_instance(instance.name))
    instance.provide(context.stack(instance), images=context.images().resolve(), data_exists=data_exists)
    scene = _scene(context, instance, names, survey)
    plan = scene.plan()
    if plan:
        require_room(Path(context.doors.facts().data_root), needed=ROOM)
        require_ports(scene.stack, plan, scene.snapshot, survey)
    return scene


def _scene(context: Context, instance: Instance, names: Sequence[str], survey: Survey) -> Scene:
    stack = context.stack(instance)
    meant = with_needs(names, stack) if names else stack.components
    runtime = context.runtime(stack, owner=instance.owner)
    return Scene(
        instance=instance,
        stack=stack,
        here=limited(stack, meant),
        meant=meant,
        runtime=runtime,
        snapshot=runtime.observe(),
        prints=fingerprints(stack),
        files=collect(context.settings.seed, stack.components),
        survey=survey,
    )


def _nothing_to_do(context: Context, scene: Scene, watch: Stopwatch) -> Outcome | None:
    """The quick answer when nothing changed since the last ``up`` and all of it still answers; None when there is work."""
    remembered = journal.read(scene.instance.folder)
    if scene.plan() or remembered.seeded != scene.seed_hash or not set(scene.meant) <= set(remembered.components):
        return None
    proven = _still_true(context, scene)
    if proven is None:
        return None
    republish(context, scene.instance)
    words = f"nothing to do: everything is ready ({listed(scene.meant)})"
    data = {"changed": False, "ready": list(scene.meant), "seconds": watch.elapsed, "proven": list(proven)}
    return Outcome(instance=scene.instance.name, data=data, says=(Text(words, "good"),))


def _still_true(context: Context, scene: Scene) -> Mapping[str, float] | None:
    """The endpoints of the stored variables that answered with the nonce; None when one did not, or a component is not ready."""
    from nexusdev.environment import stored

    seen = nodes.look(
        [context.components[name] for name in scene.meant],
        scene.instance.site(scene.runtime, scene.stack),
        scene.snapshot,
    )
    if not all(each.readiness.ready for each in seen.values()):
        return None
    try:
        return prove(stored.read(scene.instance.folder))
    except NexusError:
        return None


def _bring_up(context: Context, scene: Scene, watch: Stopwatch) -> tuple[Brought, Plan, Mapping[str, str]]:
    images, settings = context.images(), context.settings
    with ExitStack() as contexts:
        with _phase(context, watch, "images", after=["preflight"]):
            arrivals = contexts.enter_context(
                arriving(
                    images, scene.here, offline=settings.offline, strict=settings.strict, listener=context.listener
                )
            )
        with _phase(context, watch, "plan", after=["images"]):
            plan = scene.plan(absent=arrivals.absent)
        site = scene.instance.site(scene.runtime, scene.stack)
        brought = engine_of(context, scene.runtime, watch).bring_up(_job(context, scene, plan, arrivals, site))
    last = [f"prove {name}" for name in scene.meant]
    with _phase(context, watch, "write", after=last):
        _publish(context, scene, site)
    return brought, plan, arrivals.absent


def _job(context: Context, scene: Scene, plan: Plan, arrivals: Arrivals, site: Site) -> Job:
    return Job(
        stack=limited(scene.here, scene.meant, but=arrivals.absent),
        plan=plan,
        components=[context.components[name] for name in scene.meant],
        site=site,
        common={"NEXUSDEV_INSTANCE": site.instance, "NEXUSDEV_CA_FILE": str(site.ca_file)},
        files=scene.files,
        seconds=context.settings.timeout,
        gate=arrivals.gate,
        held=arrivals.held,
        check=arrivals.check,
    )


def _publish(context: Context, scene: Scene, site: Site) -> None:
    """Variables of all components that run now, also of those that an earlier ``up`` brought."""
    remembered = journal.read(scene.instance.folder).components
    there = {each.component for each in scene.runtime.observe().containers.values()}
    both = [name for name in scene.stack.components if name in scene.meant or (name in remembered and name in there)]
    publish(context, scene.instance, site, [context.components[name] for name in both])
    journal.write(scene.instance.folder, Journal(components=tuple(both), seeded=scene.seed_hash))


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
            "seconds": took,
            "steps": [str(step) for step in plan.steps],
            "seeded": {name: list(each) for name, each in brought.changes.items()},
            "proven": {name: [proof.path for proof in each] for name, each in brought.proofs.items()},
            "absent": dict(absent),
            "env_file": str(context.settings.env_file),
        },
        says=tuple(says),
        warnings=tuple(f"{name} is absent: {why}" for name, why in absent.items()),
    )
