"""Everything that ``up`` knows before it changes a container, and what must hold until then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from nexusdev import __version__
from nexusdev.components.contract import SeedFile
from nexusdev.errors import NotFound
from nexusdev.events import Note
from nexusdev.instance import marks
from nexusdev.instance.identity import require_owner
from nexusdev.instance.instance import Instance, open_instance
from nexusdev.instance.state import container_user, folder_of
from nexusdev.operations import journal, volumes
from nexusdev.operations.context import Context
from nexusdev.operations.env import check_env_file
from nexusdev.operations.exam import Exam, examine
from nexusdev.operations.moved import refuse_moved, second_folder
from nexusdev.operations.preflight import require_ports, require_room
from nexusdev.operations.profiles import Part, chosen
from nexusdev.operations.seed_files import collect
from nexusdev.operations.selection import limited, with_needs
from nexusdev.operations.standing import Standing
from nexusdev.plan.losses import Loss
from nexusdev.plan.planner import plan as make_plan
from nexusdev.plan.snapshot import Snapshot
from nexusdev.plan.steps import Act, Plan
from nexusdev.plan.survey import Survey
from nexusdev.ports import Runtime
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import Stack


class Scene(Struct, frozen=True, kw_only=True):
    """What is wanted and what is there.

    stack     the whole stack; ``here``: the services of it that are meant
    meant     the components, in the order of the stack
    prints    service → fingerprint
    files     component → the project's own seed files
    part      the profile that is meant, and what it leaves out of what is there
    exam      what is still to be tried of the components' files
    absent    optional services that the last ``up`` left out and this one need not try again, and why
    losses    the data volumes that would be made, but existed before
    standing  whether what the last ``up`` left still stands; None where nothing will be done about it
    """

    instance: Instance
    stack: Stack
    here: Stack
    meant: tuple[str, ...]
    runtime: Runtime
    snapshot: Snapshot
    prints: Mapping[str, str]
    files: Mapping[str, Sequence[SeedFile]]
    part: Part
    exam: Exam
    absent: Mapping[str, str]
    losses: tuple[Loss, ...] = ()
    standing: Standing | None = None

    def plan(self, *, absent: Collection[str] = ()) -> Plan:
        """What must change; ``absent``: services that have to be left out."""
        kept = {name: each for name, each in self.stack.services.items() if name not in absent}
        everything = set(self.meant) >= set(self.stack.components)
        return make_plan(
            replace(self.stack, services=kept),
            self.snapshot,
            fingerprints=self.prints,
            owner_path=str(self.instance.owner),
            former=self.instance.former,
            only=None if everything else self.meant,
            unwanted=self.part.unwanted(self.stack, self.snapshot),
        )

    @property
    def seeds(self) -> Mapping[str, str]:
        """Component → a hash over all that its seeding depends on: definitions, secrets, the project's files, this nexusdev."""
        return {name: self._seed(name) for name in self.meant}

    def _seed(self, component: str) -> str:
        facts = (
            __version__,
            self.instance.nonce,
            {each.name: self.prints[each.name] for each in self.stack.of_component(component)},
            [(each.path, each.sha256) for each in self.files.get(component, ())],
        )
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def set_scene(context: Context, names: Sequence[str], *, move_ports: bool, agreed: Collection[str] = ()) -> Scene:
    """Open the instance (make it, the first time) with its secrets and certificates, and check what must hold before a change.

    Call it with the instance's lock held. ``agreed``: volumes that may be made anew. Raises PreflightFailed, PortInUse, IdentityMismatch,
    InvalidConfig, InvalidState, VolumeLost.
    """
    check_env_file(context)
    instance = _instance(context, move_ports=move_ports)
    stack = context.stack(instance)
    runtime = context.runtime(stack, owner=instance.owner)
    standing = Standing(context, instance, stack, runtime)
    snapshot = standing.snapshot
    instance.provide(stack, images=context.images().resolve(), data_exists=bool(snapshot.volumes))
    scene = replace(look(context, instance, names, runtime, snapshot), standing=standing)
    require_whole(scene, names, agreed)
    marks.add(instance.folder, [name for name in snapshot.volumes if name in stack.volumes], at=context.wall())
    if scene.plan(absent=scene.absent):
        require_room(Path(context.doors.facts().data_root))
        require_ports(stack, scene.plan(), snapshot, context.doors.survey())
    return scene


