"""The throw-away stack for people who use testcontainers without pytest: ``with NexusContainers() as nexus``.

testcontainers (its core API) starts single containers of floating images. Here the containers come from nexusdev's own compose files and its Docker
runtime, which knows their order, files and secrets, so this class is a thin front: the methods of testcontainers' own containers, wait strategies
that ask nexusdev's probes, and the session label by which Ryuk removes what a killed process left behind.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import Reaper
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.labels import create_labels
from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget

from nexusdev.env import stored
from nexusdev.errors import NotFound
from nexusdev.interfaces import Address, View
from nexusdev.testing.ephemeral import EphemeralStack, ephemeral_root, new_run

if TYPE_CHECKING:
    from typing import Self

    from nexusdev.context import Context
    from nexusdev.interfaces import InstanceAccess

#: Seconds between two probes of a wait strategy.
POLL = 0.05


class ServiceContainer:
    """One container of the stack, with the methods that testcontainers' wait strategies call."""

    def __init__(self, nexus: NexusContainers, service: str) -> None:
        self._nexus, self.service = nexus, service

    def get_container_host_ip(self) -> str:
        """Return the address at which this machine reaches its ports."""
        return "127.0.0.1"

    def get_exposed_port(self, port: int) -> int:
        """Return the port of this machine that leads to a port of the container.

        Raises:
            NotFound: The port is not published.
        """
        return self._nexus.address(self.service, port).port

    def get_wrapped_container(self) -> Any:
        """Return the container of the library ``docker``."""
        return DockerClient().client.containers.get(self._nexus.container_name(self.service))

    def get_logs(self) -> tuple[bytes, bytes]:
        """Return what it wrote to stdout and stderr."""
        container = self.get_wrapped_container()
        return container.logs(stderr=False), container.logs(stdout=False)

    def reload(self) -> None:
        """Do nothing: every call asks the engine."""

    @property
    def status(self) -> str:
        """Return its state in the engine's words: ``running``, ``exited``."""
        return str(self.get_wrapped_container().status)


class NexusContainers:
    """PostgreSQL, Redis, MinIO and Vault for a ``with`` block: real servers with their data in memory, removed at its end.

    If the process is killed, they are removed within seconds by a process of nexusdev, and by Ryuk where it runs.
    """

    def __init__(self, tier: str = "lite", *, project: str | os.PathLike[str] = ".") -> None:
        """Nothing is started yet.

        Args:
            tier: ``lite`` for one server of each product, ``ha`` for those that can fail over.
            project: A folder of the project whose settings and seed files are used.
        """
        folder = Path(project).absolute()
        self._stack = EphemeralStack(
            run=new_run(), project=folder, tier=tier, root=ephemeral_root(), labels=create_labels("", {})
        )
        self._strategies: list[WaitStrategy] = []
        self._known: tuple[Context, InstanceAccess] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def waiting_for(self, *strategies: WaitStrategy) -> Self:
        """Also wait for these when it starts. That all servers are ready is waited for anyway."""
        self._strategies += strategies
        return self

    def start(self) -> Self:
        """Start the servers, and return when they are ready, seeded and proven.

        Raises:
            NexusError: They do not become ready. Nothing of them is left.
        """
        if not testcontainers_config.ryuk_disabled:
            threading.Thread(target=_start_ryuk, daemon=True).start()
        try:
            self._stack.start()
            for strategy in self._strategies:
                strategy.wait_until_ready(self.get_container(next(iter(self._access().topology.services))))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Remove the servers. Idempotent."""
        self._known = None
        self._stack.remove()

    def env(self, view: str = "host") -> Mapping[str, str]:
        """Return the variables for applications: name → value.

        Args:
            view: ``host`` for programs of this machine, ``container`` for containers in the stack's network.
        """
        context, _ = self._read()
        return stored.read(context.instance().folder).views[str(View(view))]

    def address(self, name: str, port: int) -> Address:
        """Return where this machine reaches a service or role name (``redis-master``) at a container port.

        Raises:
            NotFound: The port is not published.
        """
        try:
            return self._access().address(name, port)
        except KeyError as error:
            raise NotFound(f"port {port} of {name} is not published", hint="nexusdev ports") from error

    def get_container(self, service: str) -> ServiceContainer:
        """Return a container by the name of its service: ``postgresql-0``.

        Raises:
            NotFound: The stack has no such service.
        """
        services = self._access().topology.services
        if service not in services:
            raise NotFound(f"this stack has no service {service}", why=f"it has {', '.join(services)}")
        return ServiceContainer(self, service)

    def container_name(self, service: str) -> str:
        """Return the name of a container in the engine."""
        context, _ = self._read()
        return f"{context.identity.compose_project}-{service}-1"

    def ready(self, component: str) -> NexusReady:
        """Return a wait strategy for a component of this stack, for any container that needs it."""
        return NexusReady(lambda: self.missing(component), component)

    def missing(self, component: str) -> str:
        """Probe a component once, and return what it lacks to be ready; '' for nothing."""
        context, access = self._read()
        found = context.components[component]
        return found.assess(found.probe(access, test_writes=True)).missing

    def _access(self) -> InstanceAccess:
        return self._read()[1]

    def _read(self) -> tuple[Context, InstanceAccess]:
        if self._known is None:
            context = self._stack.context()
            instance = context.instance()
            stack = context.stack(instance)
            self._known = context, instance.access(context.runtime(stack, owner=instance.owner), stack)
        return self._known


class NexusReady(WaitStrategy):
    """Waits until a component of the stack is ready, by nexusdev's own probes, which it asks every 50 ms.

    ``DockerContainer("shop").waiting_for(nexus.ready("postgres"))``
    """

    def __init__(self, missing: Callable[[], str], component: str) -> None:
        super().__init__()
        self._missing, self._component, self._last = missing, component, ""
        self.with_poll_interval(POLL)

    def wait_until_ready(self, container: WaitStrategyTarget) -> None:
        """Return when the component is ready, whatever the state of the container.

        Raises:
            TimeoutError: It did not become ready in time; the message says what is missing.
        """
        del container
        if not self._poll(self._is_ready):
            raise TimeoutError(f"{self._component} is not ready after {self._startup_timeout:.0f} s: {self._last}")

    def _is_ready(self) -> bool:
        self._last = self._missing()
        return not self._last


def _start_ryuk() -> None:
    """Start Ryuk, or do without: nexusdev's own process removes the stack as well."""
    with suppress(Exception):
        Reaper.get_instance()
