"""The input of every command: the instance, the settings, the listener, the runtime provider and image store (fakes in tests)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field
from msgspec.structs import force_setattr

from nexusdev.components.component_set import ComponentSet, JoinedComponents
from nexusdev.components.contract import Component
from nexusdev.errors import InvalidConfig, InvalidState, NotFound
from nexusdev.events import Listener, Silence
from nexusdev.instance.identity import Identity
from nexusdev.instance.paths import folder_of
from nexusdev.interfaces import Runtime
from nexusdev.runtimes import registry
from nexusdev.settings import Settings
from nexusdev.stack import model
from nexusdev.stack.model import Allocations, Stack
from nexusdev.util.clock import Clock, SystemClock
from nexusdev.util.file_cache import FileCache
from nexusdev.util.home import current_folder

if TYPE_CHECKING:
    from nexusdev.env.fast import FailedProof
    from nexusdev.images.images import Images
    from nexusdev.instance.instance import Instance
    from nexusdev.runtimes.options import RuntimeOptions
    from nexusdev.runtimes.provider import RuntimeProvider


def stack_file() -> Path:
    """The outermost compose file: inside the installed package, or in the checkout this code runs from."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_compose", package.parent / "compose"):
        if (folder / "stack.yaml").is_file():
            return folder / "stack.yaml"
    raise InvalidConfig(
        "stack.yaml is missing from this installation", why=f"looked beside {package}", hint="pipx reinstall nexusdev"
    )


def _port_taken(port: int) -> bool:
    from nexusdev.instance.port_blocks import is_taken

    return is_taken(port)


def _claim_block(slot: int) -> Claimed | None:
    from nexusdev.instance.port_blocks import claim

    return claim(slot)


def _open_images(provider: RuntimeProvider, root: Path, kinds: tuple[str, ...], cache: Path) -> Images:
    from nexusdev.images.images import open_images

    return open_images(root, kinds=kinds, cache=cache, connect=provider.image_store)


#: Variables of the environment with this prefix have values in the project's own files.
OWN_VARIABLE = "NEXUSDEV_VAR_"


class Claimed(Protocol):
    """A claim on a resource of this machine."""

    def close(self) -> None:
        """End the claim."""


