"""One look at everything that runs: the facts of each component, asked at once, beside the containers as the engine sees them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from nexusdev.components.contract import Component, Node, Readiness
from nexusdev.plan.snapshot import Container, Snapshot, State
from nexusdev.ports import Runtime, Site
from nexusdev.stack.model import Service, Stack


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look at a component told; ``facts`` is None where it was not asked."""

    component: Component
    readiness: Readiness
    facts: Any = None
    nodes: Sequence[Node] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of ``status``. ``port``: the first host port, 0 for none."""

    component: str
    service: str
    role: str
    state: str
    detail: str
    ok: bool
    port: int = 0


class _Observed:
    """The runtime for components that are looked at once: its containers were observed a moment ago and are not asked for again by each."""

    def __init__(self, runtime: Runtime, snapshot: Snapshot) -> None:
        self._runtime = runtime
        self._snapshot = snapshot

    def observe(self) -> Snapshot:
        return self._snapshot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)


@dataclass(kw_only=True)
class _Look:
    component: Component
    site: Site
    facts: Any = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        try:
            self.facts = self.component.look(self.site)
        except BaseException as error:  # handed over to the thread that asked
            self.error = error
        finally:
            self.done.set()


class Looks:
    """Looks that are under way. ``components``: all that were meant, also those that nobody asks."""

    def __init__(self) -> None:
        self.components: list[Component] = []
        self._asked: dict[str, _Look] = {}

    def begin(self, component: Component, site: Site | None) -> None:
        """Ask this one, from a thread of its own; without a site it is not asked."""
        self.components.append(component)
        if site is not None:
            asked = self._asked[component.name] = _Look(component=component, site=site)
            threading.Thread(target=asked.run, daemon=True).start()

    def seen(self) -> Mapping[str, Seen]:
        """Component → what was told, once all have answered. What a look raised is raised here."""
        return {each.name: self._seen(each) for each in self.components}

    def _seen(self, component: Component) -> Seen:
        asked = self._asked.get(component.name)
        if asked is None:
            return Seen(component=component, readiness=Readiness(missing="none of its containers runs"))
        asked.done.wait()
        if asked.error is not None:
            raise asked.error
        facts = asked.facts
        return Seen(
            component=component, readiness=component.judge(facts), facts=facts, nodes=tuple(component.nodes(facts))
        )


def begin(components: Iterable[Component], site: Site, snapshot: Snapshot) -> Looks:
    """Ask every component that has a running container; the others are not ready without being asked.

    Each is asked before the next one is fetched: while its servers think, the code of the next one is imported.
    """
    site = replace(site, runtime=cast(Runtime, _Observed(site.runtime, snapshot)))
    running = {each.component for each in snapshot.containers.values() if each.state is State.RUNNING}
    looks = Looks()
    for each in components:
        looks.begin(each, site if each.name in running else None)
    return looks


def look(components: Iterable[Component], site: Site, snapshot: Snapshot) -> Mapping[str, Seen]:
    """``begin``, and the answers."""
    return begin(components, site, snapshot).seen()


def rows(stack: Stack, snapshot: Snapshot, seen: Mapping[str, Seen]) -> list[Row]:
    """One row per service that a component tells of or whose container does not run, in the order of the stack."""
    nodes = {node.service: node for each in seen.values() for node in each.nodes}
    found = []
    for service in stack.services.values():
        container = snapshot.containers.get(service.name)
        node = nodes.get(service.name)
        if service.component in seen and (node or not _runs(container)):
            found.append(_row(service, container, node))
    return found


def _row(service: Service, container: Container | None, node: Node | None) -> Row:
    port = service.ports[0].host if service.ports else 0
    if not _runs(container):
        state = container.state.value if container else "absent"
        return Row(
            component=service.component,
            service=service.name,
            role="",
            state=state,
            detail=_ending(container) if container else ("optional" if service.optional else ""),
            ok=container is None and service.optional,
            port=port,
        )
    told = node or Node(service=service.name)
    return Row(
        component=service.component,
        service=service.name,
        role=told.role,
        state=told.state,
        detail=told.detail,
        ok=told.ok,
        port=port,
    )


def _runs(container: Container | None) -> bool:
    return container is not None and container.state is State.RUNNING


def _ending(container: Container) -> str:
    if container.out_of_memory:
        return "ran out of memory"
    if container.state in (State.EXITED, State.RESTARTING) and container.exit_code:
        return f"exit code {container.exit_code}"
    return ""