def require_whole(scene: Scene, names: Sequence[str], agreed: Collection[str] = ()) -> None:
    """VolumeLost for data that is gone, unless somebody agreed to all that making it anew takes."""
    if not volumes.affected(scene.losses) <= set(agreed):
        part = scene.part
        words = names or (("--profile", part.profile) if part.narrower else ())
        raise volumes.refusal(scene.losses, scene.instance, words)


def _instance(context: Context, *, move_ports: bool) -> Instance:
    """The engine is asked about everybody only where something is to be chosen: what is known already is checked by its labels."""
    known = (folder_of(context.root, context.identity.name) / "instance.json").exists()
    if not known:
        refuse_moved(context)
    choosing = move_ports or not known
    instance = open_instance(
        context.identity,
        survey=context.doors.survey() if choosing else Survey(),
        root=context.root,
        rootless=choosing and context.doors.facts().rootless,
        move_ports=move_ports,
    )
    if instance.created and (words := second_folder(context)):
        context.listener.tell(Note(text=words))
    if move_ports:
        ports = f"{instance.port(0)}-{instance.port(99)}"
        context.listener.tell(Note(text=f"the ports moved: {ports}; the env file will change", warning=True))
    return instance


def imagined(context: Context) -> Instance:
    """The instance as it is, or as it would be made: for a dry run, which makes nothing."""
    try:
        found = context.instance()
        require_owner(context.identity, found.owner, found.place)
        return found
    except NotFound:
        uid, gid = container_user()
        return Instance(
            name=context.identity.name,
            owner=context.identity.project,
            folder=folder_of(context.root, context.identity.name),
            nonce="",
            slot=0,
            net="10.213.0",
            uid=uid,
            gid=gid,
        )


def look(
    context: Context,
    instance: Instance,
    names: Sequence[str],
    runtime: Runtime | None = None,
    snapshot: Snapshot | None = None,
) -> Scene:
    """What is wanted beside what is there. Changes nothing. Raises InvalidConfig for a broken file of what is meant."""
    stack = context.stack(instance)
    remembered = journal.read(instance.folder)
    part = chosen(context.settings, stack, names, remembered=remembered.profile)
    meant = with_needs(part.components, stack)
    runtime = runtime or context.runtime(stack, owner=instance.owner)
    components = [context.components[name] for name in meant]
    exam = examine(components, stack, instance=instance.name, root=context.root)
    scene = Scene(
        instance=instance,
        stack=stack,
        here=limited(stack, meant),
        meant=meant,
        runtime=runtime,
        snapshot=snapshot or runtime.observe(),
        prints=fingerprints(stack),
        files=collect(context.settings.seed, stack.components),
        part=replace(part, components=meant),
        exam=exam,
        absent=_still_absent(context, limited(stack, meant), remembered),
    )
    return replace(scene, losses=_losses(context, scene))


def _losses(context: Context, scene: Scene) -> tuple[Loss, ...]:
    """Of what this plan would make. What nobody means now may be gone without being missed."""
    if not volumes.lost(context, scene.instance, scene.stack, scene.snapshot):
        return ()
    made = {step.subject for step in scene.plan().steps if step.act is Act.CREATE_VOLUME}
    return volumes.lost(context, scene.instance, scene.stack, scene.snapshot, wanted=made)


def _still_absent(context: Context, here: Stack, remembered: journal.Journal) -> Mapping[str, str]:
    """Where nobody insists, and the image has not come in the meantime."""
    if context.settings.strict or not remembered.absent:
        return {}
    images = context.images()
    there = {images.resolve([name])[name] for name, image in images.stored().items() if image}
    return {
        name: why
        for name, why in remembered.absent.items()
        if name in here.services and here.services[name].image not in there
    }