class Context(Struct, frozen=True, kw_only=True, dict=True):
    """One run of one command.

    Attributes:
        identity: The instance and the project that the command is for.
        settings: The settings, with their origins.
        root: The folder with the state of all instances.
        listener: Receives the events.
        clock: Measures and waits.
        components: The platform's components. Those of own services are added if the settings include their files.
        compose: The file of the stack.
        environ: The environment of the process.
        timeout_given: Whether the user gave a time limit; otherwise the command's own default applies.
        failed_proof: The failure that the quick path of ``env`` found for this command; None if it did not run.
        given_provider: A provider to use instead of the one that the settings name.
        port_taken: Returns whether something listens on a port of this machine.
        claim_block: Claims a block of host ports until it is closed; returns None if another process has it.
        host_root: The root of this machine's own files, such as its trusted authorities.
        in_memory: Whether a new instance has its data in memory instead of volumes.
        open_images: Opens the images of this installation, with a provider's store.
    """

    identity: Identity
    settings: Settings
    root: Path
    listener: Listener = field(default_factory=Silence)
    clock: Clock = field(default_factory=SystemClock)
    components: Mapping[str, Component] = field(default_factory=ComponentSet)
    compose: Path = field(default_factory=stack_file)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    timeout_given: bool = False
    failed_proof: FailedProof | None = None
    given_provider: RuntimeProvider | None = None
    port_taken: Callable[[int], bool] = _port_taken
    claim_block: Callable[[int], Claimed | None] = _claim_block
    host_root: Path = Path("/")
    in_memory: bool = False
    open_images: Callable[[RuntimeProvider, Path, tuple[str, ...], Path], Images] = _open_images

    def __post_init__(self) -> None:
        if self.settings.include and not isinstance(self.components, JoinedComponents):
            force_setattr(self, "components", JoinedComponents(self.components, self._own_components))

    def _own_components(self) -> Mapping[str, Component]:
        """Name → component, of the project's own services."""
        from nexusdev.components.own_service_component import OwnServiceComponent
        from nexusdev.instance.instance import find, preview

        if "own" not in self._cache:
            try:
                instance = find(self.identity, root=self.root)
            except NotFound:
                instance = preview(self.identity, root=self.root)
            self._cache["own"] = {each.component: OwnServiceComponent(each) for each in self.stack(instance).own}
        own: Mapping[str, Component] = self._cache["own"]
        return own

    @cached_property
    def provider(self) -> RuntimeProvider:
        """The runtime that the settings name, or the one that was given."""
        return self.given_provider or registry.provider(self.settings.runtime, self._runtime_options)

    def _runtime_options(self) -> RuntimeOptions:
        from nexusdev.runtimes.options import RuntimeOptions

        chosen = self.settings
        return RuntimeOptions(
            context=chosen.context,
            place=chosen.namespace,
            storage_class=chosen.storage_class,
            storage_size=chosen.storage_size,
            reach=chosen.reach,
            registry=chosen.registry,
            pull_secret=chosen.pull_secret,
            folder=str(folder_of(self.root, self.identity.name)),
        )

    @cached_property
    def _cache(self) -> dict[str, Any]:
        """What was read once: no field, as it is no part of what a context is or shows."""
        return {}

    def instance(self) -> Instance:
        """The instance as it exists.

        Raises:
            NotFound: There is none (exit 3).
            IdentityMismatch: This folder had one under another path (PROJECT_MOVED), or it is of another runtime (RUNTIME_MISMATCH).
            InvalidState: Its containers or data exist, and its state is elsewhere or lost (STATE_ELSEWHERE, STATE_LOST).
        """
        from nexusdev.instance.instance import find

        self.require_runtime()
        try:
            return find(self.identity, root=self.root)
        except NotFound:
            from nexusdev.moved_projects import refuse_moved, refuse_stateless

            refuse_moved(self)
            refuse_stateless(self)
            raise

    def images(self) -> Images:
        """The images of this installation, in the order of sources that the settings name."""
        if "images" not in self._cache:
            cache = folder_of(self.root, self.identity.name)
            opened = self.open_images(self.provider, self.root, self.settings.image_sources, cache)
            self._cache["images"] = opened.of_runtime(self.settings.runtime)
        images: Images = self._cache["images"]
        return images

    def stack(self, instance: Instance) -> Stack:
        """The whole stack of this instance. Read once: the files do not change during a command."""
        environment = self._environment(instance)
        key = (environment, instance.single, instance.in_memory)
        if self._cache.get("stack of") != key:
            self._cache.update({"stack of": key, "stack": self._load(instance, environment)})
        stack: Stack = self._cache["stack"]
        return stack

    def read_stack(self, instance: Instance) -> Stack:
        """The stack of an instance that need not exist, read from the files. Nothing is kept in its state folder."""
        return self._read(instance, self._environment(instance), self._allocations(instance.folder))

    def _environment(self, instance: Instance) -> Mapping[str, str]:
        return {**self._own_variables(), **instance.environment(self.images().resolve())}

    def _allocations(self, folder: Path) -> Allocations:
        from nexusdev.instance import own_allocations

        return own_allocations.read(folder) if self._include() else Allocations()

    def _read(self, instance: Instance, environment: Mapping[str, str], allocations: Allocations) -> Stack:
        from nexusdev.stack.loader import load
        from nexusdev.stack.single import in_memory, single_stack

        stack = load(self.compose, environment, include=self._include(), allocations=allocations)
        stack = single_stack(stack, instance.single) if instance.single else stack
        return in_memory(stack) if instance.in_memory else stack

    def _load(self, instance: Instance, environment: Mapping[str, str]) -> Stack:
        include, allocations = self._include(), self._allocations(instance.folder)

        def read() -> Stack:
            return self._read(instance, environment, allocations)

        key = f"{self.compose} {environment}" + (f" {include} {allocations}" if include else "")
        key += f" {instance.single} {instance.in_memory}" if instance.single or instance.in_memory else ""
        cache = FileCache(instance.folder / "stack.kept", Stack, key=key)
        # the result also depends on the code, which changes during development of nexusdev
        return cache.get(read, made_of=lambda stack: (*stack.made_of, *Path(model.__file__).parent.glob("*.py")))

    def _own_variables(self) -> Mapping[str, str]:
        """The variables of this machine that the project's own files may refer to. The platform's files refer to none."""
        if not self.settings.include:
            return {}
        return {name: value for name, value in self.environ.items() if name.startswith(OWN_VARIABLE)}

    def _include(self) -> tuple[Path, ...]:
        """The files of the project's own services. Raises InvalidConfig for one that does not exist."""
        for file in self.settings.include:
            if not file.is_file():
                raise InvalidConfig(
                    f"{self.settings.origins.get('include', 'include')}: {file} does not exist or is not a file",
                    why="it is named in include",
                    hint="nexusdev config show   all settings and where each comes from",
                )
        return self.settings.include

    def runtime(self, stack: Stack | None = None, *, owner: Path | None = None) -> Runtime:
        """The runtime of this instance. Raises IdentityMismatch for an instance of another runtime."""
        self.require_runtime()
        state = folder_of(self.root, self.identity.name)
        return self.provider.runtime(
            self.identity.name, owner=owner or self.identity.project, state_path=str(state), stack=stack
        )

    def require_runtime(self) -> None:
        """Refuse to look for an instance in a runtime that it was not made in.

        Raises:
            IdentityMismatch: Its record names another runtime than the settings.
        """
        from nexusdev.instance import state
        from nexusdev.instance.identity import require_runtime

        try:
            record = state.read_record(folder_of(self.root, self.identity.name))
        except InvalidState:
            return  # the code that needs the record reports the error
        if record:
            origin = self.settings.origins.get("runtime", "default")
            require_runtime(self.identity.name, record.runtime, asked=self.settings.runtime, origin=origin)


def open_context(project: Path | None = None, *, flags: Mapping[str, object] | None = None, **members: Any) -> Context:
    """Find the project, read its settings, and name its instance.

    Args:
        project: A folder in the project; None for the current folder.
        flags: Settings by their key, which override every other source; None for one that was not given.
        members: Members of ``Context`` that replace their defaults: a listener, and in tests the provider, the components, the clock.

    Raises:
        InvalidConfig: A setting cannot be used.
        NotFound: There is no such folder.
    """
    from nexusdev.instance.identity import find_project, identify
    from nexusdev.instance.state import state_root
    from nexusdev.settings import load

    given = flags or {}
    found = find_project(project or current_folder())
    chosen = load(found, flags=given)
    root = state_root()
    return Context(
        identity=identify(found, chosen.instance, root=root),
        settings=chosen,
        root=root,
        timeout_given=given.get("timeout") is not None,
        **members,
    )
