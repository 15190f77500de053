"""What every verb is given: whose instance, which settings, who listens, and the doors to the engine (fakes in tests)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nexusdev.components.contract import Component
from nexusdev.components.registry import ALL
from nexusdev.errors import InvalidConfig
from nexusdev.events import Listener, Silence
from nexusdev.instance.identity import Identity
from nexusdev.ports import Clock, Runtime
from nexusdev.settings import Settings
from nexusdev.waiting import SystemClock

if TYPE_CHECKING:
    from nexusdev.instance.instance import Instance
    from nexusdev.plan.survey import Survey
    from nexusdev.runtimes.docker_connect import EngineFacts
    from nexusdev.stack.model import Stack


class Doors(Protocol):
    """How verbs reach an engine."""

    def runtime(self, identity: Identity, *, owner: Path, stack: Stack | None = None) -> Runtime:
        """The runtime of one instance; without a stack it can create nothing. Connects when first used."""

    def survey(self, *, images: bool = False) -> Survey:
        """What the engine holds of every instance."""

    def facts(self) -> EngineFacts:
        """What the engine says of itself. Raises PreflightFailed."""


class DockerDoors:
    """The Docker engine of this process's environment."""

    def runtime(self, identity: Identity, *, owner: Path, stack: Stack | None = None) -> Runtime:
        from nexusdev.runtimes.docker import DockerRuntime

        return DockerRuntime(identity.compose_project, instance=identity.name, owner_path=str(owner), stack=stack)

    def survey(self, *, images: bool = False) -> Survey:
        from nexusdev.runtimes.docker_connect import engine, in_our_words
        from nexusdev.runtimes.docker_survey import survey

        found = engine()
        with in_our_words(found.endpoint):
            return survey(found, images=images)

    def facts(self) -> EngineFacts:
        from nexusdev.runtimes.docker_connect import engine

        return engine().facts()


def stack_file() -> Path:
    """The outermost compose file: inside the installed package, or in the checkout this code runs from."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_compose", package.parent / "compose"):
        if (folder / "stack.yaml").is_file():
            return folder / "stack.yaml"
    raise InvalidConfig(
        "stack.yaml is missing from this installation", why=f"looked beside {package}", hint="pipx reinstall nexusdev"
    )


@dataclass(frozen=True, kw_only=True)
class Context:
    """One run of one verb.

    root           folder of all instances' state
    timeout_given  a flag or a setting said how long to wait; else the verb's own default counts
    """

    identity: Identity
    settings: Settings
    root: Path
    listener: Listener = field(default_factory=Silence)
    doors: Doors = field(default_factory=DockerDoors)
    clock: Clock = field(default_factory=SystemClock)
    components: Mapping[str, Component] = field(default_factory=lambda: ALL)
    compose: Path = field(default_factory=stack_file)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    timeout_given: bool = False

    def instance(self) -> Instance:
        """The instance as it exists. Raises NotFound (exit 3)."""
        from nexusdev.instance.instance import find

        return find(self.identity, root=self.root)

    def image_references(self) -> Mapping[str, str]:
        """Lock name → reference in the engine's store; NEXUSDEV_IMAGE_<NAME> overrides one (a trial of another build)."""
        from nexusdev.images.lock import load
        from nexusdev.images.tags import tags

        found = dict(tags(load(self.compose.parent / "images.lock.yaml")))
        for name in found:
            found[name] = self.environ.get(f"NEXUSDEV_IMAGE_{name.upper().replace('-', '_')}") or found[name]
        return found

    def stack(self, instance: Instance, images: Mapping[str, str] | None = None) -> Stack:
        """The whole stack of this instance."""
        from nexusdev.stack.loader import load

        references = images if images is not None else self.image_references()
        return load(self.compose, instance.environment(references))

    def runtime(self, stack: Stack | None = None, *, owner: Path | None = None) -> Runtime:
        """The runtime of this instance."""
        return self.doors.runtime(self.identity, owner=owner or self.identity.project, stack=stack)
