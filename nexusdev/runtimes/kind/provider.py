"""The provider of the kind runtime (``--runtime kind``): a cluster of one node per instance, in the engine that the environment names."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.errors import NexusError
from nexusdev.runtimes.docker.provider import DockerProvider
from nexusdev.runtimes.kind.names import FOLDER, NODE_ROLE, cluster_name
from nexusdev.runtimes.kubernetes.render.options import NAMESPACE
from nexusdev.util.memo import Memo

if TYPE_CHECKING:
    from nexusdev.check import Check
    from nexusdev.interfaces import PlatformFacts, Runtime
    from nexusdev.inventory import InstanceInventory, Inventory
    from nexusdev.runtimes.image_store import ImageStore
    from nexusdev.runtimes.kind.builder import ClusterBuilder
    from nexusdev.stack.model import Stack

#: Names in the image lock.
NODE_IMAGE, CALICO_IMAGE, CLI_IMAGE = "kind-node", "calico", "kind-cli"
BASE_IMAGE = "base"


class KindProvider:
    """``provider.RuntimeProvider`` over a Docker engine and the programs kind and kubectl."""

    runs_single_servers = False

    def __init__(self) -> None:
        self._docker = DockerProvider()
        self._memo = Memo()
        self._references: dict[str, str] = {}
        self._current: ClusterBuilder | None = None
        self._say: Callable[[str], None] = lambda _: None

    def labelled(self, labels: Mapping[str, str]) -> KindProvider:
        del labels  # what is in a cluster goes with it
        return self

    def _builder(self, instance: str, owner: Path, state_path: str) -> ClusterBuilder:
        from nexusdev.runtimes.kind.builder import ClusterBuilder

        return self._memo.get(
            ("cluster", instance),
            lambda: ClusterBuilder(
                instance,
                owner=str(owner),
                state_path=state_path,
                engine=self._docker.engine,
                store=self.image_store,
                references=self._references,
            ),
        )

    def runtime(self, instance: str, *, owner: Path, state_path: str = "", stack: Stack | None = None) -> Runtime:
        """Images are delivered to the cluster of the last runtime that has a stack."""
        from nexusdev.runtimes.kind.runtime import KindRuntime

        builder = self._builder(instance, owner, state_path)
        if stack is not None:
            self._current = builder
        return KindRuntime(
            instance,
            owner_path=str(owner),
            state_path=state_path,
            stack=stack,
            cluster=builder.cluster,
            create=lambda: builder.ensure(stack),
        )

    def inventory(self, *, caches: bool = False) -> Inventory:
        """List the clusters. What is in them is taken from the records: a stopped one does not answer."""
        found = self._docker.inventory(caches=caches)
        nodes = {f"container {cluster_name(name)}-{NODE_ROLE}": name for name in found.instances}
        ours = {nodes[each] for row in found.instances.values() for each in row.services if each in nodes}
        return replace(
            found, instances={name: _with_services(row) for name, row in found.instances.items() if name in ours}
        )

    def volume_sizes(self) -> Mapping[str, int]:
        """Return nothing: the volumes are folders of the node."""
        return {}

    def facts(self) -> PlatformFacts:
        return self._docker.facts()

    def checks(self, *, building: Callable[[], bool]) -> Iterator[Check]:
        from nexusdev.runtimes.kind.checks import engine_checks, machine_checks, program_checks
        from nexusdev.runtimes.kind.commands import Subprocesses
        from nexusdev.runtimes.kind.tools import version_of

        engine = self._docker.checks(building=building)
        cgroup = self._docker.engine().http.info().get("CgroupVersion", "")
        programs = program_checks(shutil.which, partial(version_of, Subprocesses()))
        api = self._docker.engine().facts().api_version
        return iter([*engine, *programs, *engine_checks(api, self._refusal), *machine_checks(cgroup)])

    def _refusal(self) -> str | None:
        """Return why the engine runs no privileged container; '' if it does, None without an image to try it with."""
        from nexusdev.runtimes.docker.privileged import refusal

        image = f"nexusdev/{BASE_IMAGE}:local"
        return refusal(self._docker.engine(), image) if self.image_store().find(image) else None

    def preflight(self, stack: Stack) -> None:
        """Raises PreflightFailed (USERNS_REMAP, DISK_FULL, CLOCK_SKEW, PROGRAM_MISSING)."""
        from nexusdev.runtimes.kind.checks import require_docker_command

        self._docker.preflight(stack)
        require_docker_command(shutil.which)

    def placement(self, slot: int, others: Collection[str], *, pool: str = "") -> str:
        """Return '': pods have addresses of their own network."""
        del slot, others, pool
        return ""

    def check_placement(self, instance: str, placement: str, *, pool: str = "") -> Check:
        from nexusdev.check import good

        del placement, pool
        return good("network", f"that of the cluster {cluster_name(instance)}")

    def require_reach(self, root: Path) -> None:
        self._docker.require_reach(root)

    def require_clock(self) -> None:
        self._docker.require_clock()

    def image_store(self) -> ImageStore:
        return self._docker.image_store()

    def own_images(self) -> tuple[str, ...]:
        """kind itself is only among them on a machine without it."""
        return (NODE_IMAGE, CALICO_IMAGE, *(() if shutil.which("kind") else (CLI_IMAGE,)))

    def provide(self, stack: Stack, references: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._references.update(references)
        self._say = say
        if self._current is None:
            raise NexusError("no runtime with a stack was made before")
        self._current.ensure(stack, say)

    def deliver(self, *references: str) -> None:
        if self._current is not None:
            self._current.deliver(references, self._say)


def _with_services(row: InstanceInventory) -> InstanceInventory:
    """Return a row with the services and volumes that its cluster had when it was seen last."""
    from nexusdev.runtimes.kind import record
    from nexusdev.runtimes.kubernetes.observation import observation_of

    seen = next((kept for path in row.state_paths if (kept := record.read(Path(path) / FOLDER))), None)
    if seen is None:
        return row
    observed = observation_of(seen, namespace=NAMESPACE)
    running = sum(each.runs for each in observed.services.values()) if row.running else 0
    return replace(
        row,
        services=tuple(each.object for each in observed.services.values()),
        running=running,
        volumes=tuple(observed.volumes.values()),
        others=(*row.services, *row.others),
    )
